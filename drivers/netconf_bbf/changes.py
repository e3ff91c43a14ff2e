"""From what is configured and what is wanted to the edits between them, touching only what is ours.

An ONU's own objects are created or replaced as a whole. Shared ones (profiles, network sub-interfaces, forwarders,
MAC tables) are merged, and taken away with their last user.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.access import WantedAccess
from drivers.netconf_bbf import editing, names, payloads, sharing
from drivers.netconf_bbf.configuration import Configuration, Key, Kind
from drivers.netconf_bbf.editing import Edit, Object
from drivers.netconf_bbf.inventory import Inventory
from drivers.netconf_bbf.plant import Plant, Port
from drivers.netconf_bbf.reading import observed_onu
from drivers.places import Occupied, Places


class NoSuchPort(Exception):
    """The wanted port is no channel termination with a channel pair and partition on this OLT."""

    def __init__(self, port: str, plant: Plant) -> None:
        self.port = port
        known = ", ".join(sorted(plant.ports)) or "none"
        super().__init__(f"no channel termination {port!r} that can be provisioned; there are: {known}")


class Batch:
    """ONUs that are to be written together: what one has, no other of them gets."""

    def __init__(self, inventory: Inventory, adopted: frozenset[str] = frozenset()) -> None:
        self.inventory = inventory
        self.adopted = adopted
        self._places = Places()

    def take_place(self, wanted: WantedAccess) -> Port:
        """The port of one more ONU of the batch.

        Raises ``NotRepresentable``, ``NoSuchPort``, and ``Occupied`` also when another of the batch has the serial,
        the service or the VLAN of its own.
        """
        inventory = self.inventory
        payloads.check_representable(wanted)
        port = inventory.plant.ports.get(wanted.port)
        if port is None:
            raise NoSuchPort(wanted.port, inventory.plant)
        _check_serial(inventory, wanted, self.adopted)
        _check_forwarding(inventory, wanted)
        self._take(wanted)
        return port

    def _take(self, wanted: WantedAccess) -> None:
        uplink = self.inventory.uplink
        places = [f"serial {wanted.device}", f"service {wanted.service}"]
        if wanted.c_vlan is not None:
            places.append(f"VLAN {names.network_sub_interface(uplink, wanted.s_vlan, wanted.c_vlan)}")
        self._places.take(wanted, *places)


@dataclass(frozen=True, slots=True)
class Addition:
    """What makes one ONU's service: objects of its own and shared ones, or edits of what another made (adopted).

    ``leaves`` are the kinds of which it leaves what shared objects it uses now, unless it takes them again.
    """

    serial: str
    objects: Sequence[Object]
    edits: Sequence[Edit] = ()
    leaves: frozenset[Kind] = sharing.ALL_SHARED


def edits_to_provision(inventory: Inventory, wanted: Sequence[Addition]) -> list[Edit]:
    """The edits that make each addition true: additions first, then what its last user leaves behind."""
    additions: dict[Key, Edit] = {}
    for addition in wanted:
        for made in addition.objects:
            key = (made.kind, made.key)
            if made.shared and key in additions:
                _join(additions[key], made)
            else:
                additions[key] = _addition(inventory.configuration, made)
    leaves = {addition.serial: addition.leaves for addition in wanted}
    moving = [serial for serial, kinds in leaves.items() if Kind.FORWARDER in kinds]
    departures = sharing.departures(inventory, leaves, frozenset(additions), leaves)
    departures += (key for serial in moving for key in sharing.left_alone(inventory, serial))
    leaving = _port_departures(inventory, moving, additions, departures)
    changed = [edit for addition in wanted for edit in addition.edits]
    return [*additions.values(), *changed, *leaving, *(editing.removal(*key) for key in departures)]


def edits_to_remove(inventory: Inventory, serials: Sequence[str]) -> list[Edit]:
    """The edits that take away everything made for the serials, and nothing else; empty when there is nothing."""
    entries = inventory.configuration.entries
    present = [key for serial in serials for key in _own_keys(inventory, serial) if key[1] in entries[key[0]]]
    departures = sharing.departures(inventory, serials, frozenset())
    departures += (key for serial in serials for key in sharing.left_alone(inventory, serial))
    leaving = _port_departures(inventory, serials, {}, departures)
    return [*leaving, *(editing.removal(*key) for key in dict.fromkeys((*departures, *present)))]


def is_there(inventory: Inventory, serial: str) -> bool:
    """Whether anything is there that was made for an ONU."""
    entries = inventory.configuration.entries
    return any(name in entries[kind] for kind, name in _own_keys(inventory, serial))


def check_ours(inventory: Inventory, serial: str, adopted: frozenset[str]) -> None:
    """Raise ``Occupied`` when the serial is configured by another than ztpd and not adopted, or more than once."""
    foreign = inventory.foreign_v_ani(serial)
    if foreign is None:
        return
    if serial not in adopted:
        raise Occupied(f"serial {serial} is configured as {foreign}, which ztpd did not make")
    if len(inventory.v_anis[serial]) > 1:
        raise Occupied(f"serial {serial} is configured more than once: as {', '.join(inventory.v_anis[serial])}")


def _check_serial(inventory: Inventory, wanted: WantedAccess, adopted: frozenset[str]) -> None:
    """Raise ``Occupied`` when the serial is configured by another or elsewhere, or its name is taken."""
    check_ours(inventory, wanted.device, adopted)
    observed = observed_onu(inventory, wanted.device)
    own = inventory.names_of(wanted.device)
    if observed is None and own.v_ani in inventory.configuration.entries[Kind.INTERFACE]:
        raise Occupied(f"{own.v_ani} exists with another serial than {wanted.device}")
    if observed is not None and observed.port != wanted.port:
        raise Occupied(f"serial {wanted.device} is configured on port {observed.port}, not on {wanted.port}")


def _check_forwarding(inventory: Inventory, wanted: WantedAccess) -> None:
    """Raise ``Occupied`` when the service is configured elsewhere, or its VLAN or forwarder is another's."""
    uplink = inventory.uplink
    own = inventory.names_of(wanted.device)
    network = names.network_sub_interface(uplink, wanted.s_vlan, wanted.c_vlan)
    target = names.forwarder(wanted.service, uplink, wanted.s_vlan, wanted.c_vlan)
    for sub_interface, member in inventory.members.items():
        if sub_interface == own.user_sub_interface:
            continue
        if member.service == wanted.service:
            raise Occupied(f"service {wanted.service} is configured on {sub_interface} in {member.forwarder}")
        elsewhere = sub_interface == network and member.forwarder != target
        if elsewhere and not _is_sole_user(inventory, wanted.device, member.forwarder):
            raise Occupied(f"{network} is used by {member.forwarder}")
        if member.forwarder == target and wanted.c_vlan is not None and member.service is not None:
            raise Occupied(f"{target} is used by service {member.service}")


