"""The three state tables: every pair, every state reachable, and the diagrams that operators are shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ztpd.domain.lifecycle import (
    DEVICE,
    FINAL_JOB_STATES,
    JOB,
    SERVICE,
    DeviceEvent,
    DeviceState,
    JobEvent,
    JobState,
    ServiceEvent,
    ServiceState,
    TransitionRefused,
    advance,
    allows,
    diagram,
)

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/lifecycle.md"

# What each thing may become, said a second time and by state: a row that is added, lost or redirected shows here.
JOBS = {
    "held": "legs-missing→held legs-complete→ready conflict-found→held cancel-asked→cancelled",
    "ready": "legs-missing→held conflict-found→held device-seen→discovered nothing-awaited→discovered"
    " window-closed→failed cancel-asked→cancelled",
    "discovered": "legs-missing→held conflict-found→held attempt-started→applying cancel-asked→cancelled",
    "applying": "attempt-started→applying applied→verifying deferred→discovered attempt-failed→failed"
    " conflict-found→held",
    "verifying": "attempt-started→applying verified→awaiting-completion deferred→discovered attempt-failed→failed"
    " conflict-found→held",
    "awaiting-completion": "evidence-complete→completed visit-opened→awaiting-completion conflict-found→held",
    "completed": "",
    "failed": "visit-opened→ready retry-asked→ready device-seen→discovered legs-missing→held conflict-found→held"
    " cancel-asked→cancelled",
    "cancelled": "",
}
SERVICES = {
    "reserved": "activated→active terminated→terminated",
    "active": "suspended→suspended terminated→terminated",
    "suspended": "resumed→active terminated→terminated",
    "terminated": "",
}
DEVICES = {
    "expected": "allocated→expected matched→seen contradicted→quarantined released→quarantined retired→retired",
    "seen": "allocated→seen matched→seen bound→bound contradicted→quarantined released→quarantined retired→retired",
    "bound": "matched→bound bound→bound contradicted→quarantined released→quarantined retired→retired",
    "quarantined": "allocated→expected matched→seen contradicted→quarantined retired→retired",
    "retired": "",
}
TABLES = [
    pytest.param(JOB, JobState, JobEvent, JOBS, id="job"),
    pytest.param(SERVICE, ServiceState, ServiceEvent, SERVICES, id="service"),
    pytest.param(DEVICE, DeviceState, DeviceEvent, DEVICES, id="device"),
]


def _expected(said: Mapping[str, str]) -> dict[tuple[str, str], str]:
    rows = [(state, *arrow.split("→")) for state, arrows in said.items() for arrow in arrows.split()]
    return {(state, event): following for state, event, following in rows}


@pytest.mark.parametrize(("table", "states", "events", "said"), TABLES)
def test_every_pair_moves_as_said_or_is_refused(table, states, events, said) -> None:  # type: ignore[no-untyped-def]
    expected = _expected(said)
    assert set(said) == {state.value for state in states}
    for state in states:
        for event in events:
            following = expected.get((state.value, event.value))
            assert allows(table, state, event) == (following is not None)
            if following is not None:
                assert advance(table, state, event) == following
                continue
            with pytest.raises(TransitionRefused) as error:
                advance(table, state, event)
            assert (error.value.state, error.value.event) == (state, event)
            assert str(error.value) == f"{event} is not possible in state {state}"


@pytest.mark.parametrize(
    ("table", "first"),
    [(JOB, {"held"}), (SERVICE, {"reserved"}), (DEVICE, {"expected", "quarantined"})],
    ids=["job", "service", "device"],
)
def test_every_state_can_be_reached_and_every_open_one_can_end(table, first) -> None:  # type: ignore[no-untyped-def]
    states = {state for state, _ in table} | set(table.values())
    final = states - {state for state, _ in table}
    assert final, "something must be able to end"
    assert _reach(table, first) == states
    for state in states:
        assert _reach(table, {state}) & final, f"{state} never ends"


def _reach(table: Mapping[tuple[str, str], str], first: set[str]) -> set[str]:
    reached = set(first)
    while more := {following for (state, _), following in table.items() if state in reached} - reached:
        reached |= more
    return reached


def test_final_job_states_are_those_without_a_way_out() -> None:
    assert {state for state in JobState if not any(allows(JOB, state, event) for event in JobEvent)} == FINAL_JOB_STATES


def test_nothing_becomes_active_but_by_activation_or_resumption() -> None:
    ways = {(state, event) for (state, event), following in SERVICE.items() if following is ServiceState.ACTIVE}
    assert ways == {
        (ServiceState.RESERVED, ServiceEvent.ACTIVATED),
        (ServiceState.SUSPENDED, ServiceEvent.RESUMED),
    }


def test_a_job_completes_only_with_evidence_after_verification() -> None:
    assert {pair for pair, following in JOB.items() if following is JobState.COMPLETED} == {
        (JobState.AWAITING_COMPLETION, JobEvent.EVIDENCE_COMPLETE)
    }
    assert {state for (state, _), following in JOB.items() if following is JobState.AWAITING_COMPLETION} == {
        JobState.VERIFYING,
        JobState.AWAITING_COMPLETION,
    }


PAGE = """# Lifecycle

Drawn from the tables in `ztpd/domain/lifecycle.py`, which alone move a job, a service or a device; what a table does
not allow is refused. `python -m tests.unit.domain.test_lifecycle` draws this page anew; a test fails while it differs.

## A job
One piece of work on one service. A return visit is the next visit of the same job.

```mermaid
{job}
```

## A service
What one customer has at one location. Active means confirmed on the device.

```mermaid
{service}
```

## A device
One that is allocated before it is heard begins as `expected`, one that is heard before as `quarantined`.

```mermaid
{device}
```
"""


def document() -> str:
    """docs/lifecycle.md as the tables draw it."""
    return PAGE.format(
        job=diagram(JOB, JobState.HELD),
        service=diagram(SERVICE, ServiceState.RESERVED),
        device=diagram(DEVICE, DeviceState.EXPECTED, DeviceState.QUARANTINED),
    )


def test_the_diagrams_in_the_documents_are_those_of_the_tables() -> None:
    assert DOCUMENT.read_text() == document(), "run: python -m tests.unit.domain.test_lifecycle"


@pytest.mark.parametrize(("table", "states", "events", "said"), TABLES)
def test_a_diagram_has_an_arrow_for_every_row_and_ids_that_can_be_drawn(table, states, events, said) -> None:  # type: ignore[no-untyped-def]
    drawn = diagram(table)
    for (state, event), following in table.items():
        arrow = f"    {state.replace('-', '_')} --> {following.replace('-', '_')}: "
        assert any(line.startswith(arrow) and event in line for line in drawn.splitlines())
    ids = [word for line in drawn.splitlines() if "-->" in line for word in line.partition(":")[0].split(" --> ")]
    assert not [word for word in ids if "-" in word]


if __name__ == "__main__":
    DOCUMENT.write_text(document())
