"""What an error means for an attempt, and when it is tried again."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Busy, Conflict, ElementError, Rejected, Unreachable
from ztpd.domain.failures import Code, Failure
from ztpd.provisioning.policy import RETRIED, RetryPolicy, failure_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AWAY = Failure(Code.ELEMENT_UNREACHABLE)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Unreachable, Code.ELEMENT_UNREACHABLE),
        (Busy, Code.ELEMENT_BUSY),
        (Rejected, Code.ELEMENT_REJECTED),
        (Conflict, Code.ELEMENT_REJECTED),
        (ElementError, Code.ELEMENT_REJECTED),
    ],
)
def test_the_class_of_an_error_decides_the_code_and_its_words_are_the_detail(
    kind: type[ElementError], code: Code
) -> None:
    # The words name another class on purpose: nothing is decided by text.
    failure = failure_of(kind("olt-1", "commit", "unreachable: lock-denied, session busy"))
    assert failure == Failure(code, "olt-1, commit: unreachable: lock-denied, session busy")


def test_an_error_that_no_driver_may_raise_is_for_a_person_to_look_at() -> None:
    failure = failure_of(KeyError("onu-type"))
    assert failure == Failure(Code.ELEMENT_REJECTED, "unforeseen KeyError: 'onu-type'")
    assert failure.code not in RETRIED


@pytest.mark.parametrize("code", Code)
def test_only_an_element_that_is_away_or_busy_is_tried_again(code: Code) -> None:
    retry_at = RetryPolicy().retry_at(Failure(code), 1, NOW, Random(1))
    assert (retry_at is not None) == (code in {Code.ELEMENT_UNREACHABLE, Code.ELEMENT_BUSY})


@given(
    attempt=st.integers(1, 10_000),
    allowed=st.integers(1, 100),
    first_s=st.floats(0.01, 60),
    longest_s=st.floats(0.01, 3600),
    seed=st.integers(),
)
def test_a_pause_doubles_to_its_longest_and_is_cut_by_up_to_half(
    attempt: int, allowed: int, first_s: float, longest_s: float, seed: int
) -> None:
    retry_at = RetryPolicy(allowed, first_s, longest_s).retry_at(AWAY, attempt, NOW, Random(seed))
    if attempt >= allowed:
        assert retry_at is None
        return
    assert retry_at is not None
    full_s = min(longest_s, first_s * 2 ** min(attempt - 1, 60))
    # Moments are kept to the microsecond.
    assert full_s / 2 - 1e-6 <= (retry_at - NOW).total_seconds() <= full_s + 1e-6


def test_jobs_that_were_put_off_together_come_back_apart() -> None:
    random = Random(1)
    moments = {RetryPolicy().retry_at(AWAY, 4, NOW, random) for _ in range(50)}
    assert len(moments) == 50
