"""The list of what a device is to do: how a task is put on it."""

from datetime import timedelta
from typing import Final

from ztpd.domain.cpe_tasks import TASK, Task
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

KEPT: Final = 50
"""How many of a device's tasks that are over are kept."""

PATIENCE: Final = timedelta(hours=24)
"""How long a task waits for its CPE to come."""


def add(
    tx: Transaction,
    device: int,
    task: Task,
    actor: str,
    *,
    job: str | None = None,
    attempt: int | None = None,
    terms: str = "",
    patience: timedelta = PATIENCE,
) -> Row:
    """Put a task on a device's list."""
    row = tx.one(
        "add_cpe_task",
        device=device,
        kind=task.kind,
        body=TASK.dump_json(task).decode(),
        job=job,
        attempt=attempt,
        terms=terms,
        actor=actor,
        expires_at=to_text(tx.now + patience),
        now=tx.now_text,
    )
    assert row is not None
    tx.run("forget_cpe_tasks", device=device, kept=KEPT)
    tx.touched.add("cpe-tasks")
    return row
