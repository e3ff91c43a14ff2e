"""From what a router has and what is wanted to the requests between them, in an order that any cut leaves safe.

A queue is there before the lease or secret that lets a subscriber on, and so is his suspension; they go after it.
Whatever was cut short is ours by its mark, so that the next apply finds and ends it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drivers.access import WantedAccess
from drivers.places import Occupied, Places
from drivers.rest.marks import Mark, is_mac
from drivers.routeros import tables, words
from drivers.routeros.holdings import Holdings, Register
from drivers.routeros.reading import port_of, queue_name
from drivers.routeros.tables import Entry, Lease, Queue, Secret, Thing

_MAX_BPS = 10**12


class NotPossible(ValueError):
    """The router cannot have this, or the value is not one that is ever written."""


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changes something; ``secrets`` are taken out of what errors say."""

    method: str
    path: str
    body: Mapping[str, str] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Batch:
    """Subscribers that are to be written together: what one is given, no other of them gets."""

    def __init__(self) -> None:
        self._places = Places()

    def take(self, wanted: WantedAccess, address: str) -> None:
        """Raise ``Occupied`` when another of the batch has the device, the service, the address or the PPP user."""
        places = [f"device {wanted.device}", f"service {wanted.service}", f"address {address}"]
        if wanted.ppp_user is not None:
            places.append(f"PPP user {wanted.ppp_user}")
        self._places.take(wanted, *places)


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be there for one subscriber, as properties of each object; None is an object that is not."""

    address: str
    queue: Mapping[str, str]
    lease: Mapping[str, str] | None
    secret: Mapping[str, str] | None
    entry: Mapping[str, str] | None
    password: str | None = field(default=None, repr=False)


def target_for(register: Register, held: Holdings, wanted: WantedAccess) -> Target:
    """What a subscriber needs on this router; raises ``NotPossible`` or ``Occupied``."""
    _check_values(wanted)
    if wanted.port not in register.ports():
        known = ", ".join(sorted(register.ports())) or "none"
        raise NotPossible(f"no port {wanted.port!r} that serves subscribers; there are: {known}")
    _check_ours(register, held, wanted)
    address = _address_for(register, held, wanted)
    comment = _mark_of(wanted)
    target = Target(
        address=address,
        queue={
            "name": queue_name(wanted.service),
            "target": f"{address}/32",
            "max-limit": words.written_pair(wanted.upstream_bps, wanted.downstream_bps),
            "limit-at": words.written_pair(wanted.assured_upstream_bps, 0),
            "disabled": "false",
            "comment": comment,
        },
        lease=None if wanted.ppp_user is not None else _lease(register, wanted, address, comment),
        secret=None if wanted.ppp_user is None else _secret(register, wanted, address, comment),
        entry=_entry(register, address, comment) if wanted.ppp_user is None and not wanted.enabled else None,
        password=wanted.ppp_password,
    )
    _check_free(register, held, target)
    return target


def writes_for(register: Register, held: Holdings, target: Target) -> list[Write]:
    """The requests that make the target true, none where it is; first what must go before anything is let on."""
    keep = _Kept(held, target)
    dynamic = () if keep.lease is not None or target.lease is None else _dynamic_leases(register, held.device)
    return [
        *_removals(keep.stale_access),
        *_made(tables.QUEUES, keep.queue, _queue_row(keep.queue), target.queue),
        *(_made(tables.ENTRIES, keep.entry, _entry_row(keep.entry), target.entry) if target.entry else ()),
        *_removals(dynamic),
        *(_made(tables.LEASES, keep.lease, _lease_row(keep.lease), target.lease) if target.lease else ()),
        *_secret_writes(register, keep.secret, target),
        *_removals(keep.stale_limits),
    ]


def writes_to_remove(register: Register, held: Holdings) -> list[Write]:
    """The requests that take everything away: what lets the subscriber on first, his queue last."""
    sessions = [each for secret in held.secrets for each in register.sessions_of(secret.name)]
    return [
        *_removals((*held.secrets, *held.leases)),
        *(Write("DELETE", f"{tables.ACTIVE}/{session.id}") for session in sessions),
        *_removals((*held.entries, *held.queues)),
    ]


def writes_to_admin(register: Register, held: Holdings, enabled: bool) -> list[Write]:
    """The requests that let a subscriber on or stop him, and touch nothing else; none where it is so.

    Raises ``Occupied`` when he cannot be let on because another suspended him, ``NotPossible`` when nothing would
    stop him.
    """
    suspended = register.is_suspended(held.address)
    if enabled and suspended and not held.entries:
        listed = register.settings.suspended_list
        raise Occupied(f"{held.address} of {held.device} is on the list {listed} by another than ztpd")
    writes = [
        Write("PATCH", f"{_menu(secret)}/{secret.id}", {"disabled": words.written_bool(not enabled)})
        for secret in held.secrets
        if secret.disabled == enabled
    ]
    if held.secrets:
        gone = () if enabled else (each for secret in held.secrets for each in register.sessions_of(secret.name))
        kicked = (Write("DELETE", f"{tables.ACTIVE}/{session.id}") for session in gone)
        return [*writes, *kicked, *_removals(held.entries if enabled else ())]
    if enabled:
        return list(_removals(held.entries)) if suspended else []
    if suspended or held.address is None:
        return []
    mark = held.mark
    entry = _entry(register, held.address, "" if mark is None else str(mark))
    return list(_made(tables.ENTRIES, None, {}, entry))


def check_ours(held: Holdings) -> None:
    """Raise ``Occupied`` when another than ztpd configured something for the device."""
    if held.foreign:
        raise Occupied(f"{held.device} is configured by another than ztpd: {', '.join(held.foreign)}")


class _Kept:
    """Which of the objects that are there stay as what they are, and which must go, by when."""

    def __init__(self, held: Holdings, target: Target) -> None:
        self.lease = held.leases[0] if target.lease and held.leases else None
        self.secret = held.secrets[0] if target.secret and held.secrets else None
        self.queue = held.queues[0] if held.queues else None
        self.entry = held.entries[0] if target.entry and held.entries else None
        self.stale_access = [each for each in (*held.leases, *held.secrets) if each not in (self.lease, self.secret)]
        self.stale_limits = [each for each in (*held.queues, *held.entries) if each not in (self.queue, self.entry)]


def _check_values(wanted: WantedAccess) -> None:
    if not is_mac(wanted.device):
        raise NotPossible(f"device {wanted.device!r} is no MAC address like aa:bb:cc:dd:ee:ff")
    for name, rate in (("downstream", wanted.downstream_bps), ("upstream", wanted.upstream_bps)):
        if not 0 < rate < _MAX_BPS:
            raise NotPossible(f"{name} rate {rate} bit/s cannot be written: 0 would be no limit at all")
    if not 0 <= wanted.assured_upstream_bps <= wanted.upstream_bps:
        raise NotPossible("the assured upstream rate is more than the upstream rate")
    if wanted.ppp_user is not None and not words.is_ppp_user(wanted.ppp_user):
        raise NotPossible(f"PPP user {wanted.ppp_user!r} has characters that are not allowed")
    if wanted.ppp_user is not None and not words.is_ppp_password(wanted.ppp_password or ""):
        raise NotPossible("the PPP password is missing or has characters that are not allowed")
    _mark_of(wanted)


def _mark_of(wanted: WantedAccess) -> str:
    form = "none" if wanted.address is None else "prefix" if "/" in wanted.address else "host"
    return str(Mark(wanted.service, wanted.device, wanted.port, form))


def _check_ours(register: Register, held: Holdings, wanted: WantedAccess) -> None:
    check_ours(held)
    port = port_of(register, held)
    if port is not None and port != wanted.port:
        raise Occupied(f"{wanted.device} is configured on {port}, not on {wanted.port}")


def _address_for(register: Register, held: Holdings, wanted: WantedAccess) -> str:
    """The address that the queue is for: the service's own, else the one that the device has already."""
    if wanted.address is not None:
        address = words.host_address(wanted.address)
        if address is None:
            raise NotPossible(f"address {wanted.address!r} is not that of one IPv4 host")
        return address
    if wanted.ppp_user is not None:
        raise NotPossible("a PPP service needs an address of its own: a queue cannot follow one from a pool")
    server = register.server_at(wanted.port)
    leased = next((each for each in register.leases_of(held.device) if _holds(each, held.device, server)), None)
    found = held.address or (None if leased is None else leased.address)
    if found is None:
        raise NotPossible(f"{held.device} has no lease on {wanted.port} yet, and the service no address of its own")
    return found


