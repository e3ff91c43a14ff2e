"""What every driver promises of a service that is there: suspended, resumed, removed, adopted, after any fault."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from drivers.access import Difference, WantedAccess, differences
from drivers.base import Driver, Outcome, Plan
from drivers.errors import Busy, Conflict, Rejected, Unreachable
from tests.contract.driving import make_so, needs, planned, read, restarting, when_free, with_others
from tests.contract.harness import ElementHarness

GOOD_LIGHT = (-18.5, -20.3)


def parts(configuration: bytes) -> list[bytes]:
    """A configuration regardless of the order of its entries."""
    return sorted(configuration.split(b"<"))


def told(outcomes: list[Outcome]) -> list[tuple[bool, type[Exception] | None]]:
    """What each outcome says: whether anything was written, and the class of what went wrong."""
    return [(outcome.changed, None if outcome.error is None else type(outcome.error)) for outcome in outcomes]


# --- suspension ----------------------------------------------------------------------------------------------------


async def test_a_suspended_service_keeps_its_configuration(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    await make_so(driver, wanted)
    running = element.configuration()

    first = await driver.set_admin([wanted.device], enabled=False)
    writes = element.writes()
    again = await driver.set_admin([wanted.device], enabled=False)
    suspended = await read(driver, wanted.device)

    assert told([*first, *again]) == [(True, None), (False, None)]
    assert element.writes() == writes
    assert suspended is not None
    assert differences(replace(wanted, enabled=False), suspended) == ()
    assert told(await driver.set_admin([wanted.device], enabled=True)) == [(True, None)]
    assert parts(element.configuration()) == parts(running)


async def test_suspending_touches_nobody_else(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    await make_so(driver, wanted, other)

    await driver.set_admin([wanted.device], enabled=False)
    observed = await driver.read([wanted.device, other.device])

    assert [observed[each.device].enabled for each in (wanted, other)] == [False, True]


async def test_a_service_may_be_made_suspended_and_stays_so_when_it_is_changed(
    driver: Driver, wanted: WantedAccess
) -> None:
    suspended = replace(wanted, enabled=False)
    await make_so(driver, suspended)
    renamed = replace(suspended, service="SVC-9")

    resumed = await planned(driver, wanted)
    await make_so(driver, renamed)

    assert resumed.changes == (Difference("enabled", False, True),)
    observed = await read(driver, wanted.device)
    assert observed is not None
    assert differences(renamed, observed) == ()


async def test_a_suspension_outlasts_a_restart_of_the_element(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    rebooting = restarting(element)
    await make_so(driver, wanted, other)
    await driver.set_admin([wanted.device], enabled=False)
    await driver.save()
    configuration = element.configuration()

    await rebooting.restart()
    with pytest.raises(Unreachable):
        await driver.read([wanted.device])

    assert parts(element.configuration()) == parts(configuration)
    observed = await driver.read([wanted.device, other.device])
    assert [observed[each.device].enabled for each in (wanted, other)] == [False, True]


async def test_what_is_not_configured_cannot_be_suspended(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    await make_so(driver, wanted)

    outcomes = await driver.set_admin([other.device, wanted.device], enabled=False)

    assert told(outcomes) == [(False, Rejected), (True, None)]
    assert outcomes[0].error is not None
    assert other.device in outcomes[0].error.answer


@pytest.mark.parametrize("verb", ["suspend", "remove"])
async def test_of_many_a_refused_one_fails_alone(driver: Driver, element: ElementHarness, verb: str) -> None:
    needs(element, "bars")
    services = [element.wanted(number) for number in range(5)]
    devices = [each.device for each in services]
    await make_so(driver, *services)
    element.bar(devices[3])

    outcomes = await (driver.remove(devices) if verb == "remove" else driver.set_admin(devices, enabled=False))

    assert [outcome.device for outcome in outcomes] == devices
    assert told(outcomes) == [(True, None)] * 3 + [(False, Rejected), (True, None)]
    left = await driver.read(devices)
    enabled = {device: left[device].enabled if device in left else None for device in devices}
    assert enabled == {device: device == devices[3] or (None if verb == "remove" else False) for device in devices}


# --- whose it is ---------------------------------------------------------------------------------------------------


async def test_what_another_configured_is_seen_and_not_touched(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    with_others(element).configure_by_another(wanted)
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
    with_others(element).configure_by_another(wanted)
    writes = element.writes()

    driver.adopt([wanted.device])
    plan = await planned(driver, wanted)
    observed = await read(driver, wanted.device)

    assert element.writes() == writes
    assert plan.changes == ()
    assert observed is not None
    assert observed.complete
    assert await driver.list_provisioned() == [observed]


async def test_what_is_adopted_is_suspended_resumed_changed_and_removed_like_any(
    driver: Driver, element: ElementHarness, wanted: WantedAccess, other: WantedAccess
) -> None:
    needs(element, "rates")
    await make_so(driver, other)
    with_others(element).configure_by_another(wanted)
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
    await make_so(driver, faster)
    assert (await planned(driver, faster)).changes == ()
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


# --- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_its_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("verb", ["suspend", "remove"])
async def test_a_write_cut_anywhere_ends_right_when_it_is_done_again(
    driver: Driver,
    element: ElementHarness,
    wanted: WantedAccess,
    other: WantedAccess,
    verb: str,
    after_its_effect: bool,
) -> None:
    needs(element, "sessions")

    def write() -> Awaitable[list[Outcome]]:
        return driver.remove([wanted.device]) if verb == "remove" else driver.set_admin([wanted.device], enabled=False)

    right, cuts = b"", 0
    for nth in range(40):
        element.reset()
        await when_free(_making(driver, wanted, other))
        if nth == 0:
            await write()
            right = element.configuration()
            continue
        element.cut_at_request(nth, after_its_effect=after_its_effect)
        try:
            await write()
        except Unreachable:
            cuts += 1
        else:
            break
        await when_free(write)
        assert parts(element.configuration()) == parts(right), f"cut at request {nth}"

    assert cuts >= 3, "a write locks, writes and commits"
    assert parts(element.configuration()) == parts(right)


def _making(driver: Driver, *wanted: WantedAccess) -> Callable[[], Awaitable[list[Outcome]]]:
    async def make() -> list[Outcome]:
        return await driver.apply(await driver.plan(wanted))

    return make


async def test_a_locked_element_is_busy_for_every_write(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "locks")
    await make_so(driver, wanted)
    element.lock()
    writes = element.writes()

    with pytest.raises(Busy):
        await driver.set_admin([wanted.device], enabled=False)
    with pytest.raises(Busy):
        await driver.remove([wanted.device])

    assert element.writes() == writes


async def test_a_device_is_restarted_or_it_is_said_that_it_cannot_be(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    await make_so(driver, wanted)
    element.plug(wanted.device, element.ports[0], *GOOD_LIGHT)
    configuration = element.configuration()

    if (await driver.capabilities()).reboots:
        await driver.reboot(wanted.device)
    else:
        with pytest.raises(Rejected, match=wanted.device):
            await driver.reboot(wanted.device)

    assert element.configuration() == configuration
