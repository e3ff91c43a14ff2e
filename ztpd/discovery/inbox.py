"""Between sources that must not block and the store: a bounded queue whose sightings are committed in groups."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from ztpd.domain.sighting import Sighting
from ztpd.logs import Trouble

log = structlog.get_logger()

T = TypeVar("T")

GROUP = 64
"""How many sightings of one source are under way at a time: whoever else writes waits for one group at most."""


async def next_group(waiting: asyncio.Queue[T]) -> list[T]:
    """What waits, in order and at most ``GROUP`` of it; waits for the first."""
    group = [await waiting.get()]
    while len(group) < GROUP and not waiting.empty():
        group.append(waiting.get_nowait())
    return group


class Inbox:
    """Takes sightings at any rate and keeps them in the order they came; ``dropped`` counts those it had no room for.

    A dropped sighting is a lost hint: the device repeats itself, or the element's list is read. ``report`` hears of
    each sighting once: ``kept``, ``lost`` (it could not be kept) or ``dropped``.
    """

    def __init__(
        self,
        keep: Callable[[Sighting], Awaitable[object]],
        room: int = 8192,
        report: Callable[[Sighting, str], None] = lambda sighting, outcome: None,
    ) -> None:
        self.dropped = 0
        self._keep = keep
        self._report = report
        self._waiting: asyncio.Queue[Sighting] = asyncio.Queue(room)
        self._trouble = Trouble()

    def accept(self, sighting: Sighting) -> None:
        """Take a sighting without waiting."""
        self.offer(sighting)

    def offer(self, sighting: Sighting) -> bool:
        """Take a sighting without waiting; whether there was room for it."""
        try:
            self._waiting.put_nowait(sighting)
        except asyncio.QueueFull:
            self.dropped += 1
            self._report(sighting, "dropped")
            return False
        return True

    async def run(self) -> None:
        """Keep what comes, until cancelled; what waits then is kept before it ends."""
        keeping: asyncio.Future[None] | None = None
        try:
            while True:
                keeping = asyncio.ensure_future(self._keep_group(await next_group(self._waiting)))
                await asyncio.shield(keeping)
        finally:
            if keeping is not None:
                await keeping
            while not self._waiting.empty():
                await self._keep_group(await next_group(self._waiting))

    async def _keep_group(self, group: list[Sighting]) -> None:
        outcomes = await asyncio.gather(*map(self._keep, group), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for sighting, outcome in zip(group, outcomes, strict=True):
            self._report(sighting, "lost" if isinstance(outcome, BaseException) else "kept")
        if not failures:
            self._trouble.over()
        elif self._trouble.is_news(str(failures[0])):
            reason = f"{type(failures[0]).__name__}: {failures[0]}"
            log.error("sightings could not be kept", lost=len(failures), of=len(group), reason=reason)
