"""Allocations: which devices a job is given, and which job holds a device that several ask for."""

from collections.abc import Iterable

from ztpd.domain.identity import Kind, Name, names_of_allocation
from ztpd.domain.kinds import Act
from ztpd.domain.lifecycle import DeviceState
from ztpd.domain.model import AllocatedDevice
from ztpd.store import devices
from ztpd.store.rows import Job
from ztpd.store.transaction import Row, Transaction


def allocate(tx: Transaction, job: Job) -> frozenset[Name]:
    """Give a job the devices of its body; the names that it had before and gave back."""
    # Stopping a service and taking it away must not depend on where its devices are.
    given = job.body.devices if job.body.does.act is Act.PROVISION else ()
    wanted = {(device.role, name.kind.value): name for device in given for name in names_of_allocation(device)}
    had = {
        (row["role"], row["kind"]): Name(Kind(row["kind"]), row["value"])
        for row in tx.all("allocations_of_job", job=job.id)
    }
    # What stays keeps its age: who asked first holds the device.
    for (role, kind), name in had.items():
        if wanted.get((role, kind)) != name:
            tx.run("drop_allocation", job=job.id, role=role, kind=kind)
    for (role, kind), name in wanted.items():
        if had.get((role, kind)) != name:
            tx.run("add_allocation", job=job.id, role=role, kind=kind, value=name.value, now=tx.now_text)
    for device in given:
        _expect(tx, device)
    freed = frozenset(had.values()) - frozenset(wanted.values())
    _release(tx, freed)
    return freed


def give_back(tx: Transaction, job: Job) -> frozenset[Name]:
    """Take its devices from a job that is over; their names."""
    had = tx.all("allocations_of_job", job=job.id)
    for row in had:
        tx.run("drop_allocation", job=job.id, role=row["role"], kind=row["kind"])
    freed = frozenset(Name(Kind(row["kind"]), row["value"]) for row in had)
    _release(tx, freed)
    return freed


def _expect(tx: Transaction, allocated: AllocatedDevice) -> None:
    found = devices.recognise(tx, names_of_allocation(allocated), "order", DeviceState.EXPECTED)
    devices.expect(tx, found.device)


def _release(tx: Transaction, freed: Iterable[Name]) -> None:
    for device in _devices_named(tx, freed):
        if not asking(tx, devices.names_of(tx, device)):
            devices.release(tx, device)


def asking(tx: Transaction, names: Iterable[Name]) -> list[Row]:
    """Open jobs that have one of the names allocated, with the role; the one that asked first holds it."""
    rows = [row for name in names for row in tx.all("jobs_expecting", kind=name.kind, value=name.value)]
    return sorted(rows, key=_since)


def holder_of(tx: Transaction, device: int) -> list[tuple[str, Job]]:
    """The one open job that holds a device by any of its names, once for each role the device has there."""
    rows = sorted(tx.all("jobs_expecting_device", device=device), key=_since)
    return list({row["role"]: (row["role"], Job(row)) for row in rows if row["id"] == rows[0]["id"]}.values())


def _since(row: Row) -> tuple[str, str, str, str]:
    return (row["since"], row["created_at"], row["id"], row["role"])


def taken(tx: Transaction, job: Job) -> list[str]:
    """What is said of each allocated device that another job holds or another service has."""
    return [text for device in job.body.devices for text in _holders(tx, job, device)]


def _holders(tx: Transaction, job: Job, allocated: AllocatedDevice) -> list[str]:
    names = names_of_allocation(allocated)
    label = min(names).value
    found: list[str] = []
    named = _devices_named(tx, names)
    every = names.union(*(devices.names_of(tx, device) for device in named))
    first = next(iter(asking(tx, every)), None)
    if first is not None and first["id"] != job.id:
        found.append(f"{label} is allocated to job {first['id']}")
    bound = {devices.row_of(tx, device)["service"] for device in named} - {None, job.service}
    return found + [f"{label} is bound to service {service}" for service in sorted(bound)]


def _devices_named(tx: Transaction, names: Iterable[Name]) -> list[int]:
    return sorted({id_ for id_ in map(tx.device_named, names) if id_ is not None})
