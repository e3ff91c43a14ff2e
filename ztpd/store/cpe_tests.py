"""The tests that a job waits for: begun when network and CPE are confirmed, judged when the last of them is in.

Their results are evidence of the job, and so are those of tests that somebody asks for while a job is open. The job
stays in ``verifying`` meanwhile; its due time is when nobody waits any longer.
"""

from datetime import timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter

from ztpd.domain.cpe_tasks import TASK, Diagnose
from ztpd.domain.diagnostics import Report, Trouble, WantedTest, judge
from ztpd.domain.failures import Code, Failure
from ztpd.domain.identity import names_of_allocation
from ztpd.domain.lifecycle import JobEvent, JobState
from ztpd.domain.planning import wanted_tests
from ztpd.domain.profile import Profile
from ztpd.store import allocations, closing, cpe_task_rows, evidence
from ztpd.store.rows import Job
from ztpd.store.times import from_text, to_text
from ztpd.store.transaction import Row, Transaction

ACTOR = "ztpd"

SLACK = timedelta(seconds=60)
"""How much longer a job waits than its tests."""

_REPORT: TypeAdapter[Report] = TypeAdapter(Report)


def verified(tx: Transaction, job: Job, profile: Profile) -> Job:
    """Network and CPE are confirmed: the job ends its verification, or waits for the tests of its profile."""
    try:
        wanted = wanted_tests(job.body, profile)
    except ValueError as error:
        return _fail(tx, job, [Failure(Code.PROFILE_MISSING, f"diagnostics: {str(error).splitlines()[0]}")])
    if not wanted:
        return closing.verified(tx, job, profile)
    rows = tx.all("cpe_tests_of_job", job=job.id, attempt=job.attempt)
    return _judged(tx, job, profile, rows) if rows else _begin(tx, job, profile, wanted)


def _begin(tx: Transaction, job: Job, profile: Profile, wanted: list[tuple[WantedTest, Any]]) -> Job:
    device = _device(tx, job)
    if device is None:
        return _fail(tx, job, [Failure(Code.DEVICE_MISSING, "the job's cpe is no device that was heard of")])
    patience = timedelta(seconds=profile.cpe_timeout_s + sum(terms.timeout_s for terms, _ in wanted))
    for terms, test in wanted:
        cpe_task_rows.add(
            tx,
            device,
            Diagnose(test=test),
            ACTOR,
            job=job.id,
            attempt=job.attempt,
            terms=terms.model_dump_json(),
            patience=patience,
        )
    # Nobody works on the job now: the tests end by then, each for a reason of its own.
    tx.run("await_cpe", id=job.id, due_at=to_text(tx.now + patience + SLACK))
    waiting = tx.job(job.id)
    tx.tell(waiting, "job.testing", tests=[test.test for _, test in wanted])
    return waiting


def _device(tx: Transaction, job: Job) -> int | None:
    allocated = job.body.device("cpe")
    names = names_of_allocation(allocated) if allocated is not None else frozenset()
    return next((device for device in map(tx.device_named, sorted(names)) if device is not None), None)


def awaits(tx: Transaction, row: Row) -> bool:
    """Whether the job that a test was begun for still waits for it."""
    job = tx.one("get_job", id=row["job"])
    return job is not None and job["state"] == JobState.VERIFYING and job["attempt"] == row["attempt"]


def last_moment(tx: Transaction, row: Row) -> str | None:
    """Until when the job of a test can wait for it; None where none does."""
    if not row["terms"] or not awaits(tx, row):
        return None
    due_at = tx.job(row["job"]).row["due_at"]
    return None if due_at is None else to_text(from_text(due_at) - SLACK)


def ended(tx: Transaction, row: Row) -> None:
    """A test is over: what it came to is evidence of the job that waits for it, or is open for the device."""
    if row["terms"]:
        if awaits(tx, row):
            _tell(tx, tx.job(row["job"]), row)
            _go_on(tx, tx.job(row["job"]))
        return
    for job in _open_jobs(tx, row["device"]):
        _tell(tx, job, row)


def _open_jobs(tx: Transaction, device: int) -> list[Job]:
    """The job that holds a device; that it has the device in two roles counts once."""
    return list({job.id: job for _, job in allocations.holder_of(tx, device)}.values())


def _tell(tx: Transaction, job: Job, row: Row) -> None:
    facts = {"device": row["device"], "task": row["id"], "by": row["actor"], **shown(row)}
    evidence.write(tx, job, "diagnostics", facts)
    tx.tell(job, "job.tested", **facts)


def shown(row: Row) -> dict[str, Any]:
    """What a test was and came to, as plain values."""
    task = TASK.validate_json(row["body"])
    assert isinstance(task, Diagnose)
    result = orjson.loads(row["result"])
    return {
        "test": task.test.test,
        "arguments": task.test.arguments,
        "readings": result.get("readings", []),
        "rows": result.get("rows", []),
        "fault": row["fault"],
    }


def _go_on(tx: Transaction, job: Job) -> None:
    """The job may have all that it waited for."""
    profile = tx.profiles.get(job.body.profile)
    rows = tx.all("cpe_tests_of_job", job=job.id, attempt=job.attempt)
    if profile is None:
        _fail(tx, job, [Failure(Code.PROFILE_MISSING, f"profile {job.body.profile} is not known any more")])
    else:
        _judged(tx, job, profile, rows)


def _judged(tx: Transaction, job: Job, profile: Profile, rows: list[Row]) -> Job:
    """Once every test is in, the job goes on or fails; until then it waits."""
    if any(row["ended_at"] is None for row in rows):
        return job
    vouched = orjson.loads(job.row["vouched"])
    judged = (judge(WantedTest.model_validate_json(row["terms"]), _came_to(row), vouched) for row in rows)
    failures = [failure for failure in judged if failure is not None]
    return _fail(tx, job, failures) if failures else closing.verified(tx, job, profile)


def _came_to(row: Row) -> Report | Trouble:
    if row["state"] == "done":
        return _REPORT.validate_json(row["result"])
    return Trouble(kind=row["trouble"] or "failed", words=row["fault"] or row["state"])


def _fail(tx: Transaction, job: Job, failures: list[Failure]) -> Job:
    return tx.move_job(job, JobEvent.ATTEMPT_FAILED, failures=failures)


def overdue(tx: Transaction, job: Job) -> Failure | None:
    """Why a job that waited too long has no result of its tests; None when it waits for none."""
    waiting = [row for row in tx.all("cpe_tests_of_job", job=job.id, attempt=job.attempt) if row["ended_at"] is None]
    if not waiting:
        return None
    tests = ", ".join(shown(row)["test"] for row in waiting)
    told = any(row["state"] == "given" for row in waiting)
    why = "the CPE showed no result in time" if told else "the CPE did not inform in time"
    return Failure(Code.TIMEOUT if told else Code.CPE_SILENT, f"{tests}: {why}")
