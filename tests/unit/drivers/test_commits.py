"""One write to an OLT: how many requests it takes, and what is undone when it does not come to its end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from drivers.access import WantedAccess
from drivers.errors import Busy, Rejected, Unreachable
from drivers.netconf.sources import DEAD_AFTER_S, watch_over
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from pon.onu import Presence
from tests.unit.drivers.plants import WANTED
from tests.unit.drivers.proxy import line_to
from ztpd.lab.cuts import Moment
from ztpd.lab.netconf.faults import Refusal
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt

MANY = [replace(WANTED, service=f"S-{n}", device=f"TEST{n:08X}", c_vlan=400 + n) for n in range(64)]


@contextlib.asynccontextmanager
async def driver_of(lab: LabOlt, *, port: int | None = None, timeout_s: float = 5.0) -> AsyncIterator[NetconfBbfDriver]:
    settings = NetconfBbfSettings(
        name="olt-1",
        host="127.0.0.1",
        port=port or lab.netconf_port,
        username="ztpd",
        password="ztpd",
        host_key=lab.host_public_key,
        uplink="uplink-1",
        rpc_timeout_s=timeout_s,
        commit_timeout_s=timeout_s,
        confirm_timeout_s=1,
    )
    driver = NetconfBbfDriver(settings)
    try:
        yield driver
    finally:
        await driver.close()


async def happens(what: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 # another party, which gives no signal
            await asyncio.sleep(0.01)


async def make(driver: NetconfBbfDriver, *wanted: WantedAccess) -> list[bool]:
    outcomes = await driver.apply(await driver.plan(wanted))
    assert [outcome.error for outcome in outcomes] == [None] * len(wanted)
    return [outcome.changed for outcome in outcomes]


async def test_many_onus_take_a_handful_of_requests() -> None:
    devices = [each.device for each in MANY]
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        for each in MANY:
            lab.plug(each.device, "1/1/1")
        await make(driver, replace(WANTED, service="S-0", c_vlan=999))
        requests: dict[str, int] = {}
        for name, ask in (
            ("plan", lambda: driver.plan(MANY[1:])),
            ("apply", lambda: make(driver, *MANY[1:])),
            ("read", lambda: driver.read(devices)),
            ("measure", lambda: driver.measure(devices)),
            ("suspend", lambda: driver.set_admin(devices[1:], enabled=False)),
            ("remove", lambda: driver.remove(devices)),
        ):
            before = lab.olt.rpcs.total()
            await ask()
            requests[name] = lab.olt.rpcs.total() - before

        assert lab.olt.configured_onus == 1
        assert lab.olt.rpcs["edit-config"] == 4
    assert requests["plan"] == 1
    assert all(count <= 12 for count in requests.values()), requests


async def test_one_that_is_refused_among_many_costs_few_commits() -> None:
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        lab.olt.faults.barred_serials.add(MANY[37].device)

        outcomes = await driver.apply(await driver.plan(MANY))

        assert [n for n, outcome in enumerate(outcomes) if outcome.error is not None] == [37]
        assert lab.olt.configured_onus == 63
        assert lab.olt.rpcs["edit-config"] <= 13


async def test_the_numbers_in_use_are_read_whole_only_once() -> None:
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        reads: list[int] = []
        for each in MANY[:4]:
            before = lab.olt.rpcs["get-config"]
            await make(driver, each)
            reads.append(lab.olt.rpcs["get-config"] - before)

        assert reads == [reads[0]] * 4, "the first reads them all, the others look up those that they give"
        assert {onu.onu_id for onu in await driver.list_provisioned()} == {1, 2, 3, 4}


@pytest.mark.parametrize("operation", ["edit-config", "validate", "commit"])
async def test_what_is_refused_at_any_step_is_discarded(operation: str) -> None:
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        [plan] = await driver.plan([WANTED])
        bare = lab.running_config()
        lab.olt.faults.refuse(operation, 1, Refusal("operation-failed", "out of memory"))

        [outcome] = await driver.apply([plan])

        assert isinstance(outcome.error, Rejected)
        assert (outcome.error.operation, "out of memory" in outcome.error.answer) == (operation, True)
        assert lab.running_config() == bare
        assert lab.olt.datastores.read("candidate") is lab.olt.datastores.running
        assert await make(driver, WANTED) == [True]


@pytest.mark.parametrize("cancels", [True, False])
async def test_a_commit_whose_confirmation_is_refused_is_taken_back(cancels: bool) -> None:
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        [plan] = await driver.plan([WANTED])
        bare = lab.running_config()
        lab.olt.faults.refuse("commit", 2, Refusal("operation-failed", "flash is full"))
        if not cancels:
            lab.olt.faults.refuse("cancel-commit", 1, Refusal("operation-not-supported", "no"))

        [outcome] = await driver.apply([plan])
        await happens(lambda: lab.olt.datastores.unconfirmed is None)

        assert isinstance(outcome.error, Rejected)
        assert lab.running_config() == bare


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_cut_before_the_confirmation_is_taken_back_and_applying_again_ends_right(moment: Moment) -> None:
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        plans = await driver.plan([WANTED])
        # lock, discard-changes, two reads, edit-config, validate, confirmed commit
        lab.olt.faults.cut_at, lab.olt.faults.cut_moment = 7, moment

        with pytest.raises(Unreachable):
            await driver.apply(plans)
        await happens(lambda: lab.sessions == 0)

        assert lab.olt.rpcs["commit"] == 1
        assert await driver.read([WANTED.device]) == {}
        assert await make(driver, WANTED) == [True]


async def test_an_olt_that_does_not_notice_the_cut_reverts_by_itself_when_its_time_is_over() -> None:
    async with (
        lab_olt(LabOltSettings(ports=1, commit_seconds=0.3)) as lab,
        line_to(lab.netconf_port) as line,
        driver_of(lab, port=line.port, timeout_s=1.0) as driver,
    ):
        plans = await driver.plan([WANTED])
        applying = asyncio.create_task(driver.apply(plans))
        await happens(lambda: lab.olt.datastores.unconfirmed is not None)
        line.go_silent()

        with pytest.raises(Unreachable, match="no answer within 1 s"):
            await applying
        assert lab.sessions == 1, "the OLT still believes in the session"
        await happens(lambda: lab.olt.datastores.unconfirmed is None)

        assert await driver.read([WANTED.device]) == {}
        with pytest.raises(Busy):
            await driver.apply(plans)
        await line.cut_silent()
        await happens(lambda: lab.sessions == 1)
        assert await make(driver, WANTED) == [True]


async def test_a_suspended_onu_carries_no_traffic_until_it_is_resumed() -> None:
    async with lab_olt(LabOltSettings(ports=1)) as lab, driver_of(lab) as driver:
        lab.plug(WANTED.device, "1/1/1")
        await make(driver, WANTED)
        seen: list[Presence] = []
        for enabled in (False, True):
            await driver.set_admin([WANTED.device], enabled)
            seen.append((await driver.read([WANTED.device]))[WANTED.device].presence)
            seen.extend(onu.presence for onu in await driver.list_discovered())

        assert seen == [Presence.IN_ERROR] * 2 + [Presence.INTENDED] * 2


def test_a_dead_peer_is_noticed_within_a_bounded_time_idle_or_not() -> None:
    with socket.socket() as sock:
        watch_over(sock)
        tcp = socket.IPPROTO_TCP
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle, interval, count = (
            sock.getsockopt(tcp, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * count <= DEAD_AFTER_S
        assert sock.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == DEAD_AFTER_S * 1000
