"""An announcement that an adapter published over MQTT: topic and payload become a ``Sighting`` or a named error.

Pure: no socket and no clock of its own. The topic is ``PREFIX/ELEMENT``, the payload one JSON object; what it may hold
is ``Announcement``, published as ``docs/schemas/sighting.v1.json`` and explained in ``docs/mqtt.md``.
"""

import re
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, ValidationError, model_validator

from pon import serial as pon_serial
from ztpd.domain.model import Printed, Strict, normalise_mac
from ztpd.domain.sighting import Presence, Sighting, Source

PREFIX = "ztpd/v1/sightings"
"""Where announcements are published unless the operator chose another place."""

PAYLOAD_BYTES = 16 * 1024
_CIRCUIT_ID_BYTES = 255  # what DHCP can carry (RFC 2132 §2)
_LONGEST_SHOWN = 80
_LONGEST_REASON = 200


class AnnouncementError(Exception):
    """The message on ``topic`` is refused: ``where`` is the topic, the payload or a field of it, ``problem`` says why.

    All three are printable and short, whatever was sent.
    """

    remedy = "what an adapter may publish is in docs/mqtt.md"

    def __init__(self, topic: str, where: str, problem: str) -> None:
        self.topic = _shown(topic)[:_LONGEST_SHOWN]
        self.where = _shown(where)[:_LONGEST_SHOWN]
        self.problem = _shown(problem)[:_LONGEST_REASON]
        super().__init__(f"announcement on {self.topic}: {self.where}: {self.problem}; {self.remedy}")


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


def _address(text: str) -> str:
    if "%" in text:
        raise ValueError("has a zone, which means nothing on another machine")
    return str(ip_address(text))


def _circuit_id_hex(text: str) -> str:
    """Lower-case hex of the raw bytes that text, or ``0x`` and hex, stands for."""
    try:
        raw = bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
    except ValueError:
        raise ValueError("begins with 0x but what follows is not hex") from None
    if len(raw) > _CIRCUIT_ID_BYTES:
        raise ValueError(f"is longer than the {_CIRCUIT_ID_BYTES} bytes that DHCP can carry")
    return raw.hex()


def _as_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is a time that UTC cannot show") from None


