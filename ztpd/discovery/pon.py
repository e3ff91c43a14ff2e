"""PON announcements: one listener an element, hearing what it announces and reading what it lists.

An announcement is a hint and the list is the truth: it is read after every (re)connection, on a jittered poll, and
whenever something heard could not be kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import structlog

from drivers.base import Driver
from drivers.errors import ElementError
from pon.onu import PresentOnu
from ztpd.discovery.inbox import next_group
from ztpd.logs import Trouble

log = structlog.get_logger()

READINGS = 3
"""How often a list is read at most because something was announced meanwhile."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Where what was heard goes; the first two return when it is durable, ``ports`` only remembers.

    An announcement comes with the moment it was heard, a list with the moment it was asked for.
    """

    announcement: Callable[[str, PresentOnu, datetime], Awaitable[object]]
    listing: Callable[[str, Sequence[PresentOnu], datetime], Awaitable[object]]
    ports: Callable[[str, frozenset[str]], None]


class _Heard:
    """Announcements that wait to be kept, with the moment each was heard; ``incomplete`` once the list is needed."""

    def __init__(self, room: int, now: Callable[[], datetime], incomplete: asyncio.Event) -> None:
        self.waiting: asyncio.Queue[tuple[PresentOnu, datetime]] = asyncio.Queue(room)
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

    def hear(self, onu: PresentOnu) -> None:
        """Take an announcement without waiting."""
        self.count += 1
        try:
            self.waiting.put_nowait((onu, self._now()))
        except asyncio.QueueFull:
            self.incomplete.set()


@dataclass(frozen=True, slots=True)
class PonListener:
    """Hears one element; ``reconnect_s`` and ``poll_s`` are jittered by up to half of themselves.

    A list that is asked for out of turn is read at once, but never sooner after the last reading than ``reread_s`` or
    as long as that one took: an element spends half its time on it at most. Who has a hint that the list changed (a
    trap, a line of syslog, MQTT) sets ``asked``. At most ``room`` announcements wait. ``report_up`` is told after each
    reading of the list whether there was an answer.
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
        heard, unkept = _Heard(self.room, self.now, self.asked), Trouble()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hear(heard))
            group.create_task(self._follow_list(heard, unkept))
            group.create_task(self._keep_heard(heard, unkept))

    async def _hear(self, heard: _Heard) -> None:
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
            self._tell(trouble, "element announces nothing", ended, exc_info=_flaw(ended))
            await asyncio.sleep(self._jittered(self.reconnect_s))

    async def _follow_list(self, heard: _Heard, unkept: Trouble) -> None:
        unread = Trouble()
        now = asyncio.get_running_loop().time
        while True:
            heard.incomplete.clear()
            began = now()
            read = await self._read(heard, unread)
            if read is None or not await self._kept(self.keep.listing(self.driver.name, *read), unkept):
                await asyncio.sleep(self._jittered(self.reconnect_s))
                continue
            unkept.over()
            ended = now()
            rest_until = ended + max(self.reread_s, ended - began)
            await _set_within(heard.incomplete, self._jittered(self.poll_s))
            await asyncio.sleep(rest_until - now())

    async def _read(self, heard: _Heard, trouble: Trouble) -> tuple[Sequence[PresentOnu], datetime] | None:
        """What the element lists and when it was asked, or None when it does not answer."""
        name = self.driver.name
        try:
            self.keep.ports(name, await self.driver.ports())
            read = await self._read_list(heard)
        except Exception as error:
            # Whatever it is: one element must not end the daemon for all others.
            self._tell(trouble, "element does not answer", error, exc_info=_flaw(error))
            self.report_up(name, False)
            return None
        tries = trouble.over()
        if tries:
            log.info("element answers again", element=name, tries=tries)
        self.report_up(name, True)
        return read

    async def _read_list(self, heard: _Heard) -> tuple[Sequence[PresentOnu], datetime]:
        """The list; read again when something was announced meanwhile, for then it may be the older of the two."""
        for _ in range(READINGS):
            before, asked_at = heard.count, self.now()
            listed = await self.driver.list_discovered()
            if heard.count == before:
                break
        return listed, asked_at

    async def _keep_heard(self, heard: _Heard, unkept: Trouble) -> None:
        while True:
            group = await next_group(heard.waiting)
            keeping = (self.keep.announcement(self.driver.name, onu, heard_at) for onu, heard_at in group)
            if not all(await asyncio.gather(*(self._kept(each, unkept) for each in keeping))):
                heard.incomplete.set()

    async def _kept(self, keeping: Awaitable[object], trouble: Trouble) -> bool:
        """Whether it is durable now; if not, the list will bring it again."""
        try:
            await keeping
        except Exception as error:
            self._tell(trouble, "what was heard could not be kept, the list is read again", error)
            return False
        return True

    def _tell(self, trouble: Trouble, problem: str, error: object, **context: object) -> None:
        reason = str(error) if isinstance(error, ElementError) else repr(error)
        if trouble.is_news(reason):
            log.warning(problem, element=self.driver.name, reason=reason, times=trouble.times, **context)

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 - self.random.random() / 2)


def _flaw(error: object) -> Exception | None:
    """The error whose trace is worth reading: one that no driver may raise."""
    return error if isinstance(error, Exception) and not isinstance(error, ElementError) else None


async def _outlasts(task: asyncio.Future[None], seconds: float) -> bool:
    _, pending = await asyncio.wait({task}, timeout=seconds)
    return bool(pending)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
