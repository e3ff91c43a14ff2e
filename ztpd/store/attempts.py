"""Intentions of the provisioner and the ACS: an attempt starts, writes, is confirmed, is put off or fails."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from drivers.access import Levels, ObservedAccess, WantedAccess
from ztpd.domain.comparing import as_plain
from ztpd.domain.cpe import Cause, spoken
from ztpd.domain.failures import Code, Failure
from ztpd.domain.kinds import Act
from ztpd.domain.lifecycle import JobEvent, JobState, ServiceState
from ztpd.domain.model import Access, JobBody
from ztpd.domain.planning import device_key, missing_legs, wanted_access, wanted_cpe
from ztpd.domain.profile import Profile, Range, Value, without_secrets
from ztpd.store import cpe_faults, cpe_tests, evidence, services, settling
from ztpd.store.rows import Job, failures_to_text, location_of
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Superseded, Transaction

log = structlog.get_logger()

AT_WORK = frozenset({JobState.APPLYING, JobState.VERIFYING})

History = Sequence[tuple[str, Mapping[str, Any]]]
"""The events of a job, oldest first: type and data."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on what it claims, and for how long before somebody else may."""

    owner: str
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a service leaves behind when it goes to another device or place."""

    element: str
    device: str


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed attempt: everything the provisioner needs, so that it reads nothing while it works.

    ``limits`` are those of each level that the element has to show (``drivers.access.Levels``), ``vouched`` the
    properties and levels that a person answers for because it cannot. ``leaving`` is taken away where the service was,
    and where earlier attempts put it.
    """

    job: str
    attempt: int
    attempt_of_visit: int
    element: str
    act: Act
    wanted: WantedAccess
    profile: Profile
    limits: dict[str, Range] = field(default_factory=dict)
    vouched: frozenset[str] = frozenset()
    leaving: tuple[Leaving, ...] = ()
    cpe: dict[str, Value] = field(default_factory=dict, repr=False)


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
    standing = services.standing_of(tx, job.service)
    wanted = wanted_access(job.body, location, profile, enabled=carries(tx, job))
    history = [(row["type"], json.loads(row["data"])) for row in tx.all("events_of_job", job=job.id)]
    leaving = _left_behind(tx, job, standing, access, history)
    tx.tell(job, "job.applying", attempt=job.attempt, element=access.element, port=access.port, device=wanted.device)
    tx.touched.add("jobs")
    return Work(
        job=job.id,
        attempt=job.attempt,
        attempt_of_visit=_attempts_in_visit(history),
        element=access.element,
        act=job.body.does.act,
        wanted=wanted,
        profile=profile,
        limits=profile.limits(access.technology),
        vouched=frozenset(json.loads(job.row["vouched"])),
        leaving=leaving,
        cpe=_news_for_cpe(tx, job.body, standing, profile),
    )


def carries(tx: Transaction, job: Job) -> bool:
    """Whether the service is to carry traffic when the job is done."""
    act, service = job.body.does.act, tx.one("get_service", id=job.service)
    if act is Act.PROVISION:
        return service is None or service["state"] != ServiceState.SUSPENDED
    return act is Act.RESUME


def leaving_of(tx: Transaction, body: JobBody, standing: JobBody | None, access: Access) -> Leaving | None:
    """What a service leaves behind by this work; None when it stays with its device in its place."""
    if standing is None or body.does.act is not Act.PROVISION:
        return None
    row = tx.one("get_location", id=standing.location)
    before = None if row is None else location_of(row).access
    if before is None:
        return None
    was = (before.element, before.port, device_key(standing, before))
    return None if was == (access.element, access.port, device_key(body, access)) else Leaving(was[0], was[2])


def _left_behind(
    tx: Transaction, job: Job, standing: JobBody | None, access: Access, history: History
) -> tuple[Leaving, ...]:
    """Where the service is not to be any more: where it was so far, and where earlier attempts of the job put it.

    A technician who replaces a device that proved bad, or an office that corrects the place, changes a job that has
    written to an element already.
    """
    if job.body.does.act is not Act.PROVISION:
        return ()
    here = (access.element, access.port, device_key(job.body, access))
    began = [data for type_, data in history if type_ == "job.applying"]
    tried = {(each["element"], each["port"], each.get("device")) for each in began} - {here}
    earlier = [Leaving(element, device) for element, _, device in sorted(tried, key=str) if device is not None]
    stood = leaving_of(tx, job.body, standing, access)
    return tuple(dict.fromkeys([*([] if stood is None else [stood]), *earlier]))


def _news_for_cpe(tx: Transaction, body: JobBody, standing: JobBody | None, profile: Profile) -> dict[str, Value]:
    """What the CPE must be told; nothing where it was told the same before."""
    if body.does.act is not Act.PROVISION:
        return {}
    wanted, before = wanted_cpe(body, profile), None if standing is None else tx.profiles.get(standing.profile)
    if standing is None or before is None or standing.device("cpe") != body.device("cpe"):
        return wanted
    return {} if wanted_cpe(standing, before) == wanted else wanted


def _attempts_in_visit(history: History) -> int:
    """How often in a row an attempt was put off, this one included: events since the device was last heard."""
    count = 1
    for type_, data in reversed(history):
        if type_ == "job.discovered" and data.get("because") != JobEvent.DEFERRED:
            break
        count += type_ == "job.discovered"
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


