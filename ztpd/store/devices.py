"""Devices: which one a set of names means, where it is present, and what a verdict makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from ztpd.domain import identity
from ztpd.domain.failures import Failure
from ztpd.domain.identity import Kind, Name
from ztpd.domain.joining import Tie
from ztpd.domain.lifecycle import DEVICE, DeviceEvent, DeviceState, advance, allows
from ztpd.domain.matching import Conflict, Match, Verdict
from ztpd.domain.sighting import Place, Presence, Sighting
from ztpd.store.rows import device_state_of
from ztpd.store.transaction import Row, Transaction

UNKNOWN = "unknown"
"""Why a device is in quarantine that nothing expects and nothing contradicts."""

_NOT_TIED: Mapping[Tie, Sequence[int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Recognised:
    """The device that names mean, and its row.

    ``contradiction`` are others that bear one of the names and cannot be it.
    """

    device: int
    row: Row
    contradiction: tuple[int, ...] = ()


Bearers = Mapping[int, Row]
"""Devices by id; the row's ``borne`` is how many of the names asked for it has."""


def bearing(tx: Transaction, names: frozenset[Name]) -> Bearers:
    """The devices that bear any of the names."""
    found: dict[int, Row] = {}
    rest = names
    while rest:  # the statement takes one name of each kind, and hardly ever is there another
        asked = {name.kind: name for name in rest}
        rest = rest.difference(asked.values())
        values = {kind.value: asked[kind].value if kind in asked else None for kind in Kind}
        found.update((row["id"], row) for row in tx.all("devices_named", **values))
    return found


def recognise(
    tx: Transaction,
    names: frozenset[Name],
    source: str,
    unheard: DeviceState,
    bearers: Bearers | None = None,
    tied: Mapping[Tie, Sequence[int]] = _NOT_TIED,
) -> Recognised:
    """Find the device that the names mean and give it all of them; one that nobody knew begins as ``unheard``.

    Devices that prove to be the same are joined. A name that another device keeps stays there. ``bearers`` are those
    of the names, where the caller has asked for them already.
    """
    rows = dict(bearing(tx, names) if bearers is None else bearers)
    beside = {*chain(*tied.values())} - rows.keys()
    if len(rows) == 1 and not beside:
        ((device, row),) = rows.items()
        if row["borne"] == len(names):  # as nearly always
            return Recognised(device, row)
    rows |= {id_: row_of(tx, id_) for id_ in beside}
    known = {id_: names_of(tx, id_) for id_ in sorted(rows)}
    services = {id_: row["service"] for id_, row in rows.items() if row["service"] is not None}
    near = tied.get(Tie.NEAR_MAC, ())
    others = [id_ for tie, ids in tied.items() if tie is not Tie.NEAR_MAC for id_ in ids]
    resolution = identity.resolve(names, known, others, services, near)
    device = _add(tx, unheard) if resolution.device is None else resolution.device
    for joined in resolution.joined:
        _join(tx, device, joined)
    for name in names - known.get(device, frozenset()):
        tx.run("add_name", kind=name.kind, value=name.value, device=device, source=source, now=tx.now_text)
    if device in rows and not resolution.joined and not resolution.contradiction:
        return Recognised(device, rows[device])
    return Recognised(device, row_of(tx, device), resolution.contradiction)


def _add(tx: Transaction, state: DeviceState) -> int:
    reason = UNKNOWN if state is DeviceState.QUARANTINED else ""
    row = tx.one("add_device", state=state, reason=reason, seen_at=tx.now_text)
    if row is None:
        raise LookupError("a new device has no row")
    return int(row["id"])


def _join(tx: Transaction, device: int, joined: int) -> None:
    """Give a device everything that was known of another which proved to be the same."""
    tx.run("move_names", device=device, joined=joined)
    tx.run("move_sightings", device=device, joined=joined)
    tx.run("move_cpe", device=device, joined=joined)
    tx.run("drop_cpe", device=joined)
    tx.run("move_cpe_tasks", device=device, joined=joined)
    tx.run("drop_cpe_faults", device=joined)
    for statement in ("move_cpe_firmware", "move_cpe_grants", "move_cpe_uploads"):
        tx.run(statement, device=device, joined=joined)
    tx.run("drop_cpe_firmware", device=joined)
    tx.run("drop_cpe_drift", device=joined)
    tx.run("drop_cpe_waking", device=joined)
    tx.run("move_cpe_import", device=device, joined=joined)
    tx.run("drop_cpe_import", device=joined)
    tx.run("move_cpe_handover", device=device, joined=joined)
    tx.run("drop_cpe_handover", device=joined)
    tx.run("mark_cpe_handover", device=device)
    tx.run("copy_tags", device=device, joined=joined)
    tx.run("drop_tags", device=joined)
    kept, other = row_of(tx, device), row_of(tx, joined)
    state = advance(DEVICE, device_state_of(other), DeviceEvent.RETIRED)
    tx.run("retire_device", id=joined, state=state, reason=f"the same device as {device}")
    ip, circuit_id = kept["ip"] or other["ip"], kept["circuit_id"] or other["circuit_id"]
    tx.run("touch_device", id=device, ip=ip, circuit_id=circuit_id, now=other["last_seen_at"])
    if other["service"] is not None:
        bind(tx, kept, other["service"])


