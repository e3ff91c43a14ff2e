"""A sighting, the allocations and the topology become a match, a conflict or nothing.

Nothing unmatched is provisioned: a serial is only a claim; with port, job and window it is a match.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ztpd.domain import contradiction
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import FINAL_JOB_STATES, JobState
from ztpd.domain.model import Access, Window
from ztpd.domain.sighting import Place


@dataclass(frozen=True, slots=True)
class Expectation:
    """One job that has the heard device allocated, with the place it expects it in."""

    job: str
    state: JobState
    access: Access | None
    window: Window | None


@dataclass(frozen=True, slots=True)
class Match:
    """The device is where its job expects it."""

    job: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The device belongs to the job, but the network contradicts the order."""

    job: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The sighting advances no job; ``reason`` says why in words for the operator."""

    reason: str


Verdict = Match | Conflict | Unmatched


def match(
    place: Place | None,
    alive_elsewhere: Place | None,
    expectations: Sequence[Expectation],
    trusted: bool,
    heard_at: datetime,
) -> Verdict:
    """What a sighting means for the jobs that expect its device.

    ``place`` is where it was heard (None: the source cannot tell); ``alive_elsewhere`` is another place where the
    same device is present right now. Only a trusted source that knows the place can complete a match.
    """
    open_jobs = [each for each in expectations if each.state not in FINAL_JOB_STATES]
    if not open_jobs:
        return Unmatched("no open job expects this device")
    if len(open_jobs) > 1:
        jobs = ", ".join(sorted(each.job for each in open_jobs))
        return Unmatched(f"more than one open job expects this device: {jobs}")
    return _judge(place, alive_elsewhere, open_jobs[0], trusted, heard_at)


def _judge(
    place: Place | None, alive_elsewhere: Place | None, expected: Expectation, trusted: bool, heard_at: datetime
) -> Verdict:
    if place is None:
        return Unmatched("the source does not say where the device is")
    if not trusted:
        return Unmatched("the source is not trusted to say where the device is")
    if expected.access is None:
        return Unmatched(f"job {expected.job} has no port to expect the device on")
    if alive_elsewhere is not None and alive_elsewhere != place:
        by = Code.DUPLICATE_SERIAL if expected.access.technology == "pon" else Code.DUPLICATE_MAC
        return Conflict(expected.job, contradiction.cloned(place, alive_elsewhere, by=by))
    if (expected.access.element, expected.access.port) != (place.element, place.port):
        detail = f"heard on {place}, expected on {expected.access.element} {expected.access.port}"
        return Conflict(expected.job, Failure(Code.WRONG_PORT, detail))
    if expected.window is not None and not expected.window.covers(heard_at):
        return Unmatched(f"outside the window of job {expected.job}")
    return Match(expected.job)
