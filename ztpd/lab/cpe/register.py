"""What is counted of sessions, for one CPE or a whole fleet, and how many of them may be under way."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ztpd.lab.cpe.conversation import SessionFailed

_PER_E = 50  # buckets for each factor of e: a quantile is within 1 %


class Register:
    """Sessions that ended, how long they took, and why others failed; at most ``most_at_once`` are under way."""

    def __init__(self, most_at_once: int | None = None) -> None:
        self._turns = None if most_at_once is None else asyncio.Semaphore(most_at_once)
        self._durations: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.sessions = 0
        self.under_way = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more session may begin, and be it."""
        if self._turns is not None:
            await self._turns.acquire()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            if self._turns is not None:
                self._turns.release()

    def ended(self, seconds: float) -> None:
        """A session came to its end."""
        self.sessions += 1
        self._durations[round(math.log(max(seconds, 1e-6)) * _PER_E)] += 1

    def failed(self, error: BaseException) -> None:
        """A session did not; one that was broken off because everything ends does not count."""
        if not isinstance(error, asyncio.CancelledError):
            self.failures[_in_words(error)] += 1

    def seconds(self, share: float) -> float:
        """What this share of sessions took at most, 0.99 for the slowest of a hundred; 0 where there was none."""
        left = share * self.sessions
        for bucket in sorted(self._durations):
            left -= self._durations[bucket]
            if left <= 0:
                return math.exp(bucket / _PER_E)
        return 0.0


def _in_words(error: BaseException) -> str:
    """Short, and of few kinds: they are counted."""
    if isinstance(error, SessionFailed):
        return str(error).partition(":")[0][:40]
    return "timed out" if isinstance(error, TimeoutError) else type(error).__name__
