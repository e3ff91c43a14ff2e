"""Platforms on which an ONU has ports of its own (Nokia ISAM, Calix AXOS), against the lab's OLTs."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from drivers.access import Levels, WantedAccess
from drivers.cli import CliDriver
from drivers.cli.facts import Facts, Row, read_many, rows
from drivers.cli.platform import Query, Rule, load
from drivers.errors import Rejected
from pon.onu import Presence
from tests.contract.driving import make_so
from tests.unit.drivers.cli_olts import driver_of, settings_for
from ztpd.lab.cli_olt.lab import VENDORS, LabCliOlt, LabCliOltSettings, lab_cli_olt

SERIAL = "CXNK0009A3F1"
VALUES: Mapping[str, Mapping[str, str]] = {
    "nokia-isam": {"user_vlan": "100"},
    "calix-axos": {"profile": "844GE", "uni": "x1"},
}


def wanted_on(platform: str) -> WantedAccess:
    return WantedAccess(
        service="SVC-1",
        port=VENDORS[platform].ports[0],
        device=SERIAL,
        s_vlan=201,
        c_vlan=301,
        downstream_bps=1_000_000_000,
        upstream_bps=500_000_000,
        priority=5,
    )


@contextlib.asynccontextmanager
async def lab_and_driver(platform: str, **values: str) -> AsyncIterator[tuple[LabCliOlt, CliDriver]]:
    async with (
        lab_cli_olt(LabCliOltSettings(vendor=platform)) as lab,
        driver_of(settings_for(lab, platform, {**VALUES[platform], **values})) as driver,
    ):
        yield lab, driver


# --- Nokia ISAM ------------------------------------------------------------------------------------------------------


async def test_isam_makes_assured_bandwidth_and_shares_profiles_of_the_same_rates() -> None:
    async with lab_and_driver("nokia-isam") as (lab, driver):
        first = replace(wanted_on("nokia-isam"), assured_upstream_bps=50_000_000)
        second = replace(first, service="SVC-2", device="ALCL0000CAFE", c_vlan=302)

        await make_so(driver, first, second)

        assert lab.shelf.objects("bandwidth") == {"ztpd-500000-50000": {"assured": "50000", "excess": "500000"}}
        assert list(lab.shelf.objects("shaper")) == ["ztpd-1000000"]
        read = (await driver.read([SERIAL]))[SERIAL]
        assert (read.assured_upstream_bps, read.upstream_bps, read.priority) == (50_000_000, 500_000_000, 5)
        await driver.remove([first.device])
        assert list(lab.shelf.objects("bandwidth")) == ["ztpd-500000-50000"], "the other ONU uses it"
        await driver.remove([second.device])
        assert not lab.shelf.objects("bandwidth")
        assert not lab.shelf.objects("shaper")


async def test_isam_passes_over_the_other_ports_and_vlans_of_an_onu() -> None:
    async with lab_and_driver("nokia-isam") as (lab, driver):
        wanted = wanted_on("nokia-isam")
        await make_so(driver, wanted)
        uni = f"{wanted.port}/1/14/1"
        vlans = lab.shelf.objects("bridge")[uni]["vlans"]
        assert isinstance(vlans, dict)
        voice = {"forward": "900", "priority": "6"}
        vlans.clear()
        vlans.update({"10": voice, "100": {"forward": "stacked:201:301", "priority": "5"}})
        lab.shelf.objects("card")[f"{wanted.port}/1/1"] = {"type": "pots", "data": "0", "voice": "2", "enabled": True}
        before = lab.shelf.writes

        for read in (await driver.read([SERIAL]))[SERIAL], (await driver.list_provisioned())[0]:
            assert (read.s_vlan, read.c_vlan) == (201, 301)
        await make_so(driver, wanted)
        assert lab.shelf.writes == before, "it is so already"
        await make_so(driver, replace(wanted, s_vlan=202, priority=3))

        assert vlans == {"10": voice, "100": {"forward": "stacked:202:301", "priority": "3"}}


async def test_isam_says_forward_vlans_as_the_release_does() -> None:
    async with lab_and_driver("nokia-isam", forward_word="network-vlan", card="ethernet", card_slot="1") as (
        lab,
        driver,
    ):
        wanted = replace(wanted_on("nokia-isam"), c_vlan=None)
        await make_so(driver, wanted)

        assert lab.shelf.objects("bridge")[f"{wanted.port}/1/1/1"]["vlans"] == {
            "100": {"forward": "201", "priority": "5"}
        }
        assert (await driver.read([SERIAL]))[SERIAL].c_vlan is None


async def test_isam_keeps_the_configuration_of_what_is_suspended() -> None:
    async with lab_and_driver("nokia-isam") as (lab, driver):
        wanted = wanted_on("nokia-isam")
        lab.plug(SERIAL, wanted.port)
        await make_so(driver, wanted)

        await driver.set_admin([SERIAL], enabled=False)

        assert lab.shelf.saves > 0
        read = (await driver.read([SERIAL]))[SERIAL]
        assert (read.enabled, read.complete, read.presence) == (False, True, Presence.ABSENT)
        assert await driver.measure([SERIAL]) == {SERIAL: Levels(None, None)}


# --- Calix AXOS ------------------------------------------------------------------------------------------------------


async def test_axos_drops_leading_zeros_and_the_driver_puts_them_back() -> None:
    async with lab_and_driver("calix-axos") as (lab, driver):
        wanted = wanted_on("calix-axos")
        lab.plug(SERIAL, wanted.port)
        assert [found.device for found in await driver.list_discovered()] == [SERIAL]

        await make_so(driver, wanted)

        assert lab.shelf.objects("onu")["1"]["digits"] == "9A3F1"
        assert (await driver.read([SERIAL]))[SERIAL].presence is Presence.INTENDED
        assert [each.device for each in await driver.list_provisioned()] == [SERIAL]


async def test_axos_counts_onus_over_all_ports() -> None:
    async with lab_and_driver("calix-axos") as (lab, driver):
        first, ports = wanted_on("calix-axos"), VENDORS["calix-axos"].ports
        others = [
            replace(first, service=f"S-{n}", device=f"CXNK{n:08X}", port=ports[n], c_vlan=400 + n) for n in (1, 2)
        ]

        await make_so(driver, first, *others)

        assert {key: onu["port"] for key, onu in lab.shelf.objects("onu").items()} == {
            "1": ports[0],
            "2": ports[1],
            "3": ports[2],
        }
        assert {each.port for each in await driver.list_provisioned()} == set(ports[:3])


async def test_axos_makes_a_policy_map_anew_of_which_half_is_there() -> None:
    async with lab_and_driver("calix-axos") as (lab, driver):
        lab.shelf.objects("class")["ztpd-any"] = {}
        lab.shelf.objects("policy")["ztpd-1000000-500000-5"] = {}

        await make_so(driver, wanted_on("calix-axos"))

        assert lab.shelf.objects("class")["ztpd-any"] == {"rule 1": "any"}
        assert lab.shelf.objects("policy")["ztpd-1000000-500000-5"] == {
            "class": "ztpd-any",
            "eir": "500000",
            "maximum": "1000000",
            "set-stag-pcp": "5",
        }


async def test_axos_suspends_at_the_port_of_the_onu() -> None:
    async with lab_and_driver("calix-axos") as (lab, driver):
        wanted = wanted_on("calix-axos")
        lab.plug(SERIAL, wanted.port)
        await make_so(driver, wanted)

        await driver.set_admin([SERIAL], enabled=False)

        assert lab.shelf.objects("port")["1/x1"]["shutdown"] is True
        read = (await driver.read([SERIAL]))[SERIAL]
        assert (read.enabled, read.complete, read.presence) == (False, True, Presence.INTENDED)


async def test_axos_tells_an_onu_that_is_pinned_to_no_port() -> None:
    async with lab_and_driver("calix-axos") as (lab, driver):
        lab.shelf.objects("onu")["7"] = {
            "port": "",
            "serial": SERIAL,
            "enabled": True,
            "vendor": "CXNK",
            "digits": "9A3F1",
            "profile": "844GE",
            "mark": "ztpd_SVC-9",
        }

        read = (await driver.read([SERIAL]))[SERIAL]
        assert (read.port, read.onu_id, read.service) == (None, 7, "SVC-9")
        assert [each.port for each in await driver.list_provisioned()] == [None]
        plan = (await driver.plan([replace(wanted_on("calix-axos"), service="SVC-9")]))[0]
        assert isinstance(plan.refused, Rejected)


# --- what the platforms' files say with -------------------------------------------------------------------------------


def test_rows_about_another_port_are_passed_over_only_where_they_tell_of_one() -> None:
    rule = Rule.model_validate({"pattern": r"^(?P<onu_id>\d+)/(?P<uni>\w+)|^(?P<alone>\d+)$"})
    query = Query(command="show", rules=(rule,), given=("uni",))

    found = rows(query, ["1/x1", "1/g1", "2"], {"uni": "x1"})

    assert found == [Row({"onu_id": "1", "uni": "x1"}, None), Row({"alone": "2"}, None)]


@pytest.mark.parametrize(
    ("name", "keys"), [("calix-axos", {("", "1"), ("", "2")}), ("nokia-isam", {("1/1/1/1", "1"), ("1/1/1/2", "1")})]
)
def test_onus_are_told_apart_by_what_their_ids_are_counted_over(name: str, keys: set[tuple[str, str]]) -> None:
    rule = Rule.model_validate({"pattern": r"^(?P<port>\S+) (?P<onu_id>\d+)"})
    onus: dict[tuple[str, str], Facts] = {}

    for port, onu_id in keys:
        read_many(load(name), Query(command="show", rules=(rule,)), [f"{port or '1/1/xp1'} {onu_id}"], onus)

    assert set(onus) == keys
