"""PON announcements: one listener an element, hearing what it announces and reading what it lists.

An announcement is a hint and the list is the truth: it is read after every (re)connection, on a jittered poll, and
whenever something heard could not be kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random

from drivers.access import PresentDevice
from drivers.base import Driver
from ztpd.discovery.following import Follower, Pace, flaw, tell
from ztpd.discovery.inbox import next_group
from ztpd.logs import Trouble

READINGS = 3
"""How often a list is read at most because something was announced meanwhile."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Where what was heard goes; the first two return when it is durable, ``ports`` only remembers.

    An announcement comes with the moment it was heard, a list with the moment it was asked for.
    """

    announcement: Callable[[str, PresentDevice, datetime], Awaitable[object]]
    listing: Callable[[str, Sequence[PresentDevice], datetime], Awaitable[object]]
    ports: Callable[[str, frozenset[str]], None]


class _Heard:
    """Announcements that wait to be kept, with the moment each was heard; ``incomplete`` once the list is needed."""

    def __init__(self, room: int, now: Callable[[], datetime], incomplete: asyncio.Event) -> None:
        self.waiting: asyncio.Queue[tuple[PresentDevice, datetime]] = asyncio.Queue(room)
        self.incomplete = incomplete
        self.count = 0
        self._listening = False
        self._now = now

    def begin(self) -> None:
        """From now on announcements are heard: what was announced before is in the list that is read next."""
        self._listening = True
        self.incomplete.set()

    def end(self) -> None:
        """They are heard no more; the list tells whether the element is still there."""
        if self._listening:
            self._listening = False
            self.incomplete.set()

    def hear(self, onu: PresentDevice) -> None:
        """Take an announcement without waiting."""
        self.count += 1
        try:
            self.waiting.put_nowait((onu, self._now()))
        except asyncio.QueueFull:
            self.incomplete.set()


@dataclass(frozen=True, slots=True)
class PonListener:
    """Hears one element and follows its list (``following``), with ``reconnect_s`` between sessions that listen.

    Who has a hint that the list changed (a trap, a line of syslog, MQTT) sets ``asked``. At most ``room`` announcements
    wait. ``report_up`` is told after each reading of the list whether there was an answer.
    """

    driver: Driver
    keep: Keep
    now: Callable[[], datetime]
    random: Random
    poll_s: float
    reconnect_s: float
    report_up: Callable[[str, bool], None] = lambda element, up: None
    reread_s: float = 0.5
    room: int = 4096
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Listen until cancelled; an element that cannot be reached, or understood, is tried again for ever.

        Announcements and the list do not wait for each other: an element that announces nothing is still read.
        """
        heard, pace = _Heard(self.room, self.now, self.asked), self._pace()
        follower = Follower(
            self.driver.name, pace, self.asked, partial(self._read, heard), self.keep.listing, self.report_up
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear(heard, pace))
            group.create_task(follower.run())
            group.create_task(self._keep_heard(heard, follower))

    def _pace(self) -> Pace:
        return Pace(self.random, self.poll_s, self.reconnect_s, self.reread_s)

    async def _hear(self, heard: _Heard, pace: Pace) -> None:
        trouble = Trouble()
        while True:
            watching = asyncio.ensure_future(self.driver.watch(heard.hear, heard.begin))
            try:
                if await _outlasts(watching, self.poll_s):
                    trouble.over()
                await asyncio.wait({watching})
            finally:
                watching.cancel()
                (ended,) = await asyncio.gather(watching, return_exceptions=True)
                heard.end()
            tell(self.driver.name, trouble, "element announces nothing", ended, exc_info=flaw(ended))
            await asyncio.sleep(pace.jittered(self.reconnect_s))

    async def _read(self, heard: _Heard) -> tuple[Sequence[PresentDevice], datetime]:
        """The list; read again when something was announced meanwhile, for then it may be the older of the two."""
        self.keep.ports(self.driver.name, await self.driver.ports())
        for _ in range(READINGS):
            before, asked_at = heard.count, self.now()
            listed = await self.driver.list_discovered()
            if heard.count == before:
                break
        return listed, asked_at

    async def _keep_heard(self, heard: _Heard, follower: Follower[PresentDevice]) -> None:
        while True:
            group = await next_group(heard.waiting)
            keeping = (self.keep.announcement(self.driver.name, onu, heard_at) for onu, heard_at in group)
            if not all(await asyncio.gather(*map(follower.kept, keeping))):
                heard.incomplete.set()


async def _outlasts(task: asyncio.Future[None], seconds: float) -> bool:
    _, pending = await asyncio.wait({task}, timeout=seconds)
    return bool(pending)
