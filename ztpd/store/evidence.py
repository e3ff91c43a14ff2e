"""Evidence: what was configured, measured or reported for a job; it is only ever added."""

import json
from typing import Any

from ztpd.store.rows import Job
from ztpd.store.transaction import Transaction


def write(tx: Transaction, job: Job, kind: str, body: dict[str, Any]) -> None:
    """Keep what ztpd itself found."""
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
