"""The client's side of the intake: sightings as messages, and a connection that gives them to the core.

What is said on the socket stands in ``ztpd.discovery.intake``. Nothing here needs pydantic: the capture process is
such a client, and its memory is counted.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import orjson

from ztpd.domain.sighting import Sighting

MESSAGE_BYTES = 64 * 1024
MESSAGE_SIGHTINGS = 256
ANSWER_SECONDS = 30.0
HEADER_LINE = b'{"version":1,"kind":"sightings"}'
LINE_BYTES = MESSAGE_BYTES - len(HEADER_LINE) - 1
"""The longest line that a message has room for."""

_NAMES = tuple(each.name for each in fields(Sighting))


class IntakeError(Exception):
    """The socket at ``path`` cannot be served or used: ``problem`` says why, ``remedy`` what to do."""

    remedy = ""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"intake {path}: {problem}; {self.remedy}")


class IntakeUnavailable(IntakeError):
    """Nobody answers at the path, or this user may not connect."""

    remedy = "start `ztpd run`, and be in the group of its socket"


class IntakeBroken(IntakeError):
    """The connection ended or went silent before the last message was answered: it may or may not be kept."""

    remedy = "hand it over again: the same sighting twice does no harm"


@dataclass(frozen=True, slots=True)
class Refused:
    """A sighting that was not taken, and why."""

    sighting: Sighting
    reason: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of the sightings handed over; together they are all of them."""

    accepted: int
    refused: tuple[Refused, ...]


class RefusedLine(NamedTuple):
    """A line of a message that was not taken: 2 is the first sighting's, 1 and 0 mean the message as a whole."""

    line: int
    reason: str


class Answer(NamedTuple):
    """What became of a message."""

    accepted: int
    refused: tuple[RefusedLine, ...]

    @property
    def refuses_all(self) -> bool:
        """Whether the message as a whole was refused."""
        return any(each.line < 2 for each in self.refused)


def line_of(sighting: Sighting) -> bytes:
    """A sighting as a line of a message."""
    told = {name: value for name in _NAMES if (value := getattr(sighting, name)) is not None}
    return orjson.dumps(told)


class Connection:
    """A connection that the intake has greeted; one message at a time, each awaited until it is answered."""

    def __init__(self, path: Path, server: socket.socket, answer_seconds: float) -> None:
        self._path = path
        self._server = server
        self._answer_seconds = answer_seconds

    async def give(self, lines: Iterable[bytes]) -> Answer:
        """Hand lines over as one message, which must have room for them; raises ``IntakeBroken``."""
        message = b"\n".join((HEADER_LINE, *lines))
        try:
            async with asyncio.timeout(self._answer_seconds):
                await asyncio.get_running_loop().sock_sendall(self._server, message)
        except (OSError, TimeoutError) as problem:
            raise IntakeBroken(self._path, str(problem) or "takes no message") from problem
        return await self.answer()

    async def answer(self) -> Answer:
        """What the intake says next; raises ``IntakeBroken``."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                message = await asyncio.get_running_loop().sock_recv(self._server, MESSAGE_BYTES)
            if message:
                return _read(message)
        except TimeoutError as problem:
            raise IntakeBroken(self._path, f"no answer in {self._answer_seconds} s") from problem
        except (OSError, ValueError) as problem:
            raise IntakeBroken(self._path, str(problem)) from problem
        raise IntakeBroken(self._path, "closed without an answer")


def _read(message: bytes) -> Answer:
    """The answer in a message; raises ``ValueError`` for anything else."""
    answer = orjson.loads(message)
    try:
        refused = tuple(RefusedLine(int(each["line"]), str(each["reason"])) for each in answer["refused"])
        return Answer(int(answer["accepted"]), refused)
    except (KeyError, TypeError) as problem:
        raise ValueError(f"answers what is no answer ({type(problem).__name__}: {problem})") from problem


@asynccontextmanager
async def connected(path: Path, answer_seconds: float = ANSWER_SECONDS) -> AsyncIterator[Connection]:
    """A connection to the process that listens at ``path``; raises ``IntakeUnavailable``, ``IntakeBroken``."""
    loop = asyncio.get_running_loop()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)) as server:
        try:
            await loop.sock_connect(server, str(path))
        except OSError as problem:
            raise IntakeUnavailable(path, str(problem)) from problem
        connection = Connection(path, server, answer_seconds)
        greeting = await connection.answer()
        if greeting.refused:
            raise IntakeUnavailable(path, greeting.refused[0].reason)
        yield connection


async def hand_over(path: Path, sightings: Iterable[Sighting], *, answer_seconds: float = ANSWER_SECONDS) -> HandedOver:
    """Give sightings to the process that listens at ``path``; returns when each is accepted or refused.

    ``answer_seconds`` bounds the wait for each answer. Raises ``IntakeUnavailable``, ``IntakeBroken``.
    """
    accepted, refused = 0, list[Refused]()
    async with connected(path, answer_seconds) as connection:
        for batch in _batches(sightings):
            if isinstance(batch, Refused):
                refused.append(batch)
                continue
            answer = await connection.give(line for _, line in batch)
            accepted += answer.accepted
            refused += _refused_of([sighting for sighting, _ in batch], answer)
    return HandedOver(accepted, tuple(refused))


def _batches(sightings: Iterable[Sighting]) -> Iterator[list[tuple[Sighting, bytes]] | Refused]:
    """The sightings in as few messages as hold them; one that is too long for any is refused here."""
    batch: list[tuple[Sighting, bytes]] = []
    room = MESSAGE_BYTES - len(HEADER_LINE)
    for sighting in sightings:
        line = line_of(sighting)
        if len(line) > LINE_BYTES:
            yield Refused(sighting, f"is over {MESSAGE_BYTES} bytes as a message")
            continue
        if len(line) + 1 > room or len(batch) == MESSAGE_SIGHTINGS:
            yield batch
            batch, room = [], MESSAGE_BYTES - len(HEADER_LINE)
        batch.append((sighting, line))
        room -= len(line) + 1
    if batch:
        yield batch


def _refused_of(sightings: list[Sighting], answer: Answer) -> list[Refused]:
    """The sightings an answer refuses; a refusal of the whole message is one of each in it."""
    if answer.refuses_all:
        return [Refused(sighting, answer.refused[0].reason) for sighting in sightings]
    return [Refused(sightings[each.line - 2], each.reason) for each in answer.refused]
