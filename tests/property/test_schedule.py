"""The retry schedule and the envelope, for any answer and any event."""

import random
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing_hooks.answer import Answer
from billing_hooks.contract import Verdict
from billing_hooks.envelope import MAX_BYTES, cloud_event
from billing_hooks.errors import EnvelopeTooLarge, InvalidAttribute
from billing_hooks.schedule import DELAYS, JITTER, MAX_RETRY_AFTER, next_attempt, retry_after

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
FAILED = Answer(status=500)

statuses = st.none() | st.integers(0, 999)
attempts = st.integers(1, len(DELAYS) + 2)
scales = st.floats(0.0001, 10)
headers = st.none() | st.text(max_size=40) | st.integers(0, 10**12).map(str)
zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001


def delay_of(attempt: int, seed: int, scale: float = 1.0) -> timedelta:
    retry_at = next_attempt(attempt, FAILED, NOW, random.Random(seed), scale).retry_at
    assert retry_at is not None
    return retry_at - NOW


@given(st.integers(1, len(DELAYS) - 1), st.integers(), scales)
def test_a_delay_is_the_standards_stretched_by_at_most_the_jitter(attempt: int, seed: int, scale: float) -> None:
    delay = delay_of(attempt, seed, scale)
    rounding = timedelta(microseconds=2)
    assert DELAYS[attempt] * scale - rounding <= delay <= DELAYS[attempt] * scale * (1 + JITTER) + rounding


@given(st.integers(1, len(DELAYS) - 2), st.integers(), st.integers())
def test_delays_grow_whatever_the_jitter(attempt: int, seed: int, next_seed: int) -> None:
    assert delay_of(attempt, seed) < delay_of(attempt + 1, next_seed)


@given(st.lists(st.integers(), min_size=20, max_size=20, unique=True))
def test_deliveries_that_failed_together_are_spread(seeds: list[int]) -> None:
    assert len({delay_of(3, seed) for seed in seeds}) > 1


@given(attempts, statuses, headers, st.integers(), scales)
def test_every_answer_has_one_verdict_and_a_bounded_retry(
    attempt: int, status: int | None, header: str | None, seed: int, scale: float
) -> None:
    decision = next_attempt(attempt, Answer(status, header), NOW, random.Random(seed), scale)
    accepted = status is not None and 200 <= status <= 299
    assert (decision.verdict is Verdict.DELIVERED) == accepted
    assert (decision.reason is None) == accepted
    assert (decision.retry_at is not None) == (decision.verdict is Verdict.RETRY)
    if decision.retry_at is not None:
        assert attempt < len(DELAYS)
        assert NOW <= decision.retry_at <= NOW + max(DELAYS[-1] * (1 + JITTER) * scale, MAX_RETRY_AFTER)


@given(st.integers(0, 10**30), st.integers(1, len(DELAYS) - 1), st.integers())
def test_a_retry_is_never_before_the_receivers_wish_up_to_the_cap(seconds: int, attempt: int, seed: int) -> None:
    decision = next_attempt(attempt, Answer(503, str(seconds)), NOW, random.Random(seed))
    assert decision.retry_at is not None
    wished = min(seconds, MAX_RETRY_AFTER.total_seconds())
    assert decision.retry_at >= NOW + timedelta(seconds=wished)


@given(moments)
def test_a_date_is_waited_for_up_to_the_cap(until: datetime) -> None:
    date = until.astimezone(UTC).replace(microsecond=0)
    expected = min(max(date - NOW, timedelta(0)), MAX_RETRY_AFTER)
    assert retry_after(format_datetime(date, usegmt=True), NOW) == expected


@given(st.text(max_size=60))
def test_any_text_as_retry_after_gives_a_bounded_wait(text: str) -> None:
    assert timedelta(0) <= retry_after(text, NOW) <= MAX_RETRY_AFTER


texts = st.text("SVC-019é", min_size=1, max_size=255) | st.text(max_size=300)
words = st.text("abcXYZ019_-", min_size=1, max_size=128) | st.text("a0_-.:/ \r\n\x00é", max_size=140)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(
    event_id=words,
    event_type=words,
    source=words,
    subject=texts,
    time=moments | st.datetimes(),
    service=st.none() | texts,
    sequence=st.integers(-5, 10**21),
    correlation=st.none() | texts,
    data=st.dictionaries(st.text("abc", max_size=5), json_values, max_size=5),
)
def test_any_event_gives_a_valid_envelope_or_a_named_error(**attributes: object) -> None:
    try:
        body = cloud_event(**attributes)  # type: ignore[arg-type]
    except InvalidAttribute:
        return
    event = orjson.loads(body)
    assert len(body) < MAX_BYTES
    assert event["specversion"] == "1.0"
    assert event["id"]
    assert "." not in event["id"]
    assert all(name.isalnum() and name == name.lower() for name in event)
    assert datetime.fromisoformat(event["time"]) == attributes["time"]
    assert event["data"] == attributes["data"]


def envelope(sequence: int = 1, note: str = "") -> bytes:
    return cloud_event(
        event_id="evt_1",
        event_type="service.activated",
        source="/ztpd",
        subject="SVC-1",
        time=NOW,
        service="SVC-1",
        sequence=sequence,
        correlation="JOB-1",
        data={"note": note},
    )


@given(st.integers(0, 10**20 - 1), st.integers(0, 10**20 - 1))
def test_sequences_sort_as_text_as_they_do_as_numbers(one: int, other: int) -> None:
    assume(one < other)
    assert orjson.loads(envelope(one))["sequence"] < orjson.loads(envelope(other))["sequence"]


@given(st.integers(0, 2 * MAX_BYTES))
def test_an_envelope_is_refused_from_the_limit_on(length: int) -> None:
    size = len(envelope()) + length
    if size < MAX_BYTES:
        assert len(envelope(note="n" * length)) == size
        return
    with pytest.raises(EnvelopeTooLarge) as caught:
        envelope(note="n" * length)
    assert caught.value.size == size
    assert str(size) in str(caught.value)
