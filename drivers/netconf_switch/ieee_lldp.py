"""LLDP neighbours in ``ieee802-dot1ab-lldp``, told in OpenConfig's words as ``drivers.base.Neighbour`` has them.

Read from YangModels/yang at commit 6795d9c6 (``standard/ieee/published/802.1``, revision 2022-03-15): a neighbour is at
``/lldp/port[name dest-mac-address]/remote-systems-data[time-mark remote-index]``, its subtypes are the enumerations of
``ieee802-types``, its capabilities bits.
"""

from collections import Counter

from drivers.base import Neighbour
from drivers.netconf.malformed import Malformed
from drivers.netconf.modules import Module
from drivers.netconf_switch import xml
from drivers.netconf_switch.openconfig_lldp import NEIGHBOURS_A_PORT, mac_of, shown
from drivers.netconf_switch.xml import Element, element, q, text_at

LLDP = Module("ieee802-dot1ab-lldp", xml.IEEE_LLDP)

_IS_MAC = "mac-address"
_MOST_CAPABILITIES = 16
_CAPABILITIES = {
    "other": "OTHER",
    "repeater": "REPEATER",
    "bridge": "MAC_BRIDGE",
    "wlan-access-point": "WLAN_ACCESS_POINT",
    "router": "ROUTER",
    "telephone": "TELEPHONE",
    "docsis-cable-device": "DOCSIS_CABLE_DEVICE",
    "station-only": "STATION_ONLY",
    "cvlan-component": "C_VLAN",
    "svlan-component": "S_VLAN",
    "two-port-mac-relay": "TWO_PORT_MAC_RELAY",
}


def _lldp(tag: str) -> str:
    return q(xml.IEEE_LLDP, tag)


def neighbours_filter() -> list[Element]:
    """The filter for the neighbours of every port."""
    port = element(
        xml.IEEE_LLDP,
        "port",
        *(element(xml.IEEE_LLDP, tag) for tag in ("name", "dest-mac-address", "remote-systems-data")),
    )
    return [element(xml.IEEE_LLDP, "lldp", port)]


def neighbours_of(data: Element) -> tuple[list[Neighbour], list[Malformed]]:
    """The neighbours in a ``<data>``, and the entries that could not be read or are too many on their port."""
    found: list[Neighbour] = []
    malformed: list[Malformed] = []
    count: Counter[str] = Counter()
    for listed in data.iterfind(f"{_lldp('lldp')}/{_lldp('port')}"):
        port = shown(text_at(listed, _lldp("name"))) or ""
        for entry in listed.iterfind(_lldp("remote-systems-data")):
            count[port] += 1
            if count[port] > NEIGHBOURS_A_PORT:
                continue
            try:
                found.append(_neighbour(port, entry))
            except ValueError as error:
                malformed.append(Malformed(f"neighbour on {port or 'no port'}", str(error)))
    for port, listed_here in count.items():
        if listed_here > NEIGHBOURS_A_PORT:
            reason = f"{listed_here} neighbours, of which the first {NEIGHBOURS_A_PORT} are read"
            malformed.append(Malformed(f"port {port}", reason))
    return found, malformed


def _neighbour(port: str, entry: Element) -> Neighbour:
    chassis_id, chassis_id_type, chassis_mac = _id(entry, "chassis-id")
    port_id, port_id_type, port_mac = _id(entry, "port-id")
    if not port or chassis_id is None:
        raise ValueError("the port's name and the neighbour's chassis-id are mandatory")
    return Neighbour(
        port=port,
        chassis_id=chassis_id,
        chassis_id_type=chassis_id_type,
        port_id=port_id or "",
        port_id_type=port_id_type,
        chassis_mac=chassis_mac,
        port_mac=port_mac,
        system_name=_said(entry, "system-name"),
        system_description=_said(entry, "system-description"),
        management_address=shown(text_at(entry, _lldp("management-address"), _lldp("address"))),
        capabilities=_capabilities(entry),
    )


def _id(entry: Element, leaf: str) -> tuple[str | None, str, str | None]:
    """An id as text, its subtype in OpenConfig's words, and the MAC address that it is."""
    text, kind = _said(entry, leaf), _said(entry, f"{leaf}-subtype") or ""
    return text, kind.upper().replace("-", "_"), mac_of(text) if text is not None and kind == _IS_MAC else None


def _capabilities(entry: Element) -> tuple[str, ...]:
    told = (_said(entry, "system-capabilities-enabled") or "").split()
    return tuple(sorted({_CAPABILITIES[bit] for bit in told if bit in _CAPABILITIES})[:_MOST_CAPABILITIES])


def _said(entry: Element, leaf: str) -> str | None:
    return shown(text_at(entry, _lldp(leaf)))
