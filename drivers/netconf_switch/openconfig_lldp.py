"""Ports and LLDP neighbours in the OpenConfig models, as they are asked for and as they are read.

``openconfig-lldp`` (2016-05-16 to 2026-04-14) and ``openconfig-interfaces`` of openconfig/public; a neighbour is at
``/lldp/interfaces/interface[name]/neighbors/neighbor[id]/state``, its ids and their subtypes are those of IEEE 802.1AB
§8.5.2 and §8.5.3. Since 2026 management addresses are a list of their own, beside a leaf that is deprecated.
"""

import re
from collections import Counter
from collections.abc import Iterator

from drivers.base import Neighbour
from drivers.netconf.malformed import Malformed
from drivers.netconf.modules import Module
from drivers.netconf.xml import Element, element, local_name, q, text_at

LLDP = Module("openconfig-lldp", "http://openconfig.net/yang/lldp")
INTERFACES = Module("openconfig-interfaces", "http://openconfig.net/yang/interfaces")

NEIGHBOURS_A_PORT = 16
"""How many neighbours of one port are read: who makes up more of them harms their own port only."""

_LONGEST = 255  # octets of an id or a text, IEEE 802.1AB §8.5
_MOST_CAPABILITIES = 16
_ETHERNET = frozenset({"ethernetCsmacd", "gigabitEthernet", "fastEther", "fastEtherFX"})  # iana-if-type
_MAC = re.compile(r"[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}")
_IS_MAC = "MAC_ADDRESS"


def _lldp(tag: str) -> str:
    return q(LLDP.namespace, tag)


def _interface(tag: str) -> str:
    return q(INTERFACES.namespace, tag)


def neighbours_filter() -> list[Element]:
    """The filter for the neighbours of every interface."""
    namespace = LLDP.namespace
    interface = element(namespace, "interface", element(namespace, "name"), element(namespace, "neighbors"))
    return [element(namespace, "lldp", element(namespace, "interfaces", interface))]


def ports_of(data: Element) -> frozenset[str]:
    """The names of the Ethernet interfaces in a ``<data>``; one that does not tell its type counts as one."""
    found: set[str] = set()
    for interface in data.iterfind(f"{_interface('interfaces')}/{_interface('interface')}"):
        name = shown(text_at(interface, _interface("name")))
        told = (text_at(interface, _interface(kind), _interface("type")) for kind in ("state", "config"))
        kind = next(filter(None, told), None)
        if name is not None and (kind is None or local_name(kind) in _ETHERNET):
            found.add(name)
    return frozenset(found)


def neighbours_of(data: Element) -> tuple[list[Neighbour], list[Malformed]]:
    """The neighbours in a ``<data>``, and the entries that could not be read or are too many on their port."""
    found: list[Neighbour] = []
    malformed: list[Malformed] = []
    count: Counter[str] = Counter()
    for port, entry in _entries(data):
        count[port] += 1
        if count[port] > NEIGHBOURS_A_PORT:
            continue
        try:
            found.append(_neighbour(port, entry))
        except ValueError as error:
            malformed.append(Malformed(f"neighbour on {port or 'no port'}", str(error)))
    for port, listed in count.items():
        if listed > NEIGHBOURS_A_PORT:
            reason = f"{listed} neighbours, of which the first {NEIGHBOURS_A_PORT} are read"
            malformed.append(Malformed(f"port {port}", reason))
    return found, malformed


def mac_of(text: str) -> str:
    """The address of one device as ``aa:bb:cc:dd:ee:ff``, however it is written; raises ``ValueError``."""
    bare = text.strip().lower()
    digits = re.sub(r"[.:-]", "", bare)
    if not _MAC.fullmatch(bare) or not int(digits, 16):
        raise ValueError(f"{text!r} is no MAC address")
    if int(digits[:2], 16) & 1:
        raise ValueError(f"{text!r} is the address of a group")
    return ":".join(digits[start : start + 2] for start in range(0, 12, 2))


def _entries(data: Element) -> Iterator[tuple[str, Element]]:
    """Each neighbour's entry with the name of its port, empty where it has none."""
    for interface in data.iterfind("/".join(map(_lldp, ("lldp", "interfaces", "interface")))):
        port = shown(text_at(interface, _lldp("name"))) or ""
        for entry in interface.iterfind(f"{_lldp('neighbors')}/{_lldp('neighbor')}"):
            yield port, entry


def _neighbour(port: str, entry: Element) -> Neighbour:
    chassis_id, chassis_id_type, chassis_mac = _id(entry, "chassis-id")
    port_id, port_id_type, port_mac = _id(entry, "port-id")
    if not port or chassis_id is None:
        raise ValueError("the port's name and the neighbour's chassis-id are mandatory")
    return Neighbour(
        port=port,
        chassis_id=chassis_id,
        chassis_id_type=chassis_id_type,
        # On a repeater's port the id may be left out.
        port_id=port_id or "",
        port_id_type=port_id_type,
        chassis_mac=chassis_mac,
        port_mac=port_mac,
        system_name=_said(entry, "system-name"),
        system_description=_said(entry, "system-description"),
        management_address=_management_address(entry),
        capabilities=_capabilities(entry),
    )


def _id(entry: Element, leaf: str) -> tuple[str | None, str, str | None]:
    """An id as text, its subtype, and the MAC address that it is."""
    text, kind = _said(entry, leaf), _said(entry, f"{leaf}-type") or ""
    return text, kind, mac_of(text) if text is not None and kind == _IS_MAC else None


def _management_address(entry: Element) -> str | None:
    for listed in entry.iterfind(f"{_lldp('mgmt-addresses')}/{_lldp('mgmt-address')}"):
        address = shown(text_at(listed, _lldp("state"), _lldp("address")) or text_at(listed, _lldp("address")))
        if address is not None:
            return address
    return _said(entry, "management-address")


def _capabilities(entry: Element) -> tuple[str, ...]:
    enabled: set[str] = set()
    for listed in entry.iterfind(f"{_lldp('capabilities')}/{_lldp('capability')}"):
        state = listed.find(_lldp("state"))
        name = shown(text_at(state, _lldp("name")) or text_at(listed, _lldp("name")))
        if name is not None and text_at(state, _lldp("enabled")) == "true":
            enabled.add(local_name(name))
    return tuple(sorted(enabled)[:_MOST_CAPABILITIES])


def _said(entry: Element, leaf: str) -> str | None:
    return shown(text_at(entry, _lldp("state"), _lldp(leaf)))


def shown(text: str | None) -> str | None:
    """A text made fit to be shown and kept: printable and not too long; None for nothing."""
    if text is None:
        return None
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST]).strip() or None
