"""What every driver promises (``drivers.base.Driver``), held against a real server for each.

``test_driver_operations`` goes on with what is done to a service once it is there, and whose it is.
"""

import asyncio
from dataclasses import replace

import pytest

from drivers.access import Difference, Levels, WantedAccess, differences
from drivers.base import Driver, Plan
from drivers.errors import Busy, Conflict, Rejected, Unreachable
from pon.onu import Presence
from tests.contract.driving import (
    Ears,
    apply_when_free,
    driver_threads,
    make_so,
    needs,
    needs_announcements,
    planned,
    read,
)
from tests.contract.harness import ElementHarness

GOOD_LIGHT = (-18.5, -20.3)


# --- what is there -------------------------------------------------------------------------------------------------


async def test_it_says_what_the_element_can_do(driver: Driver, element: ElementHarness) -> None:
    capabilities = await driver.capabilities()

    assert capabilities.technologies
    assert set(element.ports) <= await driver.ports()


async def test_an_onu_that_comes_and_goes_is_heard(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    await needs_announcements(driver)
    there = element.elsewhere(wanted, element.ports[1]).device
    ears = Ears(driver, element)
    await ears.listening()

    element.plug(there, element.ports[1], *GOOD_LIGHT)
    came = await ears.next()
    element.unplug(there)
    went = await ears.next()
    await ears.stop()

    assert (came.device, came.port, came.presence) == (there, element.ports[1], Presence.UNKNOWN)
    assert (went.device, went.port, went.presence) == (there, element.ports[1], Presence.ABSENT)


async def test_watching_ends_as_unreachable_when_the_session_breaks(driver: Driver, element: ElementHarness) -> None:
    needs(element, "sessions")
    ears = Ears(driver, element)
    await ears.listening()

    element.end_sessions()

    with pytest.raises(Unreachable):
        await asyncio.wait_for(ears.task, 5)


async def test_what_is_listed_is_the_truth_without_any_announcement(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    element.plug(wanted.device, element.ports[0], *GOOD_LIGHT)
    element.plug(other.device, element.ports[1], *GOOD_LIGHT)
    element.unplug(other.device)

    discovered = await driver.list_discovered()

    assert [(onu.device, onu.port, onu.presence) for onu in discovered] == [
        (wanted.device, element.ports[0], Presence.UNKNOWN)
    ]


async def test_a_configured_onu_is_on_its_port_or_misplaced(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "moves")
    await make_so(driver, wanted)
    absent = await read(driver, wanted.device)
    element.plug(wanted.device, element.ports[0], *GOOD_LIGHT)
    right = await driver.list_discovered()
    element.unplug(wanted.device)
    element.plug(wanted.device, element.ports[1], *GOOD_LIGHT)
    wrong = await driver.list_discovered()
    misplaced = await read(driver, wanted.device)

    assert absent is not None
    assert absent.presence is Presence.ABSENT
    assert [(onu.port, onu.presence) for onu in right] == [(element.ports[0], Presence.INTENDED)]
    assert [(onu.port, onu.presence) for onu in wrong] == [(element.ports[1], Presence.MISPLACED)]
    assert misplaced is not None
    assert (misplaced.port, misplaced.presence) == (element.ports[0], Presence.MISPLACED)


# --- provisioning --------------------------------------------------------------------------------------------------


async def test_what_is_read_back_is_what_was_wanted(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    element.plug(wanted.device, element.ports[0], *GOOD_LIGHT)
    assert await read(driver, wanted.device) is None

    await make_so(driver, wanted)
    observed = await read(driver, wanted.device)

    assert observed is not None
    assert (observed.service, observed.port) == (wanted.service, wanted.port)
    assert differences(wanted, observed) == ()
    assert ("s_vlan" in observed.unmodelled) is not element.traits.vlans
    assert ("upstream_bps" in observed.unmodelled) is not element.traits.rates
    assert observed.presence is Presence.INTENDED
    assert observed.enabled
    assert observed.complete
    assert await driver.list_provisioned() == [observed]


async def test_applying_twice_changes_once(driver: Driver, element: ElementHarness, wanted: WantedAccess) -> None:
    plan = await planned(driver, wanted)
    first = await driver.apply([plan])
    configuration, writes = element.configuration(), element.writes()

    stale = await driver.apply([plan])
    fresh = await driver.apply([await planned(driver, wanted)])

    assert [outcome.changed for outcome in (*first, *stale, *fresh)] == [True, False, False]
    assert element.writes() == writes
    assert element.configuration() == configuration


async def test_a_plan_says_what_differs_and_applying_it_changes_only_that(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "rates")
    await make_so(driver, wanted)
    before = await read(driver, wanted.device)
    faster = replace(wanted, upstream_bps=900_000_000)

    plan = await planned(driver, faster)
    await driver.apply([plan])
    after = await read(driver, wanted.device)

    assert plan.changes == (Difference("upstream_bps", 500_000_000, 900_000_000),)
    assert before is not None
    assert after == replace(before, upstream_bps=900_000_000)


async def test_changing_back_and_forth_ends_in_the_same_configuration(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    await make_so(driver, wanted)
    configuration = element.configuration()
    rates = [replace(wanted, upstream_bps=10_000_000, assured_upstream_bps=0)] if element.traits.rates else []
    vlans = [replace(wanted, s_vlan=77), replace(wanted, c_vlan=None)] if element.traits.vlans else []
    renamed = replace(wanted, service="SVC-9")

    for change in (*rates, *vlans, renamed, *(replace(each, service="SVC-9") for each in vlans)):
        await make_so(driver, change)
        assert (await planned(driver, change)).changes == ()
        await make_so(driver, wanted)
        assert sorted(element.configuration().split(b"<")) == sorted(configuration.split(b"<"))


async def test_a_batch_is_made_in_one_go_with_numbers_of_their_own(driver: Driver, element: ElementHarness) -> None:
    batch = [element.wanted(n) for n in range(8)]

    await make_so(driver, *batch)
    provisioned = await driver.list_provisioned()

    assert {onu.device for onu in provisioned} == {onu.device for onu in batch}
    numbers = [onu.onu_id for onu in provisioned if onu.onu_id is not None]
    assert len(set(numbers)) == len(numbers)
    assert all(onu.complete for onu in provisioned)


async def test_services_may_share_an_s_vlan(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    needs(element, "vlans")
    first, second = (replace(each, c_vlan=None) for each in (wanted, other))
    await make_so(driver, first)
    alone = element.configuration()

    await make_so(driver, second)
    both = await driver.plan([first, second])
    await driver.remove([second.device])

    assert [plan.changes for plan in both] == [(), ()]
    assert element.configuration() == alone


async def test_what_is_configured_elsewhere_is_a_conflict(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "moves")
    await make_so(driver, wanted)
    configuration = element.configuration()

    [refused] = await driver.plan([replace(wanted, port=element.ports[1])])
    moved = Plan(replace(wanted, port=element.ports[1]), (Difference("port", wanted.port, element.ports[1]),))
    [outcome] = await driver.apply([moved])

    assert isinstance(refused.refused, Conflict)
    assert element.ports[0] in refused.refused.answer
    assert isinstance(outcome.error, Conflict)
    assert not outcome.changed
    assert element.configuration() == configuration


async def test_a_port_that_is_not_there_is_rejected(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    [plan] = await driver.plan([element.elsewhere(wanted, "9/9/9")])

    assert isinstance(plan.refused, Rejected)
    assert "9/9/9" in plan.refused.answer
    [outcome] = await driver.apply([plan])
    assert outcome.error is plan.refused


async def test_a_refused_plan_fails_alone(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    third = replace(element.wanted(2), c_vlan=None)
    plans = await driver.plan([wanted, other, third])
    element.bar(other.device)

    outcomes = await driver.apply(plans)

    assert [outcome.device for outcome in outcomes] == [plan.wanted.device for plan in plans]
    assert [outcome.changed for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].error, Rejected)
    assert other.device in outcomes[1].error.answer
    assert {onu.device for onu in await driver.list_provisioned()} == {wanted.device, third.device}


async def test_two_of_a_batch_that_want_the_same_do_not_both_get_it(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    needs(element, "shares_ports", "vlans")
    same_vlan = replace(other, c_vlan=wanted.c_vlan)
    same_service = replace(element.wanted(2), service=wanted.service)
    plans = await driver.plan([wanted, same_vlan, same_service])

    outcomes = await driver.apply(plans)

    assert [outcome.changed for outcome in outcomes] == [True, False, False]
    assert all(isinstance(outcome.error, Conflict) for outcome in outcomes[1:])
    assert [(onu.device, onu.complete) for onu in await driver.list_provisioned()] == [(wanted.device, True)]


async def test_a_batch_refused_once_is_made_one_by_one(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    needs(element, "batches")
    plans = await driver.plan([wanted, other])
    element.refuse_next_write()

    outcomes = await driver.apply(plans)

    assert [(outcome.changed, outcome.error) for outcome in outcomes] == [(True, None), (True, None)]


async def test_a_refused_change_leaves_everything_as_it_was(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    await make_so(driver, wanted)
    configuration = element.configuration()
    plan = await planned(driver, replace(wanted, service="SVC-9"))
    element.refuse_next_write()

    [outcome] = await driver.apply([plan])
    element.refuse_next_write()
    [kept] = await driver.remove([wanted.device])

    assert isinstance(outcome.error, Rejected)
    assert isinstance(kept.error, Rejected)
    assert not kept.changed
    assert element.configuration() == configuration


async def test_removing_leaves_nothing_behind_and_others_alone(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    bare = element.configuration()
    await make_so(driver, other)
    with_other = element.configuration()
    await make_so(driver, wanted)

    [removed] = await driver.remove([wanted.device])
    [again] = await driver.remove([wanted.device])

    assert [(outcome.changed, outcome.error) for outcome in (removed, again)] == [(True, None), (False, None)]
    assert element.configuration() == with_other
    assert await read(driver, wanted.device) is None
    await driver.remove([other.device])
    assert element.configuration() == bare


# --- light ---------------------------------------------------------------------------------------------------------


async def test_light_is_measured_both_ways(driver: Driver, element: ElementHarness, wanted: WantedAccess) -> None:
    needs(element, "light")
    element.plug(wanted.device, element.ports[0], -27.9, -29.1)
    await make_so(driver, wanted)

    assert await driver.measure([wanted.device]) == {wanted.device: Levels(onu_rx_dbm=-27.9, olt_rx_dbm=-29.1)}


async def test_light_that_cannot_be_read_is_unknown(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "light")
    await make_so(driver, wanted)

    assert await driver.measure([wanted.device]) == {wanted.device: Levels()}


async def test_an_onu_that_does_not_work_yet_says_nothing_of_its_own_side(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "light", "unknown_light")
    element.plug(wanted.device, element.ports[0], -20.0, -21.5)

    assert await driver.measure([wanted.device]) == {wanted.device: Levels(onu_rx_dbm=None, olt_rx_dbm=-21.5)}


# --- faults --------------------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_said_clearly(element: ElementHarness) -> None:
    needs(element, "logs_in")
    driver = element.driver(password="wrong")

    with pytest.raises((Rejected, Unreachable), match=r"authentication refused for user ztpd"):
        await driver.capabilities()
    await driver.close()


async def test_a_changed_host_key_stops_everything_before_anything_is_sent(
    element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "logs_in")
    driver = element.driver()
    plan = await planned(driver, wanted)
    await element.change_host_key()
    requests = element.requests()

    for attempt in (driver.list_discovered(), driver.apply([plan]), driver.watch(print, print)):
        with pytest.raises(Unreachable, match=r"host key changed|session"):
            await attempt
    with pytest.raises(Unreachable, match="host key changed"):
        await read(driver, wanted.device)
    await driver.close()

    assert element.requests() == requests


@pytest.mark.parametrize("after_its_effect", [False, True], ids=["before", "after"])
async def test_an_apply_cut_anywhere_ends_right_when_it_is_applied_again(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, after_its_effect: bool
) -> None:
    plan = await planned(driver, wanted)
    await make_so(driver, wanted)
    right = element.configuration()
    cuts = 0
    for nth in range(1, 40):
        element.reset()
        element.cut_at_request(nth, after_its_effect=after_its_effect)
        try:
            await driver.apply([plan])
        except Unreachable:
            cuts += 1
        else:
            break
        await apply_when_free(driver, [plan])
        assert element.configuration() == right, f"cut at request {nth}"

    assert cuts >= 4, "an apply reads, locks, writes and commits"
    assert element.configuration() == right


async def test_an_element_that_hangs_is_unreachable_within_the_time_out(
    element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "sessions")
    driver = element.driver(rpc_timeout_s=0.3)
    plan = await planned(driver, wanted)
    element.hang()

    async with asyncio.timeout(3):
        with pytest.raises(Unreachable, match=r"0\.3 s"):
            await driver.apply([plan])
    element.recover()
    await apply_when_free(driver, [plan])
    await driver.close()


async def test_a_locked_element_is_busy_and_nothing_is_written(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "locks")
    plan = await planned(driver, wanted)
    element.lock()
    writes = element.writes()

    with pytest.raises(Busy):
        await driver.apply([plan])
    with pytest.raises(Busy):
        await driver.remove([wanted.device])
    assert element.writes() == writes

    element.unlock()
    await make_so(driver, wanted)


async def test_a_cancelled_call_ends_at_once_and_the_driver_goes_on(
    element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "sessions")
    driver = element.driver(rpc_timeout_s=30)
    await driver.capabilities()
    requests = element.requests()
    element.hang()
    reading = asyncio.create_task(driver.read([wanted.device]))
    async with asyncio.timeout(5):
        while element.requests() == requests:  # noqa: ASYNC110 # the element is another party: it gives no signal
            await asyncio.sleep(0.005)

    reading.cancel()
    async with asyncio.timeout(2):
        await asyncio.wait({reading})
        element.recover()
        assert await read(driver, wanted.device) is None
        await driver.close()

    assert reading.cancelled()
    assert driver_threads() == []


@pytest.mark.parametrize("milliseconds", [1, 10, 25, 40, 60, 80])
async def test_an_apply_cancelled_at_any_moment_ends_right_when_it_is_applied_again(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, milliseconds: int
) -> None:
    plan = await planned(driver, wanted)
    await make_so(driver, wanted)
    right = element.configuration()
    element.reset()

    applying = asyncio.create_task(driver.apply([plan]))
    await asyncio.sleep(milliseconds / 1000)
    applying.cancel()
    await asyncio.wait({applying}, timeout=5)
    await apply_when_free(driver, [plan])

    assert applying.done()
    assert element.configuration() == right


async def test_closing_leaves_no_thread_and_the_driver_opens_again(driver: Driver, element: ElementHarness) -> None:
    ears = Ears(driver, element)
    await ears.listening()
    await ears.stop()

    async with asyncio.timeout(2):
        await driver.close()
    assert driver_threads() == []

    assert await driver.list_discovered() == []


async def test_calls_at_the_same_time_do_not_disturb_each_other(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    element.plug(wanted.device, element.ports[0], *GOOD_LIGHT)

    plans = await asyncio.gather(planned(driver, wanted), planned(driver, other))
    first, second, discovered = await asyncio.gather(
        driver.apply([plans[0]]), driver.apply([plans[1]]), driver.list_discovered()
    )

    assert [outcome.changed for outcome in (*first, *second)] == [True, True]
    assert [onu.device for onu in discovered] == [wanted.device]
    assert {onu.device for onu in await driver.list_provisioned()} == {wanted.device, other.device}
