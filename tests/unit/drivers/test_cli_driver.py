"""The driver for command lines, where it promises more than every driver does, against the lab's Huawei SmartAX."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from drivers.access import WantedAccess
from drivers.cli import CliDriver, CliSettings
from drivers.errors import Busy, Conflict, Rejected
from pon.onu import Presence
from tests.contract.driving import make_so
from tests.unit.drivers.cli_olts import driver_of, settings_for
from ztpd.lab.cli_olt.lab import LabCliOlt, lab_cli_olt

SERIAL = "HWTC1A2B3C4D"
VALUES = {"line_profile": "10", "service_profile": "10", "user_vlan": "100"}
WANTED = WantedAccess(
    service="SVC-1",
    port="0/1/0",
    device=SERIAL,
    s_vlan=201,
    c_vlan=301,
    downstream_bps=1_000_000_000,
    upstream_bps=500_000_000,
)


@pytest.fixture
async def lab() -> AsyncIterator[LabCliOlt]:
    async with lab_cli_olt() as made:
        yield made


def settings_at(lab: LabCliOlt) -> CliSettings:
    return settings_for(lab, "huawei-smartax", VALUES)


@pytest.fixture
async def driver(lab: LabCliOlt) -> AsyncIterator[CliDriver]:
    async with driver_of(settings_at(lab)) as made:
        yield made


def configure_by_hand(lab: LabCliOlt, serial: str, port: str, onu_id: int, flows: int = 1) -> None:
    """What somebody else has configured."""
    lab.shelf.objects("onu")[f"{port}:{onu_id}"] = {
        "port": port,
        "id": str(onu_id),
        "serial": serial,
        "enabled": True,
        "line_profile": "20",
        "service_profile": "20",
        "description": "somebody",
    }
    lab.shelf.objects("traffic-table")["6"] = {"name": "theirs", "cir": "10240", "pir": "10240", "priority": "0"}
    for n in range(flows):
        index = str(len(lab.shelf.objects("service-port")))
        lab.shelf.objects("service-port")[index] = {
            "vlan": str(900 + n),
            "port": port,
            "ont": str(onu_id),
            "gemport": str(n + 1),
            "user_vlan": str(10 + n),
            "tag": "translate",
            "inner": "",
            "inbound": "6",
            "outbound": "6",
        }


def configure_as_ours(lab: LabCliOlt, count: int) -> list[str]:
    serials = [f"HWTC{n:08X}" for n in range(count)]
    for n, serial in enumerate(serials):
        configure_by_hand(lab, serial, lab.shelf.ports[n // 128], n % 128)
        lab.shelf.objects("onu")[f"{lab.shelf.ports[n // 128]}:{n % 128}"]["description"] = f"ztpd_SVC-{n}"
    return serials


async def test_a_thousand_suspensions_never_hold_more_than_the_configured_sessions(lab: LabCliOlt) -> None:
    serials = configure_as_ours(lab, 1_000)
    lab.shelf.save()
    lab.shelf.saves = 0
    async with driver_of(replace(settings_at(lab), sessions=2, command_timeout_s=60.0)) as driver:
        tasks = [asyncio.create_task(driver.set_admin([serial], enabled=False)) for serial in serials]
        reads = [asyncio.create_task(driver.read([serial])) for serial in serials[:50]]
        outcomes = [outcome for task in tasks for outcome in await task]
        await asyncio.gather(*reads)

    assert [outcome.error for outcome in outcomes] == [None] * 1_000
    assert lab.server.most_sessions <= 2
    assert lab.server.logins <= 2
    assert lab.shelf.saves <= 3, "what is written together is saved together"
    lab.shelf.restart()
    assert not any(onu["enabled"] for onu in lab.shelf.objects("onu").values())


async def test_one_session_is_enough(lab: LabCliOlt) -> None:
    async with driver_of(replace(settings_at(lab), sessions=1)) as driver:
        await asyncio.gather(
            *(
                make_so(driver, replace(WANTED, service=f"S-{n}", device=f"HWTC0000000{n}", c_vlan=400 + n))
                for n in range(4)
            ),
            driver.list_provisioned(),
        )

    assert lab.server.most_sessions == 1
    assert {onu["id"] for onu in lab.shelf.objects("onu").values()} == {"0", "1", "2", "3"}


async def test_a_suspension_keeps_the_configuration_and_survives_a_restart(lab: LabCliOlt, driver: CliDriver) -> None:
    lab.plug(SERIAL, WANTED.port)
    await make_so(driver, WANTED)
    before = (await driver.read([SERIAL]))[SERIAL]

    [outcome] = await driver.set_admin([SERIAL], enabled=False)
    [again] = await driver.set_admin([SERIAL], enabled=False)
    lab.shelf.restart()
    after = (await driver.read([SERIAL]))[SERIAL]

    assert (outcome.changed, again.changed) == (True, False)
    assert after == replace(before, enabled=False, presence=Presence.ABSENT)


async def test_what_was_written_is_saved_once(lab: LabCliOlt, driver: CliDriver) -> None:
    await driver.save()
    before = lab.shelf.saves
    await make_so(driver, WANTED, replace(WANTED, service="SVC-2", device="HWTC00000002", c_vlan=302))
    running = lab.shelf.configuration()

    await asyncio.gather(driver.save(), driver.save(), driver.save())
    await driver.save()
    lab.shelf.restart()

    assert (before, lab.shelf.saves) == (1, 2), "at first what an earlier process may have left unsaved"
    assert lab.shelf.configuration() == running


async def test_a_refusal_at_any_command_leaves_everything_as_it_was(lab: LabCliOlt, driver: CliDriver) -> None:
    bare = lab.shelf.configuration()
    [plan] = await driver.plan([WANTED])
    refused = 0
    for nth in range(20):
        lab.shelf.faults.accepted, lab.shelf.faults.refusals = nth, 1
        [outcome] = await driver.apply([plan])
        if outcome.error is None:
            break
        refused += 1
        assert isinstance(outcome.error, Rejected)
        assert lab.shelf.configuration() == bare, f"refused at write {nth}"

    assert refused == 4, "two traffic tables, the ONT and its service port"


async def test_a_changed_service_is_as_it_was_when_any_command_is_refused(lab: LabCliOlt, driver: CliDriver) -> None:
    await make_so(driver, WANTED)
    before = lab.shelf.configuration()
    change = replace(WANTED, service="SVC-2", s_vlan=202, c_vlan=None, upstream_bps=64_000_000, enabled=False)
    [plan] = await driver.plan([change])
    for nth in range(20):
        lab.shelf.faults.accepted, lab.shelf.faults.refusals = nth, 1
        [outcome] = await driver.apply([plan])
        if outcome.error is None:
            break
        assert lab.shelf.configuration() == before, f"refused at write {nth}"

    [made] = await driver.plan([change])
    assert (nth, made.changes) == (5, ())


async def test_what_cannot_be_undone_is_told(lab: LabCliOlt, driver: CliDriver) -> None:
    [plan] = await driver.plan([WANTED])
    lab.shelf.faults.accepted, lab.shelf.faults.refusals = 3, 2

    [outcome] = await driver.apply([plan])
    [repaired] = await driver.apply([plan])

    assert isinstance(outcome.error, Rejected)
    assert "could not be undone: make ont" in outcome.error.answer
    assert outcome.error.operation.startswith("service-port")
    assert (repaired.changed, repaired.error) == (True, None)


async def test_a_busy_element_is_said_to_be_busy_and_goes_on_later(lab: LabCliOlt, driver: CliDriver) -> None:
    [plan] = await driver.plan([WANTED])
    lab.shelf.faults.locked = True

    with pytest.raises(Busy, match="System is busy"):
        await driver.apply([plan])
    lab.shelf.faults.locked = False
    [outcome] = await driver.apply([plan])

    assert outcome.changed


async def test_one_login_too_many_is_busy(lab: LabCliOlt, driver: CliDriver) -> None:
    lab.shelf.faults.slots = 0

    with pytest.raises(Busy, match="Reenter times have reached the upper limit"):
        await driver.list_discovered()
    lab.shelf.faults.slots = 1
    assert await driver.list_discovered() == []


async def test_the_number_of_a_new_onu_is_the_lowest_that_is_free(lab: LabCliOlt, driver: CliDriver) -> None:
    for onu_id in (0, 1, 3):
        configure_by_hand(lab, f"ZTEG0000000{onu_id}", WANTED.port, onu_id)

    await make_so(driver, WANTED)

    assert (await driver.read([SERIAL]))[SERIAL].onu_id == 2


async def test_a_port_without_a_free_number_is_said(lab: LabCliOlt, driver: CliDriver) -> None:
    for onu_id in range(128):
        configure_by_hand(lab, f"ZTEG000000{onu_id:02X}", WANTED.port, onu_id)
    [plan] = await driver.plan([WANTED])
    before = lab.shelf.configuration()

    [outcome] = await driver.apply([plan])

    assert isinstance(outcome.error, Rejected)
    assert "no free onu_id is left on 0/1/0" in outcome.error.answer
    assert lab.shelf.configuration() == before


async def test_a_service_that_another_onu_has_is_a_conflict(lab: LabCliOlt, driver: CliDriver) -> None:
    await make_so(driver, WANTED, replace(WANTED, service="SVC-10", device="HWTC00000010", c_vlan=310))

    [plan] = await driver.plan([replace(WANTED, device="HWTC00000002", c_vlan=302)])

    assert isinstance(plan.refused, Conflict)
    assert "SVC-1 is configured already" in plan.refused.answer


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (replace(WANTED, service="SVC-1 ; reboot"), "service"),
        (replace(WANTED, service='x" desc "y'), "service"),
        (replace(WANTED, service="x\nont delete 0 0"), "service"),
        (replace(WANTED, upstream_bps=1_500), "upstream_bps 1500"),
        (replace(WANTED, downstream_bps=0), "downstream_bps 0"),
        (replace(WANTED, s_vlan=4095), "s_vlan 4095"),
        (replace(WANTED, priority=8), "priority 8"),
        (replace(WANTED, device="HWTC1A2B3C4D\n"), "no PON serial"),
    ],
)
async def test_what_the_platform_cannot_say_is_rejected_before_anything_is_sent(
    lab: LabCliOlt, driver: CliDriver, wanted: WantedAccess, why: str
) -> None:
    await driver.capabilities()
    [plan] = await driver.plan([wanted])
    writes = lab.shelf.writes
    [outcome] = await driver.apply([plan])

    assert isinstance(plan.refused, Rejected)
    assert why in plan.refused.answer
    assert outcome.error is plan.refused
    assert lab.shelf.writes == writes


async def test_messages_that_nobody_asked_for_are_no_answers(lab: LabCliOlt, driver: CliDriver) -> None:
    lab.plug(SERIAL, WANTED.port)
    lab.shelf.faults.chatter = "! EVENT MAJOR 2026-01-02 03:04:05 EVENT NAME :The ONT is online"

    await make_so(driver, WANTED)
    [plan] = await driver.plan([WANTED])

    assert plan.changes == ()
    assert [onu.presence for onu in await driver.list_discovered()] == [Presence.INTENDED]


async def test_what_others_configured_is_left_alone_until_it_is_adopted(lab: LabCliOlt, driver: CliDriver) -> None:
    configure_by_hand(lab, SERIAL, WANTED.port, 5, flows=2)
    configure_by_hand(lab, "ZTEG00000001", "0/1/1", 5)
    before = lab.shelf.configuration()

    [plan] = await driver.plan([WANTED])
    [suspended] = await driver.set_admin([SERIAL], enabled=False)
    [removed] = await driver.remove([SERIAL])
    observed = (await driver.read([SERIAL]))[SERIAL]

    assert isinstance(plan.refused, Conflict)
    assert isinstance(suspended.error, Conflict)
    assert isinstance(removed.error, Conflict)
    assert (observed.service, observed.s_vlan, observed.upstream_bps) == (None, 900, 10_240_000)
    assert lab.shelf.configuration() == before

    driver.adopt([SERIAL])
    [changed] = await driver.apply(await driver.plan([WANTED]))
    after = (await driver.read([SERIAL]))[SERIAL]
    flows = lab.shelf.objects("service-port")

    assert changed.changed
    assert (after.service, after.onu_id, after.c_vlan) == (None, 5, 301)
    assert lab.shelf.objects("onu")["0/1/0:5"]["description"] == "somebody", "another looks for it by its name"
    assert lab.shelf.objects("onu")["0/1/0:5"]["line_profile"] == "20", "what nobody compares stays"
    assert flows["0"]["user_vlan"] == "10"
    assert flows["1"]["vlan"] == "901", "the service beside it stays"

    [gone] = await driver.remove([SERIAL])
    assert gone.changed
    assert [onu["serial"] for onu in lab.shelf.objects("onu").values()] == ["ZTEG00000001"]
    assert [flow["port"] for flow in flows.values()] == ["0/1/1"]
    assert {table["name"] for table in lab.shelf.objects("traffic-table").values()} == {"theirs"}


async def test_speeds_that_several_have_are_one_table_that_goes_with_the_last(
    lab: LabCliOlt, driver: CliDriver
) -> None:
    second = replace(WANTED, service="SVC-2", device="HWTC00000002", c_vlan=302)
    await make_so(driver, WANTED, second)
    together = {table["name"] for table in lab.shelf.objects("traffic-table").values()}

    await make_so(driver, replace(WANTED, upstream_bps=64_000_000))
    await driver.remove([second.device])
    apart = {table["name"] for table in lab.shelf.objects("traffic-table").values()}

    assert together == {"ztpd-500000-0", "ztpd-1000000-0"}
    assert apart == {"ztpd-64000-0", "ztpd-1000000-0"}


async def test_many_are_read_at_once_as_they_are_one_by_one(lab: LabCliOlt, driver: CliDriver) -> None:
    wanted = [replace(WANTED, service=f"S-{n}", device=f"HWTC000000{n:02X}", c_vlan=400 + n) for n in range(40)]
    await make_so(driver, *wanted)
    lab.plug(wanted[3].device, WANTED.port)

    together = await driver.read([each.device for each in wanted])
    one_by_one = [(await driver.read([each.device]))[each.device] for each in wanted]

    assert [together[each.device] for each in wanted] == one_by_one
    assert sorted(await driver.list_provisioned(), key=lambda each: each.device) == one_by_one


async def test_a_reboot_is_confirmed_and_reaches_the_onu(lab: LabCliOlt, driver: CliDriver) -> None:
    await make_so(driver, WANTED)

    await driver.reboot(SERIAL)
    with pytest.raises(Rejected, match="not configured"):
        await driver.reboot("HWTC00000002")

    assert lab.shelf.restarted == [SERIAL]


async def test_sessions_are_logged_out_when_the_driver_closes(lab: LabCliOlt, driver: CliDriver) -> None:
    await make_so(driver, WANTED)
    during = lab.server.sessions

    await driver.close()
    async with asyncio.timeout(5):
        while lab.server.sessions:  # noqa: ASYNC110 # the element is another party: it gives no signal
            await asyncio.sleep(0.005)

    assert during == 2
