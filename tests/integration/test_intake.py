"""The local door on real sockets: what is taken, what is refused and told so, and what a bad client cannot do."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ztpd.discovery.handing_over import (
    MESSAGE_BYTES,
    MESSAGE_SIGHTINGS,
    HandedOver,
    IntakeBroken,
    IntakeUnavailable,
    hand_over,
)
from ztpd.discovery.intake import CLIENTS, IntakeInUse, IntakeNotServed, intake
from ztpd.domain.sighting import Presence, Sighting, Source

_LIMIT_SECONDS = 10
HEADER = {"version": 1, "kind": "sightings"}
LINE = {"source": "dhcp", "heard_at": "2026-11-22T18:32:07Z", "mac": "02:00:5e:10:00:01"}
SIGHTING = Sighting(
    source=Source.DHCP,
    heard_at=datetime(2026, 11, 22, 18, 32, 7, 123456, tzinfo=UTC),
    presence=Presence.ABSENT,
    element="olt-1",
    port="0/1/3",
    serial="HWTC1A2B3C4D",
    mac="02:00:5e:10:00:01",
    ip="10.82.1.17",
    circuit_id="feed",
    remote_id="beef",
    trusted=False,
    details={"hostname": "cpe", "vendor-class": "é ☃"},
)
SHORT = Sighting(Source.PON, datetime(2026, 1, 1, tzinfo=UTC))


class Core:
    """The accepting side: keeps what it takes, refuses or holds back when a test says so."""

    def __init__(self) -> None:
        self.taken: list[Sighting] = []
        self.entered = asyncio.Semaphore(0)
        self.open = asyncio.Event()
        self.open.set()
        self.refuse_mac = "none"

    async def accept(self, sighting: Sighting) -> None:
        self.entered.release()
        await self.open.wait()
        if sighting.mac == self.refuse_mac:
            raise ValueError("a store that is\nfull " + "☃" * 500)
        self.taken.append(sighting)


@asynccontextmanager
async def served(path: Path, core: Core) -> AsyncIterator[asyncio.Task[None]]:
    ready = asyncio.Event()
    task = asyncio.create_task(intake(path, core.accept, listening=ready))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=_LIMIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield task
    finally:
        waiting.cancel()
        task.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator["Wire"]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as client:
        await asyncio.get_running_loop().sock_connect(client, str(path))
        wire = Wire(client)
        wire.greeting = await wire.receive()
        yield wire


class Wire:
    """A client that writes the protocol by hand."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.greeting: Any = None

    async def send(self, message: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.client, message)

    async def receive(self) -> Any:
        async with asyncio.timeout(_LIMIT_SECONDS):
            answer = await asyncio.get_running_loop().sock_recv(self.client, 1 << 20)
        return json.loads(answer) if answer else None

    async def ask(self, *lines: object) -> Any:
        texts = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)
        await self.send(b"\n".join(texts))
        return await self.receive()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "intake.sock"


async def test_what_is_handed_over_arrives_as_it_was(path: Path) -> None:
    core = Core()
    async with served(path, core):
        result = await hand_over(path, [SIGHTING, SHORT])

    assert result == HandedOver(2, ())
    assert core.taken == [SIGHTING, SHORT]
    assert all(type(each) is Sighting for each in core.taken)


