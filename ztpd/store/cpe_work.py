"""What a CPE must do next, cause by cause in the order of their weight, and what its outcome means for each."""

from collections.abc import Callable, Mapping

import orjson

from ztpd.domain.cpe import Cause, CpeFacts, CpeOutcome, CpeWork
from ztpd.domain.cpe_tasks import TASK, Configure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.planning import wanted_cpe
from ztpd.store import allocations, attempts, devices
from ztpd.store.attempts import CpeResult
from ztpd.store.transaction import Row, Transaction


def next_work(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What a proven CPE must do next; None when nothing. ``facts`` are of its last Inform."""
    for find in WANTED.values():
        work = find(tx, cpe, facts)
        if work is not None:
            return work
    return None


def ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome, cpe: Row | None) -> None:
    """Keep what became of a CPE's work; ``cpe`` is its row, None when it is no device of its own any more."""
    if cpe is not None and outcome.instances is not None:
        text = orjson.dumps(dict(outcome.instances)).decode()
        tx.run("put_cpe_model", **_model(cpe), instances=text, now=tx.now_text)
    ENDED[work.cause](tx, work, outcome)


def instances_of(tx: Transaction, cpe: Row) -> Mapping[str, int] | None:
    """The instance numbers that were found on the CPE's model; None when none were."""
    row = tx.one("cpe_model", **_model(cpe))
    return None if row is None else orjson.loads(row["instances"])


def _model(cpe: Row) -> dict[str, str]:
    return {name: cpe[name] for name in ("manufacturer", "product_class", "software_version")}


def _of_job(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What the job that expects this CPE has it configured with."""
    for role, job in allocations.holder(tx, devices.names_of(tx, cpe["device"])):
        at_work = job.state in {JobState.APPLYING, JobState.VERIFYING}
        profile = tx.profiles.get(job.body.profile)
        if role == "cpe" and at_work and job.cpe_confirmed_at is None and profile is not None:
            task = Configure(values=wanted_cpe(job.body, profile))
            return CpeWork(cpe["device"], Cause.JOB, job.id, task, instances_of(tx, cpe))
    return None


def _asked(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What somebody asked of this CPE."""
    row = tx.one("due_cpe_task", device=cpe["device"], now=tx.now_text)
    if row is None:
        return None
    return CpeWork(cpe["device"], Cause.ASKED, str(row["id"]), TASK.validate_json(row["body"]), instances_of(tx, cpe))


def _job_ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    fault = "" if outcome.fault is None else outcome.fault.words
    attempts.record_cpe(tx, work.id, CpeResult(outcome.ok, dict(outcome.applied), fault))


def _asked_ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    task = int(work.id)
    if outcome.ok and outcome.pending:
        tx.run("give_cpe_task", id=task, now=tx.now_text)
        return
    tx.run(
        "end_cpe_task",
        id=task,
        state="done" if outcome.ok else "failed",
        result=orjson.dumps(dict(outcome.applied)).decode(),
        fault="" if outcome.fault is None else outcome.fault.words,
        now=tx.now_text,
    )


WANTED: Mapping[Cause, Callable[[Transaction, Row, CpeFacts], CpeWork | None]] = {
    Cause.JOB: _of_job,
    Cause.ASKED: _asked,
}
"""Who says what a CPE must do, the weightiest first."""

ENDED: Mapping[Cause, Callable[[Transaction, CpeWork, CpeOutcome], None]] = {
    Cause.JOB: _job_ended,
    Cause.ASKED: _asked_ended,
}
"""Who keeps what became of it."""
