"""From what is configured and what is wanted to the edits between them, touching only what is ours.

An ONU's own objects are created or replaced as a whole. Shared ones (profiles, network sub-interfaces, forwarders,
MAC tables) are merged, and taken away with their last user.
"""

from collections.abc import Iterable, Iterator, Sequence

from drivers.access import WantedAccess
from drivers.netconf_bbf import names, payloads, xml
from drivers.netconf_bbf.allocation import Numbers, Used, allocate, held_numbers, used_numbers
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.inventory import Inventory
from drivers.netconf_bbf.payloads import Edit, Object
from drivers.netconf_bbf.plant import Plant, Port
from drivers.netconf_bbf.reading import observed_onu
from drivers.netconf_bbf.xml import q, text_at

Key = tuple[Kind, str]


class Occupied(Exception):
    """It would overwrite what is not ours, or the serial or service is configured elsewhere."""


class NoSuchPort(Exception):
    """The wanted port is no channel termination with a channel pair and partition on this OLT."""

    def __init__(self, port: str, plant: Plant) -> None:
        self.port = port
        known = ", ".join(sorted(plant.ports)) or "none"
        super().__init__(f"no channel termination {port!r} that can be provisioned; there are: {known}")


class Batch:
    """ONUs that are to be written together: what one is given, no other of them gets."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._used = used_numbers(inventory.configuration)
        self._takers: dict[str, str] = {}

    def numbers_for(self, serial: str, port: Port) -> Numbers:
        """Those that the ONU holds already, else the lowest free on its partition; raises ``Exhausted``."""
        used = self._used.setdefault(port.channel_partition, Used())
        return allocate(used, port, held_numbers(self.inventory.configuration, serial))

    def take_place(self, wanted: WantedAccess) -> None:
        """Raise ``Occupied`` when another of the batch has the serial, the service or the VLAN of its own."""
        uplink = self.inventory.uplink
        places = [f"serial {wanted.device}", f"service {wanted.service}"]
        if wanted.c_vlan is not None:
            places.append(f"VLAN {names.network_sub_interface(uplink, wanted.s_vlan, wanted.c_vlan)}")
        for place in places:
            if place in self._takers:
                raise Occupied(f"{place} is wanted twice: by {self._takers[place]} too")
        self._takers.update((place, f"{wanted.service} on {wanted.device}") for place in places)


def objects_for(batch: Batch, wanted: WantedAccess) -> list[Object]:
    """The objects that make up one more ONU of a batch.

    Raises ``NotRepresentable``, ``NoSuchPort``, ``Occupied`` and ``Exhausted``.
    """
    inventory = batch.inventory
    payloads.check_representable(wanted)
    port = inventory.plant.ports.get(wanted.port)
    if port is None:
        raise NoSuchPort(wanted.port, inventory.plant)
    _check_serial(inventory, wanted)
    _check_forwarding(inventory, wanted)
    batch.take_place(wanted)
    return payloads.service_objects(wanted, batch.numbers_for(wanted.device, port), port, inventory.uplink)


def edits_to_provision(inventory: Inventory, wanted: Sequence[tuple[str, Sequence[Object]]]) -> list[Edit]:
    """The edits that make each serial's objects true: additions first, then what its last user leaves behind."""
    additions: dict[Key, Edit] = {}
    for _, objects in wanted:
        for made in objects:
            key = (made.kind, made.key)
            if made.shared and key in additions:
                _join(additions[key], made)
            else:
                additions[key] = _addition(inventory.configuration, made)
    serials = [serial for serial, _ in wanted]
    departures = _departures(inventory, serials, frozenset(additions))
    leaving = _port_departures(inventory, serials, additions, departures)
    return [*additions.values(), *leaving, *(payloads.removal(*key) for key in departures)]


def edits_to_remove(inventory: Inventory, serial: str) -> list[Edit]:
    """The edits that take away everything made for a serial, and nothing else; empty when there is nothing.

    Raises ``Occupied`` when the serial is configured by another than ztpd.
    """
    check_not_foreign(inventory, serial)
    entries = inventory.configuration.entries
    present = [(kind, name) for kind, name in _own_keys(names.of_onu(serial)) if name in entries[kind]]
    departures = _departures(inventory, [serial], frozenset())
    leaving = _port_departures(inventory, [serial], {}, departures)
    return [*leaving, *(payloads.removal(*key) for key in (*departures, *present))]


def check_not_foreign(inventory: Inventory, serial: str) -> None:
    """Raise ``Occupied`` when the serial is configured by another than ztpd."""
    foreign = inventory.foreign_v_ani(serial)
    if foreign is not None:
        raise Occupied(f"serial {serial} is configured as {foreign}, which ztpd did not make")


