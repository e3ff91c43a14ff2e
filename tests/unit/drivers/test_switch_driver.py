"""What is the switch driver's own beside the contract: whose a port is, what outlasts a restart, what is measured."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lxml import etree

from drivers.access import Levels, differences
from drivers.errors import Conflict, Rejected
from drivers.netconf_switch import NetconfSwitchDriver, NetconfSwitchSettings
from pon.onu import Presence
from tests.unit.drivers.switches import wanted
from ztpd.lab.netconf.faults import Refusal
from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch
from ztpd.lab.switch.settings import Models

FIRST, SECOND = "Ethernet1", "Ethernet2"
FOREIGN = {
    "openconfig": (
        '<interfaces xmlns="http://openconfig.net/yang/interfaces"><interface><name>{0}</name><config><name>{0}</name>'
        "{1}</config>{2}</interface></interfaces>",
        '<ethernet xmlns="http://openconfig.net/yang/interfaces/ethernet"><switched-vlan '
        'xmlns="http://openconfig.net/yang/vlan"><config><interface-mode>ACCESS</interface-mode>'
        "<access-vlan>{}</access-vlan></config></switched-vlan></ethernet>",
    ),
    "ietf": (
        '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>{0}</name>{1}{2}</interface>'
        "</interfaces>",
        '<bridge-port xmlns="urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge"><pvid>{}</pvid></bridge-port>',
    ),
}


class Scene:
    """One lab switch and whoever drives it."""

    def __init__(self, lab: LabSwitch) -> None:
        self.lab = lab
        self.drivers: list[NetconfSwitchDriver] = []

    def driver(self, **others: Any) -> NetconfSwitchDriver:
        listening = self.lab.listening
        settings = NetconfSwitchSettings(
            name="sw-1",
            host=listening.host,
            port=listening.netconf_port,
            username="ztpd",
            password="ztpd",
            host_key=listening.host_public_key,
            rpc_timeout_s=5.0,
            **others,
        )
        self.drivers.append(NetconfSwitchDriver(settings))
        return self.drivers[-1]

    def configured_by_another(self, port: str, *, vlan: int | None = None, description: str | None = None) -> None:
        """Configure a port as somebody else does."""
        entry, switched = FOREIGN[self.lab.settings.models]
        said = "" if description is None else f"<description>{description}</description>"
        text = entry.format(port, said, "" if vlan is None else switched.format(vlan))
        datastores = self.lab.switch.datastores
        config = etree.fromstring(f'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{text}</config>')
        datastores.edit_running(config, "merge", 0)


@contextlib.asynccontextmanager
async def scene(models: Models = "openconfig", **others: Any) -> AsyncIterator[Scene]:
    async with lab_switch(LabSwitchSettings(ports=4, models=models, **others)) as lab:
        made = Scene(lab)
        yield made
        for driver in made.drivers:
            await driver.close()


@pytest.fixture(params=["openconfig", "ietf"])
async def switch(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with scene(request.param, writable="running") as made:
        yield made


@pytest.mark.parametrize("foreign", [{"vlan": 55}, {"description": "camera"}, {"vlan": 55, "description": "camera"}])
async def test_a_port_of_anothers_is_left_alone_until_it_is_adopted(switch: Scene, foreign: dict[str, Any]) -> None:
    switch.configured_by_another(FIRST, **foreign)
    before, driver = switch.lab.running_config(), switch.driver()

    [plan] = await driver.plan([wanted()])
    [suspended] = await driver.set_admin([FIRST], False)
    [removed] = await driver.remove([FIRST])
    [listed] = await driver.list_provisioned()

    assert isinstance(plan.refused, Conflict)
    assert isinstance(suspended.error, Conflict)
    assert isinstance(removed.error, Conflict)
    assert (listed.device, listed.service, listed.s_vlan) == (FIRST, None, foreign.get("vlan"))
    assert switch.lab.running_config() == before

    driver.adopt([FIRST])
    [outcome] = await driver.apply(await driver.plan([wanted()]))
    assert (outcome.changed, outcome.error) == (True, None)
    assert [each.service for each in await driver.list_provisioned()] == ["SVC-Ethernet1"]


async def test_what_was_adopted_is_anothers_again_once_it_was_removed(switch: Scene) -> None:
    driver = switch.driver()
    switch.configured_by_another(FIRST, vlan=55)
    driver.adopt([FIRST])

    [removed] = await driver.remove([FIRST])
    switch.configured_by_another(FIRST, vlan=55)
    [again] = await driver.remove([FIRST])

    assert (removed.changed, removed.error) == (True, None)
    assert isinstance(again.error, Conflict)


async def test_a_service_on_another_port_is_a_conflict_and_so_is_one_twice_in_a_batch(switch: Scene) -> None:
    driver = switch.driver()
    await driver.apply(await driver.plan([wanted()]))

    [elsewhere] = await driver.plan([wanted(SECOND, service="SVC-Ethernet1")])
    same_port, same_service = wanted(SECOND, service="B"), wanted("Ethernet3", service="A")
    plans = await driver.plan([wanted(SECOND, service="A"), same_port, same_service])
    outcomes = await driver.apply(plans)

    assert isinstance(elsewhere.refused, Conflict)
    assert FIRST in elsewhere.refused.answer
    assert [outcome.changed for outcome in outcomes] == [True, False, False]
    assert all(isinstance(outcome.error, Conflict) for outcome in outcomes[1:])


async def test_a_suspended_service_is_shut_after_a_restart_once_it_is_saved(switch: Scene) -> None:
    driver = switch.driver()
    await driver.apply(await driver.plan([wanted()]))
    await driver.save()
    switch.lab.connect(FIRST)
    working = (await driver.read([FIRST]))[FIRST]

    [outcome] = await driver.set_admin([FIRST], False)
    [again] = await driver.set_admin([FIRST], False)
    await driver.save()
    switch.lab.restart()
    await driver.close()
    suspended = (await driver.read([FIRST]))[FIRST]

    assert (await driver.capabilities()).saves
    assert [(each.changed, each.error) for each in (outcome, again)] == [(True, None), (False, None)]
    assert (working.enabled, working.presence) == (True, Presence.INTENDED)
    assert (suspended.enabled, suspended.presence) == (False, Presence.ABSENT)
    assert differences(wanted(enabled=False), suspended) == ()
    assert await driver.list_discovered() == []


async def test_what_was_not_saved_is_gone_after_a_restart(switch: Scene) -> None:
    driver = switch.driver()
    await driver.apply(await driver.plan([wanted()]))
    switch.lab.restart()
    await driver.close()

    assert await driver.read([FIRST]) == {}


async def test_the_speed_of_a_link_is_measured(switch: Scene) -> None:
    driver = switch.driver()
    switch.lab.connect(FIRST, 100_000_000)

    assert await driver.measure([FIRST, SECOND, "Ethernet9"]) == {
        FIRST: Levels(link_bps=100_000_000),
        SECOND: Levels(link_bps=None),
    }


async def test_a_port_with_a_link_is_discovered_as_ours_or_as_unknown(switch: Scene) -> None:
    driver = switch.driver()
    await driver.apply(await driver.plan([wanted()]))
    for port in (FIRST, SECOND):
        switch.lab.connect(port)

    assert {each.port: each.presence for each in await driver.list_discovered()} == {
        FIRST: Presence.INTENDED,
        SECOND: Presence.UNKNOWN,
    }


async def test_uplinks_are_neither_listed_nor_configured(switch: Scene) -> None:
    driver = switch.driver(uplinks=frozenset({FIRST}))
    switch.lab.plug(FIRST, "00:25:9e:1a:2b:3c")
    switch.lab.plug(SECOND, "00:25:9e:1a:2b:4d")

    [plan] = await driver.plan([wanted()])

    assert isinstance(plan.refused, Rejected)
    assert FIRST not in await driver.ports()
    assert [each.port for each in await driver.list_discovered()] == [SECOND]
    assert [each.port for each in await driver.list_neighbours()] == [SECOND]


async def test_a_port_is_its_own_device_and_nothing_on_it_can_be_restarted(switch: Scene) -> None:
    driver = switch.driver()
    [plan] = await driver.plan([wanted(device="HWTC12345678")])
    [missing] = await driver.set_admin([FIRST], False)

    assert isinstance(plan.refused, Rejected)
    assert isinstance(missing.error, Rejected)
    with pytest.raises(Rejected, match="cannot be restarted"):
        await driver.reboot(FIRST)
    assert not (await driver.capabilities()).reboots


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"description": "a\nb"}, "not of printable ASCII"),
        ({"service": "a b"}, "not of letters"),
        ({"service": "S" * 60}, "over 64 characters"),
        ({"s_vlan": 4095}, "4095 is no VLAN"),
        ({"s_vlan": 0}, "0 is no VLAN"),
    ],
)
async def test_a_value_that_is_not_allowed_is_refused_and_nothing_is_written(
    switch: Scene, others: dict[str, Any], said: str
) -> None:
    driver = switch.driver()
    [plan] = await driver.plan([wanted(**others)])
    [outcome] = await driver.apply([plan])

    assert isinstance(plan.refused, Rejected)
    assert said in plan.refused.answer
    assert outcome.error is plan.refused
    assert switch.lab.switch.writes == 0


async def test_a_batch_is_one_edit_where_it_is_all_or_none_and_one_each_where_it_is_not() -> None:
    batch = [wanted(f"Ethernet{n}") for n in range(1, 5)]
    edits = {}
    for rollback in (True, False):
        async with scene(writable="running", rollback=rollback) as switch:
            driver = switch.driver()
            await driver.apply(await driver.plan(batch))
            edits[rollback] = switch.lab.switch.rpcs["edit-config"]

    assert edits == {True: 1, False: 4}


async def test_one_refusal_of_many_suspensions_stops_no_other(switch: Scene) -> None:
    driver = switch.driver()
    await driver.apply(await driver.plan([wanted(f"Ethernet{n}") for n in range(1, 5)]))
    switch.lab.switch.faults.barred_serials.add(SECOND)

    outcomes = await driver.set_admin([f"Ethernet{n}" for n in range(1, 5)], False)

    assert [outcome.changed for outcome in outcomes] == [True, False, True, True]
    assert isinstance(outcomes[1].error, Rejected)


async def test_a_switch_without_the_modules_says_which_it_needs() -> None:
    async with scene("ietf") as switch:
        driver = switch.driver(models="openconfig")
        with pytest.raises(Rejected, match="do not list openconfig-interfaces with openconfig-vlan"):
            await driver.plan([wanted()])


async def test_a_library_that_is_refused_leaves_what_the_hello_says() -> None:
    async with scene() as switch:
        switch.lab.switch.faults.refuse("get", 1, Refusal("access-denied", "no rights"))
        assert len(await switch.driver().ports()) == 4
