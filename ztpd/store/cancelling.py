"""Giving up a job, so that other work can be done on its service."""

from ztpd.domain.lifecycle import JobEvent, JobState
from ztpd.store import allocations, orders, quarantine
from ztpd.store.rows import Job
from ztpd.store.transaction import Refused, Transaction


def cancel_job(tx: Transaction, id_: str, reason: str, actor: str) -> Job:
    """Give a job up; its devices are free, and its service is what it was before. Again, it changes nothing.

    It is audited and told. An installation that an element was at work on is refused: what it may have written would
    stay behind with nobody to answer for it. Other work leaves what it wrote to the next job on the service. Raises
    ``Unknown``, ``Refused`` and ``TransitionRefused`` (it is at work now, or over).
    """
    job = tx.job(id_)
    if job.state is JobState.CANCELLED:
        return job
    if job.body.kind == "install" and job.attempt:
        raise Refused(f"job {id_} was at work on the element already", "retry it, or complete it and terminate then")
    cancelled = tx.move_job(job, JobEvent.CANCEL_ASKED, by=actor, reason=reason)
    tx.run("close_visit", job=id_, number=job.visit, outcome=JobState.CANCELLED, now=tx.now_text)
    quarantine.audit(tx, actor, "job.cancel", f"job/{id_}", reason=reason)
    orders.settle_those_asking(tx, allocations.give_back(tx, job))
    return cancelled
