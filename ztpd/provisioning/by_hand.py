"""What a person has an element do at once, beside all jobs: restart a device, measure it."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.access import Levels, ObservedAccess
from drivers.base import Driver
from ztpd.store import quarantine
from ztpd.store.store import Store
from ztpd.store.transaction import Refused, Transaction, Unknown


@dataclass(frozen=True, slots=True)
class ByHand:
    """The elements, for what is asked out of turn; each call raises ``Unknown``, ``Refused`` or ``ElementError``."""

    store: Store
    drivers: Mapping[str, Driver]

    async def reboot(self, service: str, actor: str) -> None:
        """Restart the device that a service ends in; it is audited before it is done."""
        driver, device = await self._where(service)
        await self.store.commit(_audit_reboot, service, driver.name, device, actor)
        await driver.reboot(device)

    async def measure(self, service: str) -> tuple[ObservedAccess | None, Levels]:
        """What the element has configured for a service now, and what it measures of it."""
        driver, device = await self._where(service)
        observed = (await driver.read([device])).get(device)
        return observed, (await driver.measure([device]))[device]

    async def _where(self, service: str) -> tuple[Driver, str]:
        where = await self.store.read(lambda reader: reader.whereabouts(service))
        if where is None:
            raise Unknown("installed service", service)
        element, device = where
        driver = self.drivers.get(element)
        if driver is None:
            raise Refused(f"element {element} is not configured by this node", "correct the location or the elements")
        return driver, device


def _audit_reboot(tx: Transaction, service: str, element: str, device: str, actor: str) -> None:
    quarantine.audit(tx, actor, "device.reboot", f"service/{service}", element=element, device=device)
