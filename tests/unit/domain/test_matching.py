"""Matching: a serial is only a claim; with a trusted place, the job's port and its window it is a match."""

from datetime import timedelta

import pytest

from tests.unit.domain.orders import NOW
from ztpd.domain.failures import Code
from ztpd.domain.lifecycle import FINAL_JOB_STATES, JobState
from ztpd.domain.matching import Conflict, Expectation, Match, Unmatched, match
from ztpd.domain.model import Access, Window
from ztpd.domain.sighting import Place

HERE, THERE = Place("olt-1", "1/1/3"), Place("olt-1", "1/1/4")
ACCESS = Access(technology="pon", element="olt-1", port="1/1/3")
OPEN = Window(start=NOW - timedelta(hours=1), end=NOW + timedelta(hours=1))


def _expects(
    job: str = "J-1", state: JobState = JobState.READY, access: Access | None = ACCESS, window: Window | None = OPEN
) -> Expectation:
    return Expectation(job, state, access, window)


def test_a_trusted_place_the_jobs_port_and_its_window_make_a_match() -> None:
    assert match(HERE, None, [_expects()], trusted=True, heard_at=NOW) == Match("J-1")
    assert match(HERE, HERE, [_expects(window=None)], trusted=True, heard_at=NOW) == Match("J-1")


def test_without_any_one_of_them_there_is_no_match() -> None:
    late = OPEN.end + timedelta(seconds=1)
    for verdict, reason in (
        (match(None, None, [_expects()], trusted=True, heard_at=NOW), "does not say where"),
        (match(HERE, None, [_expects()], trusted=False, heard_at=NOW), "not trusted"),
        (match(HERE, None, [_expects(access=None)], trusted=True, heard_at=NOW), "no port"),
        (match(HERE, None, [_expects()], trusted=True, heard_at=late), "outside the window of job J-1"),
        (match(HERE, None, [], trusted=True, heard_at=NOW), "no open job"),
        (match(HERE, None, [_expects(), _expects("J-2")], trusted=True, heard_at=NOW), "more than one open job"),
    ):
        assert isinstance(verdict, Unmatched)
        assert reason in verdict.reason


@pytest.mark.parametrize("moment", [OPEN.start, OPEN.end])
def test_the_ends_of_a_window_belong_to_it(moment) -> None:  # type: ignore[no-untyped-def]
    assert isinstance(match(HERE, None, [_expects()], trusted=True, heard_at=moment), Match)


@pytest.mark.parametrize("state", sorted(FINAL_JOB_STATES))
def test_a_job_that_is_over_expects_nothing(state: JobState) -> None:
    done = _expects("J-0", state)
    assert isinstance(match(HERE, None, [done], trusted=True, heard_at=NOW), Unmatched)
    assert match(HERE, None, [done, _expects()], trusted=True, heard_at=NOW) == Match("J-1")


@pytest.mark.parametrize("place", [THERE, Place("olt-2", "1/1/3")])
def test_another_port_or_element_is_a_conflict_that_names_both(place: Place) -> None:
    verdict = match(place, None, [_expects()], trusted=True, heard_at=NOW)
    assert isinstance(verdict, Conflict)
    assert verdict.failure.code is Code.WRONG_PORT
    assert str(place) in verdict.failure.detail
    assert "olt-1 1/1/3" in verdict.failure.detail


def test_a_conflict_counts_outside_the_window_too() -> None:
    late = OPEN.end + timedelta(days=1)
    assert isinstance(match(THERE, None, [_expects()], trusted=True, heard_at=late), Conflict)


def test_a_serial_alive_in_two_places_is_one_conflict_whichever_is_heard() -> None:
    one = match(HERE, THERE, [_expects()], trusted=True, heard_at=NOW)
    other = match(THERE, HERE, [_expects()], trusted=True, heard_at=NOW)
    assert one == other
    assert isinstance(one, Conflict)
    assert one.failure.code is Code.DUPLICATE_SERIAL
