"""LLDP on access ports: one listener an element, reading which neighbours it lists.

Nothing is announced: the list is read on a jittered poll, again and again while there is no answer, and when asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from drivers.base import ListsNeighbours, Neighbour
from ztpd.discovery.following import Follower, Pace


@dataclass(frozen=True, slots=True)
class LldpListener:
    """Hears one element; ``keep_listing`` returns when a list is durable, ``keep_ports`` only remembers.

    A list comes with the moment it was asked for. Who has a hint that it changed sets ``asked``. ``report_up`` is told
    after each reading whether there was an answer.
    """

    lister: ListsNeighbours
    keep_listing: Callable[[str, Sequence[Neighbour], datetime], Awaitable[object]]
    keep_ports: Callable[[str, frozenset[str]], None]
    now: Callable[[], datetime]
    pace: Pace
    report_up: Callable[[str, bool], None] = lambda element, up: None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Listen until cancelled; an element that cannot be reached, or understood, is tried again for ever."""
        name = self.lister.name
        await Follower(name, self.pace, self.asked, self._read, self.keep_listing, self.report_up).run()

    async def _read(self) -> tuple[Sequence[Neighbour], datetime]:
        self.keep_ports(self.lister.name, await self.lister.ports())
        asked_at = self.now()
        return await self.lister.list_neighbours(), asked_at
