"""The local door for sightings: a UNIX SEQPACKET socket where helpers of this machine hand over what they heard.

A message is one datagram of at most 64 KiB: a first line ``{"version":1,"kind":"sightings"}``, then one sighting a
line as JSON, at most 256. The answer is one datagram: ``{"accepted": 2, "refused": [{"line": 3, "reason": "..."}]}``,
where line 1 is the message's first line and 0 the message or connection as a whole. It comes once every sighting is
accepted or refused: what is answered is kept, what is not answered may be sent again. The server speaks first, with
an answer that accepts nothing, or says why it will not listen and closes. Who may connect is the socket file's mode,
0660. Another sort of message would be another ``kind``. A client is in ``ztpd.discovery.handing_over``.
"""

import asyncio
import re
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import structlog
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from pon import serial as pon_serial
from ztpd.discovery.handing_over import ANSWER_SECONDS, MESSAGE_BYTES, MESSAGE_SIGHTINGS, IntakeError
from ztpd.domain.sighting import Sighting

CLIENTS = 32
_BACKLOG = 16
_LONGEST_REASON = 160

Accept = Callable[[Sighting], Awaitable[None]]

_log = structlog.get_logger()


class IntakeInUse(IntakeError):
    """Something else has the path: a process that listens, or a file that is no socket."""

    remedy = "stop the other process, remove the file, or choose another path"


class IntakeNotServed(IntakeError):
    """The socket cannot be made there."""

    remedy = "the folder must exist, be writable, and the path be under 108 bytes"


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Literal[1] = 1
    kind: Literal["sightings"] = "sightings"


class _RefusedLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    line: int
    reason: str


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    accepted: int = 0
    refused: list[_RefusedLine] = []


def _shaped(pattern: str, meaning: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str | None) -> str | None:
        if value is not None and compiled.fullmatch(value) is None:
            raise ValueError(f"expected {meaning}")
        return value

    return AfterValidator(check)


def _canonical_serial(value: str | None) -> str | None:
    if value is not None and not pon_serial.is_canonical(value):
        raise ValueError("expected 4 characters and 8 upper-case hex digits")
    return value


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time that UTC can show") from None


_Hex = Annotated[str | None, _shaped(r"(?:[0-9a-f]{2}){0,255}", "at most 255 bytes as lower-case hex")]


@dataclass(frozen=True, slots=True)
class _SightingLine(Sighting):
    """A sighting as a helper may write it: no unknown fields, no converted types, identifiers in canonical form."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    heard_at: Annotated[datetime, AwareDatetime, AfterValidator(_as_utc)]
    mac: Annotated[str | None, _shaped(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", "aa:bb:cc:dd:ee:ff")] = None
    serial: Annotated[str | None, AfterValidator(_canonical_serial)] = None
    circuit_id: _Hex = None
    remote_id: _Hex = None


_SIGHTING_LINE = TypeAdapter(_SightingLine)


async def intake(path: Path, accept: Accept, *, listening: asyncio.Event | None = None) -> None:
    """Serve the socket until cancelled; every good sighting is awaited through ``accept``, then answered.

    ``accept`` is begun for the sightings of a message in their order and may end in any; one that raises is a refusal
    of that sighting alone. A client gets no further message read before the last is answered, which is its
    back-pressure. ``listening`` is set once clients can connect. Raises ``IntakeInUse``, ``IntakeNotServed``.
    """
    loop = asyncio.get_running_loop()
    with _listener(path) as listener:
        serving: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            if listening is not None:
                listening.set()
            while True:
                client, _ = await loop.sock_accept(listener)
                if len(serving) >= CLIENTS:
                    _turn_away(client)
                    continue
                task = group.create_task(_serve(client, accept))
                serving.add(task)
                task.add_done_callback(serving.discard)


@contextmanager
def _listener(path: Path) -> Iterator[socket.socket]:
    """The listening socket; its file goes with it."""
    _clear_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as listener:
        try:
            listener.bind(str(path))
            path.chmod(0o660)  # before listening: nobody connects under the mode that umask gave
            listener.listen(_BACKLOG)
            inode = path.stat().st_ino
        except OSError as problem:
            raise IntakeNotServed(path, str(problem)) from problem
        try:
            yield listener
        finally:
            _remove(path, inode)


def _clear_stale(path: Path) -> None:
    """Remove the socket file of a process that ended; raises ``IntakeInUse`` for anything else."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise IntakeInUse(path, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as problem:
            raise IntakeInUse(path, str(problem)) from problem
    raise IntakeInUse(path, "another process listens there")


def _remove(path: Path, inode: int) -> None:
    """Remove our own socket file, not one that another process put in its place."""
    with suppress(FileNotFoundError):
        if path.stat().st_ino == inode:
            path.unlink()


def _turn_away(client: socket.socket) -> None:
    _log.warning("intake-full", clients=CLIENTS)
    with closing(client), suppress(OSError):
        client.send(_refuse_all(f"{CLIENTS} clients are connected already; try again later"))


async def _serve(client: socket.socket, accept: Accept) -> None:
    loop = asyncio.get_running_loop()
    with closing(client):
        try:
            await loop.sock_sendall(client, _Answer().model_dump_json().encode())
            while message := await loop.sock_recv(client, MESSAGE_BYTES + 1):
                answer = await _answer(message, accept)
                async with asyncio.timeout(ANSWER_SECONDS):
                    await loop.sock_sendall(client, answer)
        except (OSError, TimeoutError) as problem:
            _log.warning("intake-client-lost", problem=str(problem) or type(problem).__name__)


async def _answer(message: bytes, accept: Accept) -> bytes:
    if len(message) > MESSAGE_BYTES:
        return _refuse_all(f"the message is over {MESSAGE_BYTES} bytes")
    header, *lines = message.removesuffix(b"\n").split(b"\n")
    try:
        _Header.model_validate_json(header)
    except ValidationError as problem:
        return _refuse_all(_reason(problem), line=1)
    if len(lines) > MESSAGE_SIGHTINGS:
        return _refuse_all(f"{len(lines)} sightings are more than {MESSAGE_SIGHTINGS}")
    reasons = await asyncio.gather(*(_accept_line(line, accept) for line in lines))
    refused = [_RefusedLine(line=n, reason=reason) for n, reason in enumerate(reasons, start=2) if reason]
    return _Answer(accepted=len(lines) - len(refused), refused=refused).model_dump_json().encode()


async def _accept_line(line: bytes, accept: Accept) -> str | None:
    """Why the line was refused, or None."""
    try:
        sighting = sighting_in(line)
    except ValidationError as problem:
        return _reason(problem)
    try:
        await accept(sighting)
    except Exception as problem:
        reason = _printable(f"not accepted: {type(problem).__name__}: {problem}")
        _log.warning("intake-sighting-refused", reason=reason)
        return reason
    return None


def sighting_in(line: bytes) -> Sighting:
    """The sighting that a line of a message says; raises ``ValidationError``."""
    checked = _SIGHTING_LINE.validate_json(line)
    return Sighting(**{each.name: getattr(checked, each.name) for each in fields(Sighting)})


def _refuse_all(reason: str, line: int = 0) -> bytes:
    return _Answer(refused=[_RefusedLine(line=line, reason=reason)]).model_dump_json().encode()


def _reason(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return _printable(f"{where}: {first['msg']}" if where else first["msg"])


def _printable(text: str) -> str:
    ascii_text = text.encode("ascii", "replace").decode("ascii")
    return "".join(each if each.isprintable() else "?" for each in ascii_text)[:_LONGEST_REASON]