def _is_sole_user(inventory: Inventory, serial: str, forwarder: str) -> bool:
    """Whether only the ONU itself uses a forwarder, which goes away when the ONU leaves it (a renamed service)."""
    current = inventory.membership_of(serial)
    users = {member.port for member in inventory.members.values() if member.forwarder == forwarder}
    return current is not None and users <= {current.port, names.NETWORK_PORT} and current.forwarder == forwarder


def _addition(configuration: Configuration, made: Object) -> Edit:
    if made.shared:
        return Edit(made.kind, made.entry, "merge")
    exists = configuration.find(made.kind, made.key) is not None
    return Edit(made.kind, made.entry, "replace" if exists else "create")


def _join(edit: Edit, made: Object) -> None:
    """Two ONUs of one batch share an object: only a forwarder's ports differ between them."""
    if made.kind is Kind.FORWARDER:
        editing.add_ports(edit, made.entry)


def _own_keys(inventory: Inventory, serial: str) -> list[Key]:
    """What is there for one ONU alone, in an order in which nothing is referred to by a later one."""
    foreign = inventory.foreign_v_ani(serial)
    if foreign is not None and inventory.references is not None:
        return inventory.references.everything_of(foreign)
    own = names.of_onu(serial)
    return [
        *((Kind.GEMPORT, name) for name in own.gemports),
        (Kind.TCONT, own.tcont),
        (Kind.LINK, own.ani),
        (Kind.LINK, own.onu_v_enet),
        *((Kind.INTERFACE, name) for name in reversed(own.interfaces)),
    ]


def _port_departures(
    inventory: Inventory, serials: Iterable[str], additions: dict[Key, Edit], departures: list[Key]
) -> list[Edit]:
    """Take ports out of forwarders that stay, because the ONU or its service joined another.

    An entry may appear only once in a payload: a forwarder that is joined or left already takes the removal too.
    """
    leaving: dict[str, Edit] = {}
    for current in (member for serial in serials for member in sharing.memberships(inventory, serial)):
        if (Kind.FORWARDER, current.forwarder) in departures:
            continue
        joined = additions.get((Kind.FORWARDER, current.forwarder))
        if joined is None:
            left = leaving.setdefault(current.forwarder, editing.leaving_forwarder(current.forwarder))
            editing.remove_port(left, current.port)
        elif current.port not in editing.port_names(joined):
            editing.remove_port(joined, current.port)
    return list(leaving.values())
