"""What hears the elements: for each its listener, whose lists and announcements are committed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import TypeVar

from drivers.access import PresentDevice
from drivers.base import Driver, ListsNeighbours, Neighbour
from ztpd.discovery.following import Pace
from ztpd.discovery.inbox import GROUP
from ztpd.discovery.listing import HasPorts, ListListener
from ztpd.discovery.pon import Keep, PonListener
from ztpd.domain.sighting import Source
from ztpd.settings import DiscoverySection
from ztpd.store import sightings, stations
from ztpd.store.sightings import Difference
from ztpd.store.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listeners:
    """What the listeners share.

    ``asked`` has each element's event that its list is to be read now; ``sighted`` counts what became of sightings (of
    a source, how, how many), ``has_ports`` remembers an element's ports, ``report_up`` whether it answers.
    ``changed`` is told of an element whose list or announcements brought news.
    ``announcing`` and ``listing`` bound what is under way over all elements: however many of them restart at once,
    whoever else writes waits for two groups at most.
    """

    store: Store
    section: DiscoverySection
    now: Callable[[], datetime]
    random: Random
    asked: Mapping[str, asyncio.Event]
    sighted: Callable[[str, str, int], None]
    has_ports: Callable[[str, frozenset[str]], None]
    report_up: Callable[[str, bool], None]
    changed: Callable[[str], None] = lambda element: None
    announcing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(GROUP))
    listing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def pon(self, driver: Driver) -> PonListener:
        """Hears one OLT."""

        async def announced(element: str, onu: PresentDevice, heard_at: datetime) -> None:
            async with self.announcing:
                await self.store.commit(sightings.record_announcement, element, onu, heard_at)
            self.sighted(Source.PON.value, "kept", 1)
            self.changed(element)

        async def listed(element: str, present: Sequence[PresentDevice], read_at: datetime) -> None:
            async def record(after: Difference | None) -> list[Difference]:
                async with self.listing:
                    found = await self.store.commit(
                        sightings.record_listing, element, present, read_at, after=after, limit=GROUP
                    )
                if found:
                    self.changed(element)
                return found

            await _a_few_at_a_time(record)

        return PonListener(
            driver,
            Keep(announced, listed, self.has_ports),
            self.now,
            self.random,
            self.section.poll_s,
            self.section.reconnect_s,
            self.report_up,
            asked=self.asked[driver.name],
        )

    def neighbours(self, lister: ListsNeighbours) -> ListListener[Neighbour]:
        """Hears one element that lists its neighbours."""

        async def listed(element: str, present: Sequence[Neighbour], read_at: datetime) -> None:
            async def record(after: Difference | None) -> list[Difference]:
                async with self.listing:
                    found = await self.store.commit(
                        sightings.record_neighbours, element, present, read_at, after=after, limit=GROUP
                    )
                self._heard(element, Source.LLDP, len(found))
                return found

            await _a_few_at_a_time(record)

        return self._list_listener(lister, lister.list_neighbours, listed, self.has_ports)

    def stations(self, driver: Driver) -> ListListener[PresentDevice]:
        """Hears one element that lists subscribers' devices by their MAC."""

        async def listed(element: str, present: Sequence[PresentDevice], read_at: datetime) -> None:
            async with self.listing:
                heard = await self.store.commit(stations.record_stations, element, present, read_at, GROUP)
            self._heard(element, Source.STATION, heard)

        return self._list_listener(driver, driver.list_discovered, listed, self.has_ports)

    def presence(self, driver: Driver) -> ListListener[PresentDevice]:
        """Follows an element that knows no devices, whose ports come with its services: whether it answers."""

        async def listed(element: str, present: Sequence[PresentDevice], read_at: datetime) -> None:
            return

        return self._list_listener(driver, driver.list_discovered, listed, lambda element, ports: None)

    def _heard(self, element: str, source: Source, count: int) -> None:
        if count:
            self.sighted(source.value, "kept", count)
            self.changed(element)

    def _list_listener(
        self,
        element: HasPorts,
        list_now: Callable[[], Awaitable[Sequence[T]]],
        keep: Callable[[str, Sequence[T], datetime], Awaitable[object]],
        has_ports: Callable[[str, frozenset[str]], None],
    ) -> ListListener[T]:
        pace = Pace(self.random, self.section.poll_s, self.section.reconnect_s)
        asked = self.asked[element.name]
        return ListListener(element, list_now, keep, has_ports, self.now, pace, self.report_up, asked)


async def _a_few_at_a_time(record: Callable[[Difference | None], Awaitable[list[Difference]]]) -> None:
    """Record what differs behind the last that was recorded, until that is all."""
    last: Difference | None = None
    while len(found := await record(last)) == GROUP:
        last = found[-1]
