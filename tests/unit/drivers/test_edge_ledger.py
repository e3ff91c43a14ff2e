"""The state file of an edge server, and its place on the disk."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.access import WantedAccess
from drivers.linux_edge import changes, ledger, reading, state_file
from drivers.linux_edge.ledger import Ledger
from tests.unit.drivers.edges import SETTINGS, WANTED, ValueKernel

ENTRIES = st.builds(
    WantedAccess,
    service=st.text(min_size=1),
    port=st.text(min_size=1),
    device=st.just(""),
    s_vlan=st.integers(0, 4094),
    c_vlan=st.none() | st.integers(1, 4094),
    downstream_bps=st.integers(8),
    upstream_bps=st.integers(8),
    address=st.none() | st.text(),
    enabled=st.booleans(),
).map(lambda each: replace(each, device=each.port))
LEDGERS = st.builds(
    Ledger,
    st.lists(ENTRIES, unique_by=lambda each: each.device).map(lambda each: {one.device: one for one in each}),
    st.frozensets(st.text()),
)


@given(LEDGERS)
def test_what_was_written_is_read(kept: Ledger) -> None:
    assert ledger.parse(ledger.dump(kept)) == kept


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda deep: st.lists(deep)).map(json.dumps))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ledger.parse(text)


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"services": [{}]},
        {"services": [{**json.loads(ledger.dump(Ledger({"eth1": WANTED})))["services"][0], "s_vlan": "201"}]},
        {"services": [{**json.loads(ledger.dump(Ledger({"eth1": WANTED})))["services"][0], "enabled": 1}]},
        {"suspended": [7]},
    ],
)
def test_a_damaged_file_is_refused(damage: dict[str, object]) -> None:
    body = {**json.loads(ledger.dump(Ledger({"eth1": WANTED}))), **damage}

    with pytest.raises(ValueError, match=r"."):
        ledger.parse(json.dumps(body))


def test_a_whole_service_is_an_entry_and_half_of_one_is_not() -> None:
    kernel = ValueKernel()
    steps = changes.changes_for(WANTED, kernel.snapshot, SETTINGS, ())
    entries = []
    for step in steps:
        kernel.do([step])
        observed = reading.observed(kernel.snapshot, WANTED.device, SETTINGS)
        entries.append(None if observed is None else ledger.entry_of(observed))

    without_route = replace(WANTED, address=None)
    assert entries == [*[None] * (len(steps) - 2), without_route, WANTED]


def test_services_come_and_go() -> None:
    other = replace(WANTED, port="eth2", device="eth2")
    kept = ledger.updated(Ledger(), [WANTED, other], [], frozenset({"eth9"}))

    assert ledger.updated(kept, [], ["eth1", "eth7"], frozenset()) == Ledger({"eth2": other})
    assert kept.suspended == {"eth9"}


def test_a_file_is_replaced_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "edge.json"
    assert state_file.read(path) is None

    state_file.write(path, "one")
    state_file.write(path, "two")

    assert state_file.read(path) == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_refuses_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "edge.json"
    state_file.write(path, "one")
    (tmp_path / ".edge.json.new").mkdir()

    with pytest.raises(OSError, match=r"edge\.json"):
        state_file.write(path, "two")
    assert state_file.read(path) == "one"