def _holds(lease: Lease, device: str, server: str | None) -> bool:
    return lease.device == device and lease.server == server and words.host_address(lease.address) is not None


def _lease(register: Register, wanted: WantedAccess, address: str, comment: str) -> dict[str, str]:
    server = register.server_at(wanted.port)
    if server is None:
        raise NotPossible(f"no DHCP server serves {wanted.port}, and the service has no PPP user")
    return {
        "mac-address": wanted.device.upper(),
        "address": address,
        "server": server,
        "block-access": "false",
        "disabled": "false",
        "comment": comment,
    }


def _secret(register: Register, wanted: WantedAccess, address: str, comment: str) -> dict[str, str]:
    settings = register.settings
    return {
        "name": wanted.ppp_user or "",
        "profile": settings.ppp_profile,
        "service": settings.ppp_service,
        "remote-address": address,
        "disabled": words.written_bool(not wanted.enabled),
        "comment": comment,
    }


def _entry(register: Register, address: str, comment: str) -> dict[str, str]:
    listed = register.settings.suspended_list
    if listed not in register.snapshot.ruled_lists:
        raise NotPossible(f"no firewall rule refers to the list {listed}: whoever is put on it would go on working")
    return {"list": listed, "address": address, "disabled": "false", "comment": comment}


def _check_free(register: Register, held: Holdings, target: Target) -> None:
    """Raise ``Occupied`` when an object of another has the name, the address or the user."""
    own = frozenset((type(thing), thing.id) for thing in held.things)
    name = None if target.secret is None else target.secret["name"]
    for other in (*register.named(target.queue["name"], name), *register.at(target.address)):
        its_own = isinstance(other, Lease) and other.device == held.device
        if (type(other), other.id) in own or its_own:
            continue
        whose = f"for {other.mark.device}" if other.mark is not None else f"of another: {other.comment[:60]!r}"
        answer = f"{type(other).__name__.lower()} {other.id} has {target.address} or its name and is {whose}"
        raise Occupied(answer)


