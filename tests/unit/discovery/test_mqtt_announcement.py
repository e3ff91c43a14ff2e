"""What an adapter may publish: each field in every form it may have, each mistake refused by its name."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import ROOT
from ztpd.discovery.mqtt_announcement import PAYLOAD_BYTES, Announcement, AnnouncementError, decode, schema
from ztpd.domain.sighting import Presence, Sighting, Source

SCHEMA = ROOT / "docs/schemas/sighting.v1.json"
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
TOPIC = "ztpd/v1/sightings/olt-1"
MAC = "02:00:5e:10:00:01"


def said(topic: str = TOPIC, **fields: Any) -> Sighting:
    return decode(topic, json.dumps(fields).encode(), NOW)


def refused(topic: str = TOPIC, payload: bytes | None = None, **fields: Any) -> AnnouncementError:
    with pytest.raises(AnnouncementError) as caught:
        decode(topic, json.dumps(fields).encode() if payload is None else payload, NOW)
    return caught.value


def test_an_announcement_with_every_field_becomes_a_sighting() -> None:
    assert said(
        presence="absent",
        serial="hwtc:1a2b3c4d",
        oui="00259e",
        cwmp_serial="485754431A2B3C4D",
        mac="02-00-5E-10-00-01",
        port="1/1/3",
        heard_at="2026-03-01T08:59:00+01:00",
        circuit_id="olt-1 xpon 1/1/0/3",
        ip="2001:DB8::0:1",
        rx_power_dbm={"olt": -21.4, "onu": -20},
        details={"model": "HG8245"},
    ) == Sighting(
        source=Source.MQTT,
        heard_at=NOW - timedelta(minutes=1),
        presence=Presence.ABSENT,
        element="olt-1",
        port="1/1/3",
        serial="HWTC1A2B3C4D",
        oui="00259E",
        cwmp_serial="485754431A2B3C4D",
        mac=MAC,
        ip="2001:db8::1",
        circuit_id=b"olt-1 xpon 1/1/0/3".hex(),
        trusted=False,
        details={"model": "HG8245", "rx_power_dbm.olt": "-21.4", "rx_power_dbm.onu": "-20"},
    )


@pytest.mark.parametrize(
    "fields", [{"serial": "HWTC1A2B3C4D"}, {"mac": MAC}, {"oui": "00259E", "cwmp_serial": "R-1"}], ids=str
)
def test_one_name_is_enough_and_what_is_left_out_is_unknown(fields: dict[str, Any]) -> None:
    assert said(**fields) == Sighting(Source.MQTT, NOW, element="olt-1", trusted=False, **fields)


@pytest.mark.parametrize("text", ["0xFEED", "0xfeed"])
def test_a_circuit_id_may_be_hex(text: str) -> None:
    assert said(mac=MAC, circuit_id=text).circuit_id == "feed"


def test_nothing_is_heard_in_the_future() -> None:
    assert said(mac=MAC, heard_at="2027-01-01T00:00:00Z").heard_at == NOW


@pytest.mark.parametrize(
    ("fields", "where", "problem"),
    [
        ({}, "payload", "names no device: give serial, mac, or oui and cwmp_serial"),
        ({"port": "1/1/3"}, "payload", "names no device"),
        ({"oui": "00259E"}, "payload", "oui and cwmp_serial go together"),
        ({"mac": MAC, "cwmp_serial": "R-1"}, "payload", "oui and cwmp_serial go together"),
        ({"serial": "HWTC"}, "serial", "'HWTC' is no PON serial"),
        ({"serial": 7}, "serial", "valid string"),
        ({"mac": "02:00"}, "mac", "'02:00' is no MAC address"),
        ({"mac": MAC + "\n"}, "mac", "has control characters"),
        ({"oui": "zz259E", "cwmp_serial": "R-1"}, "oui", "pattern"),
        ({"oui": "00259E", "cwmp_serial": "R\x1b[2J"}, "cwmp_serial", "has control characters"),
        ({"mac": MAC, "colour": "red"}, "colour", "is not a field of an announcement"),
        ({"mac": MAC, "trusted": True}, "trusted", "is not a field of an announcement"),
        ({"mac": MAC, "element": "olt-2"}, "element", "is not a field of an announcement"),
        ({"mac": MAC, "source": "pon"}, "source", "is not a field of an announcement"),
        ({"mac": MAC, "presence": "gone"}, "presence", "'present' or 'absent'"),
        ({"mac": MAC, "port": "1/1\r3"}, "port", "has control characters"),
        ({"mac": MAC, "port": ""}, "port", "at least 1 character"),
        ({"mac": MAC, "port": "p" * 129}, "port", "at most 128"),
        ({"mac": MAC, "heard_at": 1_700_000_000}, "heard_at", "valid datetime"),
        ({"mac": MAC, "heard_at": "2026-03-01T08:00:00"}, "heard_at", "timezone"),
        ({"mac": MAC, "heard_at": "0001-01-01T00:00:00+14:00"}, "heard_at", "UTC cannot show"),
        ({"mac": MAC, "circuit_id": "0xfee"}, "circuit_id", "what follows is not hex"),
        ({"mac": MAC, "circuit_id": "é" * 200}, "circuit_id", "longer than the 255 bytes"),
        ({"mac": MAC, "ip": "10.0.0"}, "ip", "IPv4 or IPv6"),
        ({"mac": MAC, "ip": "fe80::1%eth0"}, "ip", "has a zone"),
        ({"mac": MAC, "rx_power_dbm": {"onu": "-20"}}, "rx_power_dbm.onu", "valid number"),
        ({"mac": MAC, "rx_power_dbm": {"onu": float("nan")}}, "rx_power_dbm.onu", "finite"),
        ({"mac": MAC, "rx_power_dbm": {"onu": 1e9}}, "rx_power_dbm.onu", "less than or equal to 50"),
        ({"mac": MAC, "rx_power_dbm": {f"r{n}": -20 for n in range(9)}}, "rx_power_dbm", "at most 8"),
        ({"mac": MAC, "details": {"model": 7}}, "details.model", "valid string"),
        ({"mac": MAC, "details": {"model": "a\tb"}}, "details.model", "has control characters"),
        ({"mac": MAC, "details": {"model": "m" * 256}}, "details.model", "at most 255"),
        ({"mac": MAC, "details": {"The Model": "x"}}, "details.The Model.[key]", "pattern"),
        ({"mac": MAC, "details": {f"d{n}": "" for n in range(17)}}, "details", "at most 16"),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, dict) else "",
)
def test_a_mistake_is_refused_by_the_name_of_its_field(fields: dict[str, Any], where: str, problem: str) -> None:
    error = refused(**fields)
    assert (error.topic, error.where) == (TOPIC, where)
    assert problem in error.problem
    assert "docs/mqtt.md" in str(error)


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xff\xfe", b"[]", b"null", b"{", b'{"mac": "\\ud800"}'], ids=repr)
def test_what_is_no_object_of_json_is_refused(payload: bytes) -> None:
    assert refused(payload=payload).where in {"payload", "mac"}


def test_a_payload_may_be_as_long_as_the_bound_and_no_longer() -> None:
    payload = json.dumps({"mac": MAC}).encode()
    longest = payload + b" " * (PAYLOAD_BYTES - len(payload))
    assert decode(TOPIC, longest, NOW).mac == MAC
    assert refused(payload=longest + b" ").problem == "has 16385 bytes, more than 16384"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "olt-1",
        "ztpd/v1/sightings",
        "ztpd/v1/sightings/",
        "ztpd/v1/sightings/a/b",
        "ztpd/v1/sightings/a b",
        "ztpd/v1/sightings/olt-1\n",
        "ztpd/v1/sightings/" + "a" * 65,
        "ztpd/v2/sightings/olt-1",
    ],
)
def test_a_topic_that_names_no_element_is_refused(topic: str) -> None:
    error = refused(topic, mac=MAC)
    assert error.where == "topic"
    assert error.problem.startswith("is not ztpd/v1/sightings/ELEMENT")


def test_an_operator_may_choose_another_prefix() -> None:
    payload = json.dumps({"mac": MAC}).encode()
    assert decode("east/hints/ap-7", payload, NOW, "east/hints").element == "ap-7"


def document() -> str:
    """docs/schemas/sighting.v1.json as the model makes it."""
    return json.dumps(schema(), indent=2) + "\n"


def test_the_published_schema_is_that_of_the_model() -> None:
    assert SCHEMA.read_text() == document(), "run: make docs"


def test_the_schema_tells_every_field_and_refuses_others() -> None:
    published = json.loads(SCHEMA.read_text())
    assert set(published["properties"]) == set(Announcement.model_fields)
    assert published["additionalProperties"] is False
    assert all(each["description"] for each in published["properties"].values())


def test_the_examples_for_adapter_authors_are_taken() -> None:
    page = (ROOT / "docs/mqtt.md").read_text()
    examples = re.findall(r"-t (\S+) -m '([^']+)'", page)
    assert examples
    for topic, payload in examples:
        assert decode(topic, payload.encode(), NOW).source is Source.MQTT


if __name__ == "__main__":
    SCHEMA.write_text(document())