def _check_serial(inventory: Inventory, wanted: WantedAccess) -> None:
    """Raise ``Occupied`` when the serial is configured by another or elsewhere, or its name is taken."""
    check_not_foreign(inventory, wanted.device)
    own = names.of_onu(wanted.device)
    if own.v_ani not in inventory.configuration.entries[Kind.INTERFACE]:
        return
    observed = observed_onu(inventory, wanted.device)
    if observed is None:
        raise Occupied(f"{own.v_ani} exists with another serial than {wanted.device}")
    if observed.port != wanted.port:
        raise Occupied(f"serial {wanted.device} is configured on port {observed.port}, not on {wanted.port}")


def _check_forwarding(inventory: Inventory, wanted: WantedAccess) -> None:
    """Raise ``Occupied`` when the service is configured elsewhere, or its VLAN or forwarder is another's."""
    uplink = inventory.uplink
    own = names.of_onu(wanted.device)
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
        payloads.add_ports(edit, made.entry)


def _own_keys(own: names.OnuNames) -> list[Key]:
    return [
        *((Kind.GEMPORT, name) for name in own.gemports),
        (Kind.TCONT, own.tcont),
        (Kind.LINK, own.ani),
        (Kind.LINK, own.onu_v_enet),
        *((Kind.INTERFACE, name) for name in reversed(own.interfaces)),
    ]


def _departures(inventory: Inventory, serials: Iterable[str], kept: frozenset[Key]) -> list[Key]:
    """The shared objects that these serials use now, nobody else does, and that are not kept."""
    leaving = frozenset(serials)
    mine: list[Key] = []
    others: set[Key] = set()
    for user, key in _shared_uses(inventory):
        if user in leaving:
            mine.append(key)
        else:
            others.add(key)
    return [key for key in dict.fromkeys(mine) if key not in others and key not in kept]


def _port_departures(
    inventory: Inventory, serials: Iterable[str], additions: dict[Key, Edit], departures: list[Key]
) -> list[Edit]:
    """Take ports out of forwarders that stay, because the ONU or its service joined another.

    An entry may appear only once in a payload: a forwarder that is joined or left already takes the removal too.
    """
    leaving: dict[str, Edit] = {}
    for serial in serials:
        current = inventory.membership_of(serial)
        if current is None or (Kind.FORWARDER, current.forwarder) in departures:
            continue
        joined = additions.get((Kind.FORWARDER, current.forwarder))
        if joined is None:
            left = leaving.setdefault(current.forwarder, payloads.leaving_forwarder(current.forwarder))
            payloads.remove_port(left, current.port)
        elif current.port not in payloads.port_names(joined):
            payloads.remove_port(joined, current.port)
    return list(leaving.values())


def _shared_uses(inventory: Inventory) -> Iterator[tuple[str, Key]]:
    """Who uses which shared object that was named by us; a user that is no ONU of ours is its own name."""
    configuration = inventory.configuration
    for name, tcont in configuration.entries[Kind.TCONT].items():
        profile = text_at(tcont, q(xml.GEM_TCONT, "traffic-descriptor-profile-ref"))
        yield from _use(_serial_in(name, "tcont-"), Kind.UPSTREAM_PROFILE, profile)
    for name, root in configuration.interface_part(xml.TRAFFIC_MANAGEMENT, "tm-root"):
        shaper = text_at(root, q(xml.SHAPING, "shaper-name"))
        yield from _use(_serial_in(name, "venet-"), Kind.SHAPER, shaper)
    yield from _forwarding_uses(inventory)


def _forwarding_uses(inventory: Inventory) -> Iterator[tuple[str, Key]]:
    network: dict[str, str] = {}
    users: list[tuple[str, str]] = []
    for sub_interface, member in inventory.members.items():
        if member.port == names.NETWORK_PORT:
            network[member.forwarder] = sub_interface
        else:
            users.append((_serial_in(sub_interface, "venet-"), member.forwarder))
    for user, forwarder in users:
        yield from _use(user, Kind.FORWARDER, forwarder)
        entry = inventory.configuration.find(Kind.FORWARDER, forwarder)
        database = text_at(entry, q(xml.FORWARDING, "mac-learning"), q(xml.FORWARDING, "forwarding-database"))
        yield from _use(user, Kind.DATABASE, database)
        sub_interface = network.get(forwarder, "")
        if names.is_network_sub_interface(sub_interface, inventory.uplink):
            yield user, (Kind.INTERFACE, sub_interface)


def _use(user: str, kind: Kind, name: str | None) -> Iterator[tuple[str, Key]]:
    if name is not None and names.is_shared_name(name):
        yield user, (kind, name)


def _serial_in(name: str, prefix: str) -> str:
    return name.removeprefix(prefix)[:12] if name.startswith(prefix) else name
