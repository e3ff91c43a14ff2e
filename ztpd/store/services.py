"""What a service stands on, and whether a piece of work may be ordered on it."""

from ztpd.domain.lifecycle import ServiceState
from ztpd.domain.model import JobBody
from ztpd.store.rows import service_state_of
from ztpd.store.transaction import Refused, Row, Transaction


def standing_of(tx: Transaction, service: str) -> JobBody | None:
    """The order that made a service what it is; None while it is not installed."""
    row = tx.one("standing_of_service", id=service)
    return None if row is None or row["standing"] is None else JobBody.model_validate_json(row["standing"])


def enter(tx: Transaction, job: str, ordered: JobBody) -> JobBody:
    """Have a service worked on by a new job: the order, with all that it leaves as the service has it.

    An install reserves the service. Raises ``Refused`` where the service is another's or not in a state for this work,
    and while another job on it is open: work on one service is done one after the other.
    """
    service = tx.one("get_service", id=ordered.service)
    if service is None:
        return _reserved(tx, ordered)
    _require(service, ordered)
    other = tx.one("other_open_job", service=ordered.service, id=job)
    if other is not None:
        raise Refused(f"job {other['id']} on service {ordered.service} is still open", "complete it first")
    standing = standing_of(tx, ordered.service)
    return ordered if standing is None else ordered.on(standing)


def _reserved(tx: Transaction, ordered: JobBody) -> JobBody:
    if ServiceState.RESERVED not in ordered.does.on:
        raise Refused(f"service {ordered.service} is not known", f"install it before you {ordered.kind} it")
    tx.run(
        "add_service",
        id=ordered.service,
        account=ordered.account,
        location=ordered.location,
        profile=ordered.profile,
        state=ServiceState.RESERVED,
        now=tx.now_text,
    )
    return ordered


def _require(service: Row, ordered: JobBody) -> None:
    if service["account"] != ordered.account:
        raise Refused(f"service {ordered.service} belongs to another account", "correct the account or the service")
    state = service_state_of(service)
    if state in ordered.does.on:
        return
    if ordered.kind == "install":
        raise Refused(f"service {ordered.service} is {state} already", "install a new service instead")
    possible = " or ".join(sorted(ordered.does.on))
    raise Refused(f"service {ordered.service} is {state}", f"a {ordered.kind} is possible while it is {possible}")
