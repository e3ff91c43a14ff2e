"""When a delivery is tried again, and what each answer means. Pure: the time and the random are handed in.

Sources: Standard Webhooks 1.0.0, "Deliverability and reliability" and "Delivery success and failure"; RFC 9110 §10.2.3
(Retry-After) and §5.6.7 (HTTP-date).
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from billing_hooks.answer import Answer
from billing_hooks.contract import Verdict

DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long each attempt waits for the one before it to fail; as many attempts as there are delays."""

JITTER: Final = 0.1
"""A delay is stretched at random by up to this share: never earlier than the standard, and never out of its growth."""

MAX_RETRY_AFTER: Final = timedelta(hours=24)

_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Rule:
    """What the statuses from ``first`` to ``last`` mean; ``meaning`` follows the status in the recorded error."""

    first: int
    last: int
    verdict: Verdict
    meaning: str


RULES: Final = (
    Rule(200, 299, Verdict.DELIVERED, "accepted"),
    Rule(300, 399, Verdict.RETRY, "redirects are not followed; configure the address it points to"),
    Rule(410, 410, Verdict.DISABLED, "the receiver wants no more events"),
    Rule(429, 429, Verdict.RETRY, "the receiver is being sent too much"),
    Rule(400, 499, Verdict.RETRY, "the receiver refused it"),
    Rule(500, 599, Verdict.RETRY, "the receiver failed"),
    Rule(0, 999, Verdict.RETRY, "no status that HTTP knows"),
)
"""The first rule whose range holds the status decides."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one attempt; ``reason`` is None only when delivered, ``retry_at`` set only for a retry."""

    verdict: Verdict
    reason: str | None = None
    retry_at: datetime | None = None


def next_attempt(attempts: int, answer: Answer, now: datetime, rng: random.Random, scale: float = 1.0) -> Decision:
    """What follows from the answer to the ``attempts``-th attempt (1-based), which came at ``now`` (aware).

    ``scale`` shortens or stretches the schedule, not what the receiver asks for: a retry is never before the
    Retry-After, up to ``MAX_RETRY_AFTER``. An unreadable Retry-After is as none.
    """
    verdict, reason = _judge(answer)
    if verdict is Verdict.DELIVERED:
        return Decision(verdict)
    if verdict is not Verdict.RETRY:
        return Decision(verdict, reason)
    if attempts >= len(DELAYS):
        return Decision(Verdict.DEAD, f"given up after {attempts} attempts; the last: {reason}")
    delay = DELAYS[attempts] * (1 + rng.uniform(0, JITTER)) * scale
    wished = retry_after(answer.retry_after, now)
    return Decision(verdict, reason, now + max(delay, wished))


def retry_after(header: str | None, now: datetime) -> timedelta:
    """How long from ``now`` the header asks to wait, from zero to ``MAX_RETRY_AFTER``; zero when it says nothing."""
    if header is None:
        return timedelta(0)
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = int(text) if len(text) <= _MOST_DIGITS else 10**_MOST_DIGITS
        return min(timedelta(seconds=seconds), MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), MAX_RETRY_AFTER)


def _judge(answer: Answer) -> tuple[Verdict, str]:
    status = answer.status
    if status is None:
        return Verdict.RETRY, answer.error or "no answer"
    rule = next(rule for rule in RULES if rule.first <= status <= rule.last)
    return rule.verdict, f"{status}: {rule.meaning}"
