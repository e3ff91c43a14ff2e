"""One observation of a device by one source: who, where, when, how it was heard."""

import enum
from dataclasses import dataclass, field
from datetime import datetime


class Source(enum.StrEnum):
    """How a device was heard; the value is what operators see."""

    PON = "pon"
    DHCP = "dhcp"
    CWMP = "cwmp"
    MQTT = "mqtt"
    LLDP = "lldp"
    STATION = "station"  # what a radio or a subscriber router lists


LISTED = frozenset({Source.PON, Source.LLDP})
"""Sources behind which an element lists who is present: who is not listed has left, and who is twice is a clone."""


INTERFACE = "interface"
"""The detail that names the interface of this machine at which a client was heard without a relay between."""


class Presence(enum.StrEnum):
    """Whether the sighting says that the device is there or that it went away."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device was heard, in the element's own words."""

    element: str
    port: str

    def __str__(self) -> str:
        return f"{self.element} {self.port}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one source said of one device, undecided: identifiers are claims until they are matched.

    ``serial`` is a canonical PON serial (``pon.serial``); ``oui`` and ``cwmp_serial`` come from an Inform's DeviceId;
    ``mac`` is ``aa:bb:cc:dd:ee:ff``; ``circuit_id`` and ``remote_id`` are raw bytes as hex (RFC 3046 §3); ``ip`` is the
    address the device has or was offered. ``element`` and ``port`` say where, when the source knows; ``trusted`` is
    False when the place is only the device's own claim. ``details`` are for people (vendor class, raw state …).
    """

    source: Source
    heard_at: datetime
    presence: Presence = Presence.PRESENT
    element: str | None = None
    port: str | None = None
    serial: str | None = None
    oui: str | None = None
    cwmp_serial: str | None = None
    mac: str | None = None
    ip: str | None = None
    circuit_id: str | None = None
    remote_id: str | None = None
    trusted: bool = True
    details: dict[str, str] = field(default_factory=dict)
