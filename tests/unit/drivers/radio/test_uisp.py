"""What the UISP driver does on a lab UISP, beyond what the contract asks of every driver."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from drivers.access import Levels, WantedAccess, differences
from drivers.base import Outcome
from drivers.errors import Conflict, Rejected, Unreachable
from drivers.uisp import UispDriver
from pon.onu import Presence
from tests.contract.uisp_harness import UispHarness
from ztpd.lab.uisp.bodies import Authorize, CreateSite


@contextlib.asynccontextmanager
async def opened(harness: UispHarness, **others: object) -> AsyncIterator[UispDriver]:
    driver = UispDriver(harness.settings(**others))
    try:
        yield driver
    finally:
        await driver.close()


async def apply(driver: UispDriver, *wanted: WantedAccess) -> list[Outcome]:
    return await driver.apply(await driver.plan(wanted))


def client_sites(harness: UispHarness) -> list[Any]:
    return [site for site in harness.lab.controller.sites.values() if site["identification"]["type"] == "endpoint"]


def device(harness: UispHarness, mac: str) -> Any:
    known = (each["identification"] for each in harness.lab.controller.devices.values())
    return next(each for each in known if each["mac"] == mac)


def by_hand(harness: UispHarness, mac: str, name: str = "Smith") -> Any:
    """A client site that somebody made, with the device in it."""
    controller = harness.lab.controller
    site = controller._add_site(CreateSite(name=name, type="client", parentSiteId=controller.tower))
    controller._authorize(Authorize(siteId=site["id"], deviceIds=[device(harness, mac)["id"]]))
    return site


async def test_a_subscriber_is_a_shaped_site_below_the_tower_with_his_radio_in_it(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    async with opened(uisp) as driver:
        await apply(driver, wanted)

    [site] = client_sites(uisp)
    access_point = device_named(uisp, uisp.ports[0])
    assert site["identification"]["name"] == "SVC-0"
    assert site["identification"]["parent"]["name"] == "Tower 1"
    assert site["description"]["note"] == f"ztpd svc=SVC-0 mac={wanted.device} at={access_point} addr=none"
    assert (site["qos"]["enabled"], site["qos"]["propagation"]) == (True, "all")
    assert (site["qos"]["downloadSpeed"], site["qos"]["uploadSpeed"]) == (1_000_000_000, 500_000_000)
    assert (device(uisp, wanted.device)["authorized"], device(uisp, wanted.device)["site"]["id"]) == (True, site["id"])


def device_named(harness: UispHarness, name: str) -> str:
    known = (each["identification"] for each in harness.lab.controller.devices.values())
    return next(str(each["id"]) for each in known if each["name"] == name)


async def test_suspension_keeps_the_configuration_and_outlasts_a_restart(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    async with opened(uisp) as driver:
        await apply(driver, wanted)
        running = uisp.configuration()
        [suspended] = await driver.set_admin([wanted.device], False)
        [again] = await driver.set_admin([wanted.device], False)
    uisp.lab.restart()
    async with opened(uisp) as driver:
        observed = (await driver.read([wanted.device]))[wanted.device]
        [resumed] = await driver.set_admin([wanted.device], True)
    assert [each.changed for each in (suspended, again, resumed)] == [True, False, True]
    assert differences(replace(wanted, enabled=False), observed) == ()
    assert uisp.configuration() == running


async def test_nothing_is_called_suspended_where_no_gateway_suspends(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    async with opened(uisp) as driver:
        await apply(driver, wanted)
        uisp.lab.controller.gateways[0]["suspend"] = False
        [outcome] = await driver.set_admin([wanted.device], False)
        [plan] = await driver.plan([replace(wanted, enabled=False)])
    assert isinstance(outcome.error, Rejected)
    assert isinstance(plan.refused, Rejected)
    assert "would go on working" in outcome.error.answer
    assert not client_sites(uisp)[0]["identification"]["suspended"]


async def test_rates_that_no_gateway_enforces_are_refused(uisp: UispHarness) -> None:
    uisp.lab.controller.gateways[0]["qosEnabled"] = False
    async with opened(uisp, propagation="gateway") as at_the_gateway, opened(uisp) as at_the_radio:
        [refused] = await at_the_gateway.plan([uisp.wanted(0)])
        [made] = await at_the_radio.plan([uisp.wanted(0)])
    assert refused.refused is not None
    assert "would hold nowhere" in refused.refused.answer
    assert made.refused is None


@pytest.mark.parametrize("after_its_effect", [False, True])
@pytest.mark.parametrize("enabled", [True, False])
async def test_a_cut_never_lets_a_radio_in_unshaped_or_suspended(
    uisp: UispHarness, enabled: bool, after_its_effect: bool
) -> None:
    wanted = replace(uisp.wanted(0), enabled=enabled)
    cuts = 0
    async with opened(uisp) as driver:
        for nth in range(1, 40):
            uisp.reset()
            plans = await driver.plan([wanted])
            uisp.cut_at_request(nth, after_its_effect=after_its_effect)
            with contextlib.suppress(Unreachable):
                await driver.apply(plans)
                break
            cuts += 1
            if device(uisp, wanted.device)["authorized"]:
                [site] = client_sites(uisp)
                assert site["qos"]["downloadSpeed"] == wanted.downstream_bps
                assert site["identification"]["suspended"] is not enabled
    assert cuts == 6 + (not enabled)


async def test_two_sites_that_a_lost_answer_left_become_one(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    async with opened(uisp) as driver:
        await apply(driver, wanted)
        right = uisp.configuration()
        note = client_sites(uisp)[0]["description"]["note"]
        controller = uisp.lab.controller
        twin = controller._add_site(CreateSite(name="SVC-0", type="endpoint", parentSiteId=controller.tower, note=note))
        assert not (await driver.read([wanted.device]))[wanted.device].complete
        await apply(driver, wanted)
    assert uisp.configuration() == right
    assert twin["id"] not in {site["id"] for site in client_sites(uisp)}


async def test_a_device_that_uisp_never_heard_of_is_rejected(uisp: UispHarness) -> None:
    async with opened(uisp) as driver:
        [plan] = await driver.plan([replace(uisp.wanted(0), device="00:00:00:00:00:01")])
        with pytest.raises(Rejected, match="not known to UISP"):
            await driver.reboot("00:00:00:00:00:01")
    assert plan.refused is not None
    assert "not known to UISP yet" in plan.refused.answer
    assert uisp.writes() == 0


async def test_a_radio_is_restarted_by_its_own_address(uisp: UispHarness) -> None:
    mac = uisp.wanted(0).device
    async with opened(uisp) as driver:
        assert (await driver.capabilities()).reboots
        await driver.reboot(mac)
    assert uisp.lab.controller.restarts == {mac: 1}


async def test_the_signal_is_what_the_access_point_receives(uisp: UispHarness) -> None:
    heard, silent = uisp.wanted(0).device, uisp.wanted(1).device
    uisp.plug(heard, uisp.ports[1], -60, -71)
    async with opened(uisp) as driver:
        assert await driver.measure([heard, silent]) == {heard: Levels(signal_dbm=-71.0), silent: Levels()}


async def test_access_points_that_share_a_name_are_no_ports(uisp: UispHarness) -> None:
    uisp.lab.controller._add_device("f4:92:bf:00:00:99", uisp.ports[0], "ap")
    async with opened(uisp) as driver:
        assert await driver.ports() == {uisp.ports[1]}
        [plan] = await driver.plan([uisp.wanted(0)])
    assert plan.refused is not None
    assert uisp.ports[0] in plan.refused.answer


async def test_a_service_of_one_device_is_a_conflict_for_another(uisp: UispHarness) -> None:
    async with opened(uisp) as driver:
        await apply(driver, uisp.wanted(0))
        [plan] = await driver.plan([replace(uisp.wanted(1), service="SVC-0")])
    assert isinstance(plan.refused, Conflict)
    assert uisp.wanted(0).device in plan.refused.answer


async def test_what_was_made_by_hand_is_listed_left_alone_and_taken_over_when_adopted(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    by_hand(uisp, wanted.device)
    uisp.plug(wanted.device, uisp.ports[0], -60, -60)
    before = uisp.configuration()
    async with opened(uisp) as driver:
        [listed] = await driver.list_provisioned()
        [plan] = await driver.plan([wanted])
        [kept] = await driver.remove([wanted.device])
        [stopped] = await driver.set_admin([wanted.device], False)
        assert uisp.configuration() == before
        driver.adopt([wanted.device])
        [suspended] = await driver.set_admin([wanted.device], False)
        [resumed] = await driver.set_admin([wanted.device], True)
        assert uisp.configuration() == before
        await apply(driver, wanted)
        assert (await driver.plan([wanted]))[0].changes == ()

    assert (listed.device, listed.service, listed.presence) == (wanted.device, None, Presence.INTENDED)
    assert all(isinstance(error, Conflict) for error in (plan.refused, kept.error, stopped.error))
    assert [each.changed for each in (suspended, resumed)] == [True, True]
    assert [site["identification"]["name"] for site in client_sites(uisp)] == ["SVC-0"]


async def test_a_site_that_the_crm_bills_is_left_to_the_crm(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    by_hand(uisp, wanted.device)["ucrm"] = {"client": {"id": "7"}, "service": {"id": "12", "status": 1}}
    async with opened(uisp) as driver:
        driver.adopt([wanted.device])
        [plan] = await driver.plan([wanted])
        [outcome] = await driver.set_admin([wanted.device], False)
    assert isinstance(plan.refused, Conflict)
    assert isinstance(outcome.error, Conflict)
    assert "CRM" in plan.refused.answer


async def test_a_note_that_others_wrote_beside_a_site_survives_a_new_name(uisp: UispHarness) -> None:
    wanted = uisp.wanted(0)
    async with opened(uisp) as driver:
        await apply(driver, wanted)
        client_sites(uisp)[0]["description"]["address"] = "Main Street 1"
        await apply(driver, replace(wanted, service="SVC-9"))
    [site] = client_sites(uisp)
    assert (site["identification"]["name"], site["description"]["address"]) == ("SVC-9", "Main Street 1")


async def test_the_token_is_never_shown(uisp: UispHarness) -> None:
    settings = uisp.settings(token="t0ken-word")
    driver = UispDriver(settings)
    with pytest.raises(Rejected) as caught:
        await driver.capabilities()
    await driver.close()
    assert "t0ken-word" not in repr(settings) + repr(caught.value) + str(caught.value)


async def test_rows_that_cannot_be_used_are_counted_and_harm_nobody_else(uisp: UispHarness) -> None:
    async with opened(uisp) as driver:
        await apply(driver, uisp.wanted(0))
        uisp.lab.controller.devices["bad"] = {"identification": {"id": "../../users", "mac": "x", "site": None}}
        assert [each.device for each in await driver.list_provisioned()] == [uisp.wanted(0).device]
        assert driver.malformed_entries == 1
