"""The verdict on each answer, the breaker's count, and answers made printable."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from billing_hooks.answer import Answer, printable
from billing_hooks.breaker import Breaker
from billing_hooks.contract import Verdict
from billing_hooks.schedule import DELAYS, next_attempt, retry_after

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (Answer(200), Verdict.DELIVERED, None),
        (Answer(204), Verdict.DELIVERED, None),
        (Answer(301), Verdict.RETRY, "301: redirects are not followed; configure the address it points to"),
        (Answer(400), Verdict.RETRY, "400: the receiver refused it"),
        (Answer(404), Verdict.RETRY, "404: the receiver refused it"),
        (Answer(410), Verdict.DISABLED, "410: the receiver wants no more events"),
        (Answer(429), Verdict.RETRY, "429: the receiver is being sent too much"),
        (Answer(503), Verdict.RETRY, "503: the receiver failed"),
        (Answer(999), Verdict.RETRY, "999: no status that HTTP knows"),
        (Answer(error="the name does not resolve"), Verdict.RETRY, "the name does not resolve"),
    ],
)
def test_what_each_answer_means(answer: Answer, verdict: Verdict, reason: str | None) -> None:
    decision = next_attempt(1, answer, NOW, random.Random(1))
    assert (decision.verdict, decision.reason) == (verdict, reason)


def test_the_schedule_is_the_standards() -> None:
    total = sum(DELAYS, timedelta())
    assert (len(DELAYS), total) == (10, timedelta(hours=75, minutes=35, seconds=5))


def test_the_last_attempt_may_still_be_delivered_or_disable() -> None:
    last = len(DELAYS)
    assert next_attempt(last, Answer(200), NOW, random.Random(1)).verdict is Verdict.DELIVERED
    assert next_attempt(last, Answer(410), NOW, random.Random(1)).verdict is Verdict.DISABLED
    assert next_attempt(last, Answer(500), NOW, random.Random(1)).verdict is Verdict.DEAD


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        (" 7 ", 7),
        ("-7", 0),
        ("soon", 0),
        ("", 0),
        ("9" * 5000, 86_400),
        ("Sat, 01 Mar 2025 12:02:00 GMT", 120),
        ("Saturday, 01-Mar-25 12:02:00 GMT", 120),
        ("Sat Mar  1 12:02:00 2025", 120),
        ("Sat, 01 Mar 2025 11:00:00 GMT", 0),
        ("Mon, 01 Mar 2027 12:00:00 GMT", 86_400),
    ],
)
def test_every_form_of_retry_after_is_read(header: str | None, seconds: int) -> None:
    assert retry_after(header, NOW) == timedelta(seconds=seconds)


def test_the_breaker_counts_failures_in_a_row() -> None:
    breaker = Breaker(threshold=3)
    for delivered in (False, False, True, False, False):
        breaker = breaker.after(delivered=delivered)
    assert (breaker.is_open, breaker.concurrency(8)) == (False, 8)
    breaker = breaker.after(delivered=False)
    assert (breaker.is_open, breaker.concurrency(8)) == (True, 1)
    assert not breaker.after(delivered=True).is_open


def test_an_answer_cannot_move_a_cursor_or_forge_a_line() -> None:
    body = "ok\r\n\x1b[2J\x00\x9b\u2028\u202edone é".encode() + b"\xff"
    assert printable(body) == "ok\\x0d\\x0a\\x1b[2J\\x00\\x9b\\u2028\\u202edone é\\xff"
