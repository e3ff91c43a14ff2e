"""Intentions about transfers: a CPE tells that one is over, a file arrived, old files make room."""

from datetime import timedelta

from ztpd.domain import firmware
from ztpd.domain.cpe import Cause
from ztpd.store import cpe_firmware, cpe_tasks, transfer_tasks
from ztpd.store.times import from_text
from ztpd.store.transaction import Row, Transaction
from ztpd.store.transfer_grants import Grant

TRANSFER_COMPLETE = "TransferComplete"


def record_notice(tx: Transaction, session: str, method: str, command_key: str, fault: tuple[int, str]) -> None:
    """Keep what a CPE told of itself in the session whose token has this hash; what concerns no transfer is let go.

    ``fault`` is its code and text; the code is 0 when all went well. Some CPEs leave the key out: it is that of the
    one transfer they have under way.
    """
    cpe = tx.one("cpe_whose_session", session=session)
    if cpe is None or method != TRANSFER_COMPLETE:
        return
    cause, _, id_ = (command_key or _only_key(tx, cpe)).partition("-")
    words = firmware.fault_words(*fault) if fault[0] else ""
    if cause == Cause.FIRMWARE:
        cpe_firmware.transferred(tx, cpe["device"], id_, words)
    elif cause == Cause.ASKED and id_.isdecimal():
        _asked_over(tx, cpe, int(id_[:18]), words)


def _only_key(tx: Transaction, cpe: Row) -> str:
    """The key of the transfer that a CPE has under way; none when there are more or none."""
    row = tx.one("cpe_firmware", device=cpe["device"])
    at_it = row is not None and row["ended_at"] is None
    keys = [cpe_firmware.key(row)] if row is not None and at_it else []
    tasks = tx.all("open_cpe_tasks", device=cpe["device"])
    given = (task for task in tasks if task["state"] == "given" and task["kind"] in transfer_tasks.KINDS)
    keys += map(transfer_tasks.key, given)
    return keys[0] if len(keys) == 1 else ""


def _asked_over(tx: Transaction, cpe: Row, id_: int, fault: str) -> None:
    row = tx.one("get_cpe_task", id=id_)
    if row is None or row["device"] != cpe["device"] or row["kind"] not in transfer_tasks.KINDS:
        return
    if row["ended_at"] is None:
        cpe_tasks.end_transfer(tx, row, transfer_tasks.ended(tx, row, fault))


def received(tx: Transaction, grant: Grant, size: int, sha256: str) -> None:
    """A CPE sent the file that it was asked for; its TransferComplete ends the task."""
    task = int(grant.command_key.partition("-")[2].partition(".")[0])
    what = grant.file.rpartition("-")[2]
    tx.run(
        "put_cpe_upload",
        device=grant.device,
        task=task,
        what=what,
        file=grant.file,
        size=size,
        sha256=sha256,
        now=tx.now_text,
    )


def uploads_to_drop(tx: Transaction, days: float, total_bytes: int) -> list[str]:
    """Forget uploads that are older than so many days, or beyond so many bytes, the oldest first; their files."""
    dropped, kept = [], 0
    for row in tx.all("all_cpe_uploads"):
        kept += row["size"]
        if kept > total_bytes or from_text(row["received_at"]) + timedelta(days=days) < tx.now:
            kept -= row["size"]
            tx.run("drop_cpe_upload", id=row["id"])
            dropped.append(row["file"])
    return dropped