async def test_times_of_other_zones_become_utc(path: Path) -> None:
    core = Core()
    local = replace(SIGHTING, heard_at=datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    async with served(path, core):
        await hand_over(path, [local])

    assert core.taken[0].heard_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert core.taken[0].heard_at.utcoffset() == timedelta(0)


async def test_more_than_a_message_holds_goes_in_several_and_in_order(path: Path) -> None:
    core = Core()
    many = [replace(SIGHTING, ip=f"10.0.{number // 250}.{number % 250}") for number in range(1_000)]
    async with served(path, core):
        result = await hand_over(path, iter(many))

    assert result.accepted == 1_000
    assert core.taken == many


async def test_a_sighting_over_the_bound_is_refused_and_the_others_go(path: Path) -> None:
    core = Core()
    long = replace(SIGHTING, details={"hostname": "x" * MESSAGE_BYTES})
    async with served(path, core):
        result = await hand_over(path, [SIGHTING, long, SIGHTING])

    assert result.accepted == 2
    assert [each.sighting for each in result.refused] == [long]
    assert str(MESSAGE_BYTES) in result.refused[0].reason


async def test_what_the_core_cannot_take_is_refused_alone(path: Path) -> None:
    core = Core()
    core.refuse_mac = "02:00:5e:10:00:02"
    bad = replace(SIGHTING, mac=core.refuse_mac)
    async with served(path, core):
        result = await hand_over(path, [SIGHTING, bad, SIGHTING])

    assert result.accepted == 2
    assert [each.sighting for each in result.refused] == [bad]
    assert result.refused[0].reason.startswith("not accepted: ValueError: a store that is?full ????")


async def test_nothing_is_handed_over_without_a_word(path: Path) -> None:
    async with served(path, Core()):
        assert await hand_over(path, []) == HandedOver(0, ())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "EOF"),
        (b"not json", "expected ident"),
        ({"source": "dhcp"}, "heard_at"),
        ({**LINE, "colour": "red"}, "colour: Unexpected"),
        ({**LINE, "source": "rumour"}, "source"),
        ({**LINE, "heard_at": "2026-11-22T18:32:07"}, "heard_at: Input should have timezone"),
        ({**LINE, "heard_at": 1_700_000_000}, "heard_at"),
        ({**LINE, "heard_at": "0001-01-01T00:00:00+14:00"}, "heard_at"),
        ({**LINE, "trusted": "yes"}, "trusted"),
        ({**LINE, "mac": "02-00-5E-10-00-01"}, "mac: Value error, expected aa:bb:cc:dd:ee:ff"),
        ({**LINE, "serial": "hwtc1a2b3c4d"}, "serial"),
        ({**LINE, "circuit_id": "olt-1 eth 1/1"}, "circuit_id"),
        ({**LINE, "remote_id": "f"}, "remote_id"),
        ({**LINE, "details": {"vlans": 7}}, "details.vlans"),
    ],
    ids=repr,
)
async def test_a_bad_line_is_refused_with_its_number_and_harms_no_other(path: Path, line: object, reason: str) -> None:
    core = Core()
    async with served(path, core), connected(path) as wire:
        answer = await wire.ask(HEADER, LINE, line, LINE)

    assert answer["accepted"] == 2
    assert [each["line"] for each in answer["refused"]] == [3]
    assert reason in answer["refused"][0]["reason"]
    assert len(core.taken) == 2


@pytest.mark.parametrize(
    ("message", "line", "reason"),
    [
        (b"\x00", 1, "JSON"),
        (b"[]", 1, "object"),
        (b'{"version":2,"kind":"sightings"}\n{}', 1, "version"),
        (b'{"version":1,"kind":"frames"}\n{}', 1, "kind"),
        (b'{"version":1,"kind":"sightings","more":1}\n{}', 1, "more"),
        (b"x" * (MESSAGE_BYTES + 1), 0, str(MESSAGE_BYTES)),
        (json.dumps(HEADER).encode() + b"\n{}" * (MESSAGE_SIGHTINGS + 1), 0, str(MESSAGE_SIGHTINGS)),
    ],
    ids=["bytes", "list", "version", "kind", "unknown field", "too long", "too many"],
)
async def test_a_bad_message_is_refused_as_a_whole_and_the_client_may_go_on(
    path: Path, message: bytes, line: int, reason: str
) -> None:
    core = Core()
    async with served(path, core), connected(path) as wire:
        await wire.send(message)
        refused = await wire.receive()
        accepted = await wire.ask(HEADER, LINE)

    assert (refused["accepted"], [each["line"] for each in refused["refused"]]) == (0, [line])
    assert reason in refused["refused"][0]["reason"]
    assert accepted == {"accepted": 1, "refused": []}
    assert len(core.taken) == 1


async def test_the_largest_refusal_fits_its_answer(path: Path) -> None:
    core = Core()
    core.refuse_mac = "02:00:5e:10:00:01"
    bad = replace(SHORT, mac=core.refuse_mac)
    async with served(path, core):
        result = await hand_over(path, [bad] * MESSAGE_SIGHTINGS)

    assert (result.accepted, len(result.refused)) == (0, MESSAGE_SIGHTINGS)


