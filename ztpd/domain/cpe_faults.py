"""What a fault of a CPE means for its work: whether time may mend it, and when it is tried again."""

from datetime import timedelta

from ztpd.domain.cpe import Cause, CpeFault, FaultKind

PASSING_CODES = frozenset({9001, 9002, 9004})
"""Request denied, internal error, resources exceeded: faults that tell nothing against the request (TR-069 A.5.1)."""

BROKEN_TALKS = 3
"""How often a CPE may answer what cannot be understood before its work is given up: one may have been cut off."""

LOOK_AGAIN, UNSETTLED_LOOKS = timedelta(seconds=40), 96
"""When a CPE is looked at again that does not show yet that it works, and how often; a job has ended long before."""

_FIRST = {Cause.JOB: timedelta(seconds=30)}  # somebody stands in front of it
_FIRST_ELSE = timedelta(seconds=300)
_LONGEST = timedelta(days=1)


def may_pass(fault: CpeFault, times: int) -> bool:
    """Whether the same work may succeed later, after it has failed so often."""
    if fault.kind is FaultKind.PROTOCOL:
        return times < BROKEN_TALKS
    if fault.kind is FaultKind.UNSETTLED:
        return times < UNSETTLED_LOOKS
    return fault.kind is FaultKind.CPE and fault.code in PASSING_CODES


def pause(cause: Cause, times: int, kind: FaultKind = FaultKind.CPE) -> timedelta:
    """How long to wait before work is tried again that has failed so often: doubling, up to a day.

    What was done and does not show yet that it works is looked at in even steps.
    """
    if kind is FaultKind.UNSETTLED:
        return LOOK_AGAIN
    return min(_LONGEST, _FIRST.get(cause, _FIRST_ELSE) * 2.0 ** min(times - 1, 16))
