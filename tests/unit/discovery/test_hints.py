"""Hints: whose they are, what is told of them, and whose turn it is."""

import asyncio
from collections import Counter
from ipaddress import ip_address

import pytest
from structlog.testing import capture_logs

from tests.integration.provisioning.network import happens
from ztpd.discovery.hints import TELL_S, Hints, Outcome, Seldom, Senders, plain_address
from ztpd.discovery.turns import ROOM, Turns

DEADLINE_S = 20.0


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::ffff", "2001:db8::ffff"),
    ],
)
def test_an_address_is_the_same_however_a_socket_tells_it(told: str, plain: str) -> None:
    assert plain_address(told) == plain
    assert str(ip_address(plain)) == plain


def test_an_address_may_stand_for_several_elements() -> None:
    senders = Senders({"olt-1": ["192.0.2.1", "2001:DB8::0:1"], "olt-2": ["192.0.2.1"], "olt-3": ["olt-3.invalid"]})
    assert senders.elements("192.0.2.1") == ("olt-1", "olt-2")
    assert senders.elements("2001:db8::1") == ("olt-1",)
    assert senders.elements("192.0.2.3") == ()


async def test_names_are_looked_up_and_one_without_an_address_is_told_of_once() -> None:
    senders = Senders({"olt-1": ["localhost"], "olt-2": ["nobody.invalid"]})
    assert senders.elements("127.0.0.1") == ()
    with capture_logs() as lines:
        following = asyncio.create_task(senders.follow())
        await happens(lambda: senders.elements("127.0.0.1") or senders.elements("::1"), "localhost is found")
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert [line["host"] for line in lines] == ["nobody.invalid"]


def test_what_happens_often_is_told_seldom_with_how_often() -> None:
    now = [0.0]
    seldom = Seldom(lambda: now[0])
    assert [seldom.due("flood") for _ in range(1000)] == [1] + [0] * 999
    assert seldom.due("other") == 1
    now[0] = TELL_S
    assert seldom.due("flood") == 1000
    assert sum(seldom.due(f"reason {n}") > 0 for n in range(1000)) < Seldom.REASONS, "the rest counts as one"


def test_hints_nudge_are_counted_and_little_is_said() -> None:
    nudged: list[str] = []
    counted: Counter[tuple[str, str]] = Counter()
    senders = Senders({"olt-1": ["192.0.2.1"], "olt-2": ["192.0.2.1"]})
    hints = Hints("syslog", senders, nudged.append, lambda source, outcome: counted.update([(source, outcome)]))
    with capture_logs() as lines:
        for _ in range(500):
            assert not hints.knows("198.51.100.1")
            hints.refuse("192.0.2.1", Outcome.MALFORMED, "empty")
        assert hints.knows("192.0.2.1")
        hints.nudge("192.0.2.1")
    assert nudged == ["olt-1", "olt-2"]
    assert counted == {("syslog", "unknown-source"): 500, ("syslog", "malformed"): 500, ("syslog", "nudged"): 1}
    assert [(line["event"], line.get("address"), line.get("elements")) for line in lines] == [
        ("hint from an unknown source", "198.51.100.1", None),
        ("hint not followed", None, "olt-1, olt-2"),
    ]


async def test_senders_take_turns_and_a_flood_costs_only_its_own_oldest() -> None:
    turns: Turns[int] = Turns()
    kept = [turns.put("flood", number) for number in range(10 * ROOM)]
    assert kept == [True] * ROOM + [False] * 9 * ROOM
    turns.put("other", 1)
    turns.put("other", 2)
    taken = [await turns.take() for _ in range(5)]
    first = 9 * ROOM
    assert taken == [("flood", first), ("other", 1), ("flood", first + 1), ("other", 2), ("flood", first + 2)]


async def test_who_waits_for_its_turn_to_be_over_goes_on_then() -> None:
    turns: Turns[int] = Turns()
    await turns.none_left("a")
    read: list[tuple[str, int]] = []
    turns.put("a", 1)
    turns.put("a", 2)
    reading = asyncio.create_task(turns.read_each(lambda sender, thing: read.append((sender, thing))))
    async with asyncio.timeout(DEADLINE_S):
        await turns.none_left("a")
    assert read == [("a", 1), ("a", 2)]
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
