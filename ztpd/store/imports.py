"""Intentions of an import: devices that another ACS knows become known here, with their tags; no device is touched.

Each is taken apart from the others and repeating an import changes nothing more, so one that a kill cut off is simply
repeated.
"""

from collections.abc import Sequence

import structlog

from ztpd.domain.identity import Kind, Name, cwmp_names
from ztpd.domain.imports import MAX_TAGS, Imported, ImportedDevice, Outcome
from ztpd.domain.lifecycle import DeviceState
from ztpd.store import devices, quarantine
from ztpd.store.times import to_text
from ztpd.store.transaction import Refused, Transaction, Unknown

log = structlog.get_logger()


class _Contradicted(Exception):
    """One of the names is another device's; carries whose."""

    def __init__(self, others: tuple[int, ...]) -> None:
        self.others = others
        super().__init__()


def take_in(
    tx: Transaction, given: Sequence[tuple[int, ImportedDevice]], actor: str, *, dry_run: bool
) -> list[Imported]:
    """Take in each device, with its line; what was done, or refused, in order. A dry run undoes what it did."""
    return [_apart(tx, line, each, actor, dry_run) for line, each in given]


def _apart(tx: Transaction, line: int, each: ImportedDevice, actor: str, dry_run: bool) -> Imported:
    match tx.apart(lambda: _take_in(tx, line, each, actor), dry_run=dry_run):
        case Imported() as found:
            return found
        case Refused(problem=problem, remedy=remedy):
            return Imported(Outcome.REFUSED, line, each.known_by, problem=problem, remedy=remedy)
        case error:
            log.error("a device cannot be imported", device=each.known_by, exc_info=error)
            problem = f"unforeseen {type(error).__name__}: the log has it"
            return Imported(Outcome.REFUSED, line, each.known_by, problem=problem, remedy="tell whoever runs ztpd")


def _take_in(tx: Transaction, line: int, each: ImportedDevice, actor: str) -> Imported:
    serial_names = frozenset(cwmp_names(each.oui, each.serial))
    macs = frozenset(Name(Kind.MAC, mac) for mac in each.macs)
    owners = {name: tx.device_named(name) for name in serial_names | macs}
    device, remark = _recognised(tx, each, serial_names, macs)
    learnt = any(owners[name] != device for name in (serial_names | macs) & devices.names_of(tx, device))
    told = _keep(tx, device, each)
    tags = add_tags(tx, device, each.tags)
    if device not in owners.values():
        outcome = Outcome.IMPORTED
    else:
        outcome = Outcome.UPDATED if learnt or told or tags else Outcome.UNCHANGED
    if outcome is not Outcome.UNCHANGED:
        quarantine.audit(tx, actor, "device.import", f"device/{device}", source=each.source, tags=tags)
    return Imported(outcome, line, each.known_by, device, tuple(tags), remark)


def _recognised(
    tx: Transaction, each: ImportedDevice, serials: frozenset[Name], macs: frozenset[Name]
) -> tuple[int, str]:
    """The device that the names mean, and what of them was left where it is. Raises ``Refused``.

    A serial outweighs an address: what is another device's address, as after a change of network cards or by a data
    model that shows the same for all, stays there.
    """
    found = tx.apart(lambda: _without_contradiction(tx, serials | macs, each.source))
    if isinstance(found, int):
        return found, ""
    if not isinstance(found, _Contradicted):
        raise found
    others = ", ".join(f"device {other}" for other in found.others)
    alone = tx.apart(lambda: _without_contradiction(tx, serials, each.source))
    if isinstance(alone, int):
        return alone, f"its MAC addresses are left out: one is of {others}"
    if not isinstance(alone, _Contradicted):
        raise alone
    raise Refused(f"one of its serial numbers is of {others}", "find out which is right: GET /v1/devices/{id}")


def _without_contradiction(tx: Transaction, names: frozenset[Name], source: str) -> int:
    found = devices.recognise(tx, names, source, DeviceState.EXPECTED)
    if found.contradiction:
        raise _Contradicted(found.contradiction)
    return found.device


def _keep(tx: Transaction, device: int, each: ImportedDevice) -> bool:
    """Keep what the other ACS knows; whether that is anything new."""
    told: dict[str, object] = {
        **{name: getattr(each, name) for name in ("source", "manufacturer", "oui", "product_class", "serial")},
        "software_version": each.software_version,
        "hardware_version": each.hardware_version,
        "connection_request_url": each.connection_request.url,
        "username": each.connection_request.username,
        "password": each.connection_request.password,
        "registered_at": None if each.registered_at is None else to_text(each.registered_at),
        "informed_at": None if each.informed_at is None else to_text(each.informed_at),
    }
    row = tx.one("cpe_import", device=device)
    if row is not None and all(row[name] == value for name, value in told.items()):
        return False
    tx.run("put_cpe_import", device=device, now=tx.now_text, **told)
    return True


def add_tags(tx: Transaction, device: int, tags: Sequence[str]) -> list[str]:
    """Give a device tags beside those that it has; which are new. Raises ``Refused`` when they are too many."""
    had = {row["tag"] for row in tx.all("tags_of_device", device=device)}
    new = [tag for tag in dict.fromkeys(tags) if tag not in had]
    if len(had) + len(new) > MAX_TAGS:
        raise Refused(f"it would have {len(had) + len(new)} tags", f"remove some: a device has at most {MAX_TAGS}")
    for tag in new:
        tx.run("add_tag", device=device, tag=tag)
    return new


def set_tags(tx: Transaction, device: int, tags: Sequence[str], actor: str) -> None:
    """Give a device these tags and no others; audited. Raises ``Unknown``."""
    if tx.one("get_device", id=device) is None:
        raise Unknown("device", str(device))
    wanted = sorted(set(tags))
    if wanted == sorted(row["tag"] for row in tx.all("tags_of_device", device=device)):
        return
    tx.run("drop_tags", device=device)
    add_tags(tx, device, wanted)
    quarantine.audit(tx, actor, "device.tags", f"device/{device}", tags=wanted)


def credentials_of(tx: Transaction, device: int) -> tuple[str, str] | None:
    """User and password by which the other ACS asked a device to inform; None when none were imported."""
    row = tx.one("cpe_import", device=device)
    return None if row is None or not row["password"] else (row["username"], row["password"])
