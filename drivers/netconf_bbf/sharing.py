"""Objects that several ONUs may use (profiles, forwarders, MAC tables, network sub-interfaces): they go with the last.

Only what was named here is taken away so; of what another named, only what nobody but an adopted ONU has a use for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Key, Kind
from drivers.netconf_bbf.inventory import Inventory, Membership
from drivers.netconf_bbf.reading import vlans_of
from drivers.netconf_bbf.xml import q, text_at

IsLeft = Callable[[Key, Kind], bool]
"""Whether a user leaves what it uses of a kind."""

ALL_SHARED = frozenset({Kind.UPSTREAM_PROFILE, Kind.SHAPER, Kind.FORWARDER, Kind.DATABASE, Kind.INTERFACE})
"""The kinds of which an ONU's service uses shared objects (an interface: the network sub-interface)."""

_FEW = 4
"""A forwarder of another's that joins more sub-interfaces than these is used by others too."""


def memberships(inventory: Inventory, serial: str) -> list[Membership]:
    """How each of an ONU's sub-interfaces is forwarded."""
    return [inventory.members[name] for name in _sub_interfaces(inventory, serial) if name in inventory.members]


def used_now(inventory: Inventory, serials: Iterable[str]) -> list[Key]:
    """The shared objects, named here, that these ONUs use now: whoever else does is to be read."""
    keys: list[Key] = []
    for serial in serials:
        own = inventory.names_of(serial)
        keys.extend(_profiles_of(inventory, own.tcont, own.olt_v_enet))
        vlans = vlans_of(inventory, serial)
        if vlans is not None and any(names.is_shared_name(each.forwarder) for each in memberships(inventory, serial)):
            keys.append((Kind.INTERFACE, names.network_sub_interface(inventory.uplink, *vlans)))
            keys.append((Kind.DATABASE, names.forwarding_database(inventory.uplink, vlans[0])))
    return list(dict.fromkeys(keys))


def network_sides(inventory: Inventory, serials: Iterable[str]) -> list[str]:
    """The sub-interfaces that forwarders of another's join with these ONUs': whether they lead to the network is to
    be read."""
    found: dict[str, None] = {}
    for serial in serials:
        mine = _sub_interfaces(inventory, serial)
        for member in memberships(inventory, serial):
            if not names.is_shared_name(member.forwarder):
                joined = inventory.members_of(member.forwarder)
                found |= {name: None for name in joined if name not in mine and len(joined) <= _FEW}
    return list(found)


def departures(
    inventory: Inventory,
    serials: Iterable[str],
    kept: frozenset[Key],
    leaves: Mapping[str, frozenset[Kind]] | None = None,
) -> list[Key]:
    """The shared objects that these serials use now, nobody else does, and that are not kept.

    ``leaves`` are the kinds of which a serial leaves what it uses, where that is not all of them.
    """
    mine: dict[Key, str] = {}
    for serial in serials:
        own = inventory.names_of(serial)
        mine |= {(Kind.TCONT, own.tcont): serial, (Kind.INTERFACE, own.olt_v_enet): serial}
        mine |= {(Kind.INTERFACE, name): serial for name in _sub_interfaces(inventory, serial)}

    def is_left(user: Key, kind: Kind) -> bool:
        serial = mine.get(user)
        return serial is not None and kind in (leaves or {}).get(serial, ALL_SHARED)

    left, others = _sorted_out(_uses(inventory), is_left)
    alone = [key for key in left if key not in others]
    going = [key for key in alone if key not in kept]
    # A forwarder that stays for the same ONU may lead to another VLAN from now on.
    forwarders = frozenset(alone)
    left, others = _sorted_out(_forwarder_uses(inventory), lambda user, _: user in forwarders)
    return [*going, *(key for key in left if key not in others and key not in kept)]


def left_alone(inventory: Inventory, serial: str) -> list[Key]:
    """Another's forwarders that only this ONU has a use for, and their sub-interfaces that only they lead to."""
    mine = frozenset(_sub_interfaces(inventory, serial))
    own = {member.forwarder for member in memberships(inventory, serial)}
    alone = {
        forwarder
        for forwarder in own
        if not names.is_shared_name(forwarder)
        and all(name in mine or _leads_to_network(inventory, name) for name in inventory.members_of(forwarder))
    }
    network = [name for forwarder in alone for name in inventory.members_of(forwarder) if name not in mine]
    return [*((Kind.FORWARDER, name) for name in sorted(alone)), *((Kind.INTERFACE, name) for name in network)]


def _sub_interfaces(inventory: Inventory, serial: str) -> tuple[str, ...]:
    foreign = inventory.foreign_v_ani(serial)
    if foreign is None or inventory.references is None:
        return (names.of_onu(serial).user_sub_interface,)
    return inventory.references.sub_interfaces_of(foreign)


def _leads_to_network(inventory: Inventory, sub_interface: str) -> bool:
    entry = inventory.configuration.find(Kind.INTERFACE, sub_interface)
    lower = text_at(entry, q(xml.SUB_INTERFACES, "subif-lower-layer"), q(xml.SUB_INTERFACES, "interface"))
    return lower == inventory.uplink


Use = tuple[Key, Key]
"""A user and what it uses."""


def _sorted_out(uses: Iterable[Use], is_left: IsLeft) -> tuple[list[Key], set[Key]]:
    """What is used by those who leave it, in order, and what is used by anybody else."""
    left: dict[Key, None] = {}
    others: set[Key] = set()
    for user, used in uses:
        if is_left(user, used[0]):
            left[used] = None
        else:
            others.add(used)
    return list(left), others


def _uses(inventory: Inventory) -> Iterator[Use]:
    """Who uses which profile and which forwarder of those named here."""
    configuration = inventory.configuration
    for name in configuration.entries[Kind.TCONT]:
        yield from (((Kind.TCONT, name), used) for used in _profiles_of(inventory, name, ""))
    for name, _ in configuration.interface_part(xml.TRAFFIC_MANAGEMENT, "tm-root"):
        yield from (((Kind.INTERFACE, name), used) for used in _profiles_of(inventory, "", name))
    for name, member in inventory.members.items():
        if names.is_shared_name(member.forwarder) and member.port != names.NETWORK_PORT:
            yield (Kind.INTERFACE, name), (Kind.FORWARDER, member.forwarder)


def _forwarder_uses(inventory: Inventory) -> Iterator[Use]:
    """Which forwarder uses which MAC table and network sub-interface of those named here."""
    for name, entry in inventory.configuration.entries[Kind.FORWARDER].items():
        database = text_at(entry, q(xml.FORWARDING, "mac-learning"), q(xml.FORWARDING, "forwarding-database"))
        if database is not None and names.is_shared_name(database):
            yield (Kind.FORWARDER, name), (Kind.DATABASE, database)
    for name, member in inventory.members.items():
        if names.is_network_sub_interface(name, inventory.uplink):
            yield (Kind.FORWARDER, member.forwarder), (Kind.INTERFACE, name)


def _profiles_of(inventory: Inventory, tcont: str, v_enet: str) -> list[Key]:
    configuration = inventory.configuration
    profile = text_at(configuration.find(Kind.TCONT, tcont), q(xml.GEM_TCONT, "traffic-descriptor-profile-ref"))
    shaper = text_at(
        configuration.find(Kind.INTERFACE, v_enet), q(xml.TRAFFIC_MANAGEMENT, "tm-root"), q(xml.SHAPING, "shaper-name")
    )
    named = ((Kind.UPSTREAM_PROFILE, profile), (Kind.SHAPER, shaper))
    return [(kind, name) for kind, name in named if name is not None and names.is_shared_name(name)]
