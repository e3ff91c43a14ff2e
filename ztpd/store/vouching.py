"""What a person answers for because an element cannot show it."""

import json
from collections.abc import Collection

from ztpd.domain.lifecycle import FINAL_JOB_STATES, JobState
from ztpd.store import orders, quarantine
from ztpd.store.rows import Job
from ztpd.store.transaction import Refused, Transaction


def vouch(tx: Transaction, id_: str, names: Collection[str], reason: str, actor: str) -> Job:
    """Let a job pass without the element showing these properties or levels; a failed job is tried again at once.

    It is audited and told. Raises ``Unknown``, and ``Refused`` for a job that is over.
    """
    job = tx.job(id_)
    if job.state in FINAL_JOB_STATES:
        raise Refused(f"job {id_} is {job.state}", "there is nothing left to vouch for")
    vouched = sorted({*json.loads(job.row["vouched"]), *names})
    tx.run("vouch", id=id_, vouched=json.dumps(vouched), now=tx.now_text)
    quarantine.audit(tx, actor, "job.vouch", f"job/{id_}", names=sorted(names), reason=reason)
    tx.tell(tx.job(id_), "job.vouched", names=sorted(names), by=actor, reason=reason)
    return orders.ask_retry(tx, id_) if job.state is JobState.FAILED else tx.job(id_)
