"""A registration id is claimed once: the ONU that shows it first, in its place, is the job's from then on.

Only where the configuration allows it (``discovery.registration_ids``), for whoever knows the id can take the line.
"""

from datetime import datetime

from drivers.access import PresentDevice
from pon import registration
from ztpd.domain.identity import Kind
from ztpd.domain.sighting import Place
from ztpd.store import orders, quarantine, settling
from ztpd.store.rows import Job
from ztpd.store.transaction import Transaction

ACTOR = "ztpd"


def fingerprint_of(onu: PresentDevice) -> str | None:
    """The fingerprint of what an ONU showed; None when it showed nothing that is a registration id."""
    if onu.registration_id is None:
        return None
    try:
        return registration.fingerprint(registration.from_hex(onu.registration_id))
    except registration.RegistrationError:
        return None


def awaited(tx: Transaction) -> frozenset[str]:
    """The fingerprints that some job waits for; none where registration ids count for nothing."""
    if not tx.claims_registration_ids:
        return frozenset()
    return frozenset(row["value"] for row in tx.all("awaited_names", kind=Kind.REGISTRATION))


def claim(tx: Transaction, element: str, onu: PresentDevice, heard_at: datetime) -> str | None:
    """Bind the ONU's serial to the one job that waits for its registration id here; what became of it, in words."""
    fingerprint = fingerprint_of(onu) if tx.claims_registration_ids else None
    if fingerprint is None:
        return None
    jobs = [Job(row) for row in tx.all("jobs_expecting", kind=Kind.REGISTRATION, value=fingerprint)]
    if len(jobs) != 1:
        return "more than one job expects it" if jobs else None
    (job,) = jobs
    refusal = _refusal(tx, job, Place(element, onu.port), onu.device, heard_at)
    if refusal is not None:
        return refusal
    ont = job.body.device("ont")
    if ont is not None and ont.serial is None:
        orders.allocate_device(tx, job.id, ont.model_copy(update={"serial": onu.device}))
        quarantine.audit(tx, ACTOR, "registration.claim", f"job/{job.id}", serial=onu.device, id=fingerprint)
    return f"claimed for job {job.id}"


def _refusal(tx: Transaction, job: Job, place: Place, serial: str, heard_at: datetime) -> str | None:
    """Why a registration id does not bind a serial to its job; None when it does, or did."""
    ont, expected = job.body.device("ont"), settling.expectation(tx, job)
    if ont is None:
        return f"job {job.id} expects no ONT by it"
    if ont.serial is not None:
        return None if ont.serial == serial else f"claimed by {ont.serial} for job {job.id} already"
    if expected.access is None or (expected.access.element, expected.access.port) != (place.element, place.port):
        return f"job {job.id} expects it elsewhere"
    if expected.window is not None and not expected.window.covers(heard_at):
        return f"outside the window of job {job.id}"
    return None if job.state in orders.AMENDABLE else f"job {job.id} is {job.state}"
