"""Everything that a router has for one device, ours or another's, found in one pass over its tables."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from drivers.rest.marks import Mark
from drivers.routeros.settings import RouterosSettings
from drivers.routeros.tables import Entry, Lease, Queue, Secret, Session, Snapshot, Thing

T = TypeVar("T", bound=Thing)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Holdings:
    """The objects of one device, each kind in the order of the router.

    ``foreign`` says which objects of another's making are for it. Those of an adopted device count as ours.
    """

    device: str
    leases: tuple[Lease, ...]
    secrets: tuple[Secret, ...]
    queues: tuple[Queue, ...]
    entries: tuple[Entry, ...]
    foreign: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing."""
        return not (self.leases or self.secrets or self.queues or self.entries)

    @property
    def things(self) -> Iterator[Thing]:
        """All of them."""
        yield from (*self.leases, *self.secrets, *self.queues, *self.entries)

    @property
    def mark(self) -> Mark | None:
        """What they say they are for: the word of what gives the address comes first."""
        return next((thing.mark for thing in self.things if thing.mark is not None), None)

    @property
    def address(self) -> str | None:
        """The address that the device has or is to have, from whatever object tells it."""
        for lease in self.leases:
            return lease.address
        for secret in self.secrets:
            return secret.remote_address or None
        return next((queue.address for queue in self.queues if queue.address), None)


class Register:
    """The tables of a router by device, address and name."""

    def __init__(self, snapshot: Snapshot, settings: RouterosSettings, adopted: Collection[str] = ()) -> None:
        self.snapshot = snapshot
        self.settings = settings
        self._adopted = adopted
        self._leases = _by_device(snapshot.leases)
        self._secrets = _by_device(snapshot.secrets)
        self._queues = _by_device(snapshot.queues)
        self._entries = _by_device(snapshot.entries)
        self._leases_of = _by(snapshot.leases, lambda lease: {lease.device, lease.holder})
        self._queues_at = _by(snapshot.queues, lambda queue: {queue.address})
        self._leases_at = _by(snapshot.leases, lambda lease: {lease.address})
        self._secrets_at = _by(snapshot.secrets, lambda secret: {secret.remote_address})
        self._suspended_at = _by(snapshot.entries, lambda entry: {entry.address} if self._suspends(entry) else set())
        self._queues_named = _by(snapshot.queues, lambda queue: {queue.name})
        self._secrets_named = _by(snapshot.secrets, lambda secret: {secret.name})
        self._sessions_named = _by(snapshot.sessions, lambda session: {session.name})
        callers = {session.name: session.caller for session in snapshot.sessions if session.caller}
        self._foreign_leases = _others((lease, lease.device) for lease in snapshot.leases if not lease.dynamic)
        self._foreign_secrets = _others((each, each.caller or callers.get(each.name)) for each in snapshot.secrets)

    def devices(self) -> list[str]:
        """Every device that something is configured for, by name."""
        found = {*self._leases, *self._secrets, *self._queues, *self._entries}
        return sorted({*found, *self._foreign_leases, *self._foreign_secrets})

    def of(self, device: str) -> Holdings:
        """What there is for one device."""
        leases, secrets = self._leases.get(device, ()), self._secrets.get(device, ())
        queues, entries = self._queues.get(device, ()), self._entries.get(device, ())
        other_leases = self._foreign_leases.get(device, ())
        other_secrets = self._foreign_secrets.get(device, ())
        foreign = (
            *(f"static lease {lease.id} for {lease.address}" for lease in other_leases),
            *(f"PPP secret {secret.name}" for secret in other_secrets),
        )
        if not foreign:
            return Holdings(device, leases, secrets, queues, entries, ())
        addresses = {each.address for each in other_leases} | {each.remote_address for each in other_secrets} - {""}
        return Holdings(
            device,
            (*leases, *other_leases),
            (*secrets, *other_secrets),
            (*queues, *_unmarked(each for address in addresses for each in self._queues_at.get(address, ()))),
            (*entries, *_unmarked(each for address in addresses for each in self._suspended_at.get(address, ()))),
            () if device in self._adopted else foreign,
        )

    def is_suspended(self, address: str | None) -> bool:
        """Whether an address is on the list of the suspended, whoever put it there."""
        return address is not None and any(not entry.disabled for entry in self._suspended_at.get(address, ()))

    def sessions_of(self, name: str) -> tuple[Session, ...]:
        """The PPP sessions of a user."""
        return self._sessions_named.get(name, ())

    def leases_of(self, device: str) -> tuple[Lease, ...]:
        """The leases that are for a device or that it has, whoever made them."""
        return self._leases_of.get(device, ())

    def at(self, address: str) -> Iterator[Thing]:
        """What is for an address, whoever made it: queues, leases, PPP secrets and suspensions."""
        yield from _static(self._queues_at.get(address, ()))
        yield from self._leases_at.get(address, ())
        yield from self._secrets_at.get(address, ())
        yield from self._suspended_at.get(address, ())

    def named(self, queue: str, secret: str | None) -> Iterator[Thing]:
        """The queues and PPP secrets of a name."""
        yield from _static(self._queues_named.get(queue, ()))
        yield from () if secret is None else self._secrets_named.get(secret, ())

    def interface_of(self, lease: Lease) -> str | None:
        """The interface of the DHCP server that a lease belongs to."""
        return self.snapshot.servers.get(lease.server) or None

    def ports(self) -> frozenset[str]:
        """The interfaces that serve subscribers, and the circuit-ids that are configured behind them."""
        snapshot = self.snapshot
        interfaces = {each for each in (*snapshot.servers.values(), *snapshot.pppoe_servers.values()) if each}
        behind = {port for port, interface in self.settings.circuit_ids.items() if interface in interfaces}
        return frozenset(interfaces | behind)

    def server_at(self, port: str) -> str | None:
        """The DHCP server that serves a port, or None."""
        interface = self.settings.circuit_ids.get(port, port)
        return next((name for name, at in self.snapshot.servers.items() if at == interface), None)

    def _suspends(self, entry: Entry) -> bool:
        return entry.list == self.settings.suspended_list


def _by(rows: Sequence[Row], keys: Callable[[Row], Collection[str | None]]) -> dict[str, tuple[Row, ...]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        for key in keys(row):
            if key:
                found.setdefault(key, []).append(row)
    return {key: tuple(each) for key, each in found.items()}


def _static(things: Iterable[T]) -> Iterator[T]:
    return (each for each in things if not each.dynamic)


def _unmarked(things: Iterable[T]) -> Iterator[T]:
    return (each for each in _static(things) if each.mark is None)


def _by_device(things: Sequence[T]) -> dict[str, tuple[T, ...]]:
    found: dict[str, tuple[T, ...]] = {}
    for thing in things:
        if thing.mark is not None and not thing.dynamic:
            found[thing.mark.device] = (*found.get(thing.mark.device, ()), thing)
    return found


def _others(things: Iterator[tuple[T, str | None]]) -> dict[str, tuple[T, ...]]:
    found: dict[str, tuple[T, ...]] = {}
    for thing, device in things:
        if thing.mark is None and device is not None:
            found[device] = (*found.get(device, ()), thing)
    return found
