"""Letting a waiting job follow what is known now: its legs, and whether its device is where it should be."""

import orjson

from ztpd.domain import matching
from ztpd.domain.failures import Code, Failure
from ztpd.domain.identity import names_of_allocation
from ztpd.domain.kinds import Act
from ztpd.domain.lifecycle import JOB, JobEvent, JobState, allows
from ztpd.domain.matching import Conflict, Expectation, Match, Unmatched, Verdict
from ztpd.domain.planning import Surroundings, missing_legs
from ztpd.domain.sighting import Place, Presence
from ztpd.store import allocations, devices
from ztpd.store.rows import Job, location_of
from ztpd.store.transaction import Transaction

ATTEMPTS_A_VISIT = 10
"""How often a device that is plugged in again may start an attempt by itself within one visit."""

MENDABLE_ON_SITE = frozenset({Code.LOW_LIGHT, Code.NOT_SEEN, Code.WRONG_PORT, Code.CPE_SILENT, Code.TIMEOUT})


def settle(tx: Transaction, job: Job) -> Job:
    """Hold a waiting job whose legs are missing, release one whose legs are complete, and match what is present."""
    missing = still_missing(tx, job)
    if missing:
        return _hold(tx, job, JobEvent.LEGS_MISSING, missing)
    verdict = _judge_present(tx, job)
    if job.body.does.awaits_device or isinstance(verdict, Conflict):
        return follow(tx, job, verdict)
    return _begin(tx, _release(tx, job))


def settle_again(tx: Transaction, job: Job) -> Job:
    """As ``settle``, for a job that is tried again within its visit.

    Its device is still where it was heard in this visit, if that was by what keeps no list of who is present (DHCP):
    such a device says nothing more until its lease is half over.
    """
    settled = settle(tx, job)
    if settled.state is not JobState.READY or not settled.body.does.awaits_device:
        return settled
    expected, heard = expectation(tx, settled), tx.one("heard_unlisted", job=settled.id, visit=settled.visit)
    if expected.access is None or expected.access.technology == "pon" or heard is None or heard["port"] is None:
        return settled
    told = orjson.loads(heard["body"])
    place = Place(heard["element"], heard["port"])
    trusted = told["trusted"] and told["presence"] == Presence.PRESENT
    return follow(tx, settled, matching.match(place, None, [expected], trusted, tx.now))


def _begin(tx: Transaction, job: Job) -> Job:
    """Have work that awaits no device done as soon as its window opens."""
    if job.state is not JobState.READY:
        return job
    window = job.body.window
    return tx.move_job(job, JobEvent.NOTHING_AWAITED, due_at=tx.now if window is None else max(tx.now, window.start))


def _judge_present(tx: Transaction, job: Job) -> Verdict:
    """What it means for a job where its device is present at this moment; the device is told too."""
    if job.body.does.act is not Act.PROVISION:
        return Unmatched("it does not matter where the device is")
    expected = expectation(tx, job)
    is_pon = expected.access is None or expected.access.technology == "pon"
    awaited = job.body.device("ont" if is_pon else "cpe")
    for name in names_of_allocation(awaited) if awaited is not None else ():
        device = tx.device_named(name)
        places = [] if device is None else devices.places_of(tx, device)
        if device is not None and places:
            elsewhere = places[1] if len(places) > 1 else None
            verdict = matching.match(places[0], elsewhere, [expected], trusted=True, heard_at=tx.now)
            devices.judged(tx, devices.row_of(tx, device), verdict)
            return verdict
    return Unmatched("the device is not present")


def follow(tx: Transaction, job: Job, verdict: Verdict) -> Job:
    """Let a job follow a verdict; a verdict that its state has no use for changes nothing."""
    match verdict:
        case Conflict(failure=failure):
            return _hold(tx, job, JobEvent.CONFLICT_FOUND, [failure])
        case Match():
            released = _release(tx, job)
            if released.state is JobState.READY:
                return tx.move_job(released, JobEvent.DEVICE_SEEN, due_at=tx.now)
            return released
        case Unmatched():
            return _release(tx, job)


def follow_announcement(tx: Transaction, job: Job, verdict: Verdict, *, came_back: bool) -> Job:
    """Let a job follow a sighting of its device; one that was away and came back may start a failed job again."""
    if job.state is JobState.FAILED and isinstance(verdict, Match):
        mendable = all(failure.code in MENDABLE_ON_SITE for failure in job.failures)
        if came_back and mendable and job.attempt < job.visit * ATTEMPTS_A_VISIT:
            return tx.move_job(job, JobEvent.DEVICE_SEEN, due_at=tx.now)
        return job
    if isinstance(verdict, Unmatched):
        return job
    if job.state is JobState.HELD and still_missing(tx, job):
        return job
    return follow(tx, job, verdict)


def still_missing(tx: Transaction, job: Job) -> list[Failure]:
    """Every leg that the job lacks now."""
    return missing_legs(job.body, surroundings(tx, job))


def expectation(tx: Transaction, job: Job) -> Expectation:
    """Where and when the job expects its device."""
    row = tx.one("get_location", id=job.body.location)
    access = None if row is None else location_of(row).access
    return Expectation(job.id, job.state, access, job.body.window)


def surroundings(tx: Transaction, job: Job) -> Surroundings:
    """What is known of the job's place, profile and devices."""
    row = tx.one("get_location", id=job.body.location)
    location = None if row is None else location_of(row)
    holder = None
    if location is not None and location.access is not None and location.access.technology == "ethernet":
        access = location.access
        holder = tx.one("port_holder", element=access.element, port=access.port, service=job.service)
    taken = allocations.taken(tx, job) if job.body.does.act is Act.PROVISION else []
    profile = tx.profiles.get(job.body.profile)
    port_holder = None if holder is None else str(holder["service"])
    return Surroundings(location, profile, taken, port_holder, tx.claims_registration_ids)


def _hold(tx: Transaction, job: Job, event: JobEvent, failures: list[Failure]) -> Job:
    told_already = job.state is JobState.HELD and job.failures == tuple(failures)
    if told_already or not allows(JOB, job.state, event):
        return job
    return tx.move_job(job, event, failures=failures)


def _release(tx: Transaction, job: Job) -> Job:
    return tx.move_job(job, JobEvent.LEGS_COMPLETE) if job.state is JobState.HELD else job
