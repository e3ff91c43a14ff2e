"""Elements that are busy, away, cut off or silent: what is due on them is put off and then succeeds by itself."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from drivers.base import Outcome, Plan
from drivers.errors import Unreachable
from drivers.netconf_bbf import NetconfBbfDriver
from tests.integration.provisioning.network import PATIENT, Network, at_work, happens, until
from ztpd.domain.lifecycle import JobState
from ztpd.lab.cuts import Moment
from ztpd.lab.netconf.faults import Refusal
from ztpd.provisioning.policy import RetryPolicy


async def test_a_job_waits_while_another_holds_the_lock_and_then_succeeds_by_itself(net: Network) -> None:
    olt = await net.olt()
    olt.plug()
    olt.lab.hold_lock()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await until(lambda: net.put_off("element-busy"), lambda events: len(events) >= 2, "put off twice")
        assert olt.writes == 0
        olt.lab.release_lock()
        await net.confirmed(1)
    assert await net.confirmed_once()
    assert await net.codes() == []


async def test_the_pauses_between_attempts_grow(net: Network) -> None:
    olt = await net.olt()
    olt.lab.hold_lock()
    await net.due(1)
    policy = RetryPolicy(attempts=20, first_s=0.02, longest_s=60.0)
    async with at_work(net.provisioner(await net.driver(olt), policy=policy).run):
        events = await until(lambda: net.put_off("element-busy"), lambda events: len(events) >= 5, "put off often")
    starts = [event["attempt"] for event in await net.events("job.applying")]
    assert starts[:5] == [1, 2, 3, 4, 5]
    retries = [datetime.fromisoformat(event["retry_at"]) for event in events]
    # The pause is at least 0.01 s times 2 to the n-th: the fifth attempt is that far from the first.
    assert (retries[4] - retries[0]).total_seconds() >= 0.01 * (2 + 4 + 8 + 16)


async def test_an_element_that_is_switched_off_is_left_alone_until_it_is_back(net: Network) -> None:
    olt = await net.olt()
    driver = await net.driver(olt)
    await olt.switch_off()
    await net.due(1)
    away: list[bool] = []
    async with at_work(net.provisioner(driver, report_away=lambda element, now: away.append(now)).run):
        await until(lambda: net.put_off("element-unreachable"), bool, "put off")
        await happens(lambda: away == [True], "it is said to be away")
        await net.due(2)
        net.clock.skip(minutes=10)
        waiting = await net.job("J-2")
        await olt.switch_on()
        olt.plug()
        await net.confirmed(1)
        await happens(lambda: away == [True, False], "it is said to be back")
    assert (waiting["state"], waiting["attempt"]) == (JobState.DISCOVERED, 0)
    assert (await net.job())["attempt"] == 2
    assert await net.confirmed_once()


class _Wordless(NetconfBbfDriver):
    """A driver whose element answers everything but writes."""

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        raise Unreachable(self.name, "edit-config", "no answer within 30 s")


async def test_an_element_that_answers_everything_but_writes_fails_the_job_after_the_attempts_allowed(
    net: Network,
) -> None:
    olt = await net.olt()
    await net.due(1)
    policy = RetryPolicy(attempts=3, first_s=0.01, longest_s=0.02)
    async with at_work(net.provisioner(await net.driver(olt, _Wordless), policy=policy).run):
        failed = await net.reaches(JobState.FAILED)
    assert [failure["code"] for failure in failed["failures"]] == ["element-unreachable"]
    assert failed["attempt"] == 3
    assert len(await net.put_off("element-unreachable")) == 2


async def test_what_was_put_off_for_long_is_due_as_soon_as_the_element_is_back(net: Network) -> None:
    olt = await net.olt()
    olt.plug()
    driver = await net.driver(olt)
    await olt.switch_off()
    await net.due(1)
    policy = RetryPolicy(attempts=3, first_s=3600.0, longest_s=3600.0)
    async with at_work(net.provisioner(driver, policy=policy).run):
        await until(lambda: net.put_off("element-unreachable"), bool, "put off for an hour")
        await olt.switch_on()
        olt.plug()
        await net.confirmed(1)


async def test_writes_are_spread_where_an_element_is_to_be_spared(net: Network) -> None:
    olt = await net.olt()
    for number in (1, 2, 3):
        olt.plug(number)
    await net.due(1, 2, 3)
    async with at_work(net.provisioner(await net.driver(olt), per_minute={"olt-1": 1200.0 / 200}).run):
        await net.confirmed(1)
        alone = (await net.job("J-2"))["state"]
    assert alone == JobState.DISCOVERED
    assert olt.rpcs["edit-config"] == 1


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("operation", ["lock", "edit-config", "commit"])
async def test_a_connection_that_breaks_in_the_middle_costs_only_time(
    net: Network, operation: str, moment: Moment
) -> None:
    olt = await net.olt()
    olt.plug()
    driver = await net.driver(olt)
    faults = olt.lab.olt.faults
    # Planned by two RPCs; then lock, discard-changes, get-config, edit-config, validate, commit, commit.
    faults.cut_at = {"lock": 3, "edit-config": 6, "commit": 8}[operation]
    faults.cut_moment = moment
    await net.due(1)
    async with at_work(net.provisioner(driver).run):
        await net.confirmed(1)
    assert olt.rpcs[operation] >= 2, f"{operation} was sent, cut, and sent again"
    assert await net.confirmed_once()
    assert len(await net.put_off("element-unreachable")) == 1
    assert olt.lab.olt.configured_onus == 1


async def test_an_element_that_breaks_off_while_it_is_verified_is_tried_again(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        olt.lab.end_sessions()
        await until(lambda: net.put_off("element-unreachable"), bool, "put off")
        olt.plug()
        await net.confirmed(1)
    assert await net.confirmed_once()


async def test_an_element_that_refuses_to_be_read_back_fails_the_job_with_its_answer(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        olt.lab.olt.faults.refuse("get", 1, Refusal("access-denied", "no rights on hardware"))
        failed = await net.reaches(JobState.FAILED)
    assert "no rights on hardware" in failed["failures"][0]["detail"]


async def test_an_element_that_hangs_puts_off_all_that_is_due_after_one_time_out(net: Network) -> None:
    olt = await net.olt()
    for number in range(1, 6):
        olt.plug(number)
    await net.due(*range(1, 6))
    driver = await net.driver(olt, rpc_timeout_s=0.4)
    await driver.capabilities()
    olt.lab.olt.faults.hang_after = 0
    policy = RetryPolicy(attempts=20, first_s=2.0, longest_s=2.0)
    async with at_work(net.provisioner(driver, policy=policy).run):
        for number in range(1, 6):
            await until(lambda job=f"J-{number}": net.put_off("element-unreachable", job), bool, "put off")  # type: ignore[misc]
        assert olt.lab.olt.rpcs.total() == 1, "nobody waited for a second answer"
        olt.lab.olt.clear_faults()
        net.clock.skip(seconds=2)
        await net.confirmed(*range(1, 6))


async def test_an_element_that_hangs_holds_up_no_other(net: Network) -> None:
    hung, sound = await net.olt("olt-1"), await net.olt("olt-2")
    sound.plug(2)
    silent, lively = await net.driver(hung, rpc_timeout_s=60.0), await net.driver(sound)
    await silent.capabilities()
    hung.lab.olt.faults.hang_after = 0
    await net.due(1, element="olt-1")
    async with at_work(net.provisioner(silent, lively).run):
        await happens(lambda: hung.lab.olt.rpcs.total(), "the first is asked and does not answer")
        await net.due(2, element="olt-2")
        done = await net.reaches(JobState.AWAITING_COMPLETION, "J-2")
        assert (await net.job("J-1"))["state"] == JobState.APPLYING, "the first still waits for its answer"
    spent = datetime.fromisoformat(done["updated_at"]) - datetime.fromisoformat(done["created_at"])
    assert spent.total_seconds() < 5