_Serial = Annotated[Printed, AfterValidator(pon_serial.normalise)]
_Oui = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{6}$"), AfterValidator(str.upper)]
_Mac = Annotated[Printed, AfterValidator(normalise_mac)]
_Port = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]
_Moment = Annotated[datetime, AwareDatetime, AfterValidator(_as_utc)]
_CircuitId = Annotated[
    str, Field(min_length=1, max_length=512), AfterValidator(_printable), AfterValidator(_circuit_id_hex)
]
_Address = Annotated[Printed, AfterValidator(_address)]
_Key = Annotated[str, Field(max_length=32, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
_Decibels = Annotated[float, Field(ge=-150, le=50, allow_inf_nan=False)]
_Value = Annotated[str, Field(max_length=255), AfterValidator(_printable)]
_NO_OTHER_KEYS: dict[str, Any] = {"additionalProperties": False}

_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:ztpd:sighting:v1",
    "title": "Sighting announced over MQTT, version 1",
    "anyOf": [{"required": ["serial"]}, {"required": ["mac"]}, {"required": ["oui", "cwmp_serial"]}],
    "dependentRequired": {"oui": ["cwmp_serial"], "cwmp_serial": ["oui"]},
}


class Announcement(Strict):
    """One device that an adapter heard, or heard leave.

    At least one of ``serial``, ``mac`` and ``oui`` with ``cwmp_serial`` names the device. Text holds no control
    characters; a payload is at most 16 KiB.
    """

    model_config = ConfigDict(strict=True, json_schema_extra=_SCHEMA)

    presence: Literal["present", "absent"] = Field("present", description="Whether the device is there or went away.")
    serial: _Serial | None = Field(None, description="PON serial: HWTC1A2B3C4D, HWTC:1A2B3C4D or 485754431A2B3C4D.")
    oui: _Oui | None = Field(None, description="Manufacturer OUI of a CPE, 6 hex digits; goes with cwmp_serial.")
    cwmp_serial: Printed | None = Field(None, description="Serial of a CPE as it tells its ACS; goes with oui.")
    mac: _Mac | None = Field(None, description="MAC: aa:bb:cc:dd:ee:ff, aa-bb-cc-dd-ee-ff or aabbccddeeff.")
    port: _Port | None = Field(None, description="The element's own name of the port, sector or channel.")
    heard_at: _Moment | None = Field(
        None, description="When, with offset from UTC. Left out or in the future: when ztpd got it."
    )
    circuit_id: _CircuitId | None = Field(
        None, description="What a DHCP relay inserts for the place: text, or 0x and hex; at most 255 bytes."
    )
    ip: _Address | None = Field(None, description="The IPv4 or IPv6 address the device has.")
    rx_power_dbm: dict[_Key, _Decibels] = Field(
        {},
        max_length=8,
        json_schema_extra=_NO_OTHER_KEYS,
        description='Received power in dBm by receiver, such as {"olt": -21.4, "onu": -19.8}.',
    )
    details: dict[_Key, _Value] = Field(
        {},
        max_length=16,
        json_schema_extra=_NO_OTHER_KEYS,
        description="What else a person would ask: model, software, raw state. No secrets.",
    )

    @model_validator(mode="after")
    def _names_a_device(self) -> Self:
        if (self.oui is None) != (self.cwmp_serial is None):
            raise ValueError("oui and cwmp_serial go together")
        if self.serial is None and self.mac is None and self.cwmp_serial is None:
            raise ValueError("names no device: give serial, mac, or oui and cwmp_serial")
        return self


_ELEMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")  # as ztpd.domain.model.Identifier


def decode(topic: str, payload: bytes, received_at: datetime, prefix: str = PREFIX) -> Sighting:
    """What one message says; always a hint (``trusted`` is False), whoever published it.

    ``received_at`` (aware) stands in for a time that is left out or lies in the future. Raises ``AnnouncementError``.
    """
    element = _element(topic, prefix)
    if len(payload) > PAYLOAD_BYTES:
        raise AnnouncementError(topic, "payload", f"has {len(payload)} bytes, more than {PAYLOAD_BYTES}")
    try:
        said = Announcement.model_validate_json(payload)
    except ValidationError as error:
        raise AnnouncementError(topic, *_first_problem(error)) from None
    return Sighting(
        source=Source.MQTT,
        heard_at=received_at if said.heard_at is None else min(said.heard_at, received_at),
        presence=Presence(said.presence),
        element=element,
        port=said.port,
        serial=said.serial,
        oui=said.oui,
        cwmp_serial=said.cwmp_serial,
        mac=said.mac,
        ip=said.ip,
        circuit_id=said.circuit_id,
        trusted=False,
        details=said.details | {f"rx_power_dbm.{name}": f"{power:g}" for name, power in said.rx_power_dbm.items()},
    )


def _element(topic: str, prefix: str) -> str:
    """The element that a topic names."""
    element = topic.removeprefix(f"{prefix}/")
    if element == topic or _ELEMENT.fullmatch(element) is None:
        raise AnnouncementError(
            topic, "topic", f"is not {prefix}/ELEMENT with an element of letters, digits and . _ : -, at most 64"
        )
    return element


def _first_problem(error: ValidationError) -> tuple[str, str]:
    """Where it is and what it is; the first of several."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "payload"
    if first["type"] == "extra_forbidden":
        return where, "is not a field of an announcement"
    return where, first["msg"].removeprefix("Value error, ")


def schema() -> dict[str, Any]:
    """The published JSON schema of a payload."""
    return Announcement.model_json_schema()
