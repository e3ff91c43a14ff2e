"""The state tables of jobs, services and devices; nothing else moves one of them.

Each table maps (state, event) to the next state. A pair that is not in its table is refused with
``TransitionRefused``, so what is not foreseen cannot happen silently. ``docs/lifecycle.md`` is drawn from here.
"""

import enum
from collections.abc import Mapping
from typing import TypeVar


class JobState(enum.StrEnum):
    """Where one piece of work stands."""

    HELD = "held"  # a leg is missing or the network contradicts the order; the codes say which
    READY = "ready"  # everything is there but the device
    DISCOVERED = "discovered"  # the device was heard in its place, or none is awaited; due for an attempt
    APPLYING = "applying"  # an attempt is writing to the element
    VERIFYING = "verifying"  # written; reading back, measuring, waiting for the CPE
    AWAITING_COMPLETION = "awaiting-completion"  # the network works; evidence is still owed
    COMPLETED = "completed"
    FAILED = "failed"  # a stable code says why; the next visit or a retry goes on from here
    CANCELLED = "cancelled"


class JobEvent(enum.StrEnum):
    """What can happen to a job."""

    LEGS_MISSING = "legs-missing"
    LEGS_COMPLETE = "legs-complete"
    CONFLICT_FOUND = "conflict-found"
    DEVICE_SEEN = "device-seen"
    NOTHING_AWAITED = "nothing-awaited"
    ATTEMPT_STARTED = "attempt-started"
    APPLIED = "applied"
    VERIFIED = "verified"
    DEFERRED = "deferred"
    ATTEMPT_FAILED = "attempt-failed"
    VISIT_OPENED = "visit-opened"
    RETRY_ASKED = "retry-asked"
    EVIDENCE_COMPLETE = "evidence-complete"
    WINDOW_CLOSED = "window-closed"
    CANCEL_ASKED = "cancel-asked"


class ServiceState(enum.StrEnum):
    """Where what the customer has at one location stands."""

    RESERVED = "reserved"
    ACTIVE = "active"  # confirmed on the device
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class ServiceEvent(enum.StrEnum):
    """What can happen to a service."""

    ACTIVATED = "activated"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    TERMINATED = "terminated"


class DeviceState(enum.StrEnum):
    """Where a device stands."""

    EXPECTED = "expected"  # allocated, not heard yet
    SEEN = "seen"  # heard where its job expects it
    BOUND = "bound"  # confirmed in a service
    QUARANTINED = "quarantined"  # unknown, cloned or in the wrong place
    RETIRED = "retired"


class DeviceEvent(enum.StrEnum):
    """What can happen to a device."""

    ALLOCATED = "allocated"
    MATCHED = "matched"
    BOUND = "bound"
    CONTRADICTED = "contradicted"
    RELEASED = "released"
    RETIRED = "retired"


_J, _E = JobState, JobEvent
JOB: Mapping[tuple[JobState, JobEvent], JobState] = {
    (_J.HELD, _E.LEGS_MISSING): _J.HELD,
    (_J.HELD, _E.LEGS_COMPLETE): _J.READY,
    (_J.HELD, _E.CONFLICT_FOUND): _J.HELD,
    (_J.HELD, _E.CANCEL_ASKED): _J.CANCELLED,
    (_J.READY, _E.LEGS_MISSING): _J.HELD,
    (_J.READY, _E.CONFLICT_FOUND): _J.HELD,
    (_J.READY, _E.DEVICE_SEEN): _J.DISCOVERED,
    # Work on a service whose devices are in place already.
    (_J.READY, _E.NOTHING_AWAITED): _J.DISCOVERED,
    (_J.READY, _E.WINDOW_CLOSED): _J.FAILED,
    (_J.READY, _E.CANCEL_ASKED): _J.CANCELLED,
    (_J.DISCOVERED, _E.LEGS_MISSING): _J.HELD,
    (_J.DISCOVERED, _E.CONFLICT_FOUND): _J.HELD,
    (_J.DISCOVERED, _E.ATTEMPT_STARTED): _J.APPLYING,
    (_J.DISCOVERED, _E.CANCEL_ASKED): _J.CANCELLED,
    # An attempt that a crash cut short starts again: apply is idempotent.
    (_J.APPLYING, _E.ATTEMPT_STARTED): _J.APPLYING,
    (_J.APPLYING, _E.APPLIED): _J.VERIFYING,
    (_J.APPLYING, _E.DEFERRED): _J.DISCOVERED,
    (_J.APPLYING, _E.ATTEMPT_FAILED): _J.FAILED,
    (_J.APPLYING, _E.CONFLICT_FOUND): _J.HELD,
    (_J.VERIFYING, _E.ATTEMPT_STARTED): _J.APPLYING,
    (_J.VERIFYING, _E.VERIFIED): _J.AWAITING_COMPLETION,
    (_J.VERIFYING, _E.DEFERRED): _J.DISCOVERED,
    (_J.VERIFYING, _E.ATTEMPT_FAILED): _J.FAILED,
    (_J.VERIFYING, _E.CONFLICT_FOUND): _J.HELD,
    (_J.AWAITING_COMPLETION, _E.EVIDENCE_COMPLETE): _J.COMPLETED,
    (_J.AWAITING_COMPLETION, _E.VISIT_OPENED): _J.AWAITING_COMPLETION,
    (_J.AWAITING_COMPLETION, _E.CONFLICT_FOUND): _J.HELD,
    (_J.FAILED, _E.VISIT_OPENED): _J.READY,
    (_J.FAILED, _E.RETRY_ASKED): _J.READY,
    # The technician mended it and plugged the device in again, within the same visit.
    (_J.FAILED, _E.DEVICE_SEEN): _J.DISCOVERED,
    (_J.FAILED, _E.LEGS_MISSING): _J.HELD,
    (_J.FAILED, _E.CONFLICT_FOUND): _J.HELD,
    (_J.FAILED, _E.CANCEL_ASKED): _J.CANCELLED,
}

