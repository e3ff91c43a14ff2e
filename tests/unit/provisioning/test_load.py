"""How an element is spared: left alone while it does not answer, written to no faster than it is to be."""

from hypothesis import given
from hypothesis import strategies as st

from ztpd.provisioning.breaker import Breaker
from ztpd.provisioning.throttle import Throttle


def test_pauses_grow_until_a_write_succeeds() -> None:
    breaker = Breaker(1.0, 30.0)
    breaker.failed()
    assert [breaker.next_pause_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]

    breaker.answered()
    assert breaker.next_pause_s() == 30, "an answer to a probe is no success yet"

    breaker.succeeded()
    assert breaker.next_pause_s() == 1


def test_it_is_open_from_a_failure_to_an_answer() -> None:
    breaker = Breaker(1.0, 30.0)
    states = [breaker.is_open]
    for happens in (breaker.failed, breaker.failed, breaker.succeeded, breaker.answered):
        happens()
        states.append(breaker.is_open)
    assert states == [False, True, True, True, False]


def test_without_a_limit_nothing_waits() -> None:
    throttle = Throttle(None)
    throttle.wrote(10_000, 5.0)
    assert (throttle.room(64), throttle.wait_s(5.0)) == (64, 0.0)


@given(st.floats(0.5, 6000), st.lists(st.integers(1, 64), min_size=2, max_size=40))
def test_over_time_no_more_is_written_than_allowed(per_minute: float, wishes: list[int]) -> None:
    throttle, now, written = Throttle(per_minute), 0.0, 0
    for wish in wishes:
        now += throttle.wait_s(now)
        devices = throttle.room(wish)
        assert 1 <= devices <= wish
        written += devices
        throttle.wrote(devices, now)
    now += throttle.wait_s(now)
    assert written * 60 / per_minute <= now * (1 + 1e-9)
