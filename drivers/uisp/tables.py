"""What is read of UISP, as values: devices, client sites, gateways and stations (definitions of its specification).

A row that lacks what it is known by is left out and counted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drivers.rest.marks import Mark, canonical_mac, read_mark

T = TypeVar("T")

BASE = "/nms/api/v2.1"
DEVICES = f"{BASE}/devices"
SITES = f"{BASE}/sites"
GATEWAYS = f"{BASE}/gateways"
VERSION = f"{BASE}/nms/version"
AUTHORIZE = f"{BASE}/devices/authorize"

STATIONS = {
    "airMax": "airmaxes",
    "airFiber": "airfibers",
    "airCube": "aircubes",
    "wave": "waves",
}
"""The path of each type of access point whose stations can be listed, by ``identification.type``."""

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Device:
    """A device that UISP knows; ``site`` is where it is assigned, ``access_point`` the one it last was on."""

    id: str
    mac: str
    name: str
    role: str
    type: str
    authorized: bool
    site: str | None
    access_point: str | None

    @property
    def lists_stations(self) -> bool:
        """Whether it is an access point whose stations can be asked for."""
        return self.role == "ap" and self.type in STATIONS

    @property
    def stations_path(self) -> str:
        """Where its stations are listed."""
        return f"{DEVICES}/{STATIONS[self.type]}/{self.id}/stations"


@dataclass(frozen=True, slots=True)
class Site:
    """A client site; rates in bit/s, None where it is not shaped. ``raw`` is as UISP told it."""

    id: str
    name: str
    parent: str | None
    suspended: bool
    downstream_bps: int | None
    upstream_bps: int | None
    shaping: Mapping[str, Any]
    crm_bound: bool
    mark: Mark | None
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Something that UISP has enforce its rules: rates, and suspension."""

    shapes: bool
    suspends: bool


@dataclass(frozen=True, slots=True)
class Station:
    """A station on an access point; ``signal_dbm`` is what the access point receives ("Local Signal in dBm")."""

    device_id: str | None
    mac: str | None
    connected: bool
    signal_dbm: float | None


class Reader:
    """Turns answers into values, and counts what could not be used."""

    def __init__(self) -> None:
        self.malformed = 0

    def devices(self, answer: Any) -> tuple[Device, ...]:
        """The devices that have an id and a MAC address."""
        return self._each(answer, _device)

    def sites(self, answer: Any) -> tuple[Site, ...]:
        """The sites that have an id."""
        return self._each(answer, _site)

    def gateways(self, answer: Any) -> tuple[Gateway, ...]:
        """The gateways."""
        return self._each(answer, _gateway)

    def stations(self, answer: Any) -> tuple[Station, ...]:
        """The stations of one access point."""
        return self._each(answer, _station)

    def _each(self, answer: Any, read: Callable[[Mapping[str, Any]], T | None]) -> tuple[T, ...]:
        if not isinstance(answer, list):
            self.malformed += 1
            return ()
        found = [read(row) if isinstance(row, dict) else None for row in answer]
        self.malformed += sum(each is None for each in found)
        return tuple(each for each in found if each is not None)


def _device(row: Mapping[str, Any]) -> Device | None:
    known = _object(row, "identification")
    device_id, mac = _id(known.get("id")), canonical_mac(_text(known.get("mac")))
    if device_id is None or mac is None:
        return None
    return Device(
        id=device_id,
        mac=mac,
        name=_text(known.get("name")) or mac,
        role=_text(known.get("role")),
        type=_text(known.get("type")),
        authorized=known.get("authorized") is True,
        site=_id(_object(known, "site").get("id")),
        access_point=_id(_object(row, "attributes", "apDevice").get("id")),
    )


def _site(row: Mapping[str, Any]) -> Site | None:
    known, shaping = _object(row, "identification"), _object(row, "qos")
    site_id = _id(known.get("id"))
    if site_id is None:
        return None
    shaped = shaping.get("enabled") is True
    return Site(
        id=site_id,
        name=_text(known.get("name")),
        parent=_id(_object(known, "parent").get("id")),
        suspended=known.get("suspended") is True,
        downstream_bps=_rate(shaping.get("downloadSpeed")) if shaped else None,
        upstream_bps=_rate(shaping.get("uploadSpeed")) if shaped else None,
        shaping=shaping,
        crm_bound=bool(_object(row, "ucrm", "service")),
        mark=read_mark(_text(_object(row, "description").get("note"))),
        raw=row,
    )


def _gateway(row: Mapping[str, Any]) -> Gateway:
    return Gateway(row.get("qosEnabled") is True, row.get("suspend") is True)


def _station(row: Mapping[str, Any]) -> Station:
    signal = row.get("rxSignal")
    measured = isinstance(signal, int | float) and not isinstance(signal, bool) and signal < 0
    device_id = _id(_object(row, "deviceIdentification").get("id"))
    mac = canonical_mac(_text(row.get("mac")))
    return Station(device_id, mac, row.get("connected") is True, float(signal) if measured else None)  # type: ignore[arg-type]


def _object(row: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """What lies below the names, or nothing where one of them is missing or null."""
    for name in names:
        below = row.get(name)
        if not isinstance(below, dict):
            return {}
        row = below
    return row


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _rate(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _id(value: Any) -> str | None:
    """An id that may be put into a path, or None."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None
