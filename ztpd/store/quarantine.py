"""Intentions of a person who looks at quarantine: give a device to a job, or hear no more of it; both are audited."""

import json
from typing import Literal

from ztpd.domain.identity import Kind
from ztpd.domain.lifecycle import DeviceState
from ztpd.domain.model import AllocatedDevice
from ztpd.store import devices, orders
from ztpd.store.rows import Job
from ztpd.store.transaction import Refused, Row, Transaction, Unknown

Role = Literal["ont", "cpe"]


def allocate_quarantined(tx: Transaction, device: int, job: str, role: Role | None, actor: str) -> Job:
    """Set a quarantined device aside for a job, in the place of whatever the job had in this role.

    The job goes on at once where the device is present in its place. Raises ``Unknown`` and ``Refused``.
    """
    row = _quarantined(tx, device)
    allocated = _as_allocated(tx, row, role)
    changed = orders.allocate_device(tx, job, allocated)
    audit(tx, actor, "device.allocate", f"device/{device}", job=job, **allocated.model_dump(exclude_none=True))
    return changed


def ignore_device(tx: Transaction, device: int, reason: str, actor: str) -> None:
    """Leave a device out of quarantine's list until it is held for another reason. Raises ``Unknown``, ``Refused``."""
    row = _quarantined(tx, device)
    if row["ignored_at"] is None:
        tx.run("ignore_device", id=device, now=tx.now_text)
    audit(tx, actor, "device.ignore", f"device/{device}", reason=reason, held_for=row["reason"])


def audit(tx: Transaction, actor: str, action: str, subject: str, **detail: object) -> None:
    """Keep who did what to what by hand; it is never changed."""
    tx.run("add_audit", actor=actor, action=action, subject=subject, detail=json.dumps(detail), now=tx.now_text)


def _quarantined(tx: Transaction, device: int) -> Row:
    row = tx.one("get_device", id=device)
    if row is None:
        raise Unknown("device", str(device))
    if row["state"] != DeviceState.QUARANTINED:
        raise Refused(f"device {device} is {row['state']}, not quarantined", "look at GET /v1/quarantine again")
    return row


def _as_allocated(tx: Transaction, row: Row, role: Role | None) -> AllocatedDevice:
    """The device as an order names it, by the strongest of its names that fits the role."""
    named = {name.kind: name.value for name in sorted(devices.names_of(tx, row["id"]), reverse=True)}
    if Kind.PON in named and role in {"ont", None}:
        return AllocatedDevice(role="ont", serial=named[Kind.PON])
    if Kind.CWMP in named and role != "ont":
        oui, _, serial = named[Kind.CWMP].partition("-")
        return AllocatedDevice(role="cpe", oui=oui, serial=serial)
    if Kind.MAC in named:
        return AllocatedDevice(role=role or "cpe", mac=named[Kind.MAC])
    raise Refused(f"device {row['id']} has no name that fits an {role}", "allocate it by PUT of the job")