def row_of(tx: Transaction, device: int) -> Row:
    """The row of a device that a name or a statement told of."""
    row = tx.one("get_device", id=device)
    if row is None:
        raise LookupError(f"device {device} has a name and no row")
    return row


def names_of(tx: Transaction, device: int) -> frozenset[Name]:
    """Every name of a device."""
    rows = tx.all("names_of_device", device=device)
    return frozenset(Name(Kind(row["kind"]), row["value"]) for row in rows)


def places_of(tx: Transaction, device: int) -> list[Place]:
    """Where a device is present now; more than one place means that one of them is a clone."""
    return [Place(row["element"], row["port"]) for row in tx.all("places_of_device", device=device)]


def place(tx: Transaction, sighting: Sighting, row: Row) -> None:
    """Keep where an element says that a device is, or is no longer; what is shown is the place it kept longest."""
    where = {"device": row["id"], "element": sighting.element, "port": sighting.port}
    if sighting.presence is Presence.PRESENT:
        tx.run("put_presence", **where, raw_state=sighting.details.get("state", ""), now=tx.now_text)
    else:
        tx.run("end_presence", **where)
    present = tx.all("places_of_device", device=row["id"])
    if present:
        shown = {name: present[0][name] for name in ("element", "port", "raw_state")}
        tx.run("place_device", id=row["id"], presence=Presence.PRESENT, **shown)
    elif row["presence"] == Presence.PRESENT:
        gone = {"element": row["element"], "port": row["port"], "raw_state": sighting.details.get("state", "")}
        tx.run("place_device", id=row["id"], presence=Presence.ABSENT, **gone)


def touch(tx: Transaction, row: Row, sighting: Sighting, heard_at: str) -> None:
    """Keep when a device was last heard and at which address; ``row`` is what it was before."""
    if sighting.ip is not None and sighting.ip != row["ip"]:  # what one device has, no other has
        tx.run("release_ip", id=row["id"], ip=sighting.ip)
    line = sighting.circuit_id if sighting.trusted else None
    tx.run("touch_device", id=row["id"], ip=sighting.ip, circuit_id=line, now=heard_at)


def judged(tx: Transaction, row: Row, verdict: Verdict) -> None:
    """Move a device by what its place means for the job that expects it."""
    match verdict:
        case Match():
            _move(tx, row, DeviceEvent.MATCHED)
        case Conflict(failure=failure):
            contradict(tx, row, failure)


def contradict(tx: Transaction, row: Row, failure: Failure) -> None:
    """The network contradicts what a device is believed to be: nothing may be done with it."""
    _move(tx, row, DeviceEvent.CONTRADICTED, failure.code.value, failure.detail)


def forget_reason(tx: Transaction, row: Row) -> None:
    """What spoke against a device is over, and nobody expects it: it is as unknown as any other."""
    tx.run("set_device_state", id=row["id"], state=row["state"], reason=UNKNOWN, detail="")


def expect(tx: Transaction, device: int) -> None:
    """A device is allocated: one that was heard as unknown is expected now."""
    _move(tx, row_of(tx, device), DeviceEvent.ALLOCATED)


def release(tx: Transaction, device: int) -> None:
    """No job expects the device any more: it is as unknown as before."""
    row = row_of(tx, device)
    if row["service"] is None:
        _move(tx, row, DeviceEvent.RELEASED, UNKNOWN)


def bind(tx: Transaction, row: Row, service: str) -> None:
    """Make a device part of a service, unless it is part of another one."""
    if row["service"] not in {None, service}:
        return
    state = device_state_of(row)
    # A CPE without wanted settings may never have been heard by itself; it is part of the service all the same.
    seen = advance(DEVICE, state, DeviceEvent.MATCHED) if allows(DEVICE, state, DeviceEvent.MATCHED) else state
    if allows(DEVICE, seen, DeviceEvent.BOUND):
        tx.run("bind_device", id=row["id"], state=advance(DEVICE, seen, DeviceEvent.BOUND), service=service)


def unbind(tx: Transaction, row: Row) -> None:
    """A device is part of no service any more: it is as unknown as before it was installed."""
    tx.run("unbind_device", id=row["id"])
    _move(tx, row, DeviceEvent.RELEASED, UNKNOWN)


def _move(tx: Transaction, row: Row, event: DeviceEvent, reason: str = "", detail: str = "") -> None:
    state = device_state_of(row)
    if allows(DEVICE, state, event):
        tx.run("set_device_state", id=row["id"], state=advance(DEVICE, state, event), reason=reason, detail=detail)
