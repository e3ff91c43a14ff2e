"""What a CPE must do next, cause by cause in the order of their weight, and what its outcome means for each."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import orjson

from ztpd.domain.cpe import Cause, CpeFacts, CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Configure
from ztpd.domain.planning import wanted_cpe
from ztpd.domain.profile import without_secrets
from ztpd.store import (
    allocations,
    attempts,
    cpe_drift,
    cpe_faults,
    cpe_firmware,
    cpe_handover,
    cpe_secrets,
    cpe_tasks,
    transfer_grants,
)
from ztpd.store.attempts import CpeResult
from ztpd.store.transaction import Row, Superseded, Transaction

MOST_MODELS = 1000
"""Of how many models and versions it is kept where their instances are; those found longest ago are found anew."""


def next_work(tx: Transaction, cpe: Row, facts: CpeFacts, idle: Collection[Cause] = ()) -> CpeWork | None:
    """What a proven CPE must do next; None when nothing. ``facts`` are of its last Inform.

    ``idle`` are causes that are known to want nothing of it.
    """
    if cpe_handover.is_away(tx, cpe):
        return None
    faults = cpe_faults.of(tx, cpe)
    for cause, find in WANTED.items():
        work = None if cause in idle else find(tx, cpe, facts)
        if not cpe_faults.holds_back(tx, faults, cpe, cause, work) and work is not None:
            return _told_before(work, faults.get(cause))
    return None


def _told_before(work: CpeWork, fault: Row | None) -> CpeWork:
    """The work as it is for a CPE that took it before and only has not shown yet that it works."""
    unsettled = fault is not None and (fault["work"], fault["kind"]) == (work.id, FaultKind.UNSETTLED.value)
    if not unsettled or not isinstance(work.task, Configure):
        return work
    return replace(work, task=work.task.model_copy(update={"told": True}))


def give_work(tx: Transaction, cpe: Row, facts: CpeFacts, idle: Collection[Cause] = ()) -> CpeWork | None:
    """What a proven CPE is told to do next, as it is told it; keeps what must be kept before it is. None when nothing.

    ``next_work`` only looks.
    """
    work = next_work(tx, cpe, facts, idle)
    return None if work is None else give(tx, cpe, work)


def give(tx: Transaction, cpe: Row, work: CpeWork) -> CpeWork:
    """The work that ``next_work`` found, as its CPE is told it; keeps what must be kept before it is."""
    if work.cause is Cause.FIRMWARE:
        cpe_firmware.give(tx, work, cpe)
    cpe_handover.told(tx, work)
    return transfer_grants.granted(tx, work)


def ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome, cpe: Row | None) -> bool:
    """Keep what became of a CPE's work; whether it is over. Else it is tried again later.

    ``cpe`` is its row, None when it is no device of its own any more.
    """
    if cpe is not None and outcome.instances is not None:
        text = orjson.dumps(dict(outcome.instances)).decode()
        tx.run("put_cpe_model", **_model(cpe), instances=text, now=tx.now_text)
        tx.run("forget_cpe_models", newer=MOST_MODELS - 1)
    outcome = cpe_drift.as_seen(work, outcome)
    if outcome.fault is not None:
        cpe_handover.not_taken(tx, work, outcome.fault)
        outcome = replace(outcome, fault=_shown(tx, work, outcome.fault))
    if _may_pass(tx, work, outcome, cpe):
        return False
    ENDED[work.cause](tx, work, outcome)
    return True


def _may_pass(tx: Transaction, work: CpeWork, outcome: CpeOutcome, cpe: Row | None) -> bool:
    """Keep a fault, or that there is none any more; whether the work is to be tried again."""
    if work.cause is Cause.FIRMWARE:  # which counts its own failures, for they stop more than one CPE
        return False
    if outcome.fault is None:
        if cpe is not None and cpe["faulty"]:
            cpe_faults.clear(tx, work.device, work.cause)
        return False
    noted = cpe_faults.note(tx, work, outcome.fault)
    if noted is not None and work.cause is Cause.JOB:
        _tell_put_off(tx, work, noted)
    elif noted is not None and work.cause is Cause.ASKED:
        cpe_tasks.put_off(tx, work, noted)
    return noted is not None


def _shown(tx: Transaction, work: CpeWork, fault: CpeFault) -> CpeFault:
    """The fault without the secrets of the work's job or service, which some CPEs quote."""
    if work.cause is Cause.DRIFT:
        return replace(fault, message=cpe_drift.masked(tx, work.device, fault.message))
    if work.cause is not Cause.JOB:
        return fault
    job = tx.job(work.id)
    profile = tx.profiles.get(job.body.profile)
    text = fault.message if profile is None else without_secrets(profile, job.body.parameters, fault.message)
    return replace(fault, message=text)


