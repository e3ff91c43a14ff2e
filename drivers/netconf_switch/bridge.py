"""The VLANs of ports in ``ieee802-dot1q-bridge``, and of customer edge ports in ``ieee802-dot1q-pb``, as they are read.

Read from YangModels/yang at commit 6795d9c6, ``standard/ieee/published/802.1``: revisions 2023-10-26 and 2023-10-22,
and those of 2018 and 2020 before them, which have no ``bridge-name``. A port's frames without a tag are in its
``pvid``; that frames of a VLAN leave by it without a tag says a static entry of the VLAN in the component's filtering
database, by the ``port-number`` that the element tells (shown step by step in telekom/sysrepo-plugin-interfaces,
``tests/bridging/manual_tests.md``, which takes ``database-id`` 0). A customer edge port has its own C-VLAN component:
its C-VID registration table says which S-VLAN a C-VLAN is carried in, and whether the C-tag goes along (IEEE 802.1Q
§12.13.2.1).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.netconf_switch import xml
from drivers.netconf_switch.xml import Element, integer_at, local_name, q, text_at

CUSTOMER_EDGE_PORT = "customer-edge-port"
UNTAGGED_ONLY = "admit-only-untagged-and-priority-tagged"
DEFAULT_VLAN = 1

_VIDS = re.compile(r"[1-9]\d{0,3}(-[1-9]\d{0,3})?(,[1-9]\d{0,3}(-[1-9]\d{0,3})?)*")


def dot1q(tag: str) -> str:
    """A qualified tag of ``ieee802-dot1q-bridge``."""
    return q(xml.BRIDGE, tag)


def provider(tag: str) -> str:
    """A qualified tag of ``ieee802-dot1q-pb``."""
    return q(xml.PROVIDER_BRIDGE, tag)


@dataclass(frozen=True, slots=True)
class Component:
    """Which VLAN component of which bridge."""

    bridge: str
    name: str


@dataclass(frozen=True, slots=True)
class Membership:
    """One port in one VLAN registration entry."""

    component: Component
    database: str
    vids: str
    untagged: bool
    ports: int  # that are in the entry, this one among them

    def covers(self, vlan: int) -> bool:
        """Whether the entry is about this VLAN, alone or among others."""
        return any(low <= vlan <= high for low, high in _ranges(self.vids))


@dataclass(frozen=True, slots=True)
class Registration:
    """One entry of a customer edge port's C-VID registration table."""

    cvid: int
    svid: int | None
    tagged_inside: bool  # the C-tag goes along inside the S-tag
    untagged_outside: bool


@dataclass(frozen=True, slots=True)
class BridgePort:
    """What one interface is as a bridge port; ``number`` and ``component`` are None where the element tells none."""

    number: int | None
    component: Component | None
    is_customer_edge: bool
    pvid: int | None
    priority: int
    untagged_only: bool
    memberships: tuple[Membership, ...]
    registrations: tuple[Registration, ...]

    @property
    def s_vlan(self) -> int | None:
        """The VLAN in which the port's frames leave the switch, or None where there is none of them, or several."""
        if not self.is_customer_edge:
            return self.pvid
        return self.registrations[0].svid if len(self.registrations) == 1 else None

    @property
    def c_vlan(self) -> int | None:
        """The inner VLAN of the port's frames, or None where they have one tag."""
        if len(self.registrations) != 1 or not self.registrations[0].tagged_inside:
            return None
        return self.registrations[0].cvid

    @property
    def is_access(self) -> bool:
        """Whether the port is in one VLAN, both ways, without a tag, and in no other."""
        if not self.untagged_only or self.pvid is None:
            return False
        if self.is_customer_edge:
            return [each.cvid for each in self.registrations if each.untagged_outside] == [self.pvid]
        return bool(self.memberships) and all(each.untagged and each.covers(self.pvid) for each in self.memberships)

    def is_free(self, free_vlan: int | None) -> bool:
        """Whether it is in no other VLAN than a port that no service has."""
        vlan = free_vlan or DEFAULT_VLAN
        if self.is_customer_edge:
            # On such a port the free VLAN is the one that leaves the switch.
            return all(each.svid == free_vlan and not each.tagged_inside for each in self.registrations)
        return self.pvid in (None, vlan) and all(each.covers(vlan) for each in self.memberships)


