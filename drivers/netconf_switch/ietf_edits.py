"""The edits that put a port into the VLAN of its service and out of all others, in the modules of ``ietf``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drivers.access import WantedAccess
from drivers.netconf_switch import xml
from drivers.netconf_switch.bridge import DEFAULT_VLAN, UNTAGGED_ONLY, BridgePort, Component
from drivers.netconf_switch.names import description_of
from drivers.netconf_switch.port import Change, Free
from drivers.netconf_switch.xml import Element, element, removed

_FIRST_DATABASE = "0"


def config(change: Change, bridge_ports: Mapping[str, BridgePort], untyped: frozenset[str], free: Free) -> Element:
    """The ``<config>`` of a change to ports as they are; those of ``untyped`` are told their type."""
    interfaces = [
        *(_serving(wanted, bridge_ports[wanted.port], wanted.port in untyped) for wanted in change.serve),
        *(_freed(port, bridge_ports[port], free) for port in change.free),
        *(_interface(port, _enabled(enabled)) for port, enabled in change.admin.items()),
    ]
    vlans = _Vlans()
    for wanted in change.serve:
        vlans.move(bridge_ports[wanted.port], wanted.s_vlan)
    for port in change.free:
        vlans.move(bridge_ports[port], free.vlan)
    return xml.config([element(xml.INTERFACES, "interfaces", *interfaces), *vlans.tops()])


@dataclass(slots=True)
class _Entry:
    """What becomes of one VLAN registration entry, which ``members`` ports are in."""

    members: int
    joining: list[int] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)


class _Vlans:
    """VLAN registration entries that change: several ports may join and leave one, which is written once."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Component, str, str], _Entry] = {}

    def move(self, port: BridgePort, vlan: int | None) -> None:
        """Have a port be in one VLAN, or in none. A customer edge port has its VLANs elsewhere."""
        if port.is_customer_edge or port.component is None or port.number is None:
            return
        there = False
        for member in port.memberships:
            if vlan is not None and member.covers(vlan) and member.untagged:
                there = True
                continue
            if vlan is not None and member.vids == str(vlan):
                continue  # tagged there: joining says otherwise
            left = self._entry(member.component, member.database, member.vids)
            left.members = member.ports
            left.leaving.append(port.number)
        if vlan is not None and not there:
            self._entry(port.component, _database(port), str(vlan)).joining.append(port.number)

    def tops(self) -> list[Element]:
        """The ``<bridges>`` of an edit-config, or nothing where no entry changes."""
        parts: dict[Component, list[Element]] = {}
        for (component, database, vids), entry in self._entries.items():
            parts.setdefault(component, []).append(_registration(database, vids, entry))
        bridges = [
            element(
                xml.BRIDGE,
                "bridge",
                element(xml.BRIDGE, "name", component.bridge),
                element(
                    xml.BRIDGE,
                    "component",
                    element(xml.BRIDGE, "name", component.name),
                    element(xml.BRIDGE, "filtering-database", *entries),
                ),
            )
            for component, entries in parts.items()
        ]
        return [element(xml.BRIDGE, "bridges", *bridges)] if bridges else []

    def _entry(self, component: Component, database: str, vids: str) -> _Entry:
        return self._entries.setdefault((component, database, vids), _Entry(0))


def _database(port: BridgePort) -> str:
    """The filtering database of the port's other VLANs, else the first."""
    return next((member.database for member in port.memberships), _FIRST_DATABASE)


def _registration(database: str, vids: str, entry: _Entry) -> Element:
    keys = [element(xml.BRIDGE, "database-id", database), element(xml.BRIDGE, "vids", vids)]
    if not entry.joining and len(entry.leaving) == entry.members:
        # An entry without a port says nothing, and nobody else would take ours away.
        return removed(xml.BRIDGE, "vlan-registration-entry", *keys)
    return element(
        xml.BRIDGE,
        "vlan-registration-entry",
        *keys,
        *(removed(xml.BRIDGE, "port-map", _port_ref(number)) for number in entry.leaving),
        *(_untagged(number) for number in entry.joining),
    )