_S, _SE = ServiceState, ServiceEvent
SERVICE: Mapping[tuple[ServiceState, ServiceEvent], ServiceState] = {
    (_S.RESERVED, _SE.ACTIVATED): _S.ACTIVE,
    (_S.RESERVED, _SE.TERMINATED): _S.TERMINATED,
    (_S.ACTIVE, _SE.SUSPENDED): _S.SUSPENDED,
    (_S.ACTIVE, _SE.TERMINATED): _S.TERMINATED,
    (_S.SUSPENDED, _SE.RESUMED): _S.ACTIVE,
    (_S.SUSPENDED, _SE.TERMINATED): _S.TERMINATED,
}

_D, _DE = DeviceState, DeviceEvent
DEVICE: Mapping[tuple[DeviceState, DeviceEvent], DeviceState] = {
    (_D.EXPECTED, _DE.ALLOCATED): _D.EXPECTED,
    (_D.EXPECTED, _DE.MATCHED): _D.SEEN,
    (_D.EXPECTED, _DE.CONTRADICTED): _D.QUARANTINED,
    (_D.EXPECTED, _DE.RELEASED): _D.QUARANTINED,
    (_D.EXPECTED, _DE.RETIRED): _D.RETIRED,
    (_D.SEEN, _DE.ALLOCATED): _D.SEEN,
    (_D.SEEN, _DE.MATCHED): _D.SEEN,
    (_D.SEEN, _DE.BOUND): _D.BOUND,
    (_D.SEEN, _DE.CONTRADICTED): _D.QUARANTINED,
    (_D.SEEN, _DE.RELEASED): _D.QUARANTINED,
    (_D.SEEN, _DE.RETIRED): _D.RETIRED,
    (_D.BOUND, _DE.MATCHED): _D.BOUND,
    (_D.BOUND, _DE.BOUND): _D.BOUND,
    (_D.BOUND, _DE.CONTRADICTED): _D.QUARANTINED,
    (_D.BOUND, _DE.RELEASED): _D.QUARANTINED,
    (_D.BOUND, _DE.RETIRED): _D.RETIRED,
    # Allocated after it was heard as unknown: expected until it is heard in its place again.
    (_D.QUARANTINED, _DE.ALLOCATED): _D.EXPECTED,
    (_D.QUARANTINED, _DE.MATCHED): _D.SEEN,
    (_D.QUARANTINED, _DE.CONTRADICTED): _D.QUARANTINED,
    (_D.QUARANTINED, _DE.RETIRED): _D.RETIRED,
}

FINAL_JOB_STATES = frozenset({JobState.COMPLETED, JobState.CANCELLED})

State = TypeVar("State", JobState, ServiceState, DeviceState)
Happening = TypeVar("Happening", JobEvent, ServiceEvent, DeviceEvent)


class TransitionRefused(Exception):
    """The table has no row for this event in this state; carries both."""

    def __init__(self, state: enum.StrEnum, event: enum.StrEnum) -> None:
        self.state = state
        self.event = event
        super().__init__(f"{event} is not possible in state {state}")


def advance(table: Mapping[tuple[State, Happening], State], state: State, event: Happening) -> State:
    """The state that follows; raises ``TransitionRefused`` where the table has no row."""
    try:
        return table[state, event]
    except KeyError:
        raise TransitionRefused(state, event) from None


def allows(table: Mapping[tuple[State, Happening], State], state: State, event: Happening) -> bool:
    """Whether the table has a row for this event in this state."""
    return (state, event) in table


def diagram(table: Mapping[tuple[State, Happening], State], *initial: State) -> str:
    """The table as a Mermaid state diagram, rows that lead to the same state joined.

    Mermaid's state ids hold no hyphen, so such a state has an alias (https://mermaid.js.org/syntax/stateDiagram.html).
    """
    states = dict.fromkeys([*(state for state, _ in table), *table.values()])
    labels: dict[tuple[State, State], list[str]] = {}
    for (state, event), following in table.items():
        labels.setdefault((state, following), []).append(event.value)
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state.value}" as {_drawn(state)}' for state in states if state.value != _drawn(state)]
    lines += [f"    [*] --> {_drawn(first)}" for first in initial]
    lines += [f"    {_drawn(a)} --> {_drawn(b)}: {', '.join(events)}" for (a, b), events in labels.items()]
    left = {state for state, _ in table}
    lines += [f"    {_drawn(end)} --> [*]" for end in states if end not in left]
    return "\n".join(lines)


def _drawn(state: enum.StrEnum) -> str:
    return state.value.replace("-", "_")