def bridge_port(interface: Element | None, state: Element | None, configuration: Element) -> BridgePort:
    """What an interface is as a bridge port; raises ``ValueError`` when a number in it is none."""
    entry = None if interface is None else interface.find(dot1q("bridge-port"))
    told = None if state is None else state.find(dot1q("bridge-port"))
    number, component = integer_at(told, dot1q("port-number")), _component(entry, configuration)
    return BridgePort(
        number=number,
        component=component,
        is_customer_edge=local_name(text_at(entry, dot1q("port-type")) or "") == CUSTOMER_EDGE_PORT,
        pvid=integer_at(entry, dot1q("pvid")),
        priority=integer_at(entry, dot1q("default-priority")) or 0,
        untagged_only=text_at(entry, dot1q("acceptable-frame")) == UNTAGGED_ONLY,
        memberships=() if component is None else tuple(_memberships(configuration, component, number)),
        registrations=() if entry is None else tuple(_registrations(entry)),
    )


def _component(entry: Element | None, configuration: Element) -> Component | None:
    """The component that a port is set to be in; with no ``bridge-name``, in the one bridge that has it."""
    name, bridge = text_at(entry, dot1q("component-name")), text_at(entry, dot1q("bridge-name"))
    if name is None:
        return None
    having = [
        named
        for each in configuration.iterfind(f"{dot1q('bridges')}/{dot1q('bridge')}")
        if (named := text_at(each, dot1q("name"))) is not None
        and any(text_at(part, dot1q("name")) == name for part in each.iterfind(dot1q("component")))
    ]
    if bridge is not None:
        return Component(bridge, name)
    return Component(having[0], name) if len(having) == 1 else None


def _memberships(configuration: Element, component: Component, number: int | None) -> Iterator[Membership]:
    for bridge in configuration.iterfind(f"{dot1q('bridges')}/{dot1q('bridge')}"):
        if text_at(bridge, dot1q("name")) != component.bridge:
            continue
        for part in bridge.iterfind(dot1q("component")):
            if text_at(part, dot1q("name")) == component.name:
                yield from _in_database(part, component, number)


def _in_database(part: Element, component: Component, number: int | None) -> Iterator[Membership]:
    for entry in part.iterfind(f"{dot1q('filtering-database')}/{dot1q('vlan-registration-entry')}"):
        vids = text_at(entry, dot1q("vids")) or ""
        if not _VIDS.fullmatch(vids):
            raise ValueError(f"vids {vids!r} are no VLANs")
        maps = entry.findall(dot1q("port-map"))
        for port_map in maps:
            if integer_at(port_map, dot1q("port-ref")) == number and number is not None:
                sent = text_at(port_map, dot1q("static-vlan-registration-entries"), dot1q("vlan-transmitted"))
                database = text_at(entry, dot1q("database-id")) or "0"
                yield Membership(component, database, vids, untagged=sent == "untagged", ports=len(maps))


def _registrations(entry: Element) -> Iterator[Registration]:
    for listed in entry.iterfind(provider("cvid-registration")):
        cvid = integer_at(listed, provider("cvid"))
        if cvid is None:
            raise ValueError("a C-VID registration has no cvid")
        yield Registration(
            cvid=cvid,
            svid=integer_at(listed, provider("svid")),
            tagged_inside=text_at(listed, provider("untagged-pep")) == "false",
            untagged_outside=text_at(listed, provider("untagged-cep")) != "false",
        )


def _ranges(vids: str) -> Iterator[tuple[int, int]]:
    for part in vids.split(","):
        low, _, high = part.partition("-")
        yield int(low), int(high or low)
