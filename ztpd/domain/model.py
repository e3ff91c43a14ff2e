"""Orders, locations and completions as operators hand them in; unknown fields are refused by name."""

import re
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pon import registration
from pon import serial as pon_serial
from ztpd.domain.kinds import KINDS, Kind

Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
"""An id chosen by the operator's systems: letters, digits, ``.``, ``_``, ``:``, ``-``; no spaces."""

Text = Annotated[str, Field(max_length=500)]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


Printed = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
"""What a label or an element prints."""

_MAC = re.compile(r"([0-9a-f]{2}[:-]?){5}[0-9a-f]{2}")


def normalise_mac(text: str) -> str:
    """A MAC address as ``aa:bb:cc:dd:ee:ff``; raises ``ValueError``."""
    bare = text.strip().lower()
    if not _MAC.fullmatch(bare):
        raise ValueError(f"{text!r} is no MAC address: expected aa:bb:cc:dd:ee:ff")
    digits = bare.replace(":", "").replace("-", "")
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def _registration(text: str) -> str:
    return f"0x{registration.normalise(text)}"


class Strict(BaseModel):
    """A value that never changes and knows exactly its fields."""

    # What is wrong may be a secret: it is shown on purpose only, never by an error's text.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Access(Strict):
    """The element and port that serve a location; ``port`` is the element's own name of it."""

    technology: Literal["pon", "ethernet", "wireless"]
    element: Identifier
    port: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]


def circuit_id_octets(text: str) -> bytes:
    """The raw bytes of a circuit-id given as text, or as ``0x`` and hex; raises ``ValueError``."""
    if text.startswith("0x"):
        try:
            octets = bytes.fromhex(text[2:])
        except ValueError:
            raise ValueError("circuit_id begins with 0x but what follows is not hex") from None
    else:
        octets = text.encode()
    if len(octets) > 255:
        raise ValueError("circuit_id is longer than the 255 bytes that DHCP can carry")
    return octets


def _of_octets(text: str) -> str:
    circuit_id_octets(text)
    return text


CircuitId = Annotated[str, Field(max_length=512), AfterValidator(_of_octets)]
"""What DHCP relays insert for a place, as text or as ``0x`` and hex."""


class LocationBody(Strict):
    """A serviceable place. ``circuit_id`` is what DHCP relays insert for it, as text or ``0x`` and hex."""

    address: Annotated[str, Field(min_length=1, max_length=300)]
    serviceable: bool = True
    reason: Text = ""
    access: Access | None = None
    circuit_id: CircuitId | None = None

    @property
    def circuit_id_hex(self) -> str | None:
        """The circuit-id as lower-case hex of its raw bytes, the key that sightings carry."""
        return None if self.circuit_id is None else circuit_id_octets(self.circuit_id).hex()


