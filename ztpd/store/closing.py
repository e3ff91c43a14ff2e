"""The end of a job: the service becomes what was confirmed, its devices follow, and others are told."""

from typing import Any

from ztpd.domain.kinds import Act
from ztpd.domain.lifecycle import SERVICE, JobEvent, JobState, ServiceState, advance
from ztpd.domain.profile import Profile
from ztpd.store import devices
from ztpd.store.rows import Job, service_state_of
from ztpd.store.transaction import Row, Transaction


def verified(tx: Transaction, job: Job, profile: Profile) -> Job:
    """Every leg is confirmed: evidence is owed now, unless the work or the profile asks for none."""
    owed = job.body.does.visited and profile.completion.required
    moved = tx.move_job(job, JobEvent.VERIFIED, evidence_owed=owed)
    return moved if owed else complete(tx, moved, profile)


def complete(tx: Transaction, job: Job, profile: Profile) -> Job:
    """The job is done and the service is what it says: billing hears it here and nowhere else."""
    service = tx.one("get_service", id=job.service)
    if service is None:
        raise LookupError(f"job {job.id} has no service {job.service}")
    _move_service(tx, job, service)
    _move_devices(tx, job)
    tx.run("close_visit", job=job.id, number=job.visit, outcome=JobState.COMPLETED, now=tx.now_text)
    completed = tx.move_job(job, JobEvent.EVIDENCE_COMPLETE)
    if job.body.does.tells is not None:
        tx.tell(completed, job.body.does.tells, **_facts(tx, completed, profile, service))
    return completed


def _move_service(tx: Transaction, job: Job, service: Row) -> None:
    does, state = job.body.does, service_state_of(service)
    tx.run(
        "move_service",
        id=job.service,
        state=state if does.becomes is None else advance(SERVICE, state, does.becomes),
        location=job.body.location,
        profile=job.body.profile,
        # Suspending changes nothing of what the service stands on.
        standing=job.body.model_dump_json() if does.act is Act.PROVISION else None,
        confirmed_at=job.row["network_confirmed_at"],
        activated_at=tx.now_text if state is ServiceState.RESERVED else None,
        now=tx.now_text,
    )


def _move_devices(tx: Transaction, job: Job) -> None:
    """Those that the job works with belong to the service from now on, and no others."""
    act = job.body.does.act
    if act not in {Act.PROVISION, Act.REMOVE}:
        return
    staying = tx.all("devices_of_job", job=job.id) if act is Act.PROVISION else []
    for row in tx.all("devices_of_service", service=job.service):
        if row["id"] not in {each["id"] for each in staying}:
            devices.unbind(tx, row)
    for row in staying:
        devices.bind(tx, row, job.service)


def _facts(tx: Transaction, job: Job, profile: Profile, before: Row) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "profile": profile.name,
        "profile_version": profile.version,
        "downstream_mbps": profile.speed.downstream_mbps,
        "upstream_mbps": profile.speed.upstream_mbps,
        "confirmed_at": job.row["network_confirmed_at"],
        "devices": [device.model_dump(exclude_none=True, exclude={"registration_id"}) for device in job.body.devices],
    }
    if before["state"] == ServiceState.RESERVED:
        return {**facts, "activated_at": tx.now_text}
    return {
        **facts,
        "kind": job.body.kind,
        "effective_at": tx.now_text,
        "previous": {"profile": before["profile"], "location": before["location"], "state": before["state"]},
    }
