"""Devices as another ACS knows them, and what becomes of each when it is imported."""

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from ztpd.domain.model import Identifier, Strict, normalise_mac

MAX_TAGS: Final = 64
"""How many tags a device may have."""

MAX_MACS: Final = 8


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


def mac_of_one_device(mac: str) -> str:
    """The MAC address, canonical; one of a group, or of none, is no device's (IEEE 802 §8.2)."""
    canonical = normalise_mac(mac)
    if int(canonical[:2], 16) & 1 or not canonical.strip("0:"):
        raise ValueError(f"{canonical} is no single device's address")
    return canonical


Tag = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
"""What an operator calls a device by, beside its names: any printable text."""

Told = Annotated[str, Field(max_length=64), AfterValidator(_printable)]
"""A member of DeviceIdStruct, or a version: at most 64 characters (TR-069 A.3.3.1, TR-181 DeviceInfo)."""


class ConnectionRequest(Strict):
    """How the other ACS asks a device to inform (TR-181 ManagementServer); user and password go together."""

    url: Annotated[str, Field(max_length=256), AfterValidator(_printable)] = ""
    username: Annotated[str, Field(max_length=256)] = ""
    password: Annotated[str, Field(max_length=256)] = Field(default="", repr=False)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password are given together or not at all")
        return self


class ImportedDevice(Strict):
    """One device of another ACS: who it is, what it told there, what it is called.

    ``source`` names that ACS; ``registered_at`` and ``informed_at`` are when the device came there first and last.
    """

    source: Identifier
    oui: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{6}$"), AfterValidator(str.upper)]
    product_class: Told = ""
    serial: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
    manufacturer: Told = ""
    macs: Annotated[
        tuple[Annotated[str, AfterValidator(mac_of_one_device)], ...],
        Field(max_length=MAX_MACS),
    ] = ()
    software_version: Told = ""
    hardware_version: Told = ""
    connection_request: ConnectionRequest = ConnectionRequest()
    registered_at: AwareDatetime | None = None
    informed_at: AwareDatetime | None = None
    tags: Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)] = ()

    @property
    def known_by(self) -> str:
        """What people know it by: OUI and serial number."""
        return f"{self.oui}-{self.serial}"


class Outcome(enum.StrEnum):
    """What became of one device of an import."""

    IMPORTED = "imported"  # ztpd did not know it
    UPDATED = "updated"  # ztpd knew it, and knows more now
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """One finding: ``line`` counts the devices as they were given, from 1; ``device`` is ztpd's number of it.

    ``remark`` is what was left out, ``problem`` why nothing was taken, ``remedy`` what to do.
    """

    outcome: Outcome
    line: int
    known_by: str
    device: int | None = None
    tags: tuple[str, ...] = ()
    remark: str = ""
    problem: str = ""
    remedy: str = ""

    def describe(self) -> dict[str, Any]:
        """As it is told to whoever asked; ``tags`` are those that are new."""
        return {
            "line": self.line,
            "known_by": self.known_by,
            "device": self.device,
            "outcome": self.outcome.value,
            "tags": list(self.tags),
            "remark": self.remark,
            "problem": self.problem,
            "remedy": self.remedy,
        }
