"""Intentions that come from orders: a place is described, work is ordered, a visit is opened, a retry asked for."""

from collections.abc import Iterable

from ztpd.domain.identity import Name
from ztpd.domain.lifecycle import JobEvent, JobState
from ztpd.domain.model import AllocatedDevice, JobBody, LocationBody, VisitBody
from ztpd.store import allocations, services, settling
from ztpd.store.attempts import AT_WORK
from ztpd.store.rows import Job, location_of
from ztpd.store.times import optional_text
from ztpd.store.transaction import Refused, Transaction

AMENDABLE = frozenset({JobState.HELD, JobState.READY, JobState.FAILED})


def put_location(tx: Transaction, id_: str, body: LocationBody) -> bool:
    """Describe a place; True when it is new. Jobs that wait for it go on, and jobs that it contradicts are held."""
    known = tx.one("get_location", id=id_)
    text = body.model_dump_json()
    if known is not None and known["body"] == text:
        return False
    access = body.access
    tx.run(
        "put_location",
        id=id_,
        body=text,
        technology=None if access is None else access.technology,
        element=None if access is None else access.element,
        port=None if access is None else access.port,
        circuit_id=body.circuit_id_hex,
        now=tx.now_text,
    )
    stays = known is not None and location_of(known).access == access
    for job in map(Job, tx.all("jobs_under_way_at", location=id_)):
        settling.settle(tx, job if stays else _begun_anew(tx, job))
    return known is None


def _begun_anew(tx: Transaction, job: Job) -> Job:
    """An attempt under way works on the place as it was: it counts no more, and the next one is due."""
    return tx.move_job(job, JobEvent.DEFERRED, due_at=tx.now) if job.state in AT_WORK else job


def put_job(tx: Transaction, id_: str, body: JobBody) -> tuple[Job, bool]:
    """Order work, or amend what may still be amended; True when it is new. Raises ``Refused``.

    The body that was last put changes nothing, even when visits since have changed the job. Another meaning under
    the same id is refused.
    """
    row = tx.one("get_job", id=id_)
    if row is None:
        return _order(tx, id_, body), True
    job = Job(row)
    if job.ordered == body:
        return job, False
    if job.ordered.meaning != body.meaning:
        raise Refused(
            f"job {id_} exists with another kind, service, account, location or profile",
            "use a new job id for other work",
        )
    _require_amendable(job)
    return _amend(tx, job, body), False


def _order(tx: Transaction, id_: str, ordered: JobBody) -> Job:
    body = services.enter(tx, id_, ordered)
    tx.run(
        "add_job",
        id=id_,
        service=body.service,
        location=body.location,
        profile=body.profile,
        ordered=None if body == ordered else ordered.model_dump_json(),
        body=body.model_dump_json(),
        state=JobState.HELD,
        # A thousand suspensions must not keep a technician waiting.
        urgency=0 if body.does.visited else 1,
        now=tx.now_text,
    )
    job = tx.job(id_)
    tx.tell(job, "job.ordered")
    _write_visit(tx, job, body)
    allocations.allocate(tx, job)
    return settling.settle(tx, job)


def _amend(tx: Transaction, job: Job, body: JobBody) -> Job:
    # What the order leaves as it was stays as visits and allocations since have made it.
    kept = {
        name: getattr(job.body, name)
        for name in ("technician", "window", "devices")
        if getattr(body, name) == getattr(job.ordered, name)
    }
    return _become(tx, job, body, _completed(tx, body).model_copy(update=kept))


def _completed(tx: Transaction, body: JobBody) -> JobBody:
    standing = services.standing_of(tx, body.service)
    return body if standing is None else body.on(standing)


def allocate_device(tx: Transaction, id_: str, device: AllocatedDevice) -> Job:
    """Give a job a device, in the place of what it had in this role; the order may be put again all the same.

    Raises ``Unknown``, and ``Refused`` where the job cannot be amended any more.
    """
    job = tx.job(id_)
    _require_amendable(job)
    others = [each for each in job.body.devices if each.role != device.role]
    return _become(tx, job, job.ordered, job.body.model_copy(update={"devices": (*others, device)}))


