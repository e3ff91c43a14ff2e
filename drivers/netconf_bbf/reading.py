"""A configuration read back becomes ``ObservedAccess``: what is there, whose it is, and whether every part is there."""

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.access import ObservedAccess
from drivers.netconf.malformed import Malformed
from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.inventory import Inventory, Membership
from drivers.netconf_bbf.payloads import KBIT
from drivers.netconf_bbf.xml import Element, integer_at, q, text_at
from pon.tcont import Bandwidth

UNMODELLED = frozenset({"address", "ppp_user"})
"""What is asked of other elements only."""

_UNNAMED = frozenset({"service"})
"""What cannot be told of an ONU that another configured: our names alone say which service it is."""


@dataclass(frozen=True, slots=True)
class _Tags:
    """The tags that a user sub-interface pushes: VLANs outermost first, and the p-bits where all agree."""

    vlans: dict[int, int]
    priority: int | None

    @property
    def s_vlan(self) -> int | None:
        return self.vlans.get(0)

    @property
    def c_vlan(self) -> int | None:
        return self.vlans.get(1)


def observed_onu(inventory: Inventory, serial: str) -> ObservedAccess | None:
    """One ONU as it is configured, or None; raises ``ValueError`` when a number in it is none.

    The presence is not part of the configuration and stays ``ABSENT`` (see ``presence``).
    """
    claimed = inventory.v_anis.get(serial)
    if not claimed:
        return None
    configuration, own = inventory.configuration, inventory.names_of(serial)
    interface = configuration.find(Kind.INTERFACE, own.v_ani if own.v_ani in claimed else claimed[0])
    v_ani = None if interface is None else interface.find(q(xml.V_ANI, "v-ani"))
    tags = _tags(configuration.find(Kind.INTERFACE, own.user_sub_interface))
    upstream = _upstream(configuration, own)
    membership = inventory.membership_of(serial)
    is_named = membership is not None and membership.service is not None
    is_foreign = inventory.foreign_v_ani(serial) is not None
    return ObservedAccess(
        device=serial,
        port=inventory.plant.port_of_pair(text_at(v_ani, q(xml.V_ANI, "preferred-channel-pair"))),
        service=None if membership is None else membership.service,
        s_vlan=tags.s_vlan,
        c_vlan=tags.c_vlan,
        downstream_bps=_downstream(configuration, own),
        upstream_bps=None if upstream is None else upstream.maximum_bps,
        assured_upstream_bps=None if upstream is None else upstream.assured_bps,
        fixed_upstream_bps=None if upstream is None else upstream.fixed_bps,
        priority=tags.priority,
        enabled=text_at(interface, q(xml.INTERFACES, "enabled")) != "false",
        onu_id=integer_at(v_ani, q(xml.V_ANI, "onu-id")),
        complete=_is_joined(inventory, own) if is_foreign else _is_complete(inventory, own),
        unmodelled=UNMODELLED | _UNNAMED if is_foreign and not is_named else UNMODELLED,
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


def vlans_of(inventory: Inventory, serial: str) -> tuple[int, int | None] | None:
    """The S-VLAN and C-VLAN that an ONU's frames get, or None where there are none or they cannot be read."""
    try:
        tags = _tags(inventory.configuration.find(Kind.INTERFACE, inventory.names_of(serial).user_sub_interface))
    except ValueError:
        return None
    return None if tags.s_vlan is None else (tags.s_vlan, tags.c_vlan)


def _tags(user_sub_interface: Element | None) -> _Tags:
    """The tags that the user sub-interface pushes; what two rules say differently is not known."""
    vlans: dict[int, set[int]] = {}
    priorities: set[int | None] = set()
    pushes = () if user_sub_interface is None else user_sub_interface.iter(q(xml.TAGGING, "push-tag"))
    for pushed in pushes:
        position = integer_at(pushed, q(xml.TAGGING, "index"))
        tag = pushed.find(q(xml.TAGGING, "dot1q-tag"))
        vlan_id = integer_at(tag, q(xml.TAGGING, "vlan-id"))
        if position is None or vlan_id is None or tag is None:
            continue
        vlans.setdefault(position, set()).add(vlan_id)
        unmarked = tag.find(q(xml.TAGGING, "write-pbit-0")) is not None
        priorities.add(0 if unmarked else integer_at(tag, q(xml.TAGGING, "write-pbit")))
    told = {position: found.pop() for position, found in vlans.items() if len(found) == 1}
    return _Tags(told, priorities.pop() if len(priorities) == 1 else None)


def _upstream(configuration: Configuration, own: names.OnuNames) -> Bandwidth | None:
    tcont = configuration.find(Kind.TCONT, own.tcont)
    name = text_at(tcont, q(xml.GEM_TCONT, "traffic-descriptor-profile-ref"))
    profile = configuration.find(Kind.UPSTREAM_PROFILE, name)
    maximum = integer_at(profile, q(xml.GEM_TCONT, "maximum-bandwidth"))
    if maximum is None:
        return None
    fixed, assured = (integer_at(profile, q(xml.GEM_TCONT, f"{kind}-bandwidth")) for kind in ("fixed", "assured"))
    return Bandwidth(maximum, assured_bps=assured or 0, fixed_bps=fixed or 0)


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
        and _upstream(configuration, own) is not None
        and _downstream(configuration, own) is not None
        and _is_forwarded(inventory, own)
    )


def _is_joined(inventory: Inventory, own: names.OnuNames) -> bool:
    """Whether an ONU that another configured has all its parts, one of each, and its frames go anywhere."""
    user = inventory.members.get(own.user_sub_interface)
    return (
        all((own.olt_v_enet, own.user_sub_interface, own.tcont, own.gemports))
        and user is not None
        and any(name != own.user_sub_interface for name in inventory.members_of(user.forwarder))
    )


def _is_forwarded(inventory: Inventory, own: names.OnuNames) -> bool:
    """Whether the user sub-interface is joined with its VLAN's network sub-interface, by a forwarder of ours."""
    configuration, uplink = inventory.configuration, inventory.uplink
    user = inventory.members.get(own.user_sub_interface)
    tags = _tags(configuration.find(Kind.INTERFACE, own.user_sub_interface))
    s_vlan, c_vlan = tags.s_vlan, tags.c_vlan
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
