"""Ports and neighbours as OpenConfig switches tell them: what is read of it, and what is left out."""

import pytest
from lxml import etree

from drivers.base import Neighbour
from drivers.netconf_switch.openconfig_lldp import (
    NEIGHBOURS_A_PORT,
    mac_of,
    neighbours_filter,
    neighbours_of,
    ports_of,
)
from tests.unit.drivers.switch_wire import data, interfaces, lldp, neighbour, port, whole

MAC = {"chassis_id": "00:25:9e:1a:2b:3c", "chassis_id_type": "MAC_ADDRESS"}


def test_a_router_that_says_everything_is_read_as_a_whole() -> None:
    assert neighbours_of(lldp(port("Ethernet3", whole()))) == (
        [
            Neighbour(
                port="Ethernet3",
                chassis_id="00:25:9E:1A:2B:3C",
                chassis_id_type="MAC_ADDRESS",
                port_id="0025.9e1a.2b3d",
                port_id_type="MAC_ADDRESS",
                chassis_mac="00:25:9e:1a:2b:3c",
                port_mac="00:25:9e:1a:2b:3d",
                system_name="router-1",
                system_description="OpenWrt 23.05.5",
                management_address="192.168.1.1",
                capabilities=("MAC_BRIDGE", "ROUTER"),
            )
        ],
        [],
    )


def test_a_switch_as_eos_tells_it_has_a_mac_for_its_chassis_and_a_name_for_its_port() -> None:
    # What Arista EOS 4.34 answers has leaves of its own beside those of the model.
    augmented = (
        '<last-update-time xmlns="http://arista.com/yang/openconfig/lldp/augments">1747900911</last-update-time>'
    )
    entry = neighbour(**MAC, port_id="Ethernet1", port_id_type="INTERFACE_NAME").replace(
        "</state>", augmented + "</state>"
    )
    [found], malformed = neighbours_of(lldp(port("Ethernet1", entry)))
    assert (found.chassis_mac, found.port_mac, found.port_id) == ("00:25:9e:1a:2b:3c", None, "Ethernet1")
    assert malformed == []


@pytest.mark.parametrize(
    ("leaves", "chassis_mac", "port_mac"),
    [
        ({"chassis_id": "rtr", "chassis_id_type": "LOCAL"}, None, None),
        ({"chassis_id": "00259e1a2b3c"}, None, None),
        ({"chassis_id": "00259e1a2b3c", "chassis_id_type": "INTERFACE_ALIAS"}, None, None),
        (
            {
                "chassis_id": "x",
                "chassis_id_type": "LOCAL",
                "port_id": "00-25-9E-00-00-01",
                "port_id_type": "MAC_ADDRESS",
            },
            None,
            "00:25:9e:00:00:01",
        ),
    ],
    ids=["name", "no-subtype", "another-subtype", "only-the-port"],
)
def test_only_what_is_said_to_be_a_mac_address_is_one(
    leaves: dict[str, str], chassis_mac: str | None, port_mac: str | None
) -> None:
    [found], _ = neighbours_of(lldp(port("Ethernet1", neighbour(**leaves))))
    assert (found.chassis_mac, found.port_mac) == (chassis_mac, port_mac)


def test_management_addresses_of_the_list_count_before_the_deprecated_leaf() -> None:
    listed = "<mgmt-addresses><mgmt-address><address>2001:db8::1</address></mgmt-address></mgmt-addresses>"
    entry = neighbour(listed, **MAC, management_address="192.0.2.1")
    [found], _ = neighbours_of(lldp(port("Ethernet1", entry)))
    assert found.management_address == "2001:db8::1"