async def test_the_answer_waits_for_the_core(path: Path) -> None:
    core = Core()
    core.open.clear()
    async with served(path, core):
        handing = asyncio.create_task(hand_over(path, [SHORT] * (MESSAGE_SIGHTINGS + 1)))
        async with asyncio.timeout(_LIMIT_SECONDS):
            for _ in range(MESSAGE_SIGHTINGS):
                await core.entered.acquire()
        begun_before_the_first_answer = core.entered.locked()
        unanswered = not handing.done()
        core.open.set()
        result = await handing

    assert begun_before_the_first_answer, "the second message was read before the first was answered"
    assert unanswered
    assert result.accepted == MESSAGE_SIGHTINGS + 1


async def test_a_held_up_client_holds_up_no_other(path: Path) -> None:
    core = Core()
    core.open.clear()
    async with served(path, core):
        held = asyncio.create_task(hand_over(path, [SIGHTING]))
        await core.entered.acquire()
        async with connected(path) as wire:
            answer = await wire.ask(HEADER, {"source": "nobody"})
        core.open.set()
        await held

    assert answer["refused"][0]["line"] == 2


async def test_a_client_that_goes_before_its_answer_loses_nothing(path: Path) -> None:
    core = Core()
    core.open.clear()
    async with served(path, core):
        async with connected(path) as wire:
            await wire.send(b"\n".join(json.dumps(each).encode() for each in (HEADER, LINE)))
            await core.entered.acquire()
        core.open.set()
        result = await hand_over(path, [SIGHTING])

    assert result.accepted == 1
    assert [each.mac for each in core.taken] == [LINE["mac"], SIGHTING.mac]


async def test_too_many_clients_are_told_and_a_free_place_is_given_again(path: Path) -> None:
    core = Core()
    async with served(path, core):
        wires = [connected(path) for _ in range(CLIENTS)]
        clients = [await each.__aenter__() for each in wires]
        with pytest.raises(IntakeUnavailable, match=f"{CLIENTS} clients are connected already"):
            await hand_over(path, [SIGHTING])
        clients[0].client.shutdown(socket.SHUT_WR)
        assert await clients[0].receive() is None
        result = await hand_over(path, [SIGHTING])
        for each in wires:
            await each.__aexit__(None, None, None)

    assert result.accepted == 1


async def test_only_owner_and_group_may_connect_and_the_file_goes_with_the_server(path: Path) -> None:
    before = os.umask(0)
    try:
        async with served(path, Core()):
            mode = os.stat(path).st_mode
    finally:
        os.umask(before)

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert os.listdir(path.parent) == []


async def test_the_file_of_a_dead_process_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(path))
    core = Core()
    async with served(path, core):
        assert (await hand_over(path, [SIGHTING])).accepted == 1


async def test_a_listening_process_is_not_pushed_away(path: Path) -> None:
    core = Core()
    async with served(path, core):
        with pytest.raises(IntakeInUse, match="another process listens"):
            await intake(path, Core().accept)
        assert (await hand_over(path, [SIGHTING])).accepted == 1


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious")

    with pytest.raises(IntakeInUse, match="no socket"):
        asyncio.run(intake(path, Core().accept))
    assert path.read_text() == "precious"


async def test_a_place_where_no_socket_can_be_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent" / "intake.sock", tmp_path / ("x" * 120)):
        with pytest.raises(IntakeNotServed, match="the folder must exist"):
            await intake(path, Core().accept)


async def test_nobody_at_the_path_is_named(path: Path) -> None:
    with pytest.raises(IntakeUnavailable, match="start `ztpd run`"):
        await hand_over(path, [SIGHTING])


async def test_a_server_that_ends_before_it_answers_is_named(path: Path) -> None:
    core = Core()
    core.open.clear()
    async with served(path, core) as serving:
        handing = asyncio.create_task(hand_over(path, [SIGHTING]))
        await core.entered.acquire()
        serving.cancel()
        async with asyncio.timeout(_LIMIT_SECONDS):
            with pytest.raises(IntakeBroken, match="hand it over again"):
                await handing


async def test_a_server_that_never_answers_is_given_up(path: Path) -> None:
    core = Core()
    core.open.clear()
    async with served(path, core):
        with pytest.raises(IntakeBroken, match=r"no answer in 0\.05 s"):
            await hand_over(path, [SIGHTING], answer_seconds=0.05)
