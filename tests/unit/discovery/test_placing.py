"""Where the core puts what a helper heard: by the patterns, and believed from listed relays alone."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from tests.conftest import ROOT
from tests.unit.discovery import frames
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import sighting_of
from ztpd.discovery.dhcp_frame import decode
from ztpd.discovery.placing import placed
from ztpd.discovery.trust import relays
from ztpd.domain.sighting import Sighting, Source

SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))
HEARD_AT = datetime(2026, 11, 22, 18, 32, 7, tzinfo=UTC)
HEARD = Sighting(
    Source.DHCP,
    HEARD_AT,
    mac="02:00:5e:10:00:01",
    circuit_id=frames.CIRCUIT_ID.hex(),
    remote_id=frames.REMOTE_ID.hex(),
    trusted=False,
    details={"giaddr": "10.82.1.1", "source-ip": "10.82.0.2", "message-type": "ACK"},
)
OURS = relays([ip_network("10.82.0.0/16"), ip_network("2001:db8::/32")])


def place(sighting: Sighting) -> Sighting:
    return placed(sighting, SHIPPED, OURS)


def test_what_a_listed_relay_told_is_placed_and_believed() -> None:
    found = place(HEARD)

    assert (found.element, found.port, found.serial, found.trusted) == ("olt-1", "0/1/3", "HWTC1A2B3C4D", True)
    assert found.details["circuit-id-pattern"] == "gpon-xpon"
    assert found.details["circuit-onu"] == "17"
    assert found.details["message-type"] == "ACK"


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"giaddr": "10.99.0.1"},
        {"giaddr": "10.82.1.1", "source-ip": "10.99.0.1"},
        {"giaddr": "10.99.0.1", "source-ip": "10.82.0.2"},
        {"giaddr": "a relay of yours"},
        {"giaddr": ""},
        {"giaddr": "0.0.0.0"},
        {"giaddr": "10.82.1.1", "repeated-sub-options": "1"},
    ],
    ids=["none", "other relay", "other sender", "other relay of a listed sender", "text", "empty", "zero", "ambiguous"],
)
def test_anything_else_is_placed_and_not_believed(details: dict[str, str]) -> None:
    found = place(replace(HEARD, details=details))

    assert (found.element, found.port, found.serial, found.trusted) == ("olt-1", "0/1/3", None, False)


def test_it_is_what_a_captured_frame_gives() -> None:
    message = decode(frames.relayed())
    assert message is not None
    captured = sighting_of(message, SHIPPED, HEARD_AT, True)
    raw = sighting_of(message, CircuitIdTable(()), HEARD_AT, False)
    assert raw is not None

    assert place(raw) == captured


def test_what_a_helper_placed_stays_as_it_is() -> None:
    told = replace(HEARD, element="olt-9", port="7", details={})

    assert place(told) is told


def test_what_a_helper_believes_stays_believed() -> None:
    found = place(replace(HEARD, trusted=True, circuit_id=b"no pattern fits".hex(), details={}))

    assert (found.element, found.trusted, found.serial) == (None, True, "HWTC1A2B3C4D")


@pytest.mark.parametrize("told", [replace(HEARD, circuit_id=None, remote_id=None), replace(HEARD, source=Source.MQTT)])
def test_what_has_no_option_82_is_left_alone(told: Sighting) -> None:
    assert place(told) is told


def test_a_remote_id_alone_gives_a_serial_and_no_place() -> None:
    found = place(replace(HEARD, circuit_id=None))

    assert (found.element, found.serial, found.trusted) == (None, "HWTC1A2B3C4D", True)


def test_no_relay_is_ours_until_it_is_listed() -> None:
    assert not placed(HEARD, SHIPPED, relays(())).trusted
