"""What the sender and the keeper of events and deliveries say to each other: plain values and two callables.

The keeper (a store, in tests a list) owns order, leases and the truth; the sender only asks and reports.
"""

import enum
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


class Verdict(enum.StrEnum):
    """What one attempt means for its delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"  # the schedule is exhausted: a dead letter until somebody replays it
    DISABLED = "disabled"  # the endpoint wants no more of anything


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint, leased to the sender for one attempt.

    ``attempt`` is the 1-based number of the attempt to make; ``service`` is what order is kept within; ``body`` is
    the envelope exactly as it is signed and sent; ``event_id`` stays the same over all attempts.
    """

    id: int
    event_id: str
    service: str
    attempt: int
    body: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one POST: ``at`` is when it was sent, ``latency_ms`` until the answer or the failure.

    ``status`` is None when no answer came; ``error`` says in words why it was not delivered; ``answer`` is the
    beginning of the answer's body, safe to print; ``retry_at`` is set exactly when the verdict is RETRY.
    """

    delivery: int
    number: int
    at: datetime
    status: int | None
    latency_ms: float
    error: str | None
    answer: str
    verdict: Verdict
    retry_at: datetime | None


Claim = Callable[[str, int], Awaitable[Sequence[Delivery]]]
"""``claim(endpoint_name, limit)``: up to ``limit`` deliveries that are due now, leased to the caller.

At most one for each service, its oldest undelivered, and none while that one is leased or waits for its retry: this
alone keeps the order. A disabled endpoint has nothing due. The lease must outlast the endpoint's ``timeout_s`` and the
commit of the result; a delivery whose attempt is never recorded becomes due again when it ends. A claim is cancelled
when the sender stops, and what it leased is then not sent: whoever starts again may end the leases of its own.
"""

Record = Callable[[str, Sequence[Attempt]], Awaitable[None]]
"""``record(endpoint_name, attempts)``: returns when all are committed and their leases are given back.

It raises only if nothing was committed, and is then called again with the same attempts; an attempt whose delivery is
unknown or already settled is counted by the keeper, not raised.
"""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The keeper as the sender sees it."""

    claim: Claim
    record: Record
