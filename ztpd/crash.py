"""Numbered crash points: places where a test ends the process as ``kill -9`` would.

Each stands right before or right after something becomes durable, in ztpd's database or outside it. The number of a
point is its place in ``POINTS``; ``ZTPD_CRASH_POINT=7`` (or its name) arms one, ``7:2`` its second passing.
"""

import os
import signal
from collections.abc import Mapping

INTENTIONS = (
    "put_location",
    "put_job",
    "release_claims",
    "keep_elements",
    "settle_held",
    "record_listing",
    "record_announcement",
    "record_sighting",
    "claim_jobs",
    "record_applied",
    "confirm_network",
    "fail_attempt",
    "open_visit",
    "hear_inform",
    "record_outcome",
    "accept_completion",
    "claim_deliveries",
    "record_attempts",
)

OUTSIDE = ("element.applied", "delivery.posted")

POINTS = (*(f"{name}.{edge}" for name in INTENTIONS for edge in ("before-commit", "after-commit")), *OUTSIDE)


class UnknownCrashPoint(ValueError):
    """The variable names no crash point."""

    def __init__(self, text: str) -> None:
        super().__init__(f"ZTPD_CRASH_POINT={text}: expected 1 to {len(POINTS)} or a name such as {POINTS[0]}")


class CrashPoints:
    """At most one armed point; passing it for the nth time ends the process with SIGKILL."""

    def __init__(self, armed: str | None = None, passings: int = 1) -> None:
        self.armed = armed
        self._left = passings

    def __call__(self, point: str) -> None:
        """Pass a point: nothing happens unless it is the armed one."""
        if point != self.armed:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def from_environment(environment: Mapping[str, str]) -> CrashPoints:
    """What ``ZTPD_CRASH_POINT`` asks for; raises ``UnknownCrashPoint``."""
    text = environment.get("ZTPD_CRASH_POINT", "")
    if not text:
        return CrashPoints()
    name, _, passings = text.partition(":")
    number = _positive(name)
    if number is not None and number <= len(POINTS):
        name = POINTS[number - 1]
    nth = _positive(passings or "1")
    if name not in POINTS or nth is None:
        raise UnknownCrashPoint(text)
    return CrashPoints(name, nth)


def _positive(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) > 0 else None
