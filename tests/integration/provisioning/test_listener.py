"""The PON listener: what an OLT announces is kept at once, and what was missed is found in its list."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from random import Random
from time import monotonic
from typing import Any

from structlog.testing import capture_logs

from drivers.access import PresentDevice
from drivers.base import Driver, Heard
from drivers.netconf_bbf import NetconfBbfDriver
from tests.integration.provisioning.network import (
    OTHER_PORT,
    PORT,
    SERIAL,
    Network,
    at_work,
    happens,
    serial_of,
    until,
)
from ztpd.discovery.pon import Keep, PonListener
from ztpd.domain.lifecycle import JobState
from ztpd.lab.netconf.faults import Refusal
from ztpd.store import sightings

NEVER_S = 3600.0
SOON_S = 0.05


@dataclass
class Kept:
    """The store's intentions as a listener is handed them, and what was handed over."""

    net: Network
    announced: list[tuple[str, datetime]] = field(default_factory=list)
    listed: list[set[tuple[str, str]]] = field(default_factory=list)
    ports: frozenset[str] = frozenset()
    refuses: Callable[[str], bool] = lambda what: False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def announcement(self, element: str, onu: PresentDevice, heard_at: datetime) -> None:
        await self.gate.wait()
        if self.refuses(onu.device):
            raise RuntimeError("no room")
        await self.net.store.commit(sightings.record_announcement, element, onu, heard_at)
        self.announced.append((onu.device, heard_at))

    async def listing(self, element: str, listed: Sequence[PresentDevice], heard_at: datetime) -> None:
        if self.refuses("list"):
            raise RuntimeError("no room")
        await self.net.store.commit(sightings.record_listing, element, listed, heard_at)
        self.listed.append({(onu.device, onu.port) for onu in listed})

    def has_ports(self, element: str, ports: frozenset[str]) -> None:
        self.ports = ports


def listener(net: Network, driver: Driver, kept: Kept, **settings: Any) -> PonListener:
    keep = Keep(kept.announcement, kept.listing, kept.has_ports)
    given = {"poll_s": NEVER_S, "reconnect_s": SOON_S, "reread_s": SOON_S, **settings}
    return PonListener(driver, keep, net.clock, Random(7), **given)


async def present(net: Network) -> dict[str, str]:
    """The port of every ONU that is believed to be present, by serial."""
    devices = await net.store.read(lambda reader: reader.devices(0, 100, None))
    return {
        name["value"]: device["port"]
        for device in devices
        for name in device["names"]
        if name["kind"] == "pon" and device["presence"] == "present"
    }


