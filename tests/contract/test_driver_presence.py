"""What every driver promises (``drivers.base.Driver``) of what an element can do, hears and measures."""

import asyncio

import pytest

from drivers.access import Levels, WantedAccess
from drivers.base import Driver
from drivers.errors import Unreachable
from pon.onu import Presence
from tests.contract.driving import GOOD_LIGHT, Ears, make_so, needs, needs_announcements, read
from tests.contract.harness import ElementHarness


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
