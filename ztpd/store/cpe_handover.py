"""How far a CPE is on its way to another ACS (``ztpd.domain.handover``): each step is committed with what caused it.

``told`` is committed before the request leaves, so after a kill it is known that the CPE may have taken it. Then its
silence decides, or its coming back; and one that comes back is told again, which changes nothing where it was done.
"""

from datetime import timedelta

import structlog

from ztpd.domain.cpe import CpeFault, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import HandOver, Redirect, Task
from ztpd.domain.handover import AWAY, MAX_TELLS, HandoverState
from ztpd.store.cpe_task_rows import PATIENCE
from ztpd.store.times import from_text, to_text
from ztpd.store.transaction import Refused, Row, Transaction

log = structlog.get_logger()

KIND = "hand-over"
_INTERVAL = ".PeriodicInformInterval"
_LONGEST_PAUSE, _ALL = timedelta(seconds=5120), 1_000_000


def begin(tx: Transaction, device: int, task: Row, what: HandOver, actor: str) -> None:
    """Keep that a CPE is to be handed over by this task."""
    tx.run(
        "put_cpe_handover",
        device=device,
        task=task["id"],
        url=what.url,
        username=what.username,
        secret=what.secret,
        actor=actor,
        now=tx.now_text,
    )
    tx.run("mark_cpe_handover", device=device)


def refuse_if_away(tx: Transaction, device: int) -> None:
    """Raise ``Refused`` for a CPE that is another ACS's by now: it would not come for what it is asked."""
    row = tx.one("cpe_handover", device=device)
    if row is not None and row["state"] in AWAY | {HandoverState.TOLD}:
        raise Refused(
            f"device {device} was handed over to {row['url']}", "ask that ACS, or have the CPE inform here again"
        )


def is_away(tx: Transaction, cpe: Row) -> bool:
    """Whether a CPE is another ACS's by now."""
    if not cpe["handover"]:
        return False
    row = tx.one("cpe_handover", device=cpe["device"])
    return row is not None and row["state"] in AWAY


def obstacle(tx: Transaction, task: Row) -> str:
    """Why a hand-over cannot be done any more; empty when it can, and for every other task."""
    if task["kind"] != KIND:
        return ""
    row, secret = tx.one("cpe_handover", device=task["device"]), HandOver.model_validate_json(task["body"]).secret
    if row is None or row["task"] != task["id"]:
        return "the device proved to be another one meanwhile"
    if secret not in tx.handover.secrets:
        return f"acs.handover.secrets has no {secret} any more"
    if row["state"] == HandoverState.TOLD and row["tells"] >= MAX_TELLS:
        return f"it was told {MAX_TELLS} times, and came back each time without an answer"
    return ""


def as_told(tx: Transaction, task: Task) -> Task:
    """What a CPE is given to do: a hand-over with its password, any other task as it is."""
    if not isinstance(task, HandOver):
        return task
    return Redirect(url=task.url, username=task.username, password=tx.handover.secrets[task.secret])


def told(tx: Transaction, work: CpeWork) -> None:
    """If what a CPE is given now is a hand-over, keep that it may leave from now on."""
    if not isinstance(work.task, Redirect):
        return
    row = tx.one("cpe_handover", device=work.device)
    if row is None:
        return
    silent_until = to_text(tx.now + tx.handover.silence(None))
    tx.run("tell_cpe_handover", device=work.device, silent_until=silent_until, now=tx.now_text)
    tx.run("never_expire_cpe_task", id=row["task"])  # its silence is looked at instead


def not_taken(tx: Transaction, work: CpeWork, fault: CpeFault) -> None:
    """If a CPE answered a hand-over with a fault, it stays: perhaps it is told again, and its task gets its time."""
    if not isinstance(work.task, Redirect) or fault.kind is not FaultKind.CPE:
        return
    row = tx.one("take_back_cpe_handover", device=work.device, said=fault.words)
    if row is not None:
        tx.run("expire_cpe_task_later", id=row["task"], expires_at=to_text(tx.now + PATIENCE))


