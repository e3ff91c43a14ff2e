"""Intentions of the sender: deliveries are claimed, attempts are kept, an endpoint is switched off and on."""

import json
from collections.abc import Sequence

from billing_hooks.contract import Attempt, Delivery, Verdict
from billing_hooks.envelope import cloud_event
from ztpd.store.attempts import Lease
from ztpd.store.times import from_text, optional_text, to_text
from ztpd.store.transaction import DEVICE_LINE, Row, Transaction

SETTLED = {Verdict.DELIVERED: "delivered", Verdict.DEAD: "dead"}


def claim_deliveries(tx: Transaction, endpoint: str, lease: Lease, origin: str, limit: int) -> list[Delivery]:
    """Deliveries that are due at an endpoint, the oldest unanswered one of each service; none while it is off."""
    if any(row["name"] == endpoint for row in tx.all("disabled_endpoints")):
        return []
    until = to_text(tx.now + lease.duration)
    rows = tx.all(
        "claim_deliveries", endpoint=endpoint, owner=lease.owner, lease_until=until, now=tx.now_text, limit=limit
    )
    return [_delivery(tx, row, origin) for row in sorted(rows, key=lambda row: int(row["id"]))]


def _delivery(tx: Transaction, row: Row, origin: str) -> Delivery:
    event = tx.one("get_event", id=row["event"])
    if event is None:
        raise LookupError(f"delivery {row['id']} has no event")
    return Delivery(
        id=row["id"],
        event_id=event["event_id"],
        service=event["service"],
        attempt=row["attempts"] + 1,
        body=envelope_of(event, origin),
        created_at=from_text(event["at"]),
    )


def envelope_of(event: Row, origin: str) -> bytes:
    """An event's row as the CloudEvents body that is signed, sent and listed, the same every time."""
    data, line = json.loads(event["data"]), event["service"]
    return cloud_event(
        event_id=event["event_id"],
        event_type=event["type"],
        source=origin,
        subject=event["job"] or f"{DEVICE_LINE}{data['device']}",
        time=from_text(event["at"]),
        service=None if line.startswith(DEVICE_LINE) else line,
        sequence=event["sequence"],
        correlation=event["job"] or None,
        data=data,
    )


def record_attempts(tx: Transaction, endpoint: str, attempts: Sequence[Attempt]) -> int:
    """Keep what became of each POST; how many came too late, for a delivery that is settled or unknown.

    A delivery that was refused for good by its endpoint waits for it to come back.
    """
    return sum(not _record(tx, endpoint, attempt) for attempt in attempts)


def _record(tx: Transaction, endpoint: str, attempt: Attempt) -> bool:
    """Keep one attempt; whether its delivery was still waiting for it."""
    if attempt.verdict is Verdict.DISABLED:
        reason = attempt.error or "the endpoint answered 410 Gone"
        tx.run("disable_endpoint", name=endpoint, reason=reason, now=tx.now_text)
    in_time = _settle(tx, endpoint, attempt)
    if in_time or tx.one("get_delivery", id=attempt.delivery) is not None:
        tx.run(
            "add_delivery_attempt",
            delivery=attempt.delivery,
            number=attempt.number,
            at=to_text(attempt.at),
            status=attempt.status,
            latency_ms=attempt.latency_ms,
            error=attempt.error,
            answer=attempt.answer,
            verdict=attempt.verdict,
        )
    return in_time


def _settle(tx: Transaction, endpoint: str, attempt: Attempt) -> bool:
    state = SETTLED.get(attempt.verdict, "pending")
    settled = tx.one(
        "settle_delivery",
        id=attempt.delivery,
        state=state,
        attempts=attempt.number,
        due_at=optional_text(attempt.retry_at) or tx.now_text,
        done_at=None if state == "pending" else tx.now_text,
    )
    if settled is not None and state != "pending":
        tx.run("next_in_line", endpoint=endpoint, service=settled["service"], now=tx.now_text)
    return settled is not None


def enable_endpoint(tx: Transaction, endpoint: str) -> None:
    """Let an endpoint that was switched off have its deliveries again, from where it stopped."""
    tx.run("disable_endpoint", name=endpoint, reason="", now=None)
    tx.touched.add("deliveries")
