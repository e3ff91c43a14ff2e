"""Attempts that an element takes: confirmed once, written once, together in one commit, refused alone."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from drivers.access import Levels, WantedAccess
from drivers.base import Outcome, Plan
from drivers.netconf_bbf import NetconfBbfDriver
from tests.integration.provisioning.network import (
    CPE,
    OTHER_PORT,
    PATIENT,
    SERIAL,
    Network,
    at_work,
    serial_of,
    until,
)
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import AllocatedDevice, Window
from ztpd.lab.netconf.faults import Refusal
from ztpd.store import orders

ONT = AllocatedDevice(role="ont", serial=SERIAL)


async def test_an_attempt_ends_confirmed_and_says_so_once(net_on_each: Network) -> None:
    net = net_on_each
    olt = await net.olt()
    olt.plug()
    await net.due(1)
    told: list[tuple[str, str]] = []
    worker = net.provisioner(await net.driver(olt), report=lambda element, outcome, _: told.append((element, outcome)))
    async with at_work(worker.run):
        await net.confirmed(1)
    assert await net.confirmed_once()
    assert told == [("olt-1", "confirmed")]
    assert (await net.job())["levels"] == asdict(Levels(-18.5, -20.3))
    assert await net.codes() == []


async def test_the_next_attempt_finds_its_configuration_and_writes_nothing(net: Network) -> None:
    olt = await net.olt()
    olt.plug(onu_rx_dbm=-28.4)
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        failed = await net.reaches(JobState.FAILED)
        assert failed["failures"][0]["code"] == "low-light"
        assert "ONT receives -28.4 dBm" in failed["failures"][0]["detail"]
        writes, configuration = olt.writes, olt.lab.running_config()
        assert writes > 0
        olt.lab.olt.set_light(SERIAL, -18.5, -20.3)
        await net.store.commit(orders.ask_retry, "J-1")
        await net.confirmed(1)
    assert (olt.writes, olt.lab.running_config()) == (writes, configuration)
    first, second = (event["changes"] for event in await net.events("job.verifying"))
    assert first
    assert second == []
    assert await net.confirmed_once()


async def test_the_due_jobs_of_an_element_go_in_one_commit(net: Network) -> None:
    olt = await net.olt()
    for number in range(1, 6):
        olt.plug(number)
    await net.due(*range(1, 6))
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await net.confirmed(*range(1, 6))
    # A confirmed commit and the commit that confirms it (RFC 6241 §8.4).
    assert (olt.rpcs["edit-config"], olt.rpcs["commit"]) == (1, 2)
    assert olt.lab.olt.configured_onus == 5


async def test_more_due_jobs_than_one_commit_takes_are_each_installed_once(net: Network) -> None:
    olt = await net.olt()
    numbers = range(1, 2 * PATIENT.batch + 3)
    for number in numbers:
        olt.plug(number)
    await net.due(*numbers)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.confirmed(*numbers)
    assert (olt.rpcs["edit-config"], olt.rpcs["commit"]) == (3, 6)
    assert olt.lab.olt.configured_onus == len(numbers)
    assert all([await net.confirmed_once(f"J-{number}") for number in numbers])


async def test_a_job_that_the_element_refuses_fails_alone_with_its_answer(net: Network) -> None:
    olt = await net.olt()
    for number in (1, 2, 3):
        olt.plug(number)
    await net.due(1, 2, 3)
    olt.lab.olt.faults.barred_serials.add(serial_of(2))
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await net.confirmed(1, 3)
        refused = await net.reaches(JobState.FAILED, "J-2")
    assert [failure["code"] for failure in refused["failures"]] == ["element-rejected"]
    assert serial_of(2) in refused["failures"][0]["detail"]
    assert "edit-config" in refused["failures"][0]["detail"]
    assert refused["attempt"] == 1, "a refusal is not repeated"


async def test_a_port_that_the_element_does_not_have_fails_that_job_only(net: Network) -> None:
    olt = await net.olt()
    olt.plug(1)
    await net.due(1)
    await net.order(2, port="1/1/99")
    await net.announce(2, port="1/1/99")
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await net.confirmed(1)
        refused = await net.reaches(JobState.FAILED, "J-2")
    assert refused["failures"][0]["code"] == "element-rejected"
    assert "1/1/99" in refused["failures"][0]["detail"]


class _Flawed(NetconfBbfDriver):
    """A driver that has not foreseen something about two of its ONUs."""

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        if any(each.device == serial_of(2) for each in wanted):
            raise KeyError("onu-type")
        return await super().plan(wanted)

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        if any(plan.wanted.device == serial_of(3) for plan in plans):
            raise AttributeError("no attribute 'text'")
        return await super().apply(plans)


async def test_a_flaw_in_a_driver_harms_only_the_job_that_shows_it(net: Network) -> None:
    olt = await net.olt()
    olt.plug(1)
    await net.due(1, 2, 3)
    async with at_work(net.provisioner(await net.driver(olt, _Flawed)).run):
        await net.confirmed(1)
        details = [(await net.reaches(JobState.FAILED, f"J-{number}"))["failures"][0] for number in (2, 3)]
    assert [failure["code"] for failure in details] == ["element-rejected"] * 2
    assert "unforeseen KeyError" in details[0]["detail"]
    assert "unforeseen AttributeError" in details[1]["detail"]


async def test_a_refusal_of_the_whole_batch_fails_every_job_in_it(net: Network) -> None:
    olt = await net.olt()
    await net.due(1, 2)
    olt.lab.olt.faults.refuse("lock", 1, Refusal("access-denied", "read-only user"))
    async with at_work(net.provisioner(await net.driver(olt)).run):
        for number in (1, 2):
            failed = await net.reaches(JobState.FAILED, f"J-{number}")
            assert failed["failures"][0]["code"] == "element-rejected"
            assert "read-only user" in failed["failures"][0]["detail"]
    assert olt.writes == 0


async def test_light_that_is_unknown_is_never_good_enough(net: Network) -> None:
    olt = await net.olt()
    olt.plug(onu_rx_dbm=99.0)  # no receiver reports that: the driver takes it for unknown
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        failed = await net.reaches(JobState.FAILED)
    assert failed["failures"][0]["code"] == "low-light"
    assert "ONT receives an unknown level" in failed["failures"][0]["detail"]
    assert await net.evidence() == []


async def test_light_that_becomes_known_in_time_is_waited_for(net: Network) -> None:
    olt = await net.olt()
    olt.plug(onu_rx_dbm=99.0)
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        olt.lab.olt.set_light(SERIAL, -18.5, -20.3)
        await net.confirmed(1)
    assert (await net.job())["attempt"] == 1


async def test_an_onu_that_does_not_come_up_fails_in_time(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        failed = await net.reaches(JobState.FAILED)
    assert [failure["code"] for failure in failed["failures"]] == ["not-seen"]
    assert olt.lab.olt.configured_onus == 1, "its configuration stays for the next visit"


async def test_an_onu_that_comes_up_late_is_confirmed_by_the_same_attempt(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        olt.plug()
        await net.confirmed(1)
    assert (await net.job())["attempt"] == 1


async def test_an_onu_that_is_moved_while_it_is_verified_is_on_the_wrong_port(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        olt.plug(port=OTHER_PORT)
        failed = await net.reaches(JobState.FAILED)
    assert [failure["code"] for failure in failed["failures"]] == ["wrong-port"]
    assert await net.evidence() == []


async def test_a_cpe_that_stays_silent_past_its_time_fails_the_job(net: Network) -> None:
    olt = await net.olt()
    olt.plug()
    await net.due(1, devices=[ONT, CPE])
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await until(lambda: net.events("job.network-confirmed"), bool, "the network should work")
        assert (await net.job())["state"] == JobState.VERIFYING
        net.clock.skip(seconds=901)
        failed = await net.reaches(JobState.FAILED)
    assert [failure["code"] for failure in failed["failures"]] == ["cpe-silent"]


async def test_a_device_that_is_not_heard_before_the_window_closes_fails_the_job(net: Network) -> None:
    opens = net.clock()
    await net.order(1, window=Window(start=opens, end=opens + timedelta(hours=2)))
    async with at_work(net.provisioner().run):
        net.clock.skip(hours=2, seconds=1)
        failed = await net.reaches(JobState.FAILED)
    assert [failure["code"] for failure in failed["failures"]] == ["not-seen"]


async def test_a_job_that_becomes_due_while_others_are_verified_does_not_wait_for_them(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        olt.plug(2)
        await net.due(2)
        await net.confirmed(2)
        assert (await net.job())["state"] == JobState.VERIFYING
    assert olt.lab.olt.configured_onus == 2
