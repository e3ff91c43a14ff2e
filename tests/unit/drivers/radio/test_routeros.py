"""What the RouterOS driver does on a lab router, beyond what the contract asks of every driver."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from drivers.access import Difference, Levels, differences
from drivers.base import Outcome
from drivers.errors import Conflict, Rejected, Unreachable
from drivers.routeros import RouterosDriver
from pon.onu import Presence
from tests.contract.routeros_harness import RouterosHarness
from ztpd.lab.routeros.menus import ACTIVE, ENTRIES, LEASES, QUEUES, SECRETS
from ztpd.lab.routeros.router import Row


@contextlib.asynccontextmanager
async def opened(harness: RouterosHarness, **others: object) -> AsyncIterator[RouterosDriver]:
    driver = RouterosDriver(harness.settings(**others))
    try:
        yield driver
    finally:
        await driver.close()


async def apply(driver: RouterosDriver, *wanted: object) -> list[Outcome]:
    return await driver.apply(await driver.plan(wanted))  # type: ignore[arg-type]


def rows(harness: RouterosHarness, menu: str) -> list[Row]:
    return harness.lab.router.tables[menu]


def carries(harness: RouterosHarness, address: str) -> bool:
    """Whether a subscriber gets on at the address: he has a lease or a login, and is not on the list."""
    on = [row for row in rows(harness, LEASES) if row["address"] == address and row["disabled"] == "false"]
    on += [row for row in rows(harness, SECRETS) if row["remote-address"] == address and row["disabled"] == "false"]
    return bool(on) and not any(row["address"] == address for row in rows(harness, ENTRIES))


def is_shaped(harness: RouterosHarness, address: str, limit: str) -> bool:
    return any(row["target"] == f"{address}/32" and row["max-limit"] == limit for row in rows(harness, QUEUES))


# --- delivery ------------------------------------------------------------------------------------------------------


async def test_a_subscriber_by_dhcp_is_a_queue_and_a_static_lease(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        await apply(driver, dhcp.wanted(0))

    [queue], [lease] = rows(dhcp, QUEUES), rows(dhcp, LEASES)
    comment = "ztpd svc=SVC-0 mac=4c:5e:0c:00:00:00 at=wlan1 addr=host"
    assert (queue["name"], queue["target"], queue["comment"]) == ("ztpd-SVC-0", "10.20.0.10/32", comment)
    assert (queue["max-limit"], queue["limit-at"]) == ("500000000/1000000000", "50000000/0")
    assert (lease["mac-address"], lease["address"]) == ("4C:5E:0C:00:00:00", "10.20.0.10")
    assert (lease["server"], lease["comment"]) == ("dhcp-wlan1", comment)


async def test_a_subscriber_by_ppp_is_a_queue_and_a_secret(ppp: RouterosHarness) -> None:
    async with opened(ppp) as driver:
        await apply(driver, ppp.wanted(0))

    [secret] = rows(ppp, SECRETS)
    assert (secret["name"], secret["password"], secret["service"]) == ("u4c5e0c000000", "s3cret-word", "pppoe")
    assert (secret["remote-address"], rows(ppp, LEASES)) == ("10.20.0.10", [])
    assert rows(ppp, QUEUES)[0]["target"] == "10.20.0.10/32"


async def test_a_service_without_an_address_keeps_the_one_that_was_leased(dhcp: RouterosHarness) -> None:
    wanted = replace(dhcp.wanted(0), address=None)
    dhcp.plug(wanted.device, "wlan1", -60, -60)
    given = rows(dhcp, LEASES)[0]["address"]
    async with opened(dhcp) as driver:
        await apply(driver, wanted)
        observed = (await driver.read([wanted.device]))[wanted.device]
        assert differences(wanted, observed) == ()
        [again] = await driver.plan([wanted])
        fixed = replace(wanted, address=given)
        [plan] = await driver.plan([fixed])
        await driver.apply([plan])
        assert (await driver.plan([fixed]))[0].changes == ()

    assert [(row["address"], row["dynamic"]) for row in rows(dhcp, LEASES)] == [(given, "false")]
    assert again.changes == ()
    assert plan.changes == (Difference("address", None, given),)
    assert observed.presence is Presence.INTENDED


async def test_a_service_without_any_address_waits_for_one(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        [plan] = await driver.plan([replace(dhcp.wanted(0), address=None)])
    assert plan.refused is not None
    assert "no lease on wlan1 yet" in plan.refused.answer


async def test_a_prefix_of_one_host_is_read_back_as_it_was_asked_for(dhcp: RouterosHarness) -> None:
    wanted = replace(dhcp.wanted(0), address="10.20.0.10/32")
    async with opened(dhcp) as driver:
        await apply(driver, wanted)
        [plan] = await driver.plan([wanted])
    assert plan.changes == ()


async def test_changing_from_dhcp_to_ppp_leaves_no_lease(dhcp: RouterosHarness) -> None:
    by_dhcp = dhcp.wanted(0)
    by_ppp = replace(by_dhcp, ppp_user="smith", ppp_password="s3cret-word")
    async with opened(dhcp) as driver:
        await apply(driver, by_dhcp)
        before = dhcp.configuration()
        await apply(driver, by_ppp)
        assert (await driver.plan([by_ppp]))[0].changes == ()
        assert rows(dhcp, LEASES) == []
        await apply(driver, by_dhcp)
    assert dhcp.configuration() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"device": "4C:5E:0C:00:00:00"}, "no MAC address"),
        ({"downstream_bps": 0}, "0 would be no limit"),
        ({"assured_upstream_bps": 600_000_000}, "more than the upstream"),
        ({"address": "10.0.0.0/29"}, "not that of one IPv4 host"),
        ({"service": "a b"}, "not allowed"),
        ({"ppp_user": "x\n=disabled=yes", "ppp_password": "p"}, "not allowed"),
        ({"ppp_user": "smith"}, "password is missing"),
        ({"ppp_user": "smith", "ppp_password": "p", "address": None}, "cannot follow one from a pool"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_written(
    dhcp: RouterosHarness, change: dict[str, object], said: str
) -> None:
    async with opened(dhcp) as driver:
        [plan] = await driver.plan([replace(dhcp.wanted(0), **change)])  # type: ignore[arg-type]
    assert isinstance(plan.refused, Rejected)
    assert said in plan.refused.answer
    assert dhcp.writes() == 0


# --- suspension ----------------------------------------------------------------------------------------------------


async def test_suspension_keeps_the_configuration_and_outlasts_a_restart(either: RouterosHarness) -> None:
    wanted = either.wanted(0)
    either.plug(wanted.device, "wlan1", -60, -60)
    async with opened(either) as driver:
        await apply(driver, wanted)
        running = either.configuration()
        [suspended] = await driver.set_admin([wanted.device], False)
        [again] = await driver.set_admin([wanted.device], False)
    either.lab.restart()
    async with opened(either) as driver:
        observed = (await driver.read([wanted.device]))[wanted.device]
        carried = carries(either, "10.20.0.10")
        [resumed] = await driver.set_admin([wanted.device], True)

    assert [each.changed for each in (suspended, again, resumed)] == [True, False, True]
    assert not carried
    assert differences(replace(wanted, enabled=False), observed) == ()
    assert either.configuration() == running
    assert carries(either, "10.20.0.10")


async def test_a_suspended_ppp_session_ends_and_cannot_come_back(ppp: RouterosHarness) -> None:
    wanted = ppp.wanted(0)
    ppp.plug(wanted.device, "wlan1", -60, -60)
    async with opened(ppp) as driver:
        await apply(driver, wanted)
        assert [row["name"] for row in rows(ppp, ACTIVE)] == [wanted.ppp_user]
        await apply(driver, replace(wanted, enabled=False))
        assert rows(ppp, ACTIVE) == []
        await apply(driver, wanted)
    assert [row["name"] for row in rows(ppp, ACTIVE)] == [wanted.ppp_user]


async def test_whom_another_suspended_is_not_called_resumed(either: RouterosHarness) -> None:
    wanted = either.wanted(0)
    async with opened(either) as driver:
        await apply(driver, wanted)
        by_hand = {"list": "ztpd-suspended", "address": "10.20.0.10", "comment": "owes", "disabled": "false"}
        either.lab.router.insert(ENTRIES, by_hand)
        assert not (await driver.read([wanted.device]))[wanted.device].enabled
        [resumed] = await driver.set_admin([wanted.device], True)
        [plan] = await driver.plan([wanted])
    assert isinstance(resumed.error, Conflict)
    assert isinstance(plan.refused, Conflict)
    assert "owes" in plan.refused.answer
    assert len(rows(either, ENTRIES)) == 1


async def test_nothing_is_called_suspended_where_no_rule_stops_it(dhcp: RouterosHarness) -> None:
    wanted = dhcp.wanted(0)
    async with opened(dhcp) as driver:
        await apply(driver, wanted)
        rows(dhcp, "/ip/firewall/filter")[0]["disabled"] = "true"
        [outcome] = await driver.set_admin([wanted.device], False)
        [plan] = await driver.plan([replace(wanted, enabled=False)])
        rows(dhcp, "/ip/firewall/filter")[0].update({"disabled": "false", "src-address-list": "!ztpd-suspended"})
        [suspended] = await driver.set_admin([wanted.device], False)
    for error in (outcome.error, plan.refused):
        assert isinstance(error, Rejected)
        assert "would go on working" in error.answer
    assert suspended.error is None


async def test_a_lease_that_somebody_blocked_is_let_on_again_when_applied(dhcp: RouterosHarness) -> None:
    wanted = dhcp.wanted(0)
    async with opened(dhcp) as driver:
        await apply(driver, wanted)
        right = dhcp.configuration()
        rows(dhcp, LEASES)[0]["block-access"] = "true"
        [plan] = await driver.plan([wanted])
        await driver.apply([plan])
    assert plan.changes == (Difference("enabled", False, True),)
    assert dhcp.configuration() == right


async def test_what_is_not_configured_is_neither_suspended_nor_guessed(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        [outcome] = await driver.set_admin(["4c:5e:0c:00:00:99"], False)
    assert isinstance(outcome.error, Rejected)
    assert not isinstance(outcome.error, Conflict)


@pytest.mark.parametrize("after_its_effect", [False, True])
@pytest.mark.parametrize("enabled", [True, False])
async def test_a_cut_never_lets_anybody_on_unshaped_or_suspended(
    either: RouterosHarness, enabled: bool, after_its_effect: bool
) -> None:
    wanted = replace(either.wanted(0), enabled=enabled)
    cuts = 0
    async with opened(either) as driver:
        for nth in range(1, 40):
            either.reset()
            plans = await driver.plan([wanted])
            either.cut_at_request(nth, after_its_effect=after_its_effect)
            with contextlib.suppress(Unreachable):
                await driver.apply(plans)
                break
            cuts += 1
            on = carries(either, "10.20.0.10")
            assert not on or (enabled and is_shaped(either, "10.20.0.10", "500000000/1000000000")), nth
    assert cuts >= 8


async def test_a_removal_that_is_cut_leaves_nobody_unshaped_and_can_be_ended(either: RouterosHarness) -> None:
    wanted = either.wanted(0)
    async with opened(either) as driver:
        bare = either.configuration()
        cuts = 0
        for nth in range(1, 40):
            either.reset()
            await apply(driver, wanted)
            either.cut_at_request(nth, after_its_effect=False)
            with contextlib.suppress(Unreachable):
                await driver.remove([wanted.device])
                break
            cuts += 1
            limit = "500000000/1000000000"
            assert not carries(either, "10.20.0.10") or is_shaped(either, "10.20.0.10", limit)
            [outcome] = await driver.remove([wanted.device])
            assert outcome.error is None
            assert either.configuration() == bare
    assert cuts >= 8


# --- what is another's ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("menu", "row", "said"),
    [
        (QUEUES, {"name": "ztpd-SVC-0", "target": "10.9.9.9/32"}, "queue"),
        (QUEUES, {"name": "smith", "target": "10.20.0.10/32"}, "queue"),
        (LEASES, {"mac-address": "00:00:00:00:00:01", "address": "10.20.0.10", "server": "dhcp-wlan1"}, "lease"),
    ],
)
async def test_a_name_or_address_that_another_has_is_a_conflict(
    dhcp: RouterosHarness, menu: str, row: Row, said: str
) -> None:
    dhcp.lab.router.insert(menu, {"disabled": "false", "dynamic": "false", "comment": "by hand", **row})
    before = dhcp.configuration()
    async with opened(dhcp) as driver:
        [plan] = await driver.plan([dhcp.wanted(0)])
    assert isinstance(plan.refused, Conflict)
    assert said in plan.refused.answer
    assert dhcp.configuration() == before


async def test_a_service_of_one_device_is_a_conflict_for_another(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        await apply(driver, dhcp.wanted(0))
        [plan] = await driver.plan([replace(dhcp.wanted(1), service="SVC-0")])
    assert isinstance(plan.refused, Conflict)
    assert "4c:5e:0c:00:00:00" in plan.refused.answer


async def test_two_of_a_batch_do_not_both_get_an_address(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        same = [dhcp.wanted(0), replace(dhcp.wanted(1), address=dhcp.wanted(0).address)]
        first, second = await apply(driver, *same)
    assert (first.changed, first.error, second.changed) == (True, None, False)
    assert isinstance(second.error, Conflict)


async def test_what_was_made_by_hand_is_listed_left_alone_and_taken_over_when_adopted(dhcp: RouterosHarness) -> None:
    wanted = dhcp.wanted(0)
    by_hand = {"disabled": "false", "dynamic": "false", "comment": "Smith"}
    limits = {"max-limit": "500M/1G", "limit-at": "50M/0"}
    lease = {"mac-address": wanted.device.upper(), "address": "10.20.0.10", "server": "dhcp-wlan1", "status": "waiting"}
    dhcp.lab.router.insert(LEASES, {**by_hand, **lease})
    dhcp.lab.router.insert(QUEUES, {**by_hand, **limits, "name": "smith", "target": "10.20.0.10/32"})
    dhcp.lab.router.insert(QUEUES, {**by_hand, **limits, "name": "other", "target": "10.20.0.99/32"})
    before = dhcp.configuration()
    async with opened(dhcp) as driver:
        [listed] = await driver.list_provisioned()
        [plan] = await driver.plan([wanted])
        [kept] = await driver.remove([wanted.device])
        [stopped] = await driver.set_admin([wanted.device], False)
        assert dhcp.configuration() == before
        driver.adopt([wanted.device])
        assert dhcp.configuration() == before
        [suspended] = await driver.set_admin([wanted.device], False)
        [resumed] = await driver.set_admin([wanted.device], True)
        assert dhcp.configuration() == before
        [as_it_is] = await apply(driver, wanted)
        assert dhcp.configuration() == before
        faster = replace(wanted, upstream_bps=600_000_000)
        [ours] = await apply(driver, faster)
        assert (await driver.plan([faster]))[0].changes == ()

    assert not as_it_is.changed
    assert (listed.device, listed.service, listed.upstream_bps) == (wanted.device, None, 500_000_000)
    assert all(isinstance(error, Conflict) for error in (plan.refused, kept.error, stopped.error))
    assert [each.changed for each in (suspended, resumed, ours)] == [True, True, True]
    assert [row["name"] for row in rows(dhcp, QUEUES)] == ["ztpd-SVC-0", "other"]


# --- what is there -------------------------------------------------------------------------------------------------


async def test_the_signal_is_what_the_routers_own_radio_receives(dhcp: RouterosHarness) -> None:
    device = dhcp.wanted(0).device
    dhcp.plug(device, "wlan1", -60, -71)
    async with opened(dhcp) as driver:
        assert (await driver.capabilities()).measures == {"signal_dbm"}
        levels = await driver.measure([device, "4c:5e:0c:00:00:99"])
    assert levels == {device: Levels(signal_dbm=-71.0), "4c:5e:0c:00:00:99": Levels()}


async def test_a_port_behind_a_relay_is_known_by_its_circuit_id(dhcp: RouterosHarness) -> None:
    wanted = replace(dhcp.wanted(0), port="ap-7")
    dhcp.plug(wanted.device, "wlan1", -60, -60)
    rows(dhcp, LEASES)[0]["agent-circuit-id"] = "ap-7"
    async with opened(dhcp, circuit_ids={"ap-7": "wlan1", "ap-8": "wlan9"}) as driver:
        assert await driver.ports() == {"wlan1", "wlan2", "ap-7"}
        [seen] = await driver.list_discovered()
        await apply(driver, wanted)
        rows(dhcp, LEASES)[0]["agent-circuit-id"] = "ap-7"
        [right] = await driver.list_discovered()
        assert (await driver.read([wanted.device]))[wanted.device].port == "ap-7"
    assert (seen.port, seen.presence) == ("ap-7", Presence.UNKNOWN)
    assert (right.port, right.presence) == ("ap-7", Presence.INTENDED)


async def test_a_lease_that_was_not_heard_of_for_long_is_nobody(dhcp: RouterosHarness) -> None:
    device = dhcp.wanted(0).device
    dhcp.plug(device, "wlan1", -60, -60)
    rows(dhcp, LEASES)[0]["last-seen"] = "2h"
    dhcp.lab.router.tables["/interface/wireless/registration-table"].clear()
    async with opened(dhcp) as believing, opened(dhcp, silent_after_s=3_600) as doubting:
        assert [each.device for each in await believing.list_discovered()] == [device]
        assert await doubting.list_discovered() == []


async def test_passwords_are_never_read_and_never_shown(ppp: RouterosHarness) -> None:
    wanted = ppp.wanted(0)
    ppp.bar("s3cret-word")
    async with opened(ppp) as driver:
        assert "s3cret-word" not in repr(await driver.plan([wanted]))
        [outcome] = await apply(driver, wanted)
    assert isinstance(outcome.error, Rejected)
    assert "no licence for …" in outcome.error.answer
    assert "s3cret-word" not in repr(outcome) + str(outcome.error)
    assert "our-own-word" not in repr(ppp.settings(password="our-own-word"))


async def test_a_device_is_not_restarted_from_the_router(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        assert not (await driver.capabilities()).reboots
        with pytest.raises(Rejected, match="cannot be restarted"):
            await driver.reboot(dhcp.wanted(0).device)


async def test_rows_that_cannot_be_used_are_counted_and_harm_nobody_else(dhcp: RouterosHarness) -> None:
    async with opened(dhcp) as driver:
        await apply(driver, dhcp.wanted(0))
        rows(dhcp, LEASES).append({".id": "../system/reset", "mac-address": "x"})
        assert [each.device for each in await driver.list_provisioned()] == [dhcp.wanted(0).device]
        assert driver.malformed_entries == 1