def confirm_network(
    tx: Transaction, work: Work, lease: Lease, observed: ObservedAccess | None, levels: Levels
) -> JobState:
    """The element confirms the service and the light is good; what is left is the CPE, then the evidence."""
    job = _held_by(tx, work, lease)
    facts = {
        "access": None if observed is None else as_plain(observed),
        "levels": asdict(levels),
        "element": work.element,
    }
    evidence.write(tx, job, "network", {**facts, "profile_version": work.profile.version})
    tx.run("confirm_network", id=job.id, now=tx.now_text)
    confirmed = tx.job(job.id)
    tx.tell(confirmed, "job.network-confirmed", **facts)
    if work.cpe and confirmed.cpe_confirmed_at is None:
        due_at = tx.now + timedelta(seconds=work.profile.cpe_timeout_s)
        tx.run("await_cpe", id=job.id, due_at=to_text(due_at))
        tx.touched.add("cpe-tasks")
        return JobState.VERIFYING
    return cpe_tests.verified(tx, confirmed, work.profile).state


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
    evidence.write(tx, job, "cpe", {"applied": applied})
    tx.run("confirm_cpe", id=id_, now=tx.now_text)
    confirmed = tx.job(id_)
    tx.tell(confirmed, "job.cpe-configured", applied=applied)
    if job.state is JobState.VERIFYING and confirmed.network_confirmed_at is not None:
        cpe_tests.verified(tx, confirmed, profile)


def fail_attempt(tx: Transaction, work: Work, lease: Lease, failure: Failure, retry_at: datetime | None) -> JobState:
    """The attempt did not succeed: put off until ``retry_at``, or failed when that is None."""
    job = _held_by(tx, work, lease)
    if retry_at is None:
        return tx.move_job(job, JobEvent.ATTEMPT_FAILED, failures=[failure], element=work.element).state
    facts = {"element": work.element, "retry_at": to_text(retry_at)}
    return tx.move_job(job, JobEvent.DEFERRED, failures=[failure], due_at=retry_at, **facts).state


def shelve_attempt(tx: Transaction, work: Work, lease: Lease, error: Exception) -> None:
    """What became of an attempt contradicts what is stored: the job fails, for it would do so again and again."""
    _shelve(tx, _held_by(tx, work, lease), error)


def element_is_back(tx: Transaction, element: str) -> int:
    """An element answers again: what was put off because it did not is due now; how many jobs.

    That is also work on other elements, which left something behind here.
    """
    # As a failure is stored: its code, then the element that its detail begins with (``ztpd.provisioning.policy``).
    silent = f'%["{Code.ELEMENT_UNREACHABLE}","{element},%'
    due = tx.all("element_is_back", failure=silent, now=tx.now_text)
    if due:
        tx.touched.add("jobs")
    return len(due)


def close_overdue(tx: Transaction, limit: int) -> int:
    """Fail what waited too long: CPEs that stayed silent, devices that were not heard in the window; how many."""
    waited = Failure(Code.CPE_SILENT, "the network works, no Inform came in time")
    unheard = Failure(Code.NOT_SEEN, "the window of the visit has closed")
    silent = tx.all("silent_jobs", now=tx.now_text, limit=limit)
    overdue = tx.all("overdue_jobs", now=tx.now_text, limit=limit)
    return _close(tx, silent, JobEvent.ATTEMPT_FAILED, waited) + _close(tx, overdue, JobEvent.WINDOW_CLOSED, unheard)


def _close(tx: Transaction, rows: list[Row], event: JobEvent, failure: Failure) -> int:
    for job in map(Job, rows):
        found = _why_silent(tx, job, failure) if failure.code is Code.CPE_SILENT else failure
        closed = tx.apart(lambda job=job, found=found: tx.move_job(job, event, failures=[found]))  # type: ignore[misc]
        if isinstance(closed, Exception):
            _shelve(tx, job, closed)
    return len(rows)


def _why_silent(tx: Transaction, job: Job, silent: Failure) -> Failure:
    """What a job's CPE answered last, or which tests are missing; where it never did, what became of asking it."""
    answered = cpe_faults.last_of_job(tx, job.id)
    if answered is not None:
        return Failure(Code.CPE_FAULT, answered)
    found = cpe_tests.overdue(tx, job) or silent
    asked = tx.one("cpe_waking_of_job", why=spoken(Cause.JOB, job.id))
    if asked is None or found.code is not Code.CPE_SILENT:
        return found
    return Failure(found.code, f"{found.detail}; asked to inform {asked['tries']} times, last: {asked['said']}")


def renew_leases(tx: Transaction, lease: Lease, in_hand: Mapping[str, int]) -> None:
    """Keep the claims of the attempts in hand (job to attempt); any other that the owner has runs out by itself."""
    until = to_text(tx.now + lease.duration)
    for job, attempt in in_hand.items():
        tx.run("renew_job_claim", id=job, attempt=attempt, owner=lease.owner, lease_until=until)


def release_claims(tx: Transaction, owner: str) -> None:
    """Let go of everything an owner of this name had claimed before it was started anew."""
    tx.run("release_job_claims", owner=owner, now=tx.now_text)
    tx.run("release_delivery_claims", owner=owner, now=tx.now_text)
