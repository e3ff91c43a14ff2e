"""Lists that elements keep of who is there: LLDP neighbours of switches, stations of access points and routers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from ztpd.discovery.following import Follower, Pace

T = TypeVar("T")


class HasPorts(Protocol):
    """An element that can say which ports it has."""

    name: str

    async def ports(self) -> frozenset[str]:
        """Its own names of its access ports."""
        ...


@dataclass(frozen=True, slots=True)
class ListListener(Generic[T]):
    """Hears one element by the list that ``list_now`` reads; ``keep_listing`` returns when that is durable.

    A list comes with the moment it was asked for; ``keep_ports`` only remembers. Who has a hint that it changed sets
    ``asked``. ``report_up`` is told after each reading whether there was an answer.
    """

    element: HasPorts
    list_now: Callable[[], Awaitable[Sequence[T]]]
    keep_listing: Callable[[str, Sequence[T], datetime], Awaitable[object]]
    keep_ports: Callable[[str, frozenset[str]], None]
    now: Callable[[], datetime]
    pace: Pace
    report_up: Callable[[str, bool], None] = lambda element, up: None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Listen until cancelled; an element that cannot be reached, or understood, is tried again for ever."""
        name = self.element.name
        await Follower(name, self.pace, self.asked, self._read, self.keep_listing, self.report_up).run()

    async def _read(self) -> tuple[Sequence[T], datetime]:
        self.keep_ports(self.element.name, await self.element.ports())
        asked_at = self.now()
        return await self.list_now(), asked_at
