"""Matching and acceptance decide safely whatever they are given."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from drivers.access import Levels
from ztpd.domain.acceptance import levels_failure
from ztpd.domain.lifecycle import FINAL_JOB_STATES, JobState
from ztpd.domain.matching import Conflict, Expectation, Match, match
from ztpd.domain.model import Access, Window, normalise_mac
from ztpd.domain.profile import Range
from ztpd.domain.sighting import Place

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ELEMENTS, PORTS = st.sampled_from(["olt-1", "olt-2"]), st.sampled_from(["1/1/1", "1/1/2"])
PLACES = st.none() | st.builds(Place, ELEMENTS, PORTS)
ACCESSES = st.none() | st.builds(Access, technology=st.just("pon"), element=ELEMENTS, port=PORTS)
WINDOWS = st.none() | st.builds(
    lambda start, hours: Window(start=NOW + timedelta(hours=start), end=NOW + timedelta(hours=start + hours)),
    st.integers(-3, 3),
    st.integers(1, 4),
)
EXPECTATIONS = st.lists(
    st.builds(Expectation, st.sampled_from(["J-1", "J-2"]), st.sampled_from(JobState), ACCESSES, WINDOWS), max_size=3
)
LEVELS = st.none() | st.floats(-60, 10)


@given(PLACES, PLACES, EXPECTATIONS, st.booleans())
def test_nothing_matches_without_a_trusted_place_the_jobs_port_and_its_window(
    place: Place | None, elsewhere: Place | None, expectations: list[Expectation], trusted: bool
) -> None:
    verdict = match(place, elsewhere, expectations, trusted, NOW)
    waiting = [each for each in expectations if each.state not in FINAL_JOB_STATES]
    if isinstance(verdict, Match | Conflict):
        assert trusted
        assert place is not None
        (expected,) = waiting
        assert verdict.job == expected.job
    if isinstance(verdict, Match):
        assert elsewhere in (None, place)
        assert expected.access is not None
        assert place == Place(expected.access.element, expected.access.port)
        assert expected.window is None or expected.window.start <= NOW <= expected.window.end


@given(LEVELS, LEVELS, st.floats(-40, -20), st.floats(-20, 0))
def test_light_passes_only_where_both_levels_are_known_and_within(
    onu: float | None, olt: float | None, low: float, high: float
) -> None:
    limits = {"onu_rx_dbm": Range(minimum=low, maximum=high), "olt_rx_dbm": Range(minimum=low - 2, maximum=high)}
    good = onu is not None and olt is not None and low <= onu <= high and low - 2 <= olt <= high
    assert (levels_failure(Levels(onu, olt), limits) is None) == good


@given(st.binary(min_size=6, max_size=6), st.sampled_from([":", "-", ""]), st.booleans())
def test_every_spelling_of_a_mac_address_becomes_one(raw: bytes, separator: str, upper: bool) -> None:
    text = separator.join(f"{byte:02x}" for byte in raw)
    assert normalise_mac(text.upper() if upper else text) == ":".join(f"{byte:02x}" for byte in raw)
