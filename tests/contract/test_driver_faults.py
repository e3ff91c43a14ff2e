"""What every driver promises when something goes wrong: at the door, on the way, or because somebody else is there."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers.access import WantedAccess
from drivers.base import Driver, Outcome
from drivers.errors import Busy, Rejected, Unreachable
from tests.contract.driving import (
    apply_when_free,
    make_so,
    needs,
    open_unless_slow,
    parts,
    planned,
    read,
    read_again,
    when_free,
    with_few_places,
)
from tests.contract.harness import ElementHarness, Restarts


async def test_a_wrong_password_is_said_clearly(element: ElementHarness) -> None:
    needs(element, "logs_in")
    driver = element.driver(password="wrong")

    with pytest.raises((Rejected, Unreachable), match=r"authentication refused for user ztpd"):
        await driver.capabilities()
    await driver.close()


async def test_a_changed_host_key_stops_everything_before_anything_is_sent(
    element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "shows_identity")
    driver = element.driver()
    plan = await planned(driver, wanted)
    await element.change_host_key()
    requests = element.requests()

    for attempt in (driver.list_discovered, lambda: driver.apply([plan]), lambda: driver.watch(print, print)):
        with pytest.raises(Unreachable, match=r"host key changed|session"):
            await attempt()
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
    patient = element.driver()
    plan = await planned(patient, wanted)
    await patient.close()
    hasty = element.driver(rpc_timeout_s=0.3)
    await open_unless_slow(hasty)
    element.hang()

    async with asyncio.timeout(15):
        with pytest.raises(Unreachable, match=r"0\.3 s"):
            await hasty.apply([plan])
    element.recover()
    await hasty.close()
    await apply_when_free(patient, [plan])
    await patient.close()


async def test_a_locked_element_is_busy_and_nothing_is_written(
    driver: Driver, element: ElementHarness, wanted: WantedAccess
) -> None:
    needs(element, "locks")
    plan = await planned(driver, wanted)
    configuration = element.configuration()
    element.lock()

    with pytest.raises(Busy):
        await driver.apply([plan])
    assert element.configuration() == configuration

    element.unlock()
    await make_so(driver, wanted)


async def test_an_element_with_too_many_users_is_busy(element: ElementHarness, wanted: WantedAccess) -> None:
    with_few_places(element).crowd()
    driver = element.driver()

    with pytest.raises(Busy):
        await driver.list_discovered()

    element.recover()
    await make_so(driver, wanted)
    await driver.close()


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
        if verb == "suspend" and isinstance(element, Restarts):
            await element.restart()
            await read_again(driver, [wanted.device])
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
    configuration = element.configuration()
    element.lock()

    with pytest.raises(Busy):
        await driver.set_admin([wanted.device], enabled=False)
    with pytest.raises(Busy):
        await driver.remove([wanted.device])

    assert element.configuration() == configuration
