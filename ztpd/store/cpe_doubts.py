"""Informs that prove nothing of the device they speak of: heard, shown to operators, and nothing else.

Whoever sends them must not move a device that is expected or bound, take its address or its names, nor fill the
database.
"""

from dataclasses import replace

import orjson

from ztpd.domain import identity
from ztpd.domain.cpe import Doubt
from ztpd.domain.lifecycle import DeviceState
from ztpd.domain.sighting import Sighting
from ztpd.store import allocations, devices
from ztpd.store.rows import SIGHTING
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

KEPT_DEVICES = 1000
"""How many devices are kept that were only ever heard so: the ones heard last."""

REASONS = frozenset({Doubt.UNPROVEN.value, Doubt.MISMATCH.value})
"""What such a device is in quarantine for."""

_FORGOTTEN_AT_ONCE, _LONGEST = 50, 128


def hear(tx: Transaction, sighting: Sighting, doubt: Doubt, detail: str) -> None:
    """Keep that somebody said that he is a device, and why it is doubted; nothing that means no device at all."""
    told = {name: text[:_LONGEST] for name, text in sighting.details.items()}
    heard = replace(sighting, trusted=False, details={**told, "doubt": doubt.value, "because": detail})
    name = next(iter(identity.names_of_sighting(heard)), None)
    said = f"{heard.oui}{heard.cwmp_serial}"
    if name is None or not heard.oui or not heard.cwmp_serial or len(said) > _LONGEST:
        return
    device = tx.device_named(name)
    row = _add(tx, name, doubt) if device is None else devices.row_of(tx, device)
    if device is not None and _is_only_doubted(row):
        tx.run("doubt_device", id=device, reason=doubt.value, seen_at=tx.now_text)
    if _write(tx, heard, row, doubt) and not _is_only_doubted(row):
        tx.tell_of_device(row, "device.doubted", code=doubt.value, why=doubt.words, detail=detail, ip=sighting.ip)


def _is_only_doubted(row: Row) -> bool:
    return row["state"] == DeviceState.QUARANTINED and row["reason"] in REASONS


def _add(tx: Transaction, name: identity.Name, doubt: Doubt) -> Row:
    row = tx.one("add_doubted_device", reason=doubt.value, seen_at=tx.now_text)
    assert row is not None
    tx.run("add_name", kind=name.kind, value=name.value, device=row["id"], source="cwmp", now=tx.now_text)
    for old in tx.all("doubted_devices_beyond", kept=KEPT_DEVICES, limit=_FORGOTTEN_AT_ONCE):
        for table in ("drop_names", "drop_sightings", "drop_device"):
            tx.run(table, device=old["id"])
    return row


def _write(tx: Transaction, heard: Sighting, row: Row, doubt: Doubt) -> bool:
    """Keep the sighting, one a device and doubt; whether it is the first."""
    body = SIGHTING.dump_python(heard, mode="json", exclude_none=True, exclude={"heard_at"})
    text, verdict, heard_at = orjson.dumps(body).decode(), f"{doubt}: {doubt.words}", to_text(heard.heard_at)
    same = tx.one("doubted_sighting", device=row["id"], verdict=verdict)
    if same is not None:
        tx.run("repeat_doubted_sighting", id=same["id"], body=text, heard_at=heard_at)
        return False
    held = allocations.holder_of(tx, row["id"])
    tx.run(
        "add_sighting",
        device=row["id"],
        job=held[0][1].id if held else None,
        source=heard.source,
        element=None,
        port=None,
        body=text,
        verdict=verdict,
        heard_at=heard_at,
    )
    return True
