"""Announcements of one session, from ncclient's reading thread to the event loop."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from ncclient.transport import SessionListener

from drivers.netconf import xml
from drivers.netconf.xml import q

QUEUE_LIMIT = 10_000


class SessionEnded(Exception):
    """The session that was listened to is gone."""


class Announcements(SessionListener):  # type: ignore[misc] # ncclient has no types
    """The notifications of a session, in order; bounded, and what overflows is counted.

    Losing one is no harm: announcements are hints, and what an element lists is the truth.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: deque[str] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self.lost = 0

    def callback(self, root: tuple[str, object], raw: str) -> None:
        """Called in ncclient's thread for every message."""
        if root[0] == q(xml.NOTIFICATION, "notification"):
            self._tell(self._put, raw)

    def errback(self, error: Exception) -> None:
        """Called in ncclient's thread when the session breaks."""
        self._tell(self._end)

    async def next(self) -> str:
        """The next notification, as XML; raises ``SessionEnded`` once all that came before the end are taken."""
        while not self._queue:
            if self._ended:
                raise SessionEnded
            self._news.clear()
            await self._news.wait()
        return self._queue.popleft()

    def _put(self, raw: str) -> None:
        if len(self._queue) >= QUEUE_LIMIT:
            self.lost += 1
            return
        self._queue.append(raw)
        self._news.set()

    def _end(self) -> None:
        self._ended = True
        self._news.set()

    def _tell(self, call: Callable[..., None], *arguments: str) -> None:
        # The loop may have gone before ncclient's thread has: then there is nobody to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)
