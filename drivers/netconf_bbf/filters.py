"""Subtree filters (RFC 6241 §6): how much of an OLT is read for each question.

A list's keys come with every entry that is selected, asked for or not (RFC 7950 §7.8.5).
"""

from collections.abc import Iterable

from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.dialects import Dialect
from drivers.netconf_bbf.xml import Element, element


def everything() -> list[Element]:
    """All that services are made of, for all ONUs."""
    return [element(xml.INTERFACES, "interfaces"), *_beside_interfaces()]


def for_writing(serials: Iterable[str], uplink: str) -> list[Element]:
    """What a write has to know: the plant, every number and reference in use, and these ONUs' own objects."""
    return [
        element(
            xml.INTERFACES,
            "interfaces",
            *_plant(),
            _having(xml.V_ANI, "v-ani"),
            _having(xml.V_ANI, "olt-v-enet"),
            _having(xml.TRAFFIC_MANAGEMENT, "tm-root"),
            _on_uplink(uplink),
            *(_named(name) for serial in serials for name in names.of_onu(serial).interfaces),
        ),
        *_beside_interfaces(),
    ]


def plant() -> list[Element]:
    """The channel terminations, pairs and partitions."""
    return [element(xml.INTERFACES, "interfaces", *_plant())]


def of_onu(serial: str) -> list[Element]:
    """One ONU's own objects, whoever made its v-ANI, and its state; the shared ones follow by ``of_forwarder``."""
    own = names.of_onu(serial)
    claimed = element(xml.V_ANI, "v-ani", element(xml.V_ANI, "expected-serial-number", serial))
    joined = element(
        xml.FORWARDING,
        "ports",
        element(xml.FORWARDING, "port", element(xml.FORWARDING, "sub-interface", own.user_sub_interface)),
    )
    return [
        element(
            xml.INTERFACES,
            "interfaces",
            *_plant(),
            element(xml.INTERFACES, "interface", claimed),
            *(_named(name) for name in own.interfaces),
        ),
        element(xml.INTERFACES, "interfaces-state", _having(xml.V_ANI, "v-ani", own.v_ani)),
        element(xml.LINK_TABLE, "link-table", *(_link(name) for name in (own.ani, own.onu_v_enet))),
        element(
            xml.GEM_TCONT,
            "xpongemtcont",
            element(xml.GEM_TCONT, "traffic-descriptor-profiles"),
            element(xml.GEM_TCONT, "tconts", _entry(xml.GEM_TCONT, "tcont", own.tcont)),
            element(xml.GEM_TCONT, "gemports", *(_entry(xml.GEM_TCONT, "gemport", name) for name in own.gemports)),
        ),
        element(xml.TRAFFIC_MANAGEMENT, "tm-profiles", element(xml.SHAPING, "shaper-profile")),
        element(
            xml.FORWARDING,
            "forwarding",
            element(xml.FORWARDING, "forwarders", element(xml.FORWARDING, "forwarder", joined)),
        ),
    ]


def of_forwarder(forwarder: str, network_sub_interface: str) -> list[Element]:
    """One forwarder, the MAC tables, and the sub-interface that leads to the network."""
    return [
        element(xml.INTERFACES, "interfaces", _named(network_sub_interface)),
        element(
            xml.FORWARDING,
            "forwarding",
            element(xml.FORWARDING, "forwarders", _entry(xml.FORWARDING, "forwarder", forwarder)),
            element(xml.FORWARDING, "forwarding-databases"),
        ),
    ]


def presence(dialect: Dialect) -> list[Element]:
    """The ONUs present on every channel termination, and the v-ANIs with the plant that say where they belong."""
    present = element(xml.XPON, "channel-termination", dialect.present)
    return [
        element(xml.INTERFACES, "interfaces", *_plant(), _having(xml.V_ANI, "v-ani")),
        element(xml.INTERFACES, "interfaces-state", element(xml.INTERFACES, "interface", present)),
    ]


def v_ani_states() -> list[Element]:
    """The state of every v-ANI."""
    return [element(xml.INTERFACES, "interfaces-state", _having(xml.V_ANI, "v-ani"))]


def optics(serial: str) -> list[Element]:
    """What the OLT's transceivers receive from one ONU, and which hardware component stands for the ONU."""
    received = element(
        xml.TRANSCEIVERS_XPON, "rssi-onu", element(xml.TRANSCEIVERS_XPON, "detected-serial-number", serial)
    )
    return [
        element(
            xml.HARDWARE,
            "hardware",
            element(xml.HARDWARE, "component", _diagnostics(received)),
        ),
        element(
            xml.INTERFACES,
            "interfaces-state",
            _having(xml.REMOTE_HARDWARE, "remote-hardware", names.of_onu(serial).v_ani),
        ),
    ]


def components_in(parents: Iterable[str]) -> list[Element]:
    """The hardware components that are part of others: class, name and what their transceivers receive."""
    return [
        element(
            xml.HARDWARE,
            "hardware",
            *(element(xml.HARDWARE, "component", element(xml.HARDWARE, "parent", parent)) for parent in parents),
        )
    ]


def _diagnostics(wanted: Element) -> Element:
    return element(xml.TRANSCEIVERS, "transceiver-link", element(xml.TRANSCEIVERS, "diagnostics", wanted))


def _plant() -> list[Element]:
    return [_having(xml.XPON, part) for part in ("channel-termination", "channel-pair", "channel-partition")]


def _beside_interfaces() -> list[Element]:
    return [
        element(xml.LINK_TABLE, "link-table"),
        element(xml.GEM_TCONT, "xpongemtcont"),
        element(xml.FORWARDING, "forwarding"),
        element(xml.TRAFFIC_MANAGEMENT, "tm-profiles"),
    ]


def _having(namespace: str, container: str, name: str | None = None) -> Element:
    key = [] if name is None else [element(xml.INTERFACES, "name", name)]
    return element(xml.INTERFACES, "interface", *key, element(namespace, container))


def _on_uplink(uplink: str) -> Element:
    """The names of the sub-interfaces that take VLANs off the uplink."""
    lower = element(xml.SUB_INTERFACES, "subif-lower-layer", element(xml.SUB_INTERFACES, "interface", uplink))
    return element(xml.INTERFACES, "interface", lower)


def _named(name: str) -> Element:
    return element(xml.INTERFACES, "interface", element(xml.INTERFACES, "name", name))


def _entry(namespace: str, tag: str, name: str) -> Element:
    return element(namespace, tag, element(namespace, "name", name))


def _link(from_interface: str) -> Element:
    return element(xml.LINK_TABLE, "link-table", element(xml.LINK_TABLE, "from-interface", from_interface))
