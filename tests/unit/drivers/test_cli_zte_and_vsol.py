"""What the platforms whose OLTs configure each ONU by itself promise, against the lab's ZTE and V-SOL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import pytest

from drivers.access import WantedAccess
from drivers.cli import CliDriver, CliSettings
from drivers.errors import Conflict, Rejected, Unreachable
from tests.contract.cli_harness import PLATFORMS
from tests.contract.driving import make_so
from tests.unit.drivers.cli_olts import driver_of, settings_for
from ztpd.lab.cli_olt import zte_words
from ztpd.lab.cli_olt.lab import VENDORS, LabCliOlt, LabCliOltSettings, lab_cli_olt
from ztpd.lab.cli_olt.language import Ask
from ztpd.lab.cli_olt.server import CliServer, CliServerSettings
from ztpd.lab.cli_olt.shelf import Shelf
from ztpd.lab.cli_olt.vsol import ENABLE_PASSWORD
from ztpd.lab.cli_olt.zte import C300_PORTS, ZteC300Cli

SERIAL, NEIGHBOUR, THIRD = "HWTC1A2B3C4D", "ZTEG00000A0B", "VSOL0000AA02"

BY_HAND = {
    "zte-c300": """
        configure terminal
        interface gpon-olt_1/1/1
        onu 7 type F601 sn HWTC1A2B3C4D
        interface gpon-onu_1/1/1:7
        name customer
        tcont 1 name T1 profile default
        gemport 1 name G1 tcont 1
        pon-onu-mng gpon-onu_1/1/1:7
        service internet gemport 1 vlan 110
        vlan port eth_0/1 mode tag vlan 110
        interface gpon-onu_1/1/1:7
        service-port 1 vport 1 user-vlan 110 vlan 110
    """,
    "zte-c600": """
        configure terminal
        interface gpon_olt-1/1/1
        onu 7 type F601 sn HWTC1A2B3C4D
        interface gpon_onu-1/1/1:7
        name customer
        tcont 1 name T1 profile default
        gemport 1 name G1 tcont 1
        pon-onu-mng gpon_onu-1/1/1:7
        service internet gemport 1 vlan 110
        vlan port eth_0/1 mode tag vlan 110
        interface vport-1/1/1.7:1
        service-port 1 user-vlan 110 vlan 110
    """,
    "v-sol": """
        enable
        configure terminal
        interface gpon 0/1
        onu add 7 profile default sn HWTC1A2B3C4D
        onu 7 desc customer
        onu 7 tcont 1 dba default1
        onu 7 gemport 1 tcont 1
        onu 7 service internet gemport 1 vlan 110
        onu 7 service-port 1 gemport 1 uservlan 110 vlan 110
        onu 7 portvlan eth 1 mode tag vlan 110
    """,
}
REGISTRATION = {
    "zte-c300": "\n        name",
    "zte-c600": "\n        interface gpon_onu",
    "v-sol": "\n        onu 7 desc",
}


@dataclass(frozen=True, slots=True)
class Element:
    """One lab OLT and its platform."""

    platform: str
    lab: LabCliOlt

    @property
    def port(self) -> str:
        return self.lab.shelf.ports[0]

    def settings(self, transport: Literal["ssh", "telnet"] = "ssh") -> CliSettings:
        platform = PLATFORMS[self.platform]
        settings = replace(
            settings_for(self.lab, self.platform, platform.values),
            enable_password=platform.enable_password,
            legacy_algorithms=platform.legacy,
        )
        if transport == "ssh":
            return settings
        return replace(settings, transport="telnet", port=self.lab.server.telnet_port, host_key=None)

    def wanted(self, device: str = SERIAL, service: str = "SVC-1") -> WantedAccess:
        c_vlan = 300 + int(service.removeprefix("SVC-"))
        return WantedAccess(service, self.port, device, 201, c_vlan, 1_000_000_000, 500_000_000)


@pytest.fixture(params=BY_HAND)
async def element(request: pytest.FixtureRequest) -> AsyncIterator[Element]:
    settings = LabCliOltSettings(vendor=request.param, legacy=PLATFORMS[request.param].legacy)
    async with lab_cli_olt(settings) as lab:
        yield Element(request.param, lab)


@pytest.fixture
async def driver(element: Element) -> AsyncIterator[CliDriver]:
    async with driver_of(element.settings()) as made:
        yield made


def type_by_hand(platform: str, shelf: Shelf, lines: str) -> str:
    """What an operator types at the lab's terminal; what is printed."""
    language = VENDORS[platform].language(shelf)
    printed = ""
    for line in filter(None, map(str.strip, lines.splitlines())):
        answer = language.run(line)
        said = next(answer, None)
        while said is not None:
            printed += said if isinstance(said, str) else ""
            try:
                said = answer.send(ENABLE_PASSWORD) if isinstance(said, Ask) else next(answer, None)
            except StopIteration:
                said = None
    return printed


async def test_what_an_operator_made_is_adopted_and_changed_in_place(element: Element, driver: CliDriver) -> None:
    printed = type_by_hand(element.platform, element.lab.shelf, BY_HAND[element.platform])
    assert not any(sign in printed for sign in ("rror", "%Code", "^")), printed
    [refused] = await driver.plan([element.wanted()])
    assert isinstance(refused.refused, Conflict)

    driver.adopt([SERIAL])
    await make_so(driver, element.wanted())

    [plan] = await driver.plan([element.wanted()])
    assert plan.changes == ()
    [listed] = await driver.list_provisioned()
    assert listed.onu_id == 7
    assert (await driver.read([SERIAL]))[SERIAL] == listed
    [removed] = await driver.remove([SERIAL])
    assert removed.error is None
    assert element.lab.shelf.configuration() == b"{}"