def _require_amendable(job: Job) -> None:
    if job.state not in AMENDABLE:
        raise Refused(
            f"job {job.id} is {job.state} and cannot be amended",
            f"amend it while it is {', '.join(sorted(AMENDABLE))}",
        )


def _become(tx: Transaction, job: Job, ordered: JobBody, visited: JobBody) -> Job:
    """Amend a job: ``ordered`` is what was put, ``visited`` what it comes to."""
    same_cpe = (visited.devices, visited.parameters) == (job.body.devices, job.body.parameters)
    tx.run(
        "amend_job",
        id=job.id,
        ordered=None if visited == ordered else ordered.model_dump_json(),
        body=visited.model_dump_json(),
        cpe_confirmed_at=job.row["cpe_confirmed_at"] if same_cpe else None,
        now=tx.now_text,
    )
    amended = tx.job(job.id)
    tx.tell(amended, "job.amended")
    _write_visit(tx, amended, visited)
    freed = allocations.allocate(tx, amended)
    settled = amended if amended.state is JobState.FAILED else settling.settle(tx, amended)
    settle_those_asking(tx, freed)
    return settled


def settle_those_asking(tx: Transaction, freed: Iterable[Name]) -> None:
    """Let held jobs that ask for devices of these names go on."""
    for row in allocations.asking(tx, freed):
        job = tx.job(row["id"])
        if job.state is JobState.HELD:
            settling.settle(tx, job)


def _write_visit(tx: Transaction, job: Job, body: JobBody) -> None:
    tx.run(
        "put_visit",
        job=job.id,
        number=job.visit,
        technician=body.technician,
        window_start=optional_text(body.window.start if body.window else None),
        window_end=optional_text(body.window.end if body.window else None),
        now=tx.now_text,
    )


def open_visit(tx: Transaction, id_: str, number: int, body: VisitBody) -> Job:
    """Open the next visit of a job; opening the current one again with the same body changes nothing.

    Raises ``Unknown``, ``Refused`` (not the next number, or other values for a visit that is open) and
    ``TransitionRefused`` (the job needs no visit).
    """
    job = tx.job(id_)
    technician = body.technician or job.body.technician
    visited = job.body.model_copy(update={"technician": technician, "window": body.window})
    if number == job.visit and number > 1 and visited == job.body:
        return job
    if number != job.visit + 1:
        raise Refused(f"job {id_} is at visit {job.visit}", f"open visit {job.visit + 1}")
    keep_confirmed = job.state is JobState.AWAITING_COMPLETION
    advance_to_visit = tx.move_job(job, JobEvent.VISIT_OPENED, next_visit=number)
    tx.run("close_visit", job=id_, number=job.visit, outcome=job.state, now=tx.now_text)
    tx.run(
        "open_visit",
        id=id_,
        visit=number,
        body=visited.model_dump_json(),
        network_confirmed_at=job.row["network_confirmed_at"] if keep_confirmed else None,
        cpe_confirmed_at=job.row["cpe_confirmed_at"] if keep_confirmed else None,
        now=tx.now_text,
    )
    opened = tx.job(advance_to_visit.id)
    _write_visit(tx, opened, visited)
    # The device's old announcement does not count: the technician is not there yet.
    missing = settling.still_missing(tx, opened)
    if missing and opened.state is JobState.READY:
        return tx.move_job(opened, JobEvent.LEGS_MISSING, failures=missing)
    return opened if opened.body.does.awaits_device else settling.settle(tx, opened)


def ask_retry(tx: Transaction, id_: str) -> Job:
    """Try a failed job again now, with what is present; raises ``Unknown`` and ``TransitionRefused``."""
    job = tx.job(id_)
    return settling.settle_again(tx, tx.move_job(job, JobEvent.RETRY_ASKED))


def settle_held(tx: Transaction) -> int:
    """Look at every held job again (the profiles were read anew); how many went on."""
    held = [Job(row) for row in tx.all("held_jobs")]
    return sum(settling.settle(tx, job).state is not JobState.HELD for job in held)