class AllocatedDevice(Strict):
    """A device set aside for a job: an ONT by its PON serial, a CPE by OUI and CWMP serial, either by MAC.

    An ONT whose serial is not known beforehand is named by the registration id that it logs in with, as text or as
    ``0x`` and hex: the first to show it in its place is bound by its serial.
    """

    role: Literal["ont", "cpe"]
    serial: Printed | None = None
    oui: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{6}$"), AfterValidator(str.upper)] | None = None
    mac: Annotated[str, AfterValidator(normalise_mac)] | None = None
    registration_id: Annotated[str, Field(max_length=80), AfterValidator(_registration)] | None = Field(
        default=None, repr=False
    )

    @field_validator("serial")
    @classmethod
    def _ont_has_a_pon_serial(cls, serial: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("role") == "ont" and serial is not None:
            pon_serial.normalise(serial)
        return serial

    @model_validator(mode="after")
    def _names_a_device(self) -> Self:
        if self.serial is None and self.mac is None and self.registration_id is None:
            raise ValueError("give a serial or a mac")
        if self.role == "cpe" and self.registration_id is not None:
            raise ValueError("a registration id is an ont's")
        if self.role == "cpe" and self.serial is not None and self.oui is None:
            raise ValueError("a cpe's serial needs its oui: CWMP serials are unique per OUI only")
        return self


class Window(Strict):
    """When a visit may take place; a device heard outside it does not advance the job."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    def covers(self, moment: datetime) -> bool:
        """Whether the moment lies in the window, ends included."""
        return self.start <= moment <= self.end


JobKind = Literal["install", "change", "suspend", "resume", "swap", "move", "repair", "terminate"]
"""What work is ordered (``ztpd.domain.kinds``)."""

AsBefore = Annotated[str, Field(max_length=64, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]*)?$")]
"""An ``Identifier``, or nothing: what the service has stays."""


class JobBody(Strict):
    """One piece of work on one service, as ordered.

    ``kind``, ``service``, ``account``, ``location`` and ``profile`` are what the job means and never change;
    the rest may be amended until an attempt starts. ``parameters`` fill what the profile leaves open. An ``install``
    gives everything; any other kind gives what it changes (a ``change`` the profile, a ``move`` the location, a
    ``swap`` the devices), and the rest stays as the service has it.
    """

    kind: JobKind
    service: Identifier
    account: Identifier
    location: Annotated[AsBefore, Field(validate_default=True)] = ""
    profile: Annotated[AsBefore, Field(validate_default=True)] = ""
    parameters: Annotated[dict[Identifier, Text | int | bool], Field(max_length=64)] = Field(default_factory=dict)
    devices: Annotated[tuple[AllocatedDevice, ...], Field(max_length=8, validate_default=True)] = ()
    window: Window | None = None
    technician: Identifier | None = None

    @field_validator("location", "profile", "devices")
    @classmethod
    def _is_given_where_its_kind_needs_it(cls, given: object, info: ValidationInfo) -> object:
        kind = KINDS.get(info.data.get("kind", ""))
        if kind is not None and info.field_name in kind.needs and not given:
            raise PydanticCustomError("missing", "Field required")
        return given

    @model_validator(mode="after")
    def _one_device_a_role(self) -> Self:
        roles = [device.role for device in self.devices]
        if len(set(roles)) != len(roles):
            raise ValueError("devices: each role may appear once")
        return self

    @property
    def meaning(self) -> tuple[str, ...]:
        """What makes two bodies of the same id the same job."""
        return (self.kind, self.service, self.account, self.location, self.profile)

    @property
    def does(self) -> Kind:
        """What its kind does."""
        return KINDS[self.kind]

    def on(self, before: "JobBody") -> "JobBody":
        """The order with everything that it leaves as ``before``, the order that made the service what it is."""
        roles = {device.role for device in self.devices}
        return self.model_copy(
            update={
                "location": self.location or before.location,
                "profile": self.profile or before.profile,
                "parameters": {**before.parameters, **self.parameters},
                "devices": (*self.devices, *(each for each in before.devices if each.role not in roles)),
            }
        )

    def device(self, role: str) -> AllocatedDevice | None:
        """The device allocated in this role, if any."""
        return next((device for device in self.devices if device.role == role), None)


Vouchable = Literal[
    "s_vlan",
    "c_vlan",
    "downstream_bps",
    "upstream_bps",
    "assured_upstream_bps",
    "fixed_upstream_bps",
    "priority",
    "address",
    "ppp_user",
    "onu_rx_dbm",
    "olt_rx_dbm",
    "signal_dbm",
    "link_bps",
]
"""What an element may be unable to show (``drivers.access``)."""

VouchableTest = Literal[
    "test.download", "test.upload", "test.ping", "test.traceroute", "test.wifi-neighbours", "test.optics"
]
"""What a CPE may be unable to test (``ztpd.domain.diagnostics``)."""


class VisitBody(Strict):
    """The next trip of a technician for a job that failed."""

    technician: Identifier | None = None
    window: Window | None = None


class Measurement(Strict):
    """One measured value with its unit (``dBm``, ``Mbit/s``, ``ms`` …)."""

    name: Identifier
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Annotated[str, Field(min_length=1, max_length=16)]


class Photo(Strict):
    """A photo kept elsewhere, held to by its hash."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$"), AfterValidator(str.lower)]


class InstalledDevice(Strict):
    """A device as the technician read it off its label."""

    role: Literal["ont", "cpe"]
    serial: Printed


class CompletionBody(Strict):
    """The technician's structured report for a visit."""

    technician: Identifier
    completed_at: AwareDatetime
    devices: Annotated[tuple[InstalledDevice, ...], Field(max_length=8)] = ()
    measurements: Annotated[tuple[Measurement, ...], Field(max_length=32)] = ()
    photos: Annotated[tuple[Photo, ...], Field(max_length=32)] = ()
    notes: Annotated[str, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        roles = [device.role for device in self.devices]
        names = [measurement.name for measurement in self.measurements]
        for field, given in (("devices", roles), ("measurements", names)):
            if len(set(given)) != len(given):
                raise ValueError(f"{field}: each may be reported once")
        return self
