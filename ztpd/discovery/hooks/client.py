"""The hook as a process: what the DHCP server's event says goes to the core, within a time limit, whatever happens.

A DHCP server waits for nobody: a hint that the core does not take in time is lost, told in one line on standard error,
and the process ends with 0 all the same (with 1 where the caller asks for it). It speaks the intake's protocol
(``ztpd.discovery.intake``) with the standard library alone, for a process is started for each event.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from ztpd.discovery.hooks import dnsmasq, kea
from ztpd.discovery.hooks.event import Environment, NoSighting, TellsNothing
from ztpd.domain.sighting import Sighting

INTAKE = "/run/ztpd/intake.sock"
LIMIT_S = 2.0
LONGEST_LIMIT_S = 60.0
TAKEN, LOST = 0, 1

_HEADER = b'{"version":1,"kind":"sightings"}\n'
_LONGEST_ANSWER = 64 * 1024
_LONGEST_LINE = 300
_PAUSE_S = 0.05

Decode = Callable[[Sequence[str], Environment, datetime], Sighting]


def _kea(arguments: Sequence[str], environment: Environment, heard_at: datetime) -> Sighting:
    return kea.sighting(arguments[0], environment, heard_at)


TOOLS: dict[str, Decode] = {kea.SERVER: _kea, dnsmasq.SERVER: dnsmasq.sighting}


@dataclass(frozen=True, slots=True)
class Call:
    """One event: which server tells it, with what arguments (at least one), and how it is to be handed over."""

    tool: str
    event: tuple[str, ...]
    intake: str = INTAKE
    limit_s: float = LIMIT_S
    strict: bool = False


class NotTaken(Exception):
    """The core did not take the sighting, or not in time."""


class _Busy(NotTaken):
    """The core has no room for another client just now."""


def read_call(arguments: Sequence[str]) -> Call | None:
    """The call in ``TOOL [--socket PATH] [--timeout S] [--strict] EVENT …``; None where it is something else."""
    tool, *rest = arguments or ("",)
    options: dict[str, Any] = {}
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if option == "--strict" and not equals:
            options["strict"] = True
            continue
        if not equals and rest:
            value = rest.pop(0)
        if option == "--socket" and value:
            options["intake"] = value
        elif option == "--timeout" and _limit(value):
            options["limit_s"] = _limit(value)
        else:
            return None
    return Call(tool, tuple(rest), **options) if tool in TOOLS and rest else None


def _limit(text: str) -> float | None:
    with suppress(ValueError):
        seconds = float(text)
        return seconds if 0 < seconds <= LONGEST_LIMIT_S else None
    return None


def hand_over(call: Call, environment: Environment) -> int:
    """Tell the core what the event says; the exit code. Never raises, and takes no longer than the call allows."""
    began = time.monotonic()
    try:
        sighting = TOOLS[call.tool](call.event, environment, datetime.now(UTC))
        send(call.intake, sighting, began + call.limit_s)
    except TellsNothing:
        return TAKEN
    except (NoSighting, NotTaken) as problem:
        _complain(call, str(problem))
    except Exception as problem:
        _complain(call, f"{type(problem).__name__}: {problem}")
    else:
        return TAKEN
    return LOST if call.strict else TAKEN


def _complain(call: Call, problem: str) -> None:
    """One line on standard error, if there is one: servers log it, or have closed it."""
    told = f"ztpd hook {call.tool}: {call.event[0]} is lost: {problem}"
    line = "".join(each if each.isascii() and each.isprintable() else "?" for each in told)
    with suppress(Exception):
        sys.stderr.write(line[:_LONGEST_LINE] + "\n")
        sys.stderr.flush()


def send(intake: str, sighting: Sighting, deadline: float) -> None:
    """Hand one sighting over until the deadline (``time.monotonic``); raises ``NotTaken``.

    While the core has all the clients it takes, as when a whole street comes back, it is asked again.
    """
    message = _HEADER + as_line(sighting)
    while True:
        try:
            _converse(intake, message, deadline)
        except _Busy:
            pause = _PAUSE_S * (1 + os.urandom(1)[0] / 256)  # so that those turned away do not return together
            if time.monotonic() + pause >= deadline:
                raise
            time.sleep(pause)
        else:
            return


def as_line(sighting: Sighting) -> bytes:
    """A sighting as a line of the intake's protocol."""
    told = {each.name: getattr(sighting, each.name) for each in fields(sighting)}
    told["heard_at"] = sighting.heard_at.isoformat()
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode("ascii")


def _converse(intake: str, message: bytes, deadline: float) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as core:
        try:
            _connect(core, intake, deadline)
            greeting = _answer(core, deadline)
            if greeting["refused"]:
                raise _Busy(_reason(greeting))
            core.settimeout(_left(deadline))
            core.send(message)
            answer = _answer(core, deadline)
        except TimeoutError:
            raise NotTaken(f"{intake}: no answer in time") from None
        except OSError as problem:
            raise NotTaken(f"{intake}: {problem.strerror or problem}; is `ztpd run` running?") from None
        except (ValueError, KeyError, TypeError, IndexError):
            raise NotTaken(f"{intake}: what answers is no ztpd") from None
    if answer["accepted"] != 1:
        raise NotTaken(f"refused: {_reason(answer)}")


def _connect(core: socket.socket, intake: str, deadline: float) -> None:
    core.settimeout(_left(deadline))
    try:
        core.connect(intake)
    except BlockingIOError:  # of a UNIX socket: too many wait to be accepted
        raise _Busy(f"{intake}: too many clients wait") from None


def _answer(core: socket.socket, deadline: float) -> dict[str, Any]:
    core.settimeout(_left(deadline))
    answer = json.loads(core.recv(_LONGEST_ANSWER))
    return {"accepted": answer["accepted"], "refused": [str(each["reason"]) for each in answer["refused"]]}


def _reason(answer: dict[str, Any]) -> str:
    return str(answer["refused"][0]) if answer["refused"] else "no reason given"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def main(arguments: Sequence[str]) -> int | None:
    """Do what the arguments behind ``ztpd hook`` say; the exit code, or None where they are not an event's."""
    call = read_call(arguments)
    if call is None:
        return None
    return hand_over(call, {name.decode("latin-1"): value for name, value in os.environb.items()})
