"""A configuration read back becomes ``ObservedAccess``: what is there, whose it is, and whether every part is there."""

from collections.abc import Iterator

from drivers.access import ObservedAccess
from drivers.netconf.malformed import Malformed
from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.inventory import Inventory, Membership
from drivers.netconf_bbf.payloads import KBIT
from drivers.netconf_bbf.xml import Element, integer_at, q, text_at

UNMODELLED = frozenset({"priority", "fixed_upstream_bps", "address", "ppp_user"})
"""What is asked of other elements only."""


def observed_onu(inventory: Inventory, serial: str) -> ObservedAccess | None:
    """One ONU as it is configured, or None; raises ``ValueError`` when a number in it is none.

    The presence is not part of the configuration and stays ``ABSENT`` (see ``presence``).
    """
    claimed = inventory.v_anis.get(serial)
    if not claimed:
        return None
    configuration = inventory.configuration
    own = names.of_onu(serial)
    interface = configuration.find(Kind.INTERFACE, own.v_ani if own.v_ani in claimed else claimed[0])
    v_ani = None if interface is None else interface.find(q(xml.V_ANI, "v-ani"))
    s_vlan, c_vlan = _vlans(configuration.find(Kind.INTERFACE, own.user_sub_interface))
    upstream_bps, assured_bps = _upstream(configuration, own)
    membership = inventory.membership_of(serial)
    return ObservedAccess(
        device=serial,
        port=inventory.plant.port_of_pair(text_at(v_ani, q(xml.V_ANI, "preferred-channel-pair"))),
        service=None if membership is None else membership.service,
        s_vlan=s_vlan,
        c_vlan=c_vlan,
        downstream_bps=_downstream(configuration, own),
        upstream_bps=upstream_bps,
        assured_upstream_bps=assured_bps,
        enabled=text_at(interface, q(xml.INTERFACES, "enabled")) != "false",
        onu_id=integer_at(v_ani, q(xml.V_ANI, "onu-id")),
        complete=_is_complete(inventory, own),
        unmodelled=UNMODELLED,
    )


def observed_onus(inventory: Inventory) -> tuple[list[ObservedAccess], list[Malformed]]:
    """Every configured ONU by serial, and the entries that could not be read."""
    malformed = list(inventory.malformed)
    found: list[ObservedAccess] = []
    for serial in sorted(inventory.v_anis):
        try:
            onu = observed_onu(inventory, serial)
        except ValueError as error:
            malformed.append(Malformed(f"v-ani of {serial}", str(error)))
            continue
        if onu is not None:
            found.append(onu)
    return found, malformed


def _vlans(user_sub_interface: Element | None) -> tuple[int | None, int | None]:
    """The S-VLAN and C-VLAN that the user sub-interface pushes."""
    if user_sub_interface is None:
        return None, None
    vlans: dict[int, int] = {}
    for pushed in user_sub_interface.iter(q(xml.TAGGING, "push-tag")):
        position = integer_at(pushed, q(xml.TAGGING, "index"))
        vlan_id = integer_at(pushed, q(xml.TAGGING, "dot1q-tag"), q(xml.TAGGING, "vlan-id"))
        if position is not None and vlan_id is not None:
            vlans[position] = vlan_id
    return vlans.get(0), vlans.get(1)


def _upstream(configuration: Configuration, own: names.OnuNames) -> tuple[int | None, int | None]:
    tcont = configuration.find(Kind.TCONT, own.tcont)
    name = text_at(tcont, q(xml.GEM_TCONT, "traffic-descriptor-profile-ref"))
    profile = configuration.find(Kind.UPSTREAM_PROFILE, name)
    if profile is None:
        return None, None
    assured = integer_at(profile, q(xml.GEM_TCONT, "assured-bandwidth"))
    return integer_at(profile, q(xml.GEM_TCONT, "maximum-bandwidth")), assured or 0


def _downstream(configuration: Configuration, own: names.OnuNames) -> int | None:
    v_enet = configuration.find(Kind.INTERFACE, own.olt_v_enet)
    name = text_at(v_enet, q(xml.TRAFFIC_MANAGEMENT, "tm-root"), q(xml.SHAPING, "shaper-name"))
    rate = integer_at(
        configuration.find(Kind.SHAPER, name), q(xml.SHAPING, "single-token-bucket"), q(xml.SHAPING, "pir")
    )
    return None if rate is None else rate * KBIT


def _is_complete(inventory: Inventory, own: names.OnuNames) -> bool:
    """Whether every object of the service is there and refers to the others as it should."""
    configuration = inventory.configuration
    return (
        all(name in configuration.entries[Kind.INTERFACE] for name in own.interfaces)
        and all(_refers(configuration, *reference) for reference in _references(own))
        and None not in _upstream(configuration, own)
        and _downstream(configuration, own) is not None
        and _is_forwarded(inventory, own)
    )


def _is_forwarded(inventory: Inventory, own: names.OnuNames) -> bool:
    """Whether the user sub-interface is joined with its VLAN's network sub-interface, by a forwarder of ours."""
    configuration, uplink = inventory.configuration, inventory.uplink
    user = inventory.members.get(own.user_sub_interface)
    s_vlan, c_vlan = _vlans(configuration.find(Kind.INTERFACE, own.user_sub_interface))
    if user is None or user.service is None or s_vlan is None:
        return False
    network = names.network_sub_interface(uplink, s_vlan, c_vlan)
    forwarder = names.forwarder(user.service, uplink, s_vlan, c_vlan)
    return (
        user.forwarder == forwarder
        and inventory.members.get(network) == Membership(forwarder, names.NETWORK_PORT, None)
        and network in configuration.entries[Kind.INTERFACE]
        and (c_vlan is not None or _learns(configuration, forwarder, names.forwarding_database(uplink, s_vlan)))
    )


def _learns(configuration: Configuration, forwarder: str, database: str) -> bool:
    entry = configuration.find(Kind.FORWARDER, forwarder)
    named = text_at(entry, q(xml.FORWARDING, "mac-learning"), q(xml.FORWARDING, "forwarding-database"))
    return named == database and configuration.find(Kind.DATABASE, database) is not None


def _references(own: names.OnuNames) -> Iterator[tuple[Kind, str, str, str]]:
    yield Kind.LINK, own.ani, q(xml.LINK_TABLE, "to-interface"), own.v_ani
    yield Kind.LINK, own.onu_v_enet, q(xml.LINK_TABLE, "to-interface"), own.olt_v_enet
    yield Kind.TCONT, own.tcont, q(xml.GEM_TCONT, "interface-reference"), own.v_ani
    for gemport in own.gemports:
        yield Kind.GEMPORT, gemport, q(xml.GEM_TCONT, "interface"), own.olt_v_enet
        yield Kind.GEMPORT, gemport, q(xml.GEM_TCONT, "tcont-ref"), own.tcont


def _refers(configuration: Configuration, kind: Kind, key: str, leaf: str, value: str) -> bool:
    entry = configuration.find(kind, key)
    return entry is not None and any(found.text == value for found in entry.iterfind(leaf))
