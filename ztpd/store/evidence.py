"""Evidence: what was configured, measured or reported for a job; it is only ever added."""

import json
from typing import Any

from ztpd.store.rows import Job
from ztpd.store.transaction import Transaction


def write(tx: Transaction, job: Job, kind: str, body: dict[str, Any]) -> None:
    """Keep what ztpd itself found."""
    _add(tx, job.service, job.id, job.visit, kind, body)


def write_of_service(tx: Transaction, service: str, kind: str, body: dict[str, Any]) -> None:
    """Keep what ztpd found outside of any job, with the last one of the service: that is where people look for it."""
    job = tx.one("last_job_of_service", service=service)
    _add(tx, service, "" if job is None else job["id"], 0 if job is None else job["visit"], kind, body)


def _add(tx: Transaction, service: str, job: str, visit: int, kind: str, body: dict[str, Any]) -> None:
    tx.run(
        "add_evidence",
        service=service,
        job=job,
        visit=visit,
        kind=kind,
        body=json.dumps(body, ensure_ascii=False),
        author="ztpd",
        captured_at=tx.now_text,
        now=tx.now_text,
    )