def instances_of(tx: Transaction, cpe: Row) -> Mapping[str, int] | None:
    """The instance numbers that were found on the CPE's model; None when none were."""
    row = tx.one("cpe_model", **_model(cpe))
    return None if row is None else orjson.loads(row["instances"])


def _model(cpe: Row) -> dict[str, str]:
    return {name: cpe[name] for name in ("manufacturer", "oui", "product_class", "software_version")}


def _of_job(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What the job that expects this CPE has it configured with."""
    for role, job in allocations.holder_of(tx, cpe["device"]):
        at_work = job.state in attempts.AT_WORK
        profile = tx.profiles.get(job.body.profile)
        if role == "cpe" and at_work and job.cpe_confirmed_at is None and profile is not None:
            wanted = wanted_cpe(job.body, profile)
            task = Configure(values=cpe_secrets.with_secrets(tx, cpe, facts, wanted))
            return CpeWork(cpe["device"], Cause.JOB, job.id, task, instances_of(tx, cpe))
    return None


def _asked(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What somebody, or a job that waits for tests, asked of this CPE."""
    work = cpe_tasks.work_of(tx, cpe, facts)
    return None if work is None else replace(work, instances=instances_of(tx, cpe))


def _drifted(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What a CPE must show, or become again, because it may not be any more what its service wants."""
    work = cpe_drift.wanted(tx, cpe, facts)
    return None if work is None else replace(work, instances=instances_of(tx, cpe))


def _job_ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    fault = "" if outcome.fault is None else outcome.fault.words
    # A job that went on without its CPE meanwhile (it was cancelled, or given another) is not the CPE's fault.
    with contextlib.suppress(Superseded):
        attempts.record_cpe(tx, work.id, CpeResult(outcome.ok, dict(outcome.applied), fault))
        if outcome.ok:
            cpe_drift.configured(tx, work.device, work.id)


def _tell_put_off(tx: Transaction, work: CpeWork, fault: Row) -> None:
    """The job goes on waiting for its CPE, and shows why."""
    job = tx.job(work.id)
    if job.state in attempts.AT_WORK:
        facts = {"fault": fault["message"], "times": fault["times"], "retry_at": fault["retry_at"]}
        tx.tell(job, "job.cpe-faulted", **facts)


WANTED: Mapping[Cause, Callable[[Transaction, Row, CpeFacts], CpeWork | None]] = {
    Cause.JOB: _of_job,
    Cause.SECRET: cpe_secrets.wanted,
    Cause.ASKED: _asked,
    Cause.FIRMWARE: cpe_firmware.wanted,
    Cause.DRIFT: _drifted,
}
"""Who says what a CPE must do, the weightiest first."""

ENDED: Mapping[Cause, Callable[[Transaction, CpeWork, CpeOutcome], None]] = {
    Cause.JOB: _job_ended,
    Cause.SECRET: cpe_secrets.ended,
    Cause.ASKED: cpe_tasks.record,
    Cause.FIRMWARE: cpe_firmware.told,
    Cause.DRIFT: cpe_drift.ended,
}
"""Who keeps what became of it, once it was done or has failed for good."""
