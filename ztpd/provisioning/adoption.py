"""Taking over what others configured: the element is read, held against a list, and what fits becomes ours.

Nothing is written on the element, whatever mode it is in.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from drivers.base import Driver
from ztpd.domain.adoption import NEWLY_OURS, Finding, ListedService, Paired, pair
from ztpd.store import adoption
from ztpd.store.adoption import Where
from ztpd.store.store import Store
from ztpd.store.transaction import Refused, Unknown

GROUP = 32
"""How many services one transaction takes over: nobody else waits longer for the database than for these."""


@dataclass(frozen=True, slots=True)
class Adopter:
    """Adopts what is on the elements that have a driver; ``serves`` tells an element's technologies."""

    store: Store
    drivers: Mapping[str, Driver]
    serves: Callable[[str], frozenset[str]]

    async def restore(self) -> None:
        """Tell each driver what was adopted on its element in earlier runs."""
        rows = await self.store.read(lambda reader: reader.adopted())
        for name, driver in self.drivers.items():
            driver.adopt([row["device"] for row in rows if row["element"] == name])

    async def adopt(
        self, element: str, listed: Sequence[ListedService], actor: str, *, dry_run: bool
    ) -> AsyncIterator[Finding]:
        """Read the element; the findings then come as they are committed, those of unlisted devices last.

        Raises ``Unknown``, ``Refused`` (nothing can be read there) and ``ElementError``, all before the first finding.
        """
        driver, where = self._driver(element), Where(element, self._technology(element), actor)
        found = pair(listed, await driver.list_provisioned())
        return self._findings(driver, where, found, dry_run)

    async def _findings(self, driver: Driver, where: Where, found: Paired, dry_run: bool) -> AsyncIterator[Finding]:
        for finding in found.findings:
            yield finding
        for start in range(0, len(found.pairs), GROUP):
            some = found.pairs[start : start + GROUP]
            made = await self.store.commit(adoption.take_over, where, some, dry_run=dry_run)
            if not dry_run:
                driver.adopt([each.device for each in made if each.outcome in NEWLY_OURS and each.device is not None])
            for finding in made:
                yield finding
        for start in range(0, len(found.unlisted), GROUP):
            some_unlisted = found.unlisted[start : start + GROUP]
            for finding in await self.store.commit(adoption.tell_unlisted, where, some_unlisted):
                yield finding

    def _driver(self, element: str) -> Driver:
        if element in self.drivers:
            return self.drivers[element]
        if not self.serves(element):
            raise Unknown("element", element)
        raise Refused(f"element {element} has no driver that lists what is provisioned", "adopt on another element")

    def _technology(self, element: str) -> str:
        serves = sorted(self.serves(element))
        if len(serves) != 1:
            raise Refused(f"element {element} serves {', '.join(serves)}", "adopt on an element that serves one")
        return serves[0]
