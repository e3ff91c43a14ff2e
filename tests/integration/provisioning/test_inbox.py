"""The inbox: in order, bounded, counted; a sighting that cannot be kept harms no other, and an end loses none."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from tests.integration.provisioning.network import Network, at_work, happens
from ztpd.discovery.inbox import GROUP, Inbox
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import sightings

AT = datetime(2026, 3, 1, tzinfo=UTC)


def heard(number: int) -> Sighting:
    return Sighting(Source.DHCP, AT, mac=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}")


ALL = [heard(number) for number in range(2 * GROUP + 7)]


async def test_sightings_are_kept_in_the_order_they_came(net: Network) -> None:
    outcomes: list[str] = []
    inbox = Inbox(
        lambda sighting: net.store.commit(sightings.record_sighting, sighting),
        report=lambda sighting, outcome: outcomes.append(outcome),
    )
    async with at_work(inbox.run):
        for sighting in ALL:
            inbox.accept(sighting)
        await happens(lambda: len(outcomes) == len(ALL), "each is told of")
    kept = await net.store.read(lambda reader: reader.sightings(0, 1000, None, unmatched=False))
    assert [sighting["body"]["mac"] for sighting in kept] == [sighting.mac for sighting in ALL]
    assert (set(outcomes), inbox.dropped) == ({"kept"}, 0)


async def test_what_there_is_no_room_for_is_dropped_and_counted() -> None:
    outcomes: Counter[str] = Counter()
    kept: list[Sighting] = []

    async def keep(sighting: Sighting) -> None:
        kept.append(sighting)

    inbox = Inbox(keep, room=10, report=lambda sighting, outcome: outcomes.update([outcome]))
    for sighting in ALL[:25]:
        inbox.accept(sighting)
    async with at_work(inbox.run):
        await happens(lambda: outcomes["kept"] == 10, "those with room are kept")
    assert kept == ALL[:10]
    assert (inbox.dropped, outcomes["dropped"]) == (15, 15)


async def test_a_sighting_that_cannot_be_kept_harms_no_other_and_is_counted() -> None:
    outcomes: Counter[str] = Counter()
    kept: list[Sighting] = []

    async def keep(sighting: Sighting) -> None:
        await asyncio.sleep(0)
        if sighting in ALL[5:10]:
            raise LookupError(sighting.mac)
        kept.append(sighting)

    inbox = Inbox(keep, report=lambda sighting, outcome: outcomes.update([outcome]))
    with capture_logs() as lines:
        async with at_work(inbox.run):
            for sighting in ALL:
                inbox.accept(sighting)
            await happens(lambda: outcomes.total() == len(ALL), "each is told of")
    assert kept == ALL[:5] + ALL[10:]
    assert outcomes == {"kept": len(ALL) - 5, "lost": 5}
    assert [(line["lost"], line["of"]) for line in lines] == [(5, GROUP)], "one line, not one for each"


async def test_what_was_accepted_before_the_end_is_kept() -> None:
    outcomes: Counter[str] = Counter()
    gate, begun = asyncio.Event(), asyncio.Event()

    async def keep(sighting: Sighting) -> None:
        begun.set()
        await gate.wait()

    inbox = Inbox(keep, report=lambda sighting, outcome: outcomes.update([outcome]))
    task = asyncio.create_task(inbox.run())
    for sighting in ALL:
        inbox.accept(sighting)
    await begun.wait()
    task.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert outcomes == {"kept": len(ALL)}


async def test_an_end_that_is_asked_for_again_does_not_wait_for_a_store_that_hangs() -> None:
    inbox = Inbox(lambda sighting: asyncio.Event().wait())
    task = asyncio.create_task(inbox.run())
    for sighting in ALL[:3]:
        inbox.accept(sighting)
    async with asyncio.timeout(5):
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
    assert task.cancelled()
