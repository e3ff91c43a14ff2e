"""Which waiting jobs are named for a device that nothing expects."""

import pytest

from ztpd.domain.nearness import SHOWN, Near, Waiting, WaitingJobs
from ztpd.domain.sighting import Place

HERE, THERE = Place("olt-1", "1/1/3"), Place("olt-1", "1/1/4")
SERIAL = "HWTC1A2B3C4D"


@pytest.mark.parametrize(
    ("expected", "because"),
    [
        ("HWTC1A2B3C4D", "expects HWTC1A2B3C4D on olt-1 1/1/4"),
        ("HWTC1A2B3C4E", "expects HWTC1A2B3C4E, 1 character off"),
        ("HWTC1A2BC34D", "expects HWTC1A2BC34D, 2 characters off"),  # exchanged
        ("HWTX1A2B3C4E", "expects HWTX1A2B3C4E, 2 characters off"),  # in the vendor's part, too
        ("HWTC8A283C4D", "expects HWTC8A283C4D, 2 characters off"),
    ],
)
def test_a_serial_that_was_mistyped_is_found(expected: str, because: str) -> None:
    jobs = WaitingJobs([Waiting("J-1", expected, THERE), Waiting("J-2", "ALCL00000001", THERE)])
    assert jobs.near(SERIAL, HERE) == [Near("J-1", because)]


@pytest.mark.parametrize("expected", ["HWTC1A2B0000", "ALCL1A2B3C4D", "HWTC2B3C4D00"])
def test_a_serial_that_is_another_one_is_not(expected: str) -> None:
    assert WaitingJobs([Waiting("J-1", expected, THERE)]).near(SERIAL, HERE) == []


def test_a_job_on_the_same_port_is_named_with_what_it_waits_for() -> None:
    jobs = WaitingJobs([Waiting("J-1", "ALCL00000001", HERE), Waiting("J-2", None, HERE), Waiting("J-3", None, None)])
    assert jobs.near(SERIAL, HERE) == [
        Near("J-1", "waits on olt-1 1/1/3 for ALCL00000001"),
        Near("J-2", "waits on olt-1 1/1/3 for no serial"),
    ]


def test_the_most_alike_comes_first_and_each_job_once() -> None:
    jobs = WaitingJobs(
        [
            Waiting("J-1", "ALCL00000001", HERE),
            Waiting("J-2", "HWTC1A2B3C00", HERE),
            Waiting("J-3", "HWTC1A2B3C4C", HERE),
        ]
    )
    assert [near.job for near in jobs.near(SERIAL, HERE)] == ["J-3", "J-2", "J-1"]


def test_a_device_without_a_serial_or_a_place_is_near_nothing() -> None:
    assert WaitingJobs([Waiting("J-1", SERIAL, HERE)]).near(None, None) == []


def test_a_crowded_port_names_a_few() -> None:
    jobs = WaitingJobs(Waiting(f"J-{number:03}", None, HERE) for number in range(200))
    assert len(jobs.near(None, HERE)) == SHOWN
