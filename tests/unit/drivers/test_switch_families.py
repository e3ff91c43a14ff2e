"""Which modules a switch is driven by, how a port is named ours, and neighbours in the IEEE's module."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from drivers.netconf_switch import families, ieee_lldp
from drivers.netconf_switch.ietf import Ietf
from drivers.netconf_switch.names import MAX_DESCRIPTION, NotRepresentable, description_of, service_of
from drivers.netconf_switch.openconfig import OpenConfig
from drivers.netconf_switch.openconfig_lldp import NEIGHBOURS_A_PORT
from drivers.netconf_switch.settings import NetconfSwitchSettings
from tests.unit.drivers.switches import wanted

OPENCONFIG = ("openconfig-interfaces", "openconfig-vlan")
IETF = ("ietf-interfaces", "ieee802-dot1q-bridge")
LLDP = "urn:ieee:std:802.1AB:yang:ieee802-dot1ab-lldp"


def settings(**others: object) -> NetconfSwitchSettings:
    told = {"name": "sw", "host": "h", "username": "u", "password": "p", "host_key": "k", **others}
    return NetconfSwitchSettings(**told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "others", "family"),
    [
        (OPENCONFIG, {}, OpenConfig),
        (IETF, {}, Ietf),
        (OPENCONFIG + IETF, {}, OpenConfig),
        (OPENCONFIG + IETF, {"models": "ietf"}, Ietf),
        (("openconfig-interfaces", *IETF), {}, Ietf),
    ],
)
def test_a_family_is_taken_by_what_is_there_and_what_is_said(
    names: tuple[str, ...], others: dict[str, object], family: type
) -> None:
    told = {module.name: module for module in families.KNOWN if module.name in names}
    assert isinstance(families.dialect_of(told, settings(**others)), family)


@pytest.mark.parametrize(("names", "others"), [((), {}), (("ietf-interfaces",), {}), (IETF, {"models": "openconfig"})])
def test_no_family_is_said_with_what_is_missing(names: tuple[str, ...], others: dict[str, object]) -> None:
    told = {module.name: module for module in families.KNOWN if module.name in names}
    with pytest.raises(families.NoFamily, match=r"openconfig-interfaces with openconfig-vlan.*cannot be configured"):
        families.dialect_of(told, settings(**others))


@pytest.mark.parametrize(("qos", "rates", "modelled"), [(True, True, True), (True, False, False), (False, True, False)])
def test_rates_are_set_where_there_is_a_model_and_the_operator_wants_it(qos: bool, rates: bool, modelled: bool) -> None:
    names = (*OPENCONFIG, "openconfig-qos") if qos else OPENCONFIG
    told = {module.name: module for module in families.KNOWN if module.name in names}
    assert ("upstream_bps" not in families.dialect_of(told, settings(rates=rates)).unmodelled) is modelled


def test_a_free_vlan_must_be_one() -> None:
    with pytest.raises(ValueError, match="free_vlan 4095 is no VLAN"):
        settings(free_vlan=4095)


@given(
    service=st.text("AZaz09._:-", min_size=1, max_size=40),
    description=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
)
def test_a_description_names_its_service_and_is_never_too_long(service: str, description: str) -> None:
    said = description_of(wanted(service=service, description=description))
    assert service_of(said) == service
    assert len(said) <= MAX_DESCRIPTION


@given(st.text(max_size=80))
def test_any_service_is_named_or_refused(service: str) -> None:
    try:
        said = description_of(wanted(service=service))
    except NotRepresentable:
        return
    assert service_of(said) == service


@pytest.mark.parametrize("said", [None, "", "camera", "ztpd", "ztpd service=", "ztpd service=a/b", "x ztpd service=a"])
def test_what_others_wrote_names_no_service(said: str | None) -> None:
    assert service_of(said) is None


def lldp(*ports: str) -> etree._Element:
    return etree.fromstring(f'<data><lldp xmlns="{LLDP}">{"".join(ports)}</lldp></data>')


def port(name: str, *entries: str) -> str:
    told = "".join(f"<remote-systems-data>{entry}</remote-systems-data>" for entry in entries)
    return f"<port><name>{name}</name><dest-mac-address>01-80-C2-00-00-0E</dest-mac-address>{told}</port>"


ROUTER = (
    "<time-mark>0</time-mark><remote-index>1</remote-index><chassis-id-subtype>mac-address</chassis-id-subtype>"
    "<chassis-id>00-25-9E-1A-2B-3C</chassis-id><port-id-subtype>interface-name</port-id-subtype>"
    "<port-id>eth0</port-id><system-name>router-1</system-name>"
    "<system-capabilities-enabled>bridge router</system-capabilities-enabled>"
)


def test_a_neighbour_is_told_in_openconfigs_words() -> None:
    [found], malformed = ieee_lldp.neighbours_of(lldp(port("Ethernet1", ROUTER)))

    assert malformed == []
    assert (found.port, found.chassis_id_type, found.chassis_mac) == ("Ethernet1", "MAC_ADDRESS", "00:25:9e:1a:2b:3c")
    assert (found.port_id_type, found.port_mac, found.system_name) == ("INTERFACE_NAME", None, "router-1")
    assert found.capabilities == ("MAC_BRIDGE", "ROUTER")


def test_entries_that_cannot_be_read_harm_only_themselves() -> None:
    nobody, crowd = "<remote-index>2</remote-index>", [ROUTER] * (NEIGHBOURS_A_PORT + 1)
    found, malformed = ieee_lldp.neighbours_of(lldp(port("Ethernet1", nobody, ROUTER), port("Ethernet2", *crowd)))

    assert [each.port for each in found] == ["Ethernet1"] + ["Ethernet2"] * NEIGHBOURS_A_PORT
    assert [each.where for each in malformed] == ["neighbour on Ethernet1", "port Ethernet2"]
