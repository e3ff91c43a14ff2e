"""What every driver promises of making a service, changing it and taking it away."""

from dataclasses import replace

from drivers.access import Difference, WantedAccess, differences
from drivers.base import Driver, Plan
from drivers.errors import Conflict, Rejected
from pon.onu import Presence
from tests.contract.driving import GOOD_LIGHT, make_so, needs, planned, read
from tests.contract.harness import ElementHarness


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

    assert plan.changes == (Difference("upstream_bps", wanted.upstream_bps, 900_000_000),)
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
