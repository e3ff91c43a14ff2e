"""Lanes to the core on real sockets: what waits, what is dropped and whose; the core's absence loses nothing."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from ztpd.discovery import lanes as lanes_module
from ztpd.discovery.handing_over import MESSAGE_SIGHTINGS, line_of
from ztpd.discovery.intake import intake
from ztpd.discovery.lanes import Lane, Lanes
from ztpd.domain.sighting import Sighting, Source
from ztpd.lab.operator import until

_LIMIT_SECONDS = 20
SHORT = Sighting(Source.DHCP, datetime(2026, 1, 1, tzinfo=UTC))


def sightings(source: int, number: int) -> list[Sighting]:
    return [replace(SHORT, mac=f"02:00:5e:{source:02x}:{each >> 8:02x}:{each & 255:02x}") for each in range(number)]


class Core:
    """The accepting side; it holds back while ``open`` is cleared and refuses one address."""

    def __init__(self) -> None:
        self.taken: list[Sighting] = []
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.refuse_mac = "none"

    async def accept(self, sighting: Sighting) -> None:
        self.entered.set()
        await self.open.wait()
        if sighting.mac == self.refuse_mac:
            raise ValueError("no room")
        self.taken.append(sighting)


@asynccontextmanager
async def served(path: Path, core: Core) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(intake(path, core.accept, listening=ready))
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            await ready.wait()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def handing(lanes: Lanes) -> AsyncIterator[None]:
    task = asyncio.create_task(lanes.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def broken(lanes: Lanes, times: int) -> None:
    await until(lambda: asyncio.sleep(0, lanes.counts.breaks), lambda breaks: breaks >= times, "a broken connection")


async def emptied(lanes: Lanes) -> None:
    async with asyncio.timeout(_LIMIT_SECONDS):
        await lanes.emptied()


def offer(lane: Lane, offered: Iterable[Sighting]) -> list[bool]:
    return [lane.offer(sighting) for sighting in offered]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "intake.sock"


@pytest.fixture
def lanes(path: Path) -> Lanes:
    return Lanes(path, Random(1))


async def test_every_sighting_arrives_as_it_was_and_in_order(path: Path, lanes: Lanes) -> None:
    core, lane, many = Core(), lanes.lane(), sightings(1, 1_000)
    async with served(path, core), handing(lanes):
        offer(lane, many)
        await emptied(lanes)

    assert core.taken == many
    assert (lanes.counts.accepted, lanes.waiting) == (1_000, 0)


async def test_what_comes_while_the_core_is_away_waits_for_it(path: Path, lanes: Lanes) -> None:
    core, lane, many = Core(), lanes.lane(), sightings(1, 600)
    async with handing(lanes):
        offer(lane, many)
        await broken(lanes, 2)
        assert lanes.waiting == 600
        async with served(path, core):
            await emptied(lanes)

    assert core.taken == many


async def test_a_core_that_ends_before_it_answers_is_given_the_same_again(path: Path, lanes: Lanes) -> None:
    first, second, lane, many = Core(), Core(), lanes.lane(), sightings(1, MESSAGE_SIGHTINGS + 1)
    first.open.clear()
    async with handing(lanes):
        async with served(path, first):
            offer(lane, many)
            async with asyncio.timeout(_LIMIT_SECONDS):
                await first.entered.wait()
        async with served(path, second):
            await emptied(lanes)

    assert first.taken == []
    assert second.taken == many
    assert lanes.counts.accepted == len(many)


async def test_the_next_message_waits_for_the_last_answer(path: Path, lanes: Lanes) -> None:
    core, lane = Core(), lanes.lane()
    core.open.clear()
    async with served(path, core), handing(lanes):
        offer(lane, sightings(1, 1))
        async with asyncio.timeout(_LIMIT_SECONDS):
            await core.entered.wait()
        offer(lane, sightings(2, 3))
        await asyncio.sleep(0)
        assert (lanes.waiting, len(lane)) == (4, 3)
        core.open.set()
        await emptied(lanes)

    assert len(core.taken) == 4


async def test_a_lane_drops_and_counts_what_it_has_no_room_for(path: Path, lanes: Lanes) -> None:
    core, lane = Core(), lanes.lane(3)
    assert offer(lane, sightings(1, 5)) == [True, True, True, False, False]
    assert lane.dropped == 2
    async with served(path, core), handing(lanes):
        await emptied(lanes)
        assert offer(lane, sightings(2, 1)) == [True]
        await emptied(lanes)

    assert core.taken == [*sightings(1, 3), *sightings(2, 1)]


def test_a_lane_is_bounded_in_bytes_too(path: Path) -> None:
    lane = Lane(lambda: None)
    long = replace(SHORT, details={"hostname": "x" * 10_000})
    room = lanes_module.LANE_BYTES // len(line_of(long))
    taken = sum(offer(lane, [long] * (room + 50)))

    assert taken == room
    assert lane.dropped == 50


def test_a_sighting_that_no_message_holds_is_dropped(path: Path) -> None:
    lane = Lane(lambda: None)

    assert not lane.offer(replace(SHORT, details={"hostname": "x" * 70_000}))
    assert (len(lane), lane.dropped) == (0, 1)


async def test_a_flood_on_one_source_drops_only_its_own_and_holds_up_no_other(path: Path, lanes: Lanes) -> None:
    core, flooded, quiet = Core(), lanes.lane(2_000), lanes.lane(2_000)
    offer(flooded, sightings(1, 5_000))
    offer(quiet, sightings(2, 3))
    async with served(path, core), handing(lanes):
        await emptied(lanes)

    assert (flooded.dropped, quiet.dropped) == (3_000, 0)
    heard = [sighting.mac for sighting in core.taken]
    assert max(heard.index(sighting.mac) for sighting in sightings(2, 3)) < MESSAGE_SIGHTINGS, "in the first message"


async def test_a_long_line_is_not_passed_over_for_ever(path: Path, lanes: Lanes) -> None:
    core, busy, slow = Core(), lanes.lane(), lanes.lane()
    long = replace(SHORT, mac="02:00:5e:ff:ff:ff", details={"hostname": "x" * 65_000})
    offer(busy, sightings(1, 2_000))
    assert slow.offer(long)
    async with served(path, core), handing(lanes):
        await emptied(lanes)

    assert core.taken.index(long) <= MESSAGE_SIGHTINGS


async def test_a_refused_sighting_is_counted_and_not_sent_again(path: Path, lanes: Lanes) -> None:
    core, lane, three = Core(), lanes.lane(), sightings(1, 3)
    core.refuse_mac = str(three[1].mac)
    async with served(path, core), handing(lanes):
        offer(lane, three)
        await emptied(lanes)

    assert core.taken == [three[0], three[2]]
    assert (lanes.counts.accepted, lanes.counts.refused) == (2, 1)


@pytest.mark.parametrize(
    ("greeting", "answer"),
    [
        (b'{"accepted":0,"refused":[{"line":0,"reason":"full"}]}', b""),
        (b"hello", b""),
        (b"[]", b""),
        (b'{"accepted":0,"refused":[]}', b"no json"),
        (b'{"accepted":0,"refused":[]}', b'{"accepted":1}'),
        (b'{"accepted":0,"refused":[]}', b""),
    ],
    ids=["turned away", "no json", "no object", "nonsense", "half an answer", "closed"],
)
async def test_a_server_that_talks_nonsense_is_asked_again(
    path: Path, lanes: Lanes, greeting: bytes, answer: bytes
) -> None:
    lane, core, loop = lanes.lane(), Core(), asyncio.get_running_loop()
    offer(lane, sightings(1, 1))
    async with handing(lanes):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as server:
            server.bind(str(path))
            server.listen()
            async with asyncio.timeout(_LIMIT_SECONDS):
                client, _ = await loop.sock_accept(server)
            with client:
                await loop.sock_sendall(client, greeting)
                if json.loads(greeting if greeting[:1] == b"{" else b'{"refused":1}')["refused"] == []:
                    async with asyncio.timeout(_LIMIT_SECONDS):
                        await loop.sock_recv(client, 1 << 20)
                    if answer:
                        await loop.sock_sendall(client, answer)
        await broken(lanes, 1)
        async with served(path, core):
            await emptied(lanes)

    assert core.taken == sightings(1, 1)
