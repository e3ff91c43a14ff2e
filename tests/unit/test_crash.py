"""Crash points: armed by number or name, at the nth passing, and nothing else ends the process."""

import os
import signal
import subprocess
import sys

import pytest

from ztpd.crash import POINTS, CrashPoints, UnknownCrashPoint, from_environment

PASSES = """
import os
from ztpd.crash import from_environment
points = from_environment(os.environ)
for passing in (1, 2, 3):
    points("claim_jobs.before-commit")
    print(passing, flush=True)
"""


def passed(armed: str) -> tuple[int, list[str]]:
    """How a process ended that passes one point three times, and which passings it survived."""
    environment = {**os.environ, "ZTPD_CRASH_POINT": armed}
    done = subprocess.run(
        [sys.executable, "-c", PASSES], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout.split()


def test_the_armed_point_kills_the_process_at_the_passing_asked_for() -> None:
    assert passed("claim_jobs.before-commit:2") == (-signal.SIGKILL, ["1"])


def test_another_point_kills_nobody() -> None:
    assert passed("claim_jobs.after-commit") == (0, ["1", "2", "3"])


def test_nothing_is_armed_unless_it_is_asked_for() -> None:
    for environment in ({}, {"ZTPD_CRASH_POINT": ""}):
        points = from_environment(environment)
        for point in POINTS:
            points(point)


@pytest.mark.parametrize("number", range(1, len(POINTS) + 1))
def test_a_point_has_a_number_and_a_name(number: int) -> None:
    for text in (str(number), POINTS[number - 1], f"{number}:1"):
        assert from_environment({"ZTPD_CRASH_POINT": text}).armed == POINTS[number - 1]


def test_each_point_is_there_once() -> None:
    assert len(set(POINTS)) == len(POINTS)


@pytest.mark.parametrize(
    "text", ["0", "-1", str(len(POINTS) + 1), "claim_jobs", "element.applied:x", "element.applied:-1", "1 ", ":1"]
)
def test_an_unknown_point_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UnknownCrashPoint, match=f"expected 1 to {len(POINTS)} or a name such as"):
        from_environment({"ZTPD_CRASH_POINT": text})


def test_an_unarmed_point_counts_no_passing() -> None:
    points = CrashPoints("element.applied", 2)
    for _ in range(3):
        points("delivery.posted")
    points("element.applied")  # the first of two: the process lives
