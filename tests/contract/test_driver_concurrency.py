"""What every driver promises of calls that are cancelled, that end, and that come at the same time."""

import asyncio

import pytest

from drivers.access import WantedAccess
from drivers.base import Driver
from tests.contract.driving import GOOD_LIGHT, Ears, apply_when_free, driver_threads, make_so, needs, planned, read
from tests.contract.harness import ElementHarness


async def test_a_cancelled_call_ends_at_once_and_the_driver_goes_on(
    element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "sessions")
    driver = element.driver(rpc_timeout_s=30)
    await driver.capabilities()
    requests = element.requests()
    element.hang()
    reading = asyncio.create_task(driver.read([wanted.device]))
    async with asyncio.timeout(15):
        while element.requests() == requests:  # noqa: ASYNC110 # the element is another party: it gives no signal
            await asyncio.sleep(0.005)

    reading.cancel()
    async with asyncio.timeout(15):
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
    await asyncio.wait({applying}, timeout=15)
    await apply_when_free(driver, [plan])

    assert applying.done()
    assert element.configuration() == right


async def test_closing_leaves_no_thread_and_the_driver_opens_again(driver: Driver, element: ElementHarness) -> None:
    ears = Ears(driver, element)
    await ears.listening()
    await ears.stop()

    async with asyncio.timeout(15):
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
