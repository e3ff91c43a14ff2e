"""How a task ends that has a CPE fetch or send a file: what our file server saw counts beside what the CPE says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ztpd.domain.cpe import Cause, key_of
from ztpd.domain.cpe_tasks import TASK, Download, Upload
from ztpd.store import transfer_grants
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

KINDS = frozenset({"download", "upload"})


@dataclass(frozen=True, slots=True)
class Ending:
    """What a task came to; ``fault`` is empty when all went well."""

    result: Mapping[str, Any]
    fault: str = ""
    trouble: str = ""


def under_way(tx: Transaction, device: int) -> bool:
    """Whether a CPE is at a transfer that somebody asked for: a restart would break it off."""
    tasks = tx.all("open_cpe_tasks", device=device)
    return any(task["state"] == "given" and task["kind"] in KINDS for task in tasks)


def waits(tx: Transaction, row: Row) -> bool:
    """Whether a task is a transfer that has to wait until its CPE is upgraded, for that ends in a restart."""
    if row["kind"] not in KINDS:
        return False
    upgrade = tx.one("cpe_firmware", device=row["device"])
    return upgrade is not None and upgrade["ended_at"] is None


def until(tx: Transaction, row: Row) -> str:
    """When nothing is waited for any more of a transfer that a CPE has taken."""
    return to_text(tx.now + timedelta(seconds=_task(row).timeout_s))


def ended(tx: Transaction, row: Row, fault: str = "") -> Ending:
    """The CPE says that it is through, or why it is not."""
    upload = tx.one("cpe_upload_of_task", task=row["id"])
    if row["kind"] == "upload" and upload is None:
        fault = fault or "the CPE says that it sent the file, and nothing arrived"
    reason = transfer_grants.refusal(tx, row["device"], key(row)) if fault else ""
    shown = {} if upload is None else {"upload": str(upload["id"]), "size": str(upload["size"])}
    return Ending({"values": shown}, f"{fault}; {reason}" if reason else fault, "failed" if fault else "")


def overdue(tx: Transaction, row: Row) -> Ending:
    """The CPE said nothing in time: a file that is here is here, and some models never say anything."""
    task = _task(row)
    silent = isinstance(task, Download) and task.succeeds_on_timeout
    if silent or tx.one("cpe_upload_of_task", task=row["id"]) is not None:
        return ended(tx, row)
    late = ended(tx, row, f"no TransferComplete came within {task.timeout_s:g} s")
    return Ending(late.result, late.fault, "timeout")


def close(tx: Transaction, row: Row) -> None:
    """A task is over, and so are its one-time URLs."""
    transfer_grants.end(tx, row["device"], key(row))


def key(row: Row) -> str:
    """What the CPE calls the transfer."""
    return key_of(Cause.ASKED, str(row["id"]))


def _task(row: Row) -> Download | Upload:
    task = TASK.validate_json(row["body"])
    assert isinstance(task, Download | Upload)
    return task
