"""Intentions of a person who asks a CPE for something, or thinks better of it; both are audited."""

from typing import Any, Final

from ztpd.domain.cpe_tasks import TASK, HandOver, Task
from ztpd.store import cpe_handover, cpe_task_rows, cpe_tasks, quarantine
from ztpd.store.transaction import Refused, Row, Transaction, Unknown

MAX_OPEN: Final = 16
"""How many tasks a device may have to do at a time."""


def ask(tx: Transaction, device: int, task: Task, actor: str) -> Row:
    """Have a CPE do something when it informs next; asked again before it was told, it is the same task.

    It is audited. Raises ``Unknown``, and ``Refused`` when the device has never informed or has too much to do.
    """
    if tx.one("get_device", id=device) is None:
        raise Unknown("device", str(device))
    if tx.one("get_cpe", device=device) is None:
        raise Refused(
            f"device {device} has never informed, or did not prove who it is",
            "it can be asked once it has informed: check its ACS URL and credentials",
        )
    if not isinstance(task, HandOver):
        cpe_handover.refuse_if_away(tx, device)
    body = TASK.dump_json(task).decode()
    waiting = tx.all("open_cpe_tasks", device=device)
    for row in waiting:
        if row["state"] == "due" and row["job"] is None and row["body"] == body:
            return row
    if len(waiting) >= MAX_OPEN:
        raise Refused(
            f"device {device} has {len(waiting)} tasks to do already", "cancel some, or wait for it to inform"
        )
    row = cpe_task_rows.add(tx, device, task, actor)
    quarantine.audit(tx, actor, f"device.{task.kind}", f"device/{device}", task=row["id"], **_told(task))
    return row


def _told(task: Task) -> dict[str, Any]:
    """What of a task is kept with who asked for it."""
    return task.model_dump(mode="json", exclude_none=True, exclude={"kind", "values"})


def cancel(tx: Transaction, device: int, task: int, actor: str) -> Row:
    """Give up a task that its CPE was not told yet. Again, it changes nothing. Raises ``Unknown`` and ``Refused``."""
    row = tx.one("get_cpe_task", id=task)
    if row is None or row["device"] != device:
        raise Unknown("task", str(task))
    if row["state"] == "cancelled":
        return row
    if row["state"] != "due":
        remedy = "wait for its end" if row["ended_at"] is None else "nothing is left to cancel"
        raise Refused(f"task {task} is {row['state']}: the device was told already", remedy)
    if row["terms"]:
        raise Refused(f"job {row['job']} waits for task {task}", "cancel the job, or take the test out of its profile")
    quarantine.audit(tx, actor, "device.cancel", f"device/{device}", task=task, kind=row["kind"])
    return cpe_tasks.end(tx, row, "cancelled", {}, f"cancelled by {actor}") or row
