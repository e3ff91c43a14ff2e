"""Following a list that an element keeps: read again and again at its pace, and kept whole each time.

Whatever hints that the list changed only has it read sooner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Generic, TypeVar

import structlog

from drivers.errors import ElementError
from ztpd.logs import Trouble

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a list is read, in seconds; ``poll_s`` and ``reconnect_s`` are jittered by up to half of themselves.

    A list that is asked for out of turn is read at once, but never sooner after the last reading than ``reread_s`` or
    as long as that one took: an element spends half its time on it at most. After a failure ``reconnect_s`` pass.
    """

    random: Random
    poll_s: float
    reconnect_s: float
    reread_s: float = 0.5

    def jittered(self, seconds: float) -> float:
        """The time, or up to half of it less."""
        return seconds * (1 - self.random.random() / 2)


@dataclass(frozen=True, slots=True)
class Follower(Generic[T]):
    """Follows one element's list.

    ``read`` gives what is listed and the moment it was asked for, ``keep`` returns when it is durable; who has a hint
    sets ``asked``. ``report_up`` is told after each reading whether there was an answer.
    """

    element: str
    pace: Pace
    asked: asyncio.Event
    read: Callable[[], Awaitable[tuple[Sequence[T], datetime]]]
    keep: Callable[[str, Sequence[T], datetime], Awaitable[object]]
    report_up: Callable[[str, bool], None]
    unkept: Trouble = field(default_factory=Trouble)
    _unread: Trouble = field(default_factory=Trouble)

    async def run(self) -> None:
        """Follow until cancelled; an element that cannot be reached, or understood, is tried again for ever."""
        now = asyncio.get_running_loop().time
        while True:
            self.asked.clear()
            began = now()
            read = await self._answer()
            if read is None or not await self.kept(self.keep(self.element, *read)):
                await asyncio.sleep(self.pace.jittered(self.pace.reconnect_s))
                continue
            self.unkept.over()
            ended = now()
            rest_until = ended + max(self.pace.reread_s, ended - began)
            await _set_within(self.asked, self.pace.jittered(self.pace.poll_s))
            await asyncio.sleep(rest_until - now())

    async def kept(self, keeping: Awaitable[object]) -> bool:
        """Whether it is durable now; if not, the list will bring it again."""
        try:
            await keeping
        except Exception as error:
            tell(self.element, self.unkept, "what was heard could not be kept, the list is read again", error)
            return False
        return True

    async def _answer(self) -> tuple[Sequence[T], datetime] | None:
        """What the element lists and when it was asked, or None when it does not answer."""
        try:
            read = await self.read()
        except Exception as error:
            # Whatever it is: one element must not end the daemon for all others.
            tell(self.element, self._unread, "element does not answer", error, exc_info=flaw(error))
            self.report_up(self.element, False)
            return None
        tries = self._unread.over()
        if tries:
            log.info("element answers again", element=self.element, tries=tries)
        self.report_up(self.element, True)
        return read


def tell(element: str, trouble: Trouble, problem: str, error: object, **context: object) -> None:
    """Say what is wrong with an element, as often as it is worth."""
    reason = str(error) if isinstance(error, ElementError) else repr(error)
    if trouble.is_news(reason):
        log.warning(problem, element=element, reason=reason, times=trouble.times, **context)


def flaw(error: object) -> Exception | None:
    """The error whose trace is worth reading: one that no driver may raise."""
    return error if isinstance(error, Exception) and not isinstance(error, ElementError) else None


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