async def test_an_onu_that_is_only_registered_is_nobodys(element: Element, driver: CliDriver) -> None:
    registration, _, _ = BY_HAND[element.platform].partition(REGISTRATION[element.platform])
    type_by_hand(element.platform, element.lab.shelf, registration)
    assert element.lab.shelf.onu_of(SERIAL) is not None

    await make_so(driver, element.wanted())

    [listed] = await driver.list_provisioned()
    assert (listed.service, listed.onu_id) == ("SVC-1", 7)


async def test_the_index_of_an_unknown_onu_allocates_nothing(element: Element, driver: CliDriver) -> None:
    element.lab.plug(SERIAL, element.port)
    element.lab.plug(NEIGHBOUR, element.port)
    await make_so(driver, element.wanted(THIRD, "SVC-3"))

    found = await driver.list_discovered()
    assert {(each.device, each.port, each.onu_id) for each in found} == {
        (SERIAL, element.port, None),
        (NEIGHBOUR, element.port, None),
    }
    await make_so(driver, element.wanted(), element.wanted(NEIGHBOUR, "SVC-2"))

    made = await driver.read([SERIAL, NEIGHBOUR, THIRD])
    assert {device: each.onu_id for device, each in made.items()} == {THIRD: 1, SERIAL: 2, NEIGHBOUR: 3}


@pytest.mark.parametrize(
    ("assured", "fixed"), [(0, 0), (50_000_000, 0), (0, 10_000_000), (50_000_000, 10_000_000)], ids=str
)
async def test_parts_of_the_upstream_rate_come_and_go(
    element: Element, driver: CliDriver, assured: int, fixed: int
) -> None:
    first = replace(element.wanted(), assured_upstream_bps=20_000_000)
    then = replace(element.wanted(), assured_upstream_bps=assured, fixed_upstream_bps=fixed)
    await make_so(driver, first)
    await make_so(driver, then)

    read = (await driver.read([SERIAL]))[SERIAL]
    assert (read.upstream_bps, read.assured_upstream_bps, read.fixed_upstream_bps) == (500_000_000, assured, fixed)
    [listed] = await driver.list_provisioned()
    assert listed == read
    profiles = {name for kind in ("tcont_profile", "dba") for name in element.lab.shelf.running.get(kind, {})}
    assert len(profiles) == 1, "the profile of the first rate is gone"


async def test_a_profile_stays_while_another_uses_it(element: Element, driver: CliDriver) -> None:
    await make_so(driver, element.wanted(), element.wanted(NEIGHBOUR, "SVC-2"))

    [outcome] = await driver.remove([SERIAL])
    assert outcome.error is None
    [plan] = await driver.plan([element.wanted(NEIGHBOUR, "SVC-2")])
    assert plan.changes == ()
    await driver.remove([NEIGHBOUR])

    assert element.lab.shelf.configuration() == b"{}"


async def test_a_service_of_another_onu_is_a_conflict(element: Element, driver: CliDriver) -> None:
    await make_so(driver, element.wanted(service="SVC-10"))

    longer, same = await driver.plan([element.wanted(NEIGHBOUR, "SVC-1"), element.wanted(NEIGHBOUR, "SVC-10")])

    assert longer.refused is None, "SVC-1 is the beginning of SVC-10, and another service"
    assert isinstance(same.refused, Conflict)


async def test_it_is_reached_over_telnet(element: Element) -> None:
    async with driver_of(element.settings("telnet")) as driver:
        assert await driver.ports() == frozenset(element.lab.shelf.ports)
    async with driver_of(replace(element.settings("telnet"), password="wrong")) as driver:
        with pytest.raises(Rejected, match="authentication refused for user ztpd"):
            await driver.ports()


@pytest.mark.parametrize("element", ["zte-c600", "v-sol"], indirect=True)
async def test_old_algorithms_have_to_be_allowed(element: Element) -> None:
    async with driver_of(replace(element.settings(), legacy_algorithms=False)) as driver:
        with pytest.raises(Unreachable):
            await driver.ports()


@pytest.mark.parametrize("element", ["v-sol"], indirect=True)
async def test_a_wrong_enable_password_is_refused(element: Element) -> None:
    async with driver_of(replace(element.settings(), enable_password="wrong")) as driver:
        with pytest.raises(Rejected, match="enable: % Bad passwords"):
            await driver.ports()


async def test_a_user_with_few_rights_is_enabled_first() -> None:
    server = CliServer(CliServerSettings(), Shelf(C300_PORTS), partial(ZteC300Cli, enabled=False))
    await server.start()
    try:
        settings = replace(Element("zte-c300", LabCliOlt(server)).settings(), enable_password=zte_words.ENABLE_PASSWORD)
        async with driver_of(settings) as driver:
            assert await driver.ports() == frozenset(C300_PORTS)
        async with driver_of(replace(settings, enable_password="wrong")) as driver:
            with pytest.raises(Rejected, match="enable: %Error 20209: Bad password!"):
                await driver.ports()
    finally:
        await server.stop()