async def test_an_announced_onu_is_known_without_any_list_being_read(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    await net.order(1)
    async with at_work(listener(net, await net.driver(olt), kept).run):
        await happens(lambda: olt.lab.subscribers and len(kept.listed) == 2, "it listens")
        olt.plug()
        await net.reaches(JobState.DISCOVERED)
        olt.lab.unplug(SERIAL)
        await until(lambda: present(net), lambda onus: onus == {}, "it is gone")
    assert kept.listed == [set(), set()]
    assert kept.ports == {PORT, OTHER_PORT}


async def test_a_hint_has_the_list_read_at_once(net: Network) -> None:
    class Silent(NetconfBbfDriver):
        async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
            await asyncio.Event().wait()

    olt, kept = await net.olt(), Kept(net)
    worker = listener(net, await net.driver(olt, Silent), kept)
    async with at_work(worker.run):
        await happens(lambda: kept.listed, "the list is read at first")
        olt.plug()
        worker.asked.set()
        await until(lambda: present(net), lambda onus: set(onus) == {SERIAL}, "it is found")
    assert len(kept.listed) == 2


async def test_an_announcement_that_could_not_be_kept_is_found_in_the_list(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    kept.refuses = lambda what: what == serial_of(2)
    async with at_work(listener(net, await net.driver(olt), kept).run):
        await happens(lambda: olt.lab.subscribers and len(kept.listed) == 2, "it listens")
        for number in (1, 2, 3):
            olt.plug(number)
        await happens(lambda: len(kept.listed) > 2, "the list is read")
        assert {serial for serial, _ in kept.announced} == {serial_of(1), serial_of(3)}
    assert set(await present(net)) == {serial_of(1), serial_of(2), serial_of(3)}


async def test_more_announcements_than_there_is_room_for_are_found_in_the_list(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    async with at_work(listener(net, await net.driver(olt), kept, room=2).run):
        await happens(lambda: olt.lab.subscribers and len(kept.listed) == 2, "it listens")
        kept.gate.clear()
        for number in range(1, 9):
            olt.plug(number)
        await happens(lambda: len(kept.listed) > 2, "the list is read")
        assert kept.announced == []
        assert len(await present(net)) == 8


async def test_a_list_that_could_not_be_kept_is_read_again_soon(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    olt.plug()
    failures = iter([True, True])
    kept.refuses = lambda what: what == "list" and next(failures, False)
    async with at_work(listener(net, await net.driver(olt), kept).run):
        await happens(lambda: kept.listed, "it is kept")
    assert set(await present(net)) == {SERIAL}


async def test_what_was_plugged_and_unplugged_while_nobody_listened_is_found(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    olt.plug(1)
    olt.plug(2)
    up: list[bool] = []
    worker = listener(net, await net.driver(olt), kept, report_up=lambda element, is_up: up.append(is_up))
    async with at_work(worker.run):
        await happens(lambda: olt.lab.subscribers and len(kept.listed) == 2, "it listens")
        await olt.switch_off()
        await happens(lambda: up[-1] is False, "it is told as down")
        assert set(await present(net)) == {serial_of(1), serial_of(2)}, "nothing is known of an OLT that is away"
        await olt.switch_on()
        olt.plug(2, port=OTHER_PORT)
        olt.plug(3)
        await until(
            lambda: present(net), lambda onus: onus == {serial_of(2): OTHER_PORT, serial_of(3): PORT}, "found anew"
        )
        await happens(lambda: up[-1], "it is told as up")
    assert kept.announced == []


async def test_an_onu_plugged_in_between_the_list_and_the_subscription_is_found_soon(net: Network) -> None:
    class LateSubscriber(NetconfBbfDriver):
        async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
            await happens(lambda: kept.listed, "the list is read first")
            olt.plug()
            await super().watch(heard, listening)

    olt, kept = await net.olt(), Kept(net)
    async with at_work(listener(net, await net.driver(olt, LateSubscriber), kept).run):
        await until(lambda: present(net), lambda onus: set(onus) == {SERIAL}, "it is found")
    assert kept.announced == []


async def test_a_list_that_is_older_than_an_announcement_does_not_undo_it(net: Network) -> None:
    class SlowLister(NetconfBbfDriver):
        async def list_discovered(self) -> list[PresentDevice]:
            await happens(lambda: olt.lab.subscribers, "announcements are heard")
            found = await super().list_discovered()
            if not olt.lab.olt.plugged():
                olt.plug()
                await happens(lambda: kept.announced, "it is announced while the old list is under way")
            return found

    olt, kept = await net.olt(), Kept(net)
    async with at_work(listener(net, await net.driver(olt, SlowLister), kept).run):
        await happens(lambda: kept.listed, "a list is kept")
    assert kept.listed[0] == {(SERIAL, PORT)}
    told = await net.store.read(lambda reader: reader.sightings(0, 100, None, unmatched=False))
    assert {sighting["body"]["presence"] for sighting in told} == {"present"}


async def test_an_announcement_bears_the_moment_it_was_heard(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    looked_up: list[datetime] = []

    def now() -> datetime:
        looked_up.append(net.clock())
        return looked_up[-1]

    worker = replace(listener(net, await net.driver(olt), kept), now=now)
    async with at_work(worker.run):
        await happens(lambda: olt.lab.subscribers and len(kept.listed) == 2, "it listens")
        kept.gate.clear()
        looked_up.clear()
        olt.plug(1)
        olt.plug(2)
        await happens(lambda: len(looked_up) == 2, "both are heard")
        net.clock.skip(hours=1)
        kept.gate.set()
        await happens(lambda: len(kept.announced) == 2, "both are kept")
    assert kept.announced == [(serial_of(1), looked_up[0]), (serial_of(2), looked_up[1])]


async def test_an_element_that_is_away_is_tried_for_ever_with_pauses_that_vary(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    driver = await net.driver(olt)
    await olt.switch_off()
    tries: list[float] = []
    with capture_logs() as lines:
        worker = listener(
            net, driver, kept, reconnect_s=0.1, report_up=lambda element, is_up: tries.append(monotonic())
        )
        async with at_work(worker.run):
            await happens(lambda: len(tries) >= 10, "it is tried again and again")
            await olt.switch_on()
            olt.plug()
            await until(lambda: present(net), lambda onus: set(onus) == {SERIAL}, "it is heard")
            await happens(lambda: any(line["event"] == "element answers again" for line in lines), "it is said")
    pauses = [later - earlier for earlier, later in pairwise(tries[:10])]
    assert 0.05 <= min(pauses) < 0.1, "cut by up to half"
    assert max(pauses) > 1.1 * min(pauses), "and never the same"
    said = [line["times"] for line in lines if line["event"] == "element does not answer"]
    assert said[:4] == [1, 2, 4, 8]


async def test_an_element_with_another_host_key_is_never_written_to_and_the_log_stays_short(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    driver = await net.driver(olt)
    await olt.lab.change_host_key()
    tries: list[bool] = []
    with capture_logs() as lines:
        await net.due(1)
        worker = listener(net, driver, kept, report_up=lambda element, is_up: tries.append(is_up))
        async with at_work(worker.run), at_work(net.provisioner(driver).run):
            await happens(lambda: len(tries) >= 8, "it is tried again and again")
            await until(lambda: net.put_off("element-unreachable"), bool, "the job is put off")
    assert not any(tries)
    assert (olt.lab.olt.rpcs.total(), kept.listed) == (0, [])
    reasons = [line["reason"] for line in lines if line["event"].startswith("element ")]
    assert 2 * 3 <= len(reasons) <= 2 * 5, "for each of two sessions at 1, 2, 4 and 8"
    assert all("host key changed" in reason for reason in reasons)
    assert "host key changed" in (await net.job())["failures"][0]["detail"]


async def test_an_element_that_refuses_the_subscription_is_still_read(net: Network) -> None:
    olt, kept = await net.olt(), Kept(net)
    olt.plug()
    olt.lab.olt.faults.refuse("create-subscription", 1, Refusal("access-denied", "no rights"))
    with capture_logs() as lines:
        async with at_work(listener(net, await net.driver(olt), kept).run):
            await happens(lambda: any("no rights" in str(line.get("reason")) for line in lines), "it is told")
            await until(lambda: present(net), lambda onus: set(onus) == {SERIAL}, "it is read")
            await happens(lambda: olt.lab.subscribers, "it is tried again")


async def test_what_a_driver_did_not_foresee_ends_neither_the_listener_nor_the_log(net: Network) -> None:
    class Surprised(NetconfBbfDriver):
        async def list_discovered(self) -> list[PresentDevice]:
            if len(tries) < 5:
                raise LookupError("port 1/1/x")
            return await super().list_discovered()

    olt, kept = await net.olt(), Kept(net)
    olt.plug()
    tries: list[bool] = []
    with capture_logs() as lines:
        worker = listener(
            net, await net.driver(olt, Surprised), kept, report_up=lambda element, is_up: tries.append(is_up)
        )
        async with at_work(worker.run):
            await until(lambda: present(net), lambda onus: set(onus) == {SERIAL}, "it is read in the end")
    told = [line for line in lines if line["event"] == "element does not answer"]
    assert [line["times"] for line in told] == [1, 2, 4]
    assert all("port 1/1/x" in line["reason"] and line["exc_info"] for line in told)
