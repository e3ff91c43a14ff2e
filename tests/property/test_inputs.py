"""What local helpers, captures and relays may hand in: any bytes give a value or a named refusal."""

import contextlib
import json
import struct
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.conftest import ROOT
from tests.unit.discovery import frames
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.handing_over import line_of
from ztpd.discovery.intake import sighting_in
from ztpd.discovery.replay import ReplayError, replay
from ztpd.domain.sighting import Presence, Sighting, Source

SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))
ROWS = tomllib.loads((ROOT / "config/circuit-ids.toml").read_text())["pattern"]
PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
PCAPNG = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def spoilt(whole: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with some of them changed, and cut somewhere."""

    def spoil(changes: list[tuple[int, int]], length: int) -> bytes:
        made = bytearray(whole)
        for place, value in changes:
            made[place % len(made)] = value
        return bytes(made[:length])

    changes = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)
    return st.builds(spoil, changes, st.integers(0, len(whole)))


@given(st.binary(max_size=300) | st.sampled_from([row["example"].encode("latin-1") for row in ROWS]).flatmap(spoilt))
def test_any_circuit_id_is_explained_or_is_not(raw: bytes) -> None:
    match = SHIPPED.explain(raw)
    if match is not None:
        assert len(raw) <= 255
        assert match.pattern in SHIPPED.names
        assert all(value.isascii() and value.isprintable() for value in match.groups.values())


SIGHTINGS = st.builds(
    Sighting,
    st.sampled_from(Source),
    st.datetimes(timezones=st.just(UTC)),
    presence=st.sampled_from(Presence),
    element=st.none() | st.text(max_size=20),
    mac=st.none() | st.just("02:00:5e:00:00:01"),
    circuit_id=st.none() | st.binary(max_size=40).map(bytes.hex),
    trusted=st.booleans(),
    details=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
)


@given(SIGHTINGS)
def test_what_a_helper_hands_over_arrives_as_it_was(sighting: Sighting) -> None:
    assert sighting_in(line_of(sighting)) == sighting


LINE = line_of(Sighting(Source.DHCP, datetime(2026, 3, 1, tzinfo=UTC), mac="02:00:5e:00:00:01", circuit_id="00"))
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)
NAMES = st.sampled_from(["source", "heard_at", "mac", "serial", "circuit_id", "details", "trusted", "nonsense"])


@given(
    st.binary(max_size=300)
    | spoilt(LINE)
    | st.dictionaries(NAMES, VALUES, max_size=6).map(lambda given: json.dumps({**json.loads(LINE), **given}).encode())
)
def test_any_line_is_a_sighting_or_is_refused(line: bytes) -> None:
    with contextlib.suppress(ValidationError):
        assert sighting_in(line).heard_at.tzinfo is not None


def _pcap(frame: bytes) -> bytes:
    return PCAP + struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame


@given(
    st.binary(max_size=200)
    | st.binary(max_size=400).map(lambda rest: PCAP + rest)
    | st.binary(max_size=400).map(lambda rest: PCAPNG + rest)
    | spoilt(_pcap(frames.relayed()))
)
def test_any_file_is_replayed_or_is_damaged(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(content)
        file.flush()
        with contextlib.suppress(ReplayError):
            for frame in replay(Path(file.name), SHIPPED, lambda message: True):
                assert frame.number > 0
