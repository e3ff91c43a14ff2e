"""Replies about ports and neighbours as switches write them, from plain strings."""

from lxml import etree

LLDP = "http://openconfig.net/yang/lldp"
INTERFACES = "http://openconfig.net/yang/interfaces"
TYPES = "http://openconfig.net/yang/lldp/types"
IANA = "urn:ietf:params:xml:ns:yang:iana-if-type"

Element = etree._Element


def data(content: str) -> Element:
    """The ``<data>`` of a reply."""
    return etree.fromstring(f'<data xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{content}</data>')


def neighbour(beside: str = "", **leaves: str) -> str:
    """One entry: the leaves of its state, and what is beside the state."""
    state = "".join(f"<{tag.replace('_', '-')}>{text}</{tag.replace('_', '-')}>" for tag, text in leaves.items())
    return f"<neighbor><id>1</id><state><id>1</id>{state}</state>{beside}</neighbor>"


def port(name: str | None, *neighbours: str) -> str:
    """One interface with its neighbours."""
    named = "" if name is None else f"<name>{name}</name>"
    return f"<interface>{named}<neighbors>{''.join(neighbours)}</neighbors></interface>"


def lldp(*ports: str) -> Element:
    """The ``<data>`` with the neighbours of some ports."""
    return data(f'<lldp xmlns="{LLDP}" xmlns:t="{TYPES}"><interfaces>{"".join(ports)}</interfaces></lldp>')


def interfaces(*entries: str) -> Element:
    """The ``<data>`` with some interfaces."""
    return data(f'<interfaces xmlns="{INTERFACES}" xmlns:ianaift="{IANA}">{"".join(entries)}</interfaces>')


def whole(**others: str) -> str:
    """The entry of a router that says everything."""
    capability = "<capability><name>t:{0}</name><state><name>t:{0}</name><enabled>{1}</enabled></state></capability>"
    told = "".join(
        capability.format(*each) for each in (("ROUTER", "true"), ("REPEATER", "false"), ("MAC_BRIDGE", "true"))
    )
    return neighbour(
        f"<capabilities>{told}</capabilities>",
        **{
            "chassis_id": "00:25:9E:1A:2B:3C",
            "chassis_id_type": "MAC_ADDRESS",
            "port_id": "0025.9e1a.2b3d",
            "port_id_type": "MAC_ADDRESS",
            "system_name": "router-1",
            "system_description": "OpenWrt 23.05.5",
            "management_address": "192.168.1.1",
            **others,
        },
    )
