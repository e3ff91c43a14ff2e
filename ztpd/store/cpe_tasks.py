"""What a CPE was asked for is given to it, done or failed, or given up when it never comes.

A task is ``due`` until the CPE is given it. What takes more than one session (a test) is ``given`` then, and looked
after in each later session until it ends; a transfer, until the CPE tells that it is over. Every step counts a turn,
which is part of the work's id: an outcome that is told twice, as after a crash, counts once.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import orjson
import structlog
from pydantic import ValidationError

from ztpd.domain.cpe import Cause, CpeFacts, CpeOutcome, CpeWork, FaultKind, spoken
from ztpd.domain.cpe_tasks import TASK, Collect, Diagnose, Task, masked
from ztpd.domain.diagnostics import WantedTest
from ztpd.store import cpe_handover, cpe_tests, transfer_tasks
from ztpd.store.cpe_task_rows import PATIENCE
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction
from ztpd.store.transfer_tasks import Ending

log = structlog.get_logger()

MAX_TRIES: Final = 3
"""How often a test is begun that the CPE forgot by a restart."""

TEST_PATIENCE: Final = timedelta(hours=2)
"""How long the result of a test that somebody asked for is waited for; a job's says itself."""

LOOK_AFTER: Final = timedelta(seconds=120)
"""When a CPE that was told to test and has not informed since is asked to: by then, that session is over."""

MAX_RESULT: Final = 64 * 1024

_TROUBLES: Mapping[FaultKind, str] = {
    FaultKind.UNABLE: "unable",
    FaultKind.UNKNOWN_INTENT: "unable",
    FaultKind.UNKNOWN_MODEL: "unable",
}