def _dynamic_leases(register: Register, device: str) -> Iterator[Lease]:
    """What the server gave the device by itself: it gives way to the static lease."""
    return (each for each in register.leases_of(device) if each.dynamic)


def _secret_writes(register: Register, secret: Secret | None, target: Target) -> Iterable[Write]:
    if target.secret is None:
        return
    made = list(_made(tables.SECRETS, secret, _secret_row(secret), target.secret, target.password))
    yield from made
    if made and secret is not None:
        for session in register.sessions_of(secret.name):  # it logs in again, as what it is now or not at all
            yield Write("DELETE", f"{tables.ACTIVE}/{session.id}")


def _made(
    menu: str, there: Thing | None, row: Mapping[str, str], wanted: Mapping[str, str], password: str | None = None
) -> Iterator[Write]:
    secret = {} if password is None else {"password": password}
    hidden = tuple(secret.values())
    if there is None:
        yield Write("PUT", menu, {**wanted, **secret}, hidden)
        return
    differing = {name: value for name, value in wanted.items() if row.get(name) != value}
    if differing:
        yield Write("PATCH", f"{menu}/{there.id}", {**differing, **secret}, hidden)


def _removals(things: Iterable[Thing]) -> Iterator[Write]:
    return (Write("DELETE", f"{_menu(thing)}/{thing.id}") for thing in things)


_MENUS: Sequence[tuple[type[Thing], str]] = (
    (Queue, tables.QUEUES),
    (Lease, tables.LEASES),
    (Entry, tables.ENTRIES),
    (Secret, tables.SECRETS),
)


def _menu(thing: Thing) -> str:
    return next(menu for kind, menu in _MENUS if isinstance(thing, kind))


def _common(thing: Thing) -> dict[str, str]:
    return {"disabled": words.written_bool(thing.disabled), "comment": thing.comment}


def _queue_row(queue: Queue | None) -> dict[str, str]:
    if queue is None:
        return {}
    limits = "" if None in (queue.max_up_bps, queue.max_down_bps) else f"{queue.max_up_bps}/{queue.max_down_bps}"
    at_least = "" if queue.assured_up_bps is None else f"{queue.assured_up_bps}/0"
    target = f"{queue.address}/32" if queue.address else ",".join(queue.targets)
    return {**_common(queue), "name": queue.name, "target": target, "max-limit": limits, "limit-at": at_least}


def _lease_row(lease: Lease | None) -> dict[str, str]:
    if lease is None:
        return {}
    return {
        **_common(lease),
        "mac-address": (lease.device or "").upper(),
        "address": lease.address,
        "server": lease.server,
        "block-access": words.written_bool(lease.blocked),
    }


def _secret_row(secret: Secret | None) -> dict[str, str]:
    if secret is None:
        return {}
    return {
        **_common(secret),
        "name": secret.name,
        "profile": secret.profile,
        "service": secret.service,
        "remote-address": secret.remote_address,
    }


def _entry_row(entry: Entry | None) -> dict[str, str]:
    return {} if entry is None else {**_common(entry), "list": entry.list, "address": entry.address}
