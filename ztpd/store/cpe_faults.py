"""Why CPEs did not do what they were asked, by device and cause, until the cause is gone."""

from collections.abc import Mapping

from ztpd.domain.cpe import Cause, CpeFault, CpeWork
from ztpd.domain.cpe_faults import may_pass, pause
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

Faults = Mapping[str, Row]
"""A CPE's faults by cause."""

_NONE: Faults = {}


def of(tx: Transaction, cpe: Row) -> Faults:
    """The faults of a CPE."""
    if not cpe["faulty"]:
        return _NONE
    return {row["cause"]: row for row in tx.all("cpe_faults", device=cpe["device"])}


def holds_back(tx: Transaction, faults: Faults, cpe: Row, cause: Cause, work: CpeWork | None) -> bool:
    """Whether work is not to be tried yet; a fault whose cause is gone is forgotten."""
    fault = faults.get(cause)
    if fault is None:
        return False
    if work is None or work.id != fault["work"]:
        clear(tx, cpe["device"], cause)
        return False
    return bool(fault["retry_at"] > tx.now_text)


def note(tx: Transaction, work: CpeWork, fault: CpeFault) -> Row | None:
    """Keep a fault of a CPE; its row when it may pass by itself, None when the work has failed for good."""
    before = tx.one("cpe_fault", device=work.device, cause=work.cause)
    times = 1 if before is None or before["work"] != work.id else before["times"] + 1
    passing = may_pass(fault, times)
    tx.run(
        "put_cpe_fault",
        device=work.device,
        cause=work.cause,
        work=work.id,
        kind=fault.kind.value,
        code=fault.code,
        message=fault.words,
        times=times,
        # What has failed for good waits for a person, who need not wait for it.
        retry_at=to_text(tx.now + pause(work.cause, times, fault.kind)) if passing else tx.now_text,
        now=tx.now_text,
    )
    tx.run("mark_faulty", device=work.device)
    return tx.one("cpe_fault", device=work.device, cause=work.cause) if passing else None


def clear(tx: Transaction, device: int, cause: Cause) -> None:
    """The cause is gone, or the work has been done."""
    tx.run("clear_cpe_fault", device=device, cause=cause)
    tx.run("mark_faulty", device=device)


def last_of_job(tx: Transaction, job: str) -> str | None:
    """In words what a job's CPE answered last, while it is tried again; None when it answered no fault."""
    row = tx.one("cpe_fault_of_job", job=job)
    return None if row is None else f"{row['message']} (tried {row['times']} times)"
