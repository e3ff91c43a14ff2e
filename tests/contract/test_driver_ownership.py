"""What every driver promises of what others configured: seen, left alone, and adopted."""

from dataclasses import replace

from drivers.access import Difference, WantedAccess
from drivers.base import Driver, Plan
from drivers.errors import Conflict
from tests.contract.driving import make_so, needs, parts, planned, read, told, with_others
from tests.contract.harness import ElementHarness


async def test_what_another_configured_is_seen_and_not_touched(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    wanted = with_others(element).configure_by_another(wanted)
    configuration, writes = element.configuration(), element.writes()
    plan = Plan(wanted, (Difference("upstream_bps", None, wanted.upstream_bps),))

    [refused] = await driver.plan([wanted])
    written = [
        *await driver.apply([plan]),
        *await driver.set_admin([wanted.device], enabled=False),
        *await driver.remove([wanted.device]),
    ]

    assert await read(driver, wanted.device) is not None
    assert isinstance(refused.refused, Conflict)
    assert told(written) == [(False, Conflict)] * 3
    assert (element.configuration(), element.writes()) == (configuration, writes)


async def test_what_is_beside_a_service_of_ours_is_never_touched(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    with_others(element).configure_by_another(other)
    configuration = element.configuration()

    await make_so(driver, wanted)
    await make_so(driver, replace(wanted, service="SVC-9"))
    await driver.set_admin([wanted.device], enabled=False)
    await driver.remove([wanted.device])

    assert element.configuration() == configuration


async def test_adopting_writes_nothing_and_finds_what_is_there(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    wanted = with_others(element).configure_by_another(wanted)
    writes = element.writes()

    driver.adopt([wanted.device])
    plan = await planned(driver, wanted)
    observed = await read(driver, wanted.device)

    assert element.writes() == writes
    assert observed is not None
    if element.traits.reads_others:
        assert plan.changes == ()
        assert observed.complete
    assert await driver.list_provisioned() == [observed]


async def test_what_is_adopted_is_suspended_resumed_changed_and_removed_like_any(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    await make_so(driver, other)
    wanted = with_others(element).configure_by_another(wanted)
    configuration = element.configuration()
    driver.adopt([wanted.device])

    suspended = await driver.set_admin([wanted.device], enabled=False)
    asleep = await read(driver, wanted.device)
    resumed = await driver.set_admin([wanted.device], enabled=True)
    assert told([*suspended, *resumed]) == [(True, None)] * 2
    assert asleep is not None
    assert not asleep.enabled
    assert parts(element.configuration()) == parts(configuration)

    faster = replace(wanted, upstream_bps=900_000_000, downstream_bps=2_000_000_000)
    changed = faster if element.traits.rates else replace(wanted, s_vlan=77)
    await make_so(driver, changed)
    assert (await planned(driver, changed)).changes == ()
    assert told(await driver.remove([wanted.device])) == [(True, None)]
    assert await read(driver, wanted.device) is None
    assert set(await driver.read([wanted.device, other.device])) == {other.device}


async def test_a_number_that_another_took_meanwhile_is_not_given_again(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    needs(element, "shares_ports")
    third = element.wanted(2)
    await make_so(driver, wanted)
    with_others(element).configure_by_another(other)

    await make_so(driver, third)
    provisioned = await driver.list_provisioned()

    assert {each.device for each in provisioned} == {wanted.device, other.device, third.device}
    numbers = [each.onu_id for each in provisioned if each.onu_id is not None]
    assert len(set(numbers)) == len(numbers)
