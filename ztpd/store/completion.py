"""The intention of the technician's report: accepted with everything it entails, or refused item by item."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.access import Levels
from ztpd.domain.acceptance import EvidenceProblem, Installed, evidence_problems
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import CompletionBody
from ztpd.store.closing import complete
from ztpd.store.rows import Job
from ztpd.store.times import to_text
from ztpd.store.transaction import Refused, Row, Transaction


@dataclass(frozen=True, slots=True)
class CompletionAnswer:
    """The job after the report; ``problems`` is empty when the report was accepted."""

    job: Job
    problems: tuple[EvidenceProblem, ...] = ()


def accept_completion(tx: Transaction, id_: str, report: CompletionBody) -> CompletionAnswer:
    """Validate a report against profile and network and, if nothing is missing, complete the job.

    The same report again is answered as before. Raises ``Unknown``, and ``Refused`` while the network is not
    confirmed or when another report was accepted.
    """
    job = tx.job(id_)
    accepted = tx.one("last_evidence", job=id_, kind="completion")
    if accepted is not None:
        return _repeated(job, accepted, report)
    if job.state is not JobState.AWAITING_COMPLETION:
        raise Refused(
            f"job {id_} is {job.state}: the network has not confirmed the service",
            "report again when the job is awaiting-completion",
        )
    profile = tx.profiles.get(job.body.profile)
    if profile is None:
        raise Refused(f"profile {job.body.profile} is not known any more", "put its file back into the profiles folder")
    installed = Installed(job.body, _levels(tx.one("last_evidence", job=id_, kind="network")), job.created_at, tx.now)
    problems = evidence_problems(report, profile, installed)
    if problems:
        tx.tell(job, "completion.refused", problems=[problem.describe() for problem in problems])
        return CompletionAnswer(job, tuple(problems))
    _keep(tx, job, report)
    tx.tell(job, "completion.accepted", completed_at=to_text(report.completed_at), by=report.technician)
    return CompletionAnswer(complete(tx, job, profile))


def _repeated(job: Job, accepted: Row, report: CompletionBody) -> CompletionAnswer:
    if accepted["body"] != report.model_dump_json():
        raise Refused(f"job {job.id} was completed with another report", "nothing is left to do for this job")
    return CompletionAnswer(job)


def _levels(evidence: Mapping[str, str] | None) -> Levels:
    levels = json.loads(evidence["body"])["levels"] if evidence is not None else {}
    return Levels(levels.get("onu_rx_dbm"), levels.get("olt_rx_dbm"))


def _keep(tx: Transaction, job: Job, report: CompletionBody) -> None:
    tx.run(
        "add_evidence",
        service=job.service,
        job=job.id,
        visit=job.visit,
        kind="completion",
        body=report.model_dump_json(),
        author=report.technician,
        captured_at=to_text(report.completed_at),
        now=tx.now_text,
    )