@pytest.mark.parametrize(
    ("name", "entry", "reason"),
    [
        ("Ethernet1", neighbour(port_id="eth0"), "chassis-id are mandatory"),
        (None, neighbour(**MAC), "the port's name"),
        ("Ethernet1", "<neighbor/>", "chassis-id are mandatory"),
        ("Ethernet1", neighbour(chassis_id="00:25:9e", chassis_id_type="MAC_ADDRESS"), "no MAC address"),
        ("Ethernet1", neighbour(chassis_id="01:80:c2:00:00:0e", chassis_id_type="MAC_ADDRESS"), "of a group"),
        ("Ethernet1", neighbour(**MAC, port_id="eth0", port_id_type="MAC_ADDRESS"), "no MAC address"),
    ],
    ids=["no-chassis", "no-port", "empty", "short-mac", "group-mac", "port-mac"],
)
def test_an_entry_that_cannot_be_read_harms_only_itself(name: str | None, entry: str, reason: str) -> None:
    found, [malformed] = neighbours_of(lldp(port(name, entry), port("Ethernet2", whole())))
    assert [each.port for each in found] == ["Ethernet2"]
    assert reason in malformed.reason
    assert (name or "no port") in malformed.where


def test_what_a_device_says_is_made_printable_and_short() -> None:
    entry = neighbour(**MAC, system_name=" a\tb\u200bc ", system_description="x" * 5000)
    [found], _ = neighbours_of(lldp(port("Ethernet1", entry)))
    assert (found.system_name, found.system_description) == ("a b c", "x" * 255)


def test_who_makes_up_neighbours_by_the_dozen_harms_only_their_own_port() -> None:
    flood = [neighbour(chassis_id=f"00:25:9e:00:00:{n:02x}", chassis_id_type="MAC_ADDRESS") for n in range(40)]
    found, [malformed] = neighbours_of(lldp(port("Ethernet1", *flood), port("Ethernet2", whole())))
    assert [each.port for each in found] == ["Ethernet1"] * NEIGHBOURS_A_PORT + ["Ethernet2"]
    assert str(malformed) == "port Ethernet1: 40 neighbours, of which the first 16 are read"


def test_a_reply_about_nothing_has_nobody() -> None:
    assert neighbours_of(data("")) == ([], [])
    assert neighbours_of(lldp(port("Ethernet1"))) == ([], [])


@pytest.mark.parametrize(
    ("said", "mac"),
    [
        ("00:25:9E:1A:2B:3C", "00:25:9e:1a:2b:3c"),
        ("00-25-9e-1a-2b-3c", "00:25:9e:1a:2b:3c"),
        ("0025.9e1a.2b3c", "00:25:9e:1a:2b:3c"),
        ("00259e1a2b3c", "00:25:9e:1a:2b:3c"),
        ("02:00:00:00:00:01", "02:00:00:00:00:01"),
    ],
)
def test_a_mac_address_is_read_however_it_is_written(said: str, mac: str) -> None:
    assert mac_of(said) == mac


@pytest.mark.parametrize(
    "said", ["", "0", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "00:25:9e:1a:2b", "00.25.9e.1a.2b.3c"]
)
def test_what_is_no_address_of_a_device_is_none(said: str) -> None:
    with pytest.raises(ValueError, match=r"no MAC address|a group"):
        mac_of(said)


def interface(name: str, *types: str) -> str:
    halves = zip(("state", "config"), types, strict=False)
    told = "".join(f"<{half}><type>ianaift:{kind}</type></{half}>" for half, kind in halves)
    return f"<interface><name>{name}</name>{told}</interface>"


def test_ports_are_the_ethernet_interfaces() -> None:
    found = ports_of(
        interfaces(
            interface("Ethernet1", "ethernetCsmacd", "ethernetCsmacd"),
            interface("1/1/2", "gigabitEthernet"),
            interface("Vlan1", "l3ipvlan", "l3ipvlan"),
            interface("Loopback0", "softwareLoopback"),
            interface("untold"),
            "<interface><config><type>ianaift:ethernetCsmacd</type></config></interface>",
        )
    )
    assert found == {"Ethernet1", "1/1/2", "untold"}


def test_no_more_is_asked_for_than_is_read() -> None:
    asked = [etree.tostring(top).decode() for top in neighbours_filter()]
    assert asked == [
        '<lldp xmlns="http://openconfig.net/yang/lldp"><interfaces><interface><name/><neighbors/></interface>'
        "</interfaces></lldp>",
    ]