def _port_ref(number: int) -> Element:
    return element(xml.BRIDGE, "port-ref", str(number))


def _untagged(number: int) -> Element:
    static = element(
        xml.BRIDGE,
        "static-vlan-registration-entries",
        element(xml.BRIDGE, "registrar-admin-control", "fixed-new-ignored"),
        element(xml.BRIDGE, "vlan-transmitted", "untagged"),
    )
    return element(xml.BRIDGE, "port-map", _port_ref(number), static)


def _serving(wanted: WantedAccess, port: BridgePort, untyped: bool) -> Element:
    """The description stands first: what a switch makes by halves is known for ours all the same."""
    typed = [xml.identity(xml.INTERFACES, "type", "ianaift", xml.IF_TYPES, "ethernetCsmacd")] if untyped else []
    leaves = [*typed, element(xml.INTERFACES, "description", description_of(wanted)), _enabled(wanted.enabled)]
    priority = element(xml.BRIDGE, "default-priority", str(wanted.priority))
    frames = element(xml.BRIDGE, "acceptable-frame", UNTAGGED_ONLY)
    if not port.is_customer_edge:
        vlan = element(xml.BRIDGE, "pvid", str(wanted.s_vlan))
        return _interface(wanted.port, *leaves, element(xml.BRIDGE, "bridge-port", vlan, priority, frames))
    inside = DEFAULT_VLAN if wanted.c_vlan is None else wanted.c_vlan
    return _interface(
        wanted.port,
        *leaves,
        element(
            xml.BRIDGE,
            "bridge-port",
            element(xml.BRIDGE, "pvid", str(inside)),
            priority,
            frames,
            *_registrations(port, inside, wanted.s_vlan, tagged_inside=wanted.c_vlan is not None),
        ),
    )


def _freed(name: str, port: BridgePort, free: Free) -> Element:
    enabled = removed(xml.INTERFACES, "enabled") if free.enabled else _enabled(False)
    leaves = [removed(xml.INTERFACES, "description"), enabled]
    bare = [removed(xml.BRIDGE, leaf) for leaf in ("default-priority", "acceptable-frame")]
    if port.is_customer_edge:
        vlans = [removed(xml.BRIDGE, "pvid"), *_edge_freed(port, free.vlan)]
    elif free.vlan is None:
        vlans = [removed(xml.BRIDGE, "pvid")]
    else:
        vlans = [element(xml.BRIDGE, "pvid", str(free.vlan))]
    return _interface(name, *leaves, element(xml.BRIDGE, "bridge-port", *bare, *vlans))


def _edge_freed(port: BridgePort, free_vlan: int | None) -> Iterator[Element]:
    if free_vlan is not None:
        yield from _registrations(port, DEFAULT_VLAN, free_vlan, tagged_inside=False)
        return
    for each in port.registrations:
        yield removed(xml.PROVIDER_BRIDGE, "cvid-registration", element(xml.PROVIDER_BRIDGE, "cvid", str(each.cvid)))


def _registrations(port: BridgePort, cvid: int, svid: int, *, tagged_inside: bool) -> Iterator[Element]:
    """One registration, and every other removed."""
    for each in port.registrations:
        if each.cvid != cvid:
            gone = element(xml.PROVIDER_BRIDGE, "cvid", str(each.cvid))
            yield removed(xml.PROVIDER_BRIDGE, "cvid-registration", gone)
    leaves = {
        "cvid": str(cvid),
        "svid": str(svid),
        "untagged-pep": "false" if tagged_inside else "true",
        "untagged-cep": "true",
    }
    yield element(
        xml.PROVIDER_BRIDGE,
        "cvid-registration",
        *(element(xml.PROVIDER_BRIDGE, leaf, text) for leaf, text in leaves.items()),
    )


def _interface(port: str, *parts: Element) -> Element:
    return element(xml.INTERFACES, "interface", element(xml.INTERFACES, "name", port), *parts)


def _enabled(enabled: bool) -> Element:
    return element(xml.INTERFACES, "enabled", "true" if enabled else "false")
