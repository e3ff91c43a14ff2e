"""Intentions of the provisioner and the ACS: an attempt starts, writes, is confirmed, is put off or fails."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from drivers.access import Levels, ObservedAccess, WantedAccess
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import SERVICE, JobEvent, JobState, ServiceEvent, advance
from ztpd.domain.planning import missing_legs, wanted_access, wanted_cpe
from ztpd.domain.profile import Profile, Value, without_secrets
from ztpd.store import devices, settling
from ztpd.store.rows import Job, failures_to_text, service_state_of
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Superseded, Transaction

log = structlog.get_logger()

AT_WORK = frozenset({JobState.APPLYING, JobState.VERIFYING})


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on what it claims, and for how long before somebody else may."""

    owner: str
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed attempt: everything the provisioner needs, so that it reads nothing while it works."""

    job: str
    attempt: int
    attempt_of_visit: int
    element: str
    wanted: WantedAccess
    profile: Profile
    cpe: dict[str, Value] = field(repr=False)


def claim_jobs(tx: Transaction, element: str, lease: Lease, limit: int) -> list[Work]:
    """Start an attempt on each due job of an element, at most ``limit``; one that lost a leg meanwhile is held."""
    until = to_text(tx.now + lease.duration)
    rows = tx.all(
        "claim_jobs",
        element=element,
        state=JobState.APPLYING,
        owner=lease.owner,
        lease_until=until,
        now=tx.now_text,
        limit=limit,
    )
    claimed = (_start_or_shelve(tx, Job(row)) for row in sorted(rows, key=lambda row: str(row["id"])))
    return [work for work in claimed if work is not None]


def _start_or_shelve(tx: Transaction, job: Job) -> Work | None:
    started = tx.apart(lambda: _start(tx, job))
    if isinstance(started, Exception):
        _shelve(tx, job, started)
        return None
    return started


def _shelve(tx: Transaction, job: Job, error: Exception) -> None:
    """Fail a job whose record raises, so that it harms only itself; told to others when that much can be read."""
    log.error("a job's record cannot be worked with", job=job.id, exc_info=error)
    failure = Failure(Code.ELEMENT_REJECTED, f"unforeseen {type(error).__name__}; the log has it at {tx.now_text}")
    told = tx.apart(lambda: tx.move_job(job, JobEvent.ATTEMPT_FAILED, failures=[failure]))
    if isinstance(told, Exception):
        tx.run("shelve_job", id=job.id, failures=failures_to_text((failure,)), now=tx.now_text)


def _start(tx: Transaction, job: Job) -> Work | None:
    around = settling.surroundings(tx, job)
    missing = missing_legs(job.body, around)
    if missing:
        # A conflict, for an attempt is under way already: what it wrote stays and is found by the next one.
        tx.move_job(job, JobEvent.CONFLICT_FOUND, failures=missing)
        return None
    location, profile = _present(around.location), _present(around.profile)
    access = _present(location.access)
    tx.tell(job, "job.applying", attempt=job.attempt, element=access.element, port=access.port)
    tx.touched.add("jobs")
    return Work(
        job=job.id,
        attempt=job.attempt,
        attempt_of_visit=_attempts_in_visit(tx, job),
        element=access.element,
        wanted=wanted_access(job.body, location, profile),
        profile=profile,
        cpe=wanted_cpe(job.body, profile),
    )


def _attempts_in_visit(tx: Transaction, job: Job) -> int:
    """How often in a row an attempt was put off, this one included: events since the device was last heard."""
    count = 1
    for row in reversed(tx.all("events_of_job", job=job.id)):
        data = json.loads(row["data"])
        if row["type"] == "job.discovered" and data.get("because") != JobEvent.DEFERRED:
            break
        count += row["type"] == "job.discovered"
    return count


def _present(value: Any) -> Any:
    if value is None:
        raise LookupError("a job without a missing leg lacks one")
    return value


def _held_by(tx: Transaction, work: Work, lease: Lease) -> Job:
    """The job, as long as this attempt is still its current one; raises ``Superseded``."""
    job = tx.job(work.job)
    if job.attempt != work.attempt or job.state not in AT_WORK or job.row["owner"] != lease.owner:
        raise Superseded(work.job)
    return job


def record_applied(tx: Transaction, work: Work, lease: Lease, changes: list[str]) -> None:
    """The element took the configuration (or had it: ``changes`` is empty); verification begins.

    Told again (the answer of the commit was lost), it changes nothing.
    """
    held = _held_by(tx, work, lease)
    if held.state is JobState.VERIFYING:
        return
    job = tx.move_job(held, JobEvent.APPLIED, element=work.element, changes=changes)
    tx.run("take_lease", id=job.id, owner=lease.owner, lease_until=to_text(tx.now + lease.duration))


def confirm_network(tx: Transaction, work: Work, lease: Lease, observed: ObservedAccess, levels: Levels) -> JobState:
    """The element confirms the service and the light is good; what is left is the CPE, then the evidence."""
    job = _held_by(tx, work, lease)
    facts = {"access": _shown(observed), "levels": asdict(levels), "element": work.element}
    _write_evidence(tx, job, "network", {**facts, "profile_version": work.profile.version})
    tx.run("confirm_network", id=job.id, now=tx.now_text)
    confirmed = tx.job(job.id)
    tx.tell(confirmed, "job.network-confirmed", **facts)
    if work.cpe and confirmed.cpe_confirmed_at is None:
        due_at = tx.now + timedelta(seconds=work.profile.cpe_timeout_s)
        tx.run("await_cpe", id=job.id, due_at=to_text(due_at))
        return JobState.VERIFYING
    return _verified(tx, confirmed, work.profile).state


def _shown(observed: ObservedAccess) -> dict[str, Any]:
    return {**asdict(observed), "presence": observed.presence.value, "unmodelled": sorted(observed.unmodelled)}


@dataclass(frozen=True, slots=True)
class CpeResult:
    """What a CPE did with what it was told: what it showed when read back, or why it failed."""

    ok: bool
    applied: dict[str, str]
    fault: str = ""


def record_cpe(tx: Transaction, id_: str, result: CpeResult) -> None:
    """The CPE kept what it was told, or did not. Raises ``Superseded`` when the job no longer waits for it."""
    job = tx.job(id_)
    profile = tx.profiles.get(job.body.profile)
    if job.state not in AT_WORK or profile is None:
        raise Superseded(id_)
    given = job.body.parameters
    if not result.ok:
        fault = without_secrets(profile, given, result.fault)
        tx.move_job(job, JobEvent.ATTEMPT_FAILED, failures=[Failure(Code.CPE_FAULT, fault)])
        return
    applied = {name: without_secrets(profile, given, value) for name, value in result.applied.items()}
    _write_evidence(tx, job, "cpe", {"applied": applied})
    tx.run("confirm_cpe", id=id_, now=tx.now_text)
    confirmed = tx.job(id_)
    tx.tell(confirmed, "job.cpe-configured", applied=applied)
    if job.state is JobState.VERIFYING and confirmed.network_confirmed_at is not None:
        _verified(tx, confirmed, profile)


def _verified(tx: Transaction, job: Job, profile: Profile) -> Job:
    """Both legs are confirmed: evidence is owed now, unless the profile asks for none."""
    verified = tx.move_job(job, JobEvent.VERIFIED, evidence_owed=profile.completion.required)
    return verified if profile.completion.required else complete(tx, verified, profile)


def complete(tx: Transaction, job: Job, profile: Profile) -> Job:
    """The job is done and the service is active: billing hears it here and nowhere else."""
    service = tx.one("get_service", id=job.service)
    if service is None:
        raise LookupError(f"job {job.id} has no service {job.service}")
    state = advance(SERVICE, service_state_of(service), ServiceEvent.ACTIVATED)
    confirmed_at = job.row["network_confirmed_at"]
    tx.run(
        "move_service",
        id=job.service,
        state=state,
        confirmed_at=confirmed_at,
        activated_at=tx.now_text,
        now=tx.now_text,
    )
    _bind_devices(tx, job)
    tx.run("close_visit", job=job.id, number=job.visit, outcome=JobState.COMPLETED, now=tx.now_text)
    completed = tx.move_job(job, JobEvent.EVIDENCE_COMPLETE)
    tx.tell(
        completed,
        "service.activated",
        profile=profile.name,
        profile_version=profile.version,
        downstream_mbps=profile.speed.downstream_mbps,
        upstream_mbps=profile.speed.upstream_mbps,
        confirmed_at=confirmed_at,
        activated_at=tx.now_text,
        devices=[device.model_dump(exclude_none=True, exclude={"registration_id"}) for device in job.body.devices],
    )
    return completed


def _bind_devices(tx: Transaction, job: Job) -> None:
    for row in tx.all("devices_of_job", job=job.id):
        devices.bind(tx, row, job.service)


def fail_attempt(tx: Transaction, work: Work, lease: Lease, failure: Failure, retry_at: datetime | None) -> JobState:
    """The attempt did not succeed: put off until ``retry_at``, or failed when that is None."""
    job = _held_by(tx, work, lease)
    if retry_at is None:
        return tx.move_job(job, JobEvent.ATTEMPT_FAILED, failures=[failure], element=work.element).state
    facts = {"element": work.element, "retry_at": to_text(retry_at)}
    return tx.move_job(job, JobEvent.DEFERRED, failures=[failure], due_at=retry_at, **facts).state


def close_overdue(tx: Transaction, limit: int) -> int:
    """Fail what waited too long: CPEs that stayed silent, devices that were not heard in the window; how many."""
    waited = Failure(Code.CPE_SILENT, "the network works, no Inform came in time")
    unheard = Failure(Code.NOT_SEEN, "the window of the visit has closed")
    silent = _close(tx, tx.all("silent_jobs", now=tx.now_text, limit=limit), JobEvent.ATTEMPT_FAILED, waited)
    return silent + _close(tx, tx.all("overdue_jobs", now=tx.now_text, limit=limit), JobEvent.WINDOW_CLOSED, unheard)


def _close(tx: Transaction, rows: list[Row], event: JobEvent, failure: Failure) -> int:
    for job in map(Job, rows):
        closed = tx.apart(lambda job=job: tx.move_job(job, event, failures=[failure]))  # type: ignore[misc]
        if isinstance(closed, Exception):
            _shelve(tx, job, closed)
    return len(rows)


def renew_leases(tx: Transaction, lease: Lease, in_hand: Mapping[str, int]) -> None:
    """Keep the claims of the attempts in hand (job to attempt); any other that the owner has runs out by itself."""
    until = to_text(tx.now + lease.duration)
    for job, attempt in in_hand.items():
        tx.run("renew_job_claim", id=job, attempt=attempt, owner=lease.owner, lease_until=until)


def release_claims(tx: Transaction, owner: str) -> None:
    """Let go of everything an owner of this name had claimed before it was started anew."""
    tx.run("release_job_claims", owner=owner, now=tx.now_text)
    tx.run("release_delivery_claims", owner=owner, now=tx.now_text)


def _write_evidence(tx: Transaction, job: Job, kind: str, body: dict[str, Any]) -> None:
    tx.run(
        "add_evidence",
        service=job.service,
        job=job.id,
        visit=job.visit,
        kind=kind,
        body=json.dumps(body, ensure_ascii=False),
        author="ztpd",
        captured_at=tx.now_text,
        now=tx.now_text,
    )