def work_of(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What a CPE is to do next of what it was asked for: results of what it was given before, then what is due.

    It does one test at a time. What it refuses for the moment holds up nothing else.
    """
    rows = [row for row in tx.all("open_cpe_tasks", device=cpe["device"]) if not _is_over(tx, row)]
    testing = [row for row in rows if row["state"] == "given" and row["kind"] == "diagnose"]
    ready = [row for row in testing if row["session"] != cpe["session"] or row["due_at"] <= tx.now_text]
    due = [row for row in rows if row["state"] == "due" and row["due_at"] <= tx.now_text]
    due = [row for row in due if not transfer_tasks.waits(tx, row)]
    # First what a job waits for: a technician waits with it.
    ready += sorted(
        (row for row in due if not (testing and row["kind"] == "diagnose")), key=lambda row: not row["terms"]
    )
    first = min(ready, key=lambda row: bool(row["fault"]), default=None)
    if first is None:
        return None
    return CpeWork(cpe["device"], Cause.ASKED, _id_of(first), cpe_handover.as_told(tx, _task(first)))


def _task(row: Row) -> Task:
    return Collect(test=_diagnose(row).test) if row["state"] == "given" else TASK.validate_json(row["body"])


def _id_of(row: Row) -> str:
    return f"{row['id']}.{row['turn']}" if row["turn"] else str(row["id"])


def put_off(tx: Transaction, work: CpeWork, fault: Row) -> None:
    """The CPE will be told again at ``fault["retry_at"]``; a job that waits for it shows why it does."""
    said = f"{fault['message']} (tried {fault['times']} times)"
    row = tx.one("put_off_cpe_task", id=int(work.id.partition(".")[0]), fault=said)
    if row is None or not row["terms"] or not cpe_tests.awaits(tx, row):
        return
    facts = {"test": _diagnose(row).test.test, "fault": fault["message"], "times": fault["times"]}
    tx.tell(tx.job(row["job"]), "job.cpe-faulted", **facts, retry_at=fault["retry_at"])


def _diagnose(row: Row) -> Diagnose:
    task = TASK.validate_json(row["body"])
    assert isinstance(task, Diagnose)
    return task


def _is_over(tx: Transaction, row: Row) -> bool:
    """Whether a task is not to be done any more: its time is over, or the job went on that waited for it."""
    try:
        TASK.validate_json(row["body"])
    except ValidationError as error:
        _shelve(tx, row, error)
        return True
    if row["expires_at"] is not None and row["expires_at"] <= tx.now_text:
        _give_up(tx, row)
        return True
    if row["terms"] and not cpe_tests.awaits(tx, row):
        end(tx, row, "cancelled", {}, "the job does not wait for it any more")
        return True
    obstacle = cpe_handover.obstacle(tx, row)
    if obstacle:
        end(tx, row, "failed", {}, obstacle, "failed")
    return bool(obstacle)


def record(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    """Keep what became of a task's work; what was kept before, or is over, stays as it is."""
    id_, _, turn = work.id.partition(".")
    row = tx.one("get_cpe_task", id=int(id_))
    if row is None or row["ended_at"] is not None or row["turn"] != int(turn or 0):
        return
    fault = outcome.fault
    if outcome.ok and outcome.pending:
        cpe = tx.one("get_cpe", device=work.device)
        session = "" if cpe is None else cpe["session"] or ""
        times = {"expires_at": _until(tx, row), "due_at": to_text(tx.now + LOOK_AFTER), "now": tx.now_text}
        tx.run("give_cpe_task", id=row["id"], session=session, **times)
    elif fault is not None and fault.kind is FaultKind.INTERRUPTED and row["tries"] + 1 < MAX_TRIES:
        expires_at = cpe_tests.last_moment(tx, row) or to_text(tx.now + PATIENCE)
        tx.run("begin_cpe_task_anew", id=row["id"], expires_at=expires_at, now=tx.now_text)
    elif outcome.ok and row["kind"] in transfer_tasks.KINDS:
        end_transfer(tx, row, transfer_tasks.ended(tx, row))
    elif outcome.ok:
        end(tx, row, "done", _result(outcome), "")
    else:
        words, kind = ("", FaultKind.CPE) if fault is None else (fault.words, fault.kind)
        end(tx, row, "failed", {}, words, _TROUBLES.get(kind, "failed"))


def _until(tx: Transaction, row: Row) -> str | None:
    """When a task is given up that a CPE has taken; what is neither test nor transfer is ended by whoever began it."""
    if row["state"] == "given":
        return str(row["expires_at"])
    if row["kind"] in transfer_tasks.KINDS:
        return transfer_tasks.until(tx, row)
    if row["kind"] != "diagnose":
        return None
    if not row["terms"]:
        return to_text(tx.now + TEST_PATIENCE)
    terms = WantedTest.model_validate_json(row["terms"])
    until = to_text(tx.now + timedelta(seconds=terms.timeout_s))
    return min(until, cpe_tests.last_moment(tx, row) or until)


def _result(outcome: CpeOutcome) -> dict[str, Any]:
    if outcome.report is not None:
        return asdict(outcome.report)
    shown: dict[str, str] = {}
    left = MAX_RESULT
    for path, text in masked(outcome.applied).items():
        left -= len(path) + len(text)
        if left < 0:
            return {"values": shown, "cut": True}
        shown[path] = text
    return {"values": shown}


def expire(tx: Transaction, limit: int) -> int:
    """Give up what its CPE did not come for, or showed no result of, in time; how many."""
    overdue = tx.all("overdue_cpe_tasks", now=tx.now_text, limit=limit)
    for row in overdue:
        _give_up(tx, row)
    for row in cpe_handover.confirm(tx, limit):
        end(tx, row, "done", {}, "")
    return len(overdue)


def _give_up(tx: Transaction, row: Row) -> None:
    given_up = tx.apart(lambda: _expire(tx, row))
    if isinstance(given_up, Exception):
        _shelve(tx, row, given_up)


def _shelve(tx: Transaction, row: Row, error: Exception) -> None:
    """Put aside a task that nothing can be done with, so that it harms only itself."""
    log.error("a task's record cannot be worked with", task=row["id"], exc_info=error)
    fault = f"unforeseen {type(error).__name__}; the log has it at {tx.now_text}"
    tx.one("end_cpe_task", id=row["id"], state="failed", result="{}", fault=fault, trouble="failed", now=tx.now_text)


def _expire(tx: Transaction, row: Row) -> None:
    if row["state"] == "given" and row["kind"] in transfer_tasks.KINDS:
        end_transfer(tx, row, transfer_tasks.overdue(tx, row))
        return
    why, trouble = _why_overdue(tx, row)
    end(tx, row, "failed", {}, why, trouble)


def _why_overdue(tx: Transaction, row: Row) -> tuple[str, str]:
    """Why nothing came of a task in its time: what is known of the CPE meanwhile, and the kind of trouble."""
    if row["fault"]:
        return row["fault"], "failed"
    if row["state"] == "given":
        return "the CPE showed no result in time", "timeout"
    others = (each for each in tx.all("open_cpe_tasks", device=row["device"]) if each["kind"] == "diagnose")
    busy = next((each["id"] for each in others if each["state"] == "given"), None)
    if busy is not None and row["kind"] == "diagnose":
        return f"the CPE was at another test all the time: task {busy}", "timeout"
    silent, asked = "the CPE did not inform in time", tx.one("cpe_waking", device=row["device"])
    if asked is None or asked["why"] != spoken(Cause.ASKED, str(row["id"])):
        return silent, "silent"
    return f"{silent}; asked to inform {asked['tries']} times, last: {asked['said']}", "silent"


def end(tx: Transaction, row: Row, state: str, result: Mapping[str, Any], fault: str, trouble: str = "") -> Row | None:
    text = orjson.dumps(result).decode()
    over = tx.one("end_cpe_task", id=row["id"], state=state, result=text, fault=fault, trouble=trouble, now=tx.now_text)
    if over is not None:
        tx.touched.add("cpe-tasks")
        if over["kind"] == "diagnose" and state != "cancelled":
            cpe_tests.ended(tx, over)
        if over["kind"] in transfer_tasks.KINDS:
            transfer_tasks.close(tx, over)
        if over["kind"] == cpe_handover.KIND:
            cpe_handover.ended(tx, over, result.get("values", {}))
    return over


def end_transfer(tx: Transaction, row: Row, ending: Ending) -> None:
    """End a task that had a CPE fetch or send a file."""
    end(tx, row, "failed" if ending.fault else "done", ending.result, ending.fault, ending.trouble)
