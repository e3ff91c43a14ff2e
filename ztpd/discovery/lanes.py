"""Sightings on their way to the core from a process of their own: a bounded lane a source, handed over in turn.

Sources must not block and the core may be away: what a lane has no room for is dropped and counted there, so that a
flood on one source costs no other anything. What is in a lane is handed over until the core has answered it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import structlog

from ztpd.discovery.handing_over import (
    ANSWER_SECONDS,
    LINE_BYTES,
    MESSAGE_SIGHTINGS,
    Answer,
    Connection,
    IntakeError,
    connected,
    line_of,
)
from ztpd.domain.sighting import Sighting
from ztpd.logs import Trouble

LANE_SIGHTINGS = 8_192
LANE_BYTES = 6 * 1024 * 1024
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0

log = structlog.get_logger()


class Lane:
    """The sightings of one source that wait to be handed over, as lines, in the order they came.

    At most ``LANE_SIGHTINGS`` and ``LANE_BYTES`` of them; ``dropped`` counts those there was no room for.
    """

    def __init__(self, filled: Callable[[], None], sightings: int = LANE_SIGHTINGS) -> None:
        self.dropped = 0
        self._filled = filled
        self._most = sightings
        self._lines: deque[bytes] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._lines)

    def offer(self, sighting: Sighting) -> bool:
        """Take a sighting without waiting; whether there was room for it."""
        if len(self._lines) < self._most:
            line = line_of(sighting)
            if len(line) <= min(LINE_BYTES, LANE_BYTES - self._bytes):
                self._lines.append(bytes(memoryview(line)))  # orjson's own keeps 4 KiB however short it is
                self._bytes += len(line)
                self._filled()
                return True
        self.dropped += 1
        return False

    def take(self, most_bytes: int) -> bytes | None:
        """The line that waits longest, if there is one and it is no longer than that."""
        if not self._lines or len(self._lines[0]) > most_bytes:
            return None
        line = self._lines.popleft()
        self._bytes -= len(line)
        return line


@dataclass(slots=True)
class HandedOverCounts:
    """What the core answered: sightings it kept and refused. ``breaks`` is how often it went away or was not there."""

    accepted: int = 0
    refused: int = 0
    breaks: int = 0


class Lanes:
    """Hands over what every lane holds, a line of each in turn, the next message when the last is answered.

    ``answer_seconds`` bounds the wait for an answer. Use ``lane`` for each source, then ``run``.
    """

    def __init__(self, path: Path, random: Random, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.counts = HandedOverCounts()
        self._path = path
        self._random = random
        self._answer_seconds = answer_seconds
        self._lanes: list[Lane] = []
        self._unanswered: list[bytes] = []
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._pause_s = _FIRST_PAUSE_S
        self._trouble = Trouble()
        self._refusals = Trouble()

    def lane(self, sightings: int = LANE_SIGHTINGS) -> Lane:
        """A lane for one more source, with room for so many sightings."""
        lane = Lane(self._fill, sightings)
        self._lanes.append(lane)
        return lane

    @property
    def waiting(self) -> int:
        """How many sightings the core has not answered."""
        return len(self._unanswered) + sum(map(len, self._lanes))

    async def emptied(self) -> None:
        """Return once all that came is answered."""
        await self._emptied.wait()

    async def run(self) -> None:
        """Hand over what comes until cancelled; while the core is away, try again with a growing pause.

        A message that was not answered is sent again: the same sighting twice does no harm.
        """
        while True:
            try:
                async with connected(self._path, self._answer_seconds) as core:
                    await self._give(core)
            except IntakeError as error:
                self.counts.breaks += 1
                if self._trouble.is_news(error.problem):
                    log.warning("the core takes no sightings", reason=str(error), waiting=self.waiting)
            await asyncio.sleep(self._pause_s * self._random.uniform(0.5, 1))
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _give(self, core: Connection) -> None:
        while True:
            if not self._unanswered:
                await self._filled.wait()
                self._unanswered = self._next_message()
            self._count(await core.give(self._unanswered))
            self._unanswered = []
            self._pause_s = _FIRST_PAUSE_S
            if not any(self._lanes):
                self._filled.clear()
                self._emptied.set()

    def _fill(self) -> None:
        self._filled.set()
        self._emptied.clear()

    def _next_message(self) -> list[bytes]:
        """A line of each lane in turn, as many as a message has room for."""
        lines: list[bytes] = []
        room = LINE_BYTES
        self._lanes = self._lanes[1:] + self._lanes[:1]  # another begins, and has room for its longest line
        sharing = self._lanes
        while sharing:
            having = []
            for lane in sharing:
                line = lane.take(room) if len(lines) < MESSAGE_SIGHTINGS else None
                if line is not None:
                    lines.append(line)
                    room -= len(line) + 1
                    having.append(lane)
            sharing = having
        return lines

    def _count(self, answer: Answer) -> None:
        if self._trouble.times:
            log.info("the core takes sightings again", tries=self._trouble.over())
        if not answer.refused:
            self.counts.accepted += len(self._unanswered)
            return
        refused = len(self._unanswered) if answer.refuses_all else len(answer.refused)
        self.counts.refused += refused
        self.counts.accepted += len(self._unanswered) - refused
        reason = answer.refused[0].reason
        if self._refusals.is_news(reason):
            log.warning("the core refused sightings", refused=refused, of=len(self._unanswered), reason=reason)
