"""Whatever is published: a hint or the one error; and what is said is read as it was meant."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pon import serial as pon_serial
from ztpd.discovery.mqtt_announcement import PAYLOAD_BYTES, Announcement, AnnouncementError, decode
from ztpd.domain.sighting import Sighting, Source

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PREFIX = "ztpd/v1/sightings"
TOPIC = f"{PREFIX}/olt-1"
WHOLE = json.dumps(
    {
        "presence": "absent",
        "serial": "HWTC1A2B3C4D",
        "oui": "00259E",
        "cwmp_serial": "485754431A2B3C4D",
        "mac": "02:00:5e:10:00:01",
        "port": "1/1/3",
        "heard_at": "2026-03-01T07:59:00Z",
        "circuit_id": "0xfeed",
        "ip": "10.0.0.5",
        "rx_power_dbm": {"onu": -19.5},
        "details": {"model": "x"},
    }
).encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(sorted(Announcement.model_fields)) | st.text(max_size=12)
serials = st.builds(
    lambda vendor, number: f"{vendor}{number:08X}",
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=4),
    st.integers(0, 2**32 - 1),
)
macs = st.binary(min_size=6, max_size=6)


def use(topic: str, payload: bytes) -> Sighting | None:
    """What it says, with all that must hold of a hint; None where it is refused, in words fit for a log."""
    try:
        sighting = decode(topic, payload, NOW)
    except AnnouncementError as refused:
        words = str(refused)
    else:
        assert_is_a_hint(sighting)
        return sighting
    assert words.isprintable()
    assert len(words) < 500
    return None


def assert_is_a_hint(sighting: Sighting) -> None:
    assert sighting.source is Source.MQTT
    assert sighting.trusted is False
    assert sighting.heard_at <= NOW
    assert sighting.element is not None
    assert sighting.serial is None or pon_serial.is_canonical(sighting.serial)
    texts = [sighting.element, sighting.port, sighting.cwmp_serial, sighting.ip, *sighting.details.values()]
    assert all(text is None or text.isprintable() for text in texts)


@given(st.text(max_size=100) | st.text(max_size=80).map(lambda text: f"{PREFIX}/{text}"), st.binary(max_size=200))
def test_any_topic_and_bytes_are_answered(topic: str, payload: bytes) -> None:
    use(topic, payload)
    use(topic, WHOLE)
    use(TOPIC, payload)


@given(st.dictionaries(fields, json_values, max_size=6), st.booleans())
def test_any_object_is_answered(said: dict[str, Any], names_a_device: bool) -> None:
    more = {"mac": "02:00:5e:10:00:01"} if names_a_device else {}
    use(TOPIC, json.dumps({**said, **more}).encode())


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_spoiled_bytes_are_answered(changes: list[tuple[int, int]]) -> None:
    payload = bytearray(WHOLE)
    for at, value in changes:
        payload[at] = value
    use(TOPIC, bytes(payload))


@given(st.integers(0, len(WHOLE) - 1))
def test_any_truncation_is_refused(length: int) -> None:
    assert use(TOPIC, WHOLE[:length]) is None


@given(st.sampled_from(["[", '{"details":', '{"a":{"b":[']), st.integers(1, PAYLOAD_BYTES))
def test_any_depth_is_refused(opening: str, times: int) -> None:
    assert use(TOPIC, opening.encode() * times) is None


@given(serials, macs, st.sampled_from([":", "-", ""]), st.ip_addresses(), st.binary(min_size=1, max_size=255))
def test_what_is_said_is_read_as_it_was_meant(
    serial: str, mac: bytes, separator: str, ip: object, circuit_id: bytes
) -> None:
    said = {
        "serial": f"{serial[:4].lower()}-{serial[4:]}",
        "mac": mac.hex(separator).upper() if separator else mac.hex(),
        "ip": str(ip),
        "circuit_id": f"0x{circuit_id.hex()}",
    }
    heard = use(TOPIC, json.dumps(said).encode())
    assert heard is not None
    assert (heard.serial, heard.mac, heard.ip, heard.circuit_id) == (serial, mac.hex(":"), str(ip), circuit_id.hex())