def ended(tx: Transaction, task: Row, values: dict[str, str]) -> None:
    """Keep what became of the task: the CPE took it, would not, or was never told. ``values`` are what it showed."""
    row = tx.one("cpe_handover", device=task["device"])
    if row is None or row["task"] != task["id"] or row["state"] in AWAY:
        return
    device = row["device"]
    if task["state"] == "done":
        interval = _interval(values)
        silent_until = to_text(tx.now + tx.handover.silence(interval))
        times = {"interval_s": interval, "silent_until": silent_until, "now": tx.now_text}
        tx.run("accept_cpe_handover", device=device, **times)
        _tell(tx, row, "device.handed-over", silent_until=silent_until)
    elif task["state"] == "cancelled":
        had_been = ": it had been told, and may leave all the same" if row["state"] == HandoverState.TOLD else ""
        _end(tx, device, HandoverState.CANCELLED, f"{task['fault']}{had_been}")
    else:
        _end(tx, device, HandoverState.FAILED, task["fault"])
        _tell(tx, row, "device.handover-failed", why=task["fault"])


def _interval(values: dict[str, str]) -> int | None:
    found = next((text for path, text in values.items() if path.endswith(_INTERVAL)), "")
    return int(found) if found.isdigit() else None


def heard(tx: Transaction, cpe: Row) -> None:
    """A CPE has informed and proven who it is: one that should have left came back, and is ztpd's again."""
    if not cpe["handover"]:
        return
    row = tx.one("cpe_handover", device=cpe["device"])
    if row is None or row["state"] not in AWAY:
        return
    had_left = row["state"] == HandoverState.LEFT
    was = f"after it had left at {row['left_at']}" if had_left else f"after it had agreed at {row['accepted_at']}"
    _end(tx, row["device"], HandoverState.RETURNED, f"it informed here again, {was}", returned_at=tx.now_text)
    _tell(tx, row, "device.came-back", had_left=had_left, since=row["left_at"] or row["accepted_at"])


def confirm(tx: Transaction, limit: int) -> list[Row]:
    """Look at CPEs that should be gone by now; the tasks whose answer never came and need not be waited for."""
    found: list[Row] = []
    for row in tx.all("silent_cpe_handovers", now=tx.now_text, limit=limit):
        done = tx.apart(lambda row=row: _confirm(tx, row))  # type: ignore[misc]
        if isinstance(done, Exception):
            log.error("a hand-over cannot be worked with", device=row["device"], exc_info=done)
            _end(tx, row["device"], HandoverState.FAILED, f"unforeseen {type(done).__name__}; see the log")
        elif done is not None:
            found.append(done)
    return found


def wait_anew(tx: Transaction) -> int:
    """Begin to wait anew for CPEs that are to be silent, for nobody listened while the daemon was away; how many.

    One that stayed, and found nobody, has paused since: for up to 5120 s (TR-069 §3.2.1.1).
    """
    waiting = tx.all("silent_cpe_handovers", now="9999", limit=_ALL)
    for row in waiting:
        pause = max(tx.handover.silence(row["interval_s"]), _LONGEST_PAUSE)
        silent_until = max(row["silent_until"], to_text(tx.now + pause))
        tx.run("doubt_cpe_handover", device=row["device"], silent_until=silent_until, said=row["said"])
    return len(waiting)


def _confirm(tx: Transaction, row: Row) -> Row | None:
    since = row["accepted_at"] or row["told_at"]
    last = tx.one("last_heard_of_cpe", device=row["device"])
    pause = tx.handover.silence(row["interval_s"])
    if last is not None and last["last_heard_at"] > max(since, to_text(tx.now - pause)):
        said = f"somebody who says that he is this device informed here at {last['last_heard_at']}: {last['verdict']}"
        silent_until = to_text(from_text(last["last_heard_at"]) + pause)
        tx.run("doubt_cpe_handover", device=row["device"], silent_until=silent_until, said=said)
        return None
    answered = row["state"] == HandoverState.ACCEPTED
    said = f"not heard here since {since}" if answered else f"not heard here since it was told at {since}, unanswered"
    _end(tx, row["device"], HandoverState.LEFT, said, left_at=tx.now_text)
    _tell(tx, row, "device.left", since=since, answered=answered)
    return None if answered else tx.one("get_cpe_task", id=row["task"])


def _end(
    tx: Transaction,
    device: int,
    state: HandoverState,
    said: str,
    *,
    left_at: str | None = None,
    returned_at: str | None = None,
) -> None:
    tx.run("end_cpe_handover", device=device, state=state, said=said, left_at=left_at, returned_at=returned_at)
    tx.run("mark_cpe_handover", device=device)


def _tell(tx: Transaction, row: Row, type_: str, **facts: object) -> None:
    device = tx.one("get_device", id=row["device"])
    assert device is not None
    tx.tell_of_device(device, type_, url=row["url"], **facts)
