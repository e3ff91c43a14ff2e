"""Which identifiers name the same device.

A device is known by a set of names: PON serial, CWMP OUI and serial, MAC address, registration id. Two of them meet in
one device when one sighting carries both, when one spells the other (a CWMP serial that is the hex of a PON serial), or
when an address ties them (the lease of a MAC and the source of an Inform). A place (circuit-id, element and port) never
names a device by itself.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from pon import registration
from pon import serial as pon_serial
from ztpd.domain.model import AllocatedDevice
from ztpd.domain.sighting import Sighting


class Kind(enum.StrEnum):
    """What sort of name an identifier is."""

    PON = "pon"  # canonical PON serial
    CWMP = "cwmp"  # OUI-serial
    MAC = "mac"
    REGISTRATION = "registration"  # fingerprint of a registration id; no sighting bears it, for it is a claim


class Name(NamedTuple):
    """One name of a device."""

    kind: Kind
    value: str


def cwmp_names(oui: str, serial: str) -> set[Name]:
    """The names that OUI and serial number of an Inform give: the PON serial too, where they spell one."""
    names = {Name(Kind.CWMP, f"{oui.upper()}-{serial}")}
    spelled = pon_serial.from_hex(serial)
    if spelled is not None:
        names.add(Name(Kind.PON, spelled))
    return names


def names_of_sighting(sighting: Sighting) -> frozenset[Name]:
    """The names that the sighting gives its device: all that it has, or the strongest alone where it is not trusted.

    Names said together make one device of two, and with the names its job and its secrets: a hint may not do that.
    """
    names = _claimed_names(sighting)
    return names if sighting.trusted else frozenset(sorted(names, key=_strength)[:1])


def _claimed_names(sighting: Sighting) -> frozenset[Name]:
    names: set[Name] = set()
    if sighting.serial is not None:
        names.add(Name(Kind.PON, sighting.serial))
    if sighting.oui is not None and sighting.cwmp_serial is not None:
        cwmp = cwmp_names(sighting.oui, sighting.cwmp_serial)
        # A device has one PON serial: what the source heard outweighs what another name spells.
        names |= cwmp if sighting.serial is None else {name for name in cwmp if name.kind is Kind.CWMP}
    if sighting.mac is not None:
        names.add(Name(Kind.MAC, sighting.mac))
    return frozenset(names)


def names_of_allocation(device: AllocatedDevice) -> frozenset[Name]:
    """Every name that an allocation gives the device it expects."""
    names: set[Name] = set()
    if device.serial is not None and device.role == "ont":
        names.add(Name(Kind.PON, pon_serial.normalise(device.serial)))
    elif device.serial is not None and device.oui is not None:
        names |= cwmp_names(device.oui, device.serial)
    if device.mac is not None:
        names.add(Name(Kind.MAC, device.mac))
    if device.registration_id is not None:
        names.add(Name(Kind.REGISTRATION, registration.fingerprint(registration.normalise(device.registration_id))))
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Which device the names mean.

    ``device`` is None for one that is new; ``joined`` are devices that prove to be the same one; ``contradiction``
    are devices that share a name with it and yet cannot be it.
    """

    device: int | None
    joined: tuple[int, ...] = ()
    contradiction: tuple[int, ...] = ()


_UNBOUND: Mapping[int, str] = MappingProxyType({})


def resolve(
    names: Iterable[Name],
    known: Mapping[int, frozenset[Name]],
    tied: Iterable[int] = (),
    services: Mapping[int, str] = _UNBOUND,
    near: Iterable[int] = (),
) -> Resolution:
    """Decide which known device the names mean; ``known`` holds the full names of every device in question.

    Devices that share no kind with different values are one device heard in two ways and are joined. Those that do
    (two PON serials behind one MAC) contradict each other, and so do devices bound to different ``services``; the
    strongest name then decides: PON serial, CWMP, MAC. ``tied`` are devices that only an address or a place ties to
    the names: joined when nothing speaks against it, as another MAC would. ``near`` are devices whose MACs are of one
    block with the one heard: for them it does not.
    """
    strongest = sorted(names, key=lambda name: (_strength(name), name.value))
    hits = list(dict.fromkeys(device for name in strongest for device, has in known.items() if name in has))
    belonging = set(strongest)
    same: list[int] = []
    contradiction: list[int] = []
    serving: set[str] = set()
    beside = frozenset([*hits, *near])
    for candidate in dict.fromkeys([*hits, *near, *tied]):
        exclusive = _SERIALS if candidate in beside else frozenset(Kind)
        bound = {services[candidate]} if candidate in services else set[str]()
        if not _contradict(belonging, known[candidate], exclusive) and len(serving | bound) <= 1:
            belonging |= known[candidate]
            serving |= bound
            same.append(candidate)
        elif candidate in hits:
            contradiction.append(candidate)
    # The device that has the strongest name stays: it is the one with a place and a job.
    same.sort(key=lambda device: min(map(_strength, known[device]), default=len(Kind)))
    return Resolution(same[0] if same else None, tuple(same[1:]), tuple(contradiction))


def _strength(name: Name) -> int:
    return _STRENGTHS[name.kind]


_STRENGTHS = {kind: place for place, kind in enumerate(Kind)}

# A device has one serial of each kind, but may have several MAC addresses.
_SERIALS = frozenset({Kind.PON, Kind.CWMP})


def _contradict(some: Iterable[Name], others: Iterable[Name], exclusive: frozenset[Kind]) -> bool:
    return any(_differ(_of_kind(some, kind), _of_kind(others, kind)) for kind in exclusive)


def _of_kind(names: Iterable[Name], kind: Kind) -> set[Name]:
    return {name for name in names if name.kind is kind}


def _differ(some: set[Name], others: set[Name]) -> bool:
    return bool(some) and bool(others) and some.isdisjoint(others)
