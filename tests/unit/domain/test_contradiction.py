"""Which hearings of one device contradict each other, and which only say that it moved."""

from datetime import UTC, datetime, timedelta

import pytest

from ztpd.domain.contradiction import FRESH, Stay, cloned, two_homes
from ztpd.domain.failures import Code
from ztpd.domain.sighting import Place

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def stay(element: str, since_minute: int, until_minute: int) -> Stay:
    """From and until so many minutes before now."""
    return Stay(element, NOW - timedelta(minutes=since_minute), NOW - timedelta(minutes=until_minute))


def test_a_clone_is_told_the_same_whichever_of_the_two_is_heard() -> None:
    here, there = Place("olt-1", "1/1/1"), Place("olt-2", "1/1/7")
    assert cloned(here, there) == cloned(there, here)
    assert cloned(here, there).code is Code.DUPLICATE_SERIAL
    assert cloned(here, there).detail == "alive on olt-1 1/1/1 and on olt-2 1/1/7"


@pytest.mark.parametrize(
    ("stays", "contradicts"),
    [
        ([], False),
        ([stay("olt-1", 30, 0)], False),
        ([stay("olt-1", 30, 20), stay("olt-2", 10, 0)], False),  # it moved
        ([stay("olt-1", 30, 20), stay("olt-1", 10, 0)], False),
        ([stay("olt-1", 30, 0), stay("olt-2", 10, 10)], True),  # here, there, here again
        ([stay("olt-1", 30, 30), stay("olt-2", 20, 20), stay("olt-1", 10, 10)], True),
        ([stay("olt-1", 0, 0), stay("olt-2", 0, 0)], True),
        ([stay("olt-1", 300, 0), stay("olt-2", 200, 61)], False),  # there is nothing any more
        ([stay("olt-1", 9, 9), stay("olt-2", 8, 0), stay("olt-3", 5, 5)], True),
    ],
)
def test_behind_one_element_while_behind_another(stays: list[Stay], contradicts: bool) -> None:
    failure = two_homes(stays, NOW)
    assert (failure is not None) is contradicts
    assert two_homes(stays[::-1], NOW) == failure, "the order in which they were heard does not matter"


def test_both_elements_are_named() -> None:
    failure = two_homes([stay("olt-2", 5, 5), stay("olt-1", 10, 0)], NOW)
    assert failure is not None
    assert (failure.code, failure.detail) == (Code.DUPLICATE_MAC, "alive behind olt-1 and behind olt-2")


def test_what_was_heard_an_hour_ago_counts_and_what_is_older_does_not() -> None:
    home = Stay("olt-1", NOW - 3 * FRESH, NOW)
    assert two_homes([home, Stay("olt-2", NOW - FRESH, NOW - FRESH)], NOW)
    old = NOW - FRESH - timedelta(microseconds=1)
    assert two_homes([home, Stay("olt-2", old, old)], NOW) is None
