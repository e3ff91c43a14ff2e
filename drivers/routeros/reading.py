"""From what a router has for a device to the service as it is."""

from drivers.access import ObservedAccess
from drivers.rest.marks import Mark
from drivers.routeros.holdings import Holdings, Register
from drivers.routeros.presence import Presences
from drivers.routeros.tables import Lease, Queue, Secret

UNMODELLED = frozenset({"s_vlan", "c_vlan", "priority", "fixed_upstream_bps"})
"""What a subscriber has no word for here: VLANs are the interface's, a queue's priority is no code point."""


def queue_name(service: str) -> str:
    """The name of a service's queue."""
    return f"ztpd-{service}"


def observed(register: Register, held: Holdings, presences: Presences) -> ObservedAccess | None:
    """The service of one device as it is configured, or None when there is nothing.

    Of what another configured, it cannot be told which service it is, nor where a PPP user is served.
    """
    if held.empty:
        return None
    mark, port = held.mark, port_of(register, held)
    unknown = {"service": mark, "port": mark or port}
    queue = held.queues[0] if held.queues else None
    return ObservedAccess(
        device=held.device,
        port=port,
        service=None if mark is None else mark.service,
        s_vlan=None,
        c_vlan=None,
        downstream_bps=None if queue is None else queue.max_down_bps,
        upstream_bps=None if queue is None else queue.max_up_bps,
        assured_upstream_bps=None if queue is None else queue.assured_up_bps,
        address=_address(held, mark),
        ppp_user=held.secrets[0].name if held.secrets else None,
        enabled=_is_enabled(register, held),
        presence=presences.of(held.device),
        complete=_is_complete(register, held),
        unmodelled=UNMODELLED | {name for name, told in unknown.items() if told is None},
    )


def port_of(register: Register, held: Holdings) -> str | None:
    """Where the device is configured: what the mark says, unless the lease is at another interface."""
    mark = held.mark
    interface = register.interface_of(held.leases[0]) if held.leases else None
    if mark is None:
        return interface
    at = register.settings.circuit_ids.get(mark.place, mark.place)
    return mark.place if interface is None or interface == at else interface


def _address(held: Holdings, mark: Mark | None) -> str | None:
    """The address in the form in which it was asked for: none when the lease may be any."""
    address = held.address
    if address is None or (mark is not None and mark.address == "none"):
        return None
    return f"{address}/32" if mark is not None and mark.address == "prefix" else address


def _is_enabled(register: Register, held: Holdings) -> bool:
    if any(secret.disabled for secret in held.secrets):
        return False
    if any(lease.disabled or lease.blocked for lease in held.leases):
        return False
    return not register.is_suspended(held.address)


def _is_complete(register: Register, held: Holdings) -> bool:
    """Whether there is one of each, for the same service at the same address, and the queue is in force."""
    if len(held.queues) != 1 or len(held.leases) + len(held.secrets) != 1:
        return False
    queue = held.queues[0]
    access = held.leases[0] if held.leases else held.secrets[0]
    marks = {thing.mark for thing in held.things}
    return len(marks) == 1 and _is_in_force(queue, held) and _is_placed(register, access)


def _is_in_force(queue: Queue, held: Holdings) -> bool:
    named = queue.mark is None or queue.name == queue_name(queue.mark.service)
    return not queue.disabled and named and queue.address is not None and queue.address == held.address


def _is_placed(register: Register, access: Lease | Secret) -> bool:
    return isinstance(access, Secret) or register.interface_of(access) is not None
