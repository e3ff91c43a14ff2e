"""What every driver promises of a service that is there: suspended, resumed, and its device restarted."""

from dataclasses import replace

import pytest

from drivers.access import Difference, WantedAccess, differences
from drivers.base import Driver
from drivers.errors import Rejected
from tests.contract.driving import GOOD_LIGHT, make_so, needs, parts, planned, read, read_again, restarting, told
from tests.contract.harness import ElementHarness


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
    await driver.save()
    await driver.set_admin([wanted.device], enabled=False)
    configuration = element.configuration()

    await rebooting.restart()
    observed = await read_again(driver, [wanted.device, other.device])

    assert parts(element.configuration()) == parts(configuration)
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
