"""Values that the domain's tests share: one order, its place, what was measured."""

from datetime import UTC, datetime
from typing import Any

from drivers.access import Levels
from ztpd.domain.acceptance import Installed
from ztpd.domain.model import (
    Access,
    AllocatedDevice,
    CompletionBody,
    InstalledDevice,
    JobBody,
    LocationBody,
    Measurement,
    Photo,
)

SERIAL, HEX, OUI, MAC = "HWTC1A2B3C4D", "485754431A2B3C4D", "00259E", "00:11:22:33:44:55"
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ONT = AllocatedDevice(role="ont", serial=SERIAL)
CPE = AllocatedDevice(role="cpe", oui=OUI, serial=HEX)
PLACE = LocationBody(address="1 High Street", access=Access(technology="pon", element="olt-1", port="1/1/3"))


def order(*devices: AllocatedDevice, **others: Any) -> JobBody:
    """An installation of the example profile."""
    body = {
        "kind": "install",
        "service": "SVC-1",
        "account": "ACC-1",
        "location": "LOC-1",
        "profile": "residential-1g",
        "parameters": {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": "correct horse"},
        "devices": devices,
    }
    return JobBody(**{**body, **others})


def report(**others: Any) -> CompletionBody:
    """A report with everything that the example profile asks for."""
    whole = {
        "technician": "T-9",
        "completed_at": NOW,
        "devices": (InstalledDevice(role="ont", serial=SERIAL), InstalledDevice(role="cpe", serial=HEX)),
        "measurements": (
            Measurement(name="onu_rx_power", value=-20.0, unit="dBm"),
            Measurement(name="download_speed", value=940, unit="Mbit/s"),
        ),
        "photos": (Photo(name="ont", sha256="a" * 64),),
    }
    return CompletionBody(**{**whole, **others})


def installed(optics: Levels | None = None, now: datetime = NOW, created_at: datetime = NOW) -> Installed:
    """What the network knows of a good installation."""
    return Installed(order(ONT, CPE), optics or Levels(-20.0, -22.0), created_at, now)
