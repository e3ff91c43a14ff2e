"""A driver that writes nothing: what stands between ztpd and an element that is another tool's.

The second of two bars. The first is that nobody asks for a write; this one holds where somebody does by mistake.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess
from drivers.base import Capabilities, Driver, Heard, Outcome, Plan
from drivers.errors import Rejected


class ReadOnly:
    """``drivers.base.Driver`` that passes on what only reads; every verb that writes raises ``Rejected``.

    ``bare`` is the driver itself, for what is no part of the protocol and only reads. A driver whose ``watch`` or
    session writes by itself must be told so by its own settings as well.
    """

    def __init__(self, driver: Driver, why: str) -> None:
        self.name = driver.name
        self.bare = driver
        self._why = why

    async def capabilities(self) -> Capabilities:
        """What the element can do."""
        return await self.bare.capabilities()

    async def ports(self) -> frozenset[str]:
        """The element's own names of the access ports it has."""
        return await self.bare.ports()

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Call ``heard`` for every announcement until cancelled."""
        await self.bare.watch(heard, listening)

    async def list_discovered(self) -> list[PresentDevice]:
        """Every device present on any port."""
        return await self.bare.list_discovered()

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Everything that is configured."""
        return await self.bare.list_provisioned()

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and state of the devices."""
        return await self.bare.read(devices)

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say for each what would have to change."""
        return await self.bare.plan(wanted)

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """What the element measures of the devices."""
        return await self.bare.measure(devices)

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Refused."""
        self._refuse("apply")

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Refused."""
        self._refuse("set-admin")

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Refused."""
        self._refuse("remove")

    async def reboot(self, device: str) -> None:
        """Refused."""
        self._refuse("reboot")

    async def save(self) -> None:
        """Refused."""
        self._refuse("save")

    def adopt(self, devices: Iterable[str]) -> None:
        """Remember what is ours; nothing is written."""
        self.bare.adopt(devices)

    async def close(self) -> None:
        """End the session."""
        await self.bare.close()

    def _refuse(self, verb: str) -> NoReturn:
        raise Rejected(self.name, verb, f"nothing is written here: {self._why}")
