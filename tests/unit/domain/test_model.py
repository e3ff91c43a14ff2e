"""Orders, places and reports: what is taken, what is refused by name."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.domain.orders import MAC, NOW, ONT, order, report
from ztpd.domain.model import Access, AllocatedDevice, InstalledDevice, LocationBody, Measurement, Photo, Window

ACCESS = {"technology": "pon", "element": "olt-1", "port": "1/1/3"}


@pytest.mark.parametrize("text", ["00:11:22:33:44:55", "00-11-22-33-44-55", "001122334455", " 00:11:22:33:44:55 "])
def test_a_mac_address_has_one_spelling(text: str) -> None:
    assert AllocatedDevice(role="cpe", mac=text).mac == MAC


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"role": "ont"}, "give a serial or a mac"),
        ({"role": "ont", "serial": "not a serial"}, "no PON serial"),
        ({"role": "cpe", "serial": "S-1"}, "needs its oui"),
        ({"role": "cpe", "serial": "S\x00", "oui": "00259E"}, "control characters"),
        ({"role": "cpe", "mac": "00:11:22"}, "no MAC address"),
        ({"role": "router", "mac": MAC}, "role"),
        ({"role": "cpe", "mac": MAC, "colour": "red"}, "colour"),
    ],
)
def test_a_device_that_names_none_is_refused(body: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AllocatedDevice.model_validate(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", "SVC 1"),
        ("service", ""),
        ("account", "x" * 65),
        ("location", "../etc"),
        ("kind", "demolish"),
        ("parameters", {"a b": 1}),
        ("parameters", {"a": "x" * 501}),
        ("parameters", {"a": 1.5}),
        ("parameters", {f"p{n}": n for n in range(65)}),
        ("devices", [ONT, ONT]),
        ("window", {"start": NOW, "end": NOW}),
        ("window", {"start": "2026-03-01T08:00:00", "end": "2026-03-01T09:00:00"}),
    ],
)
def test_an_order_with_a_bad_field_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        order(**{field: value})


def test_a_window_covers_its_ends() -> None:
    window = Window(start=NOW, end=NOW + timedelta(hours=1))
    assert window.covers(NOW)
    assert window.covers(window.end)
    assert not window.covers(NOW - timedelta(seconds=1))
    assert not window.covers(window.end + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("circuit_id", "raw"), [("eth 1/1", b"eth 1/1"), ("0x00ff", b"\x00\xff"), ("Öl", "Öl".encode()), (None, None)]
)
def test_a_circuit_id_is_known_by_its_bytes(circuit_id: str | None, raw: bytes | None) -> None:
    found = LocationBody(address="-", circuit_id=circuit_id).circuit_id_hex
    assert found == (None if raw is None else raw.hex())


@pytest.mark.parametrize("circuit_id", ["0xzz", "0x123", "0x" + "ab" * 256, "ä" * 128])
def test_a_circuit_id_that_dhcp_cannot_carry_is_refused(circuit_id: str) -> None:
    with pytest.raises(ValidationError, match="circuit_id"):
        LocationBody(address="-", circuit_id=circuit_id)


@pytest.mark.parametrize(
    "change", [{"technology": "dsl"}, {"element": "olt 1"}, {"port": ""}, {"port": "1\x00"}, {"port": "x" * 129}]
)
def test_an_access_that_no_element_has_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        Access.model_validate({**ACCESS, **change})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("completed_at", "2026-03-01T08:00:00"),
        ("devices", (InstalledDevice(role="ont", serial="A"), InstalledDevice(role="ont", serial="B"))),
        ("measurements", (Measurement(name="a", value=1, unit="dBm"), Measurement(name="a", value=2, unit="dBm"))),
        ("notes", "x" * 2001),
    ],
)
def test_a_report_that_says_a_thing_twice_or_unclearly_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        report(**{field: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_measurement_is_a_number(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Measurement(name="a", value=value, unit="dBm")


def test_a_photo_is_held_to_by_its_hash() -> None:
    assert Photo(name="a", sha256="AB" * 32).sha256 == "ab" * 32
    with pytest.raises(ValidationError, match="sha256"):
        Photo(name="a", sha256="ab" * 31)
