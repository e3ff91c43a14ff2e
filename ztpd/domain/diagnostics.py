"""Tests that a CPE does by itself: what one takes, what it shows in which unit, and what that means for a job.

TR-143 for throughput, TR-181 and TR-098 for the others. Every name of a reading ends in its unit.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ztpd.domain.failures import Code, Failure
from ztpd.domain.model import Identifier, Strict

TestName = Literal["download", "upload", "ping", "traceroute", "wifi-neighbours", "optics"]

REFERENCE = re.compile(r"\$([a-z][a-z0-9_]*)")
"""How a profile names a parameter that the job gives."""

_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.:-]{0,254}[0-9A-Za-z])?")
_SCHEMES = frozenset({"http", "https", "ftp"})


def _host(text: str) -> str:
    if not (REFERENCE.fullmatch(text) or _HOST.fullmatch(text)):
        raise ValueError("is no name or address of a host")
    return text


def _url(text: str) -> str:
    if REFERENCE.fullmatch(text):
        return text
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("a URL has printable ASCII characters only and no blanks")
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("must be http://, https:// or ftp:// and a host")
    if parts.username is not None or parts.password is not None:
        # Arguments of tests are shown to whoever may read, and stay readable on the CPE.
        raise ValueError("must hold no user and no password")
    return text


DataPath = Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+\.?$")]
"""A path below the root of a data model, or an object's with its dot (TR-106 §3.1, TR-069 A.2)."""


class Arguments(Strict):
    """A test and what it is done with; None leaves it to the test's default or, where that has none, to the CPE.

    ``count`` is repetitions of a ping, or tries for each hop; ``duration_s`` makes a speed test run so long instead of
    for one file (TR-143 §4.3). ``scan`` false shows the Wi-Fi neighbours of the CPE's last scan.
    """

    test: TestName
    url: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_url)] | None = None
    host: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_host)] | None = None
    size_bytes: Annotated[int, Field(ge=1, le=2**32 - 1)] | None = None
    duration_s: Annotated[int, Field(ge=1, le=999)] | None = None
    connections: Annotated[int, Field(ge=1, le=64)] | None = None
    dscp: Annotated[int, Field(ge=0, le=63)] | None = None
    count: Annotated[int, Field(ge=1, le=100)] | None = None
    timeout_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    block_bytes: Annotated[int, Field(ge=1, le=65_535)] | None = None
    max_hops: Annotated[int, Field(ge=1, le=64)] | None = None
    ip_version: Literal[4, 6] | None = None
    interface: DataPath | None = None
    scan: bool | None = None

    @model_validator(mode="after")
    def _fits_the_test(self) -> Self:
        kind = KINDS[self.test]
        given = {name for name in type(self).model_fields if name in _ARGUMENTS and getattr(self, name) is not None}
        strange = sorted(given - kind.takes)
        if strange:
            raise ValueError(f"{strange[0]}: {self.test} takes {_listed(kind.takes)}")
        missing = [name for name in kind.needs if name not in given]
        if missing:
            raise ValueError(f"{missing[0]}: {self.test} needs one")
        if self.test == "upload" and self.size_bytes is None and self.duration_s is None:
            raise ValueError("upload needs size_bytes or duration_s")
        if self.test == "traceroute" and (self.count or 0) > 3:
            raise ValueError("count: traceroute tries each hop 1 to 3 times")
        return self

    @property
    def references(self) -> frozenset[str]:
        """The parameters of a job that stand for arguments."""
        found = (REFERENCE.fullmatch(text) for text in (self.url, self.host) if text)
        return frozenset(match.group(1) for match in found if match)


class CpeTest(Arguments):
    """A test as a CPE is asked for it."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for name in sorted(self.references):
            raise ValueError(f"${name}: only a profile can name a parameter")
        return self

    @property
    def arguments(self) -> dict[str, str | int | bool]:
        """Every argument that has a value, the test's defaults included."""
        given = {name: getattr(self, name) for name in sorted(_ARGUMENTS)}
        return {**KINDS[self.test].defaults, **{name: value for name, value in given.items() if value is not None}}


class Bounds(Strict):
    """What a reading must lie within, ends included, in the unit that its name ends in."""

    minimum: Annotated[float, Field(allow_inf_nan=False)] | None = None
    maximum: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _bound(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give a minimum, a maximum or both")
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("maximum is below minimum")
        return self

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    def __str__(self) -> str:
        ends = [("at least", self.minimum), ("at most", self.maximum)]
        return " and ".join(f"{word} {value:g}" for word, value in ends if value is not None)


class WantedTest(Arguments):
    """A test that a profile wants before a job is closed; ``url`` and ``host`` may be a ``$parameter`` of the job.

    What is ``required`` and cannot be had fails the job; a reading outside its limits fails it always. ``timeout_s``
    is how long the CPE may take from the moment it was told.
    """

    limits: dict[Identifier, Bounds] = Field(default_factory=dict)
    required: bool = True
    timeout_s: Annotated[float, Field(ge=10, le=7200)] = 600.0

    @model_validator(mode="after")
    def _limits_what_is_shown(self) -> Self:
        for name in self.limits:
            if name not in KINDS[self.test].shows:
                raise ValueError(f"limits.{name}: {self.test} shows {_listed(KINDS[self.test].shows)}")
        return self

    def told(self, given: Mapping[str, object]) -> CpeTest:
        """The test with the job's parameters in their places; raises ``ValueError`` where they do not fit."""
        fields = {name: getattr(self, name) for name in ("test", *_ARGUMENTS)}
        for name in ("url", "host"):
            match = REFERENCE.fullmatch(fields[name] or "")
            if match:
                fields[name] = given.get(match.group(1))
        return CpeTest.model_validate(fields)


_ARGUMENTS = frozenset(Arguments.model_fields) - {"test"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a test takes, needs and shows (each reading that limits may be set for, with its unit)."""

    takes: frozenset[str]
    needs: tuple[str, ...]
    shows: Mapping[str, str]
    defaults: Mapping[str, str | int | bool]


_SPEED = {"speed_mbps": "Mbit/s", "duration_s": "s", "transferred_bytes": "B"}
_ROUTING = frozenset({"dscp", "interface", "ip_version"})
_SENDING = {"host", "count", "timeout_ms", "block_bytes"}

KINDS: Mapping[str, Kind] = {
    "download": Kind(frozenset({"url", "connections", "duration_s"}) | _ROUTING, ("url",), _SPEED, {}),
    "upload": Kind(frozenset({"url", "connections", "duration_s", "size_bytes"}) | _ROUTING, ("url",), _SPEED, {}),
    "ping": Kind(
        _ROUTING | _SENDING,
        ("host",),
        {"loss_percent": "%", "average_ms": "ms", "minimum_ms": "ms", "maximum_ms": "ms"},
        {"count": 5, "timeout_ms": 2000, "block_bytes": 56},
    ),
    "traceroute": Kind(
        _ROUTING | _SENDING | {"max_hops"},
        ("host",),
        {"hops": "", "response_ms": "ms"},
        {"count": 3, "timeout_ms": 2000, "block_bytes": 38, "max_hops": 30},
    ),
    "wifi-neighbours": Kind(frozenset({"scan"}), (), {"neighbours": "", "strongest_dbm": "dBm"}, {"scan": True}),
    "optics": Kind(frozenset(), (), {"rx_power_dbm": "dBm", "tx_power_dbm": "dBm", "temperature_c": "°C"}, {}),
}
"""Every test by its name."""


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that a test showed; ``unit`` is empty where it has none."""

    name: str
    value: float | int | str
    unit: str = ""

    def __str__(self) -> str:
        value = f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        return f"{value} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Report:
    """What a test showed: its readings, and a row of them for each hop or neighbour."""

    readings: tuple[Reading, ...]
    rows: tuple[tuple[Reading, ...], ...] = ()

    def reading(self, name: str) -> Reading | None:
        """The reading of this name, if there is one."""
        return next((reading for reading in self.readings if reading.name == name), None)


class Trouble(Strict):
    """Why a test has no result: the CPE has no such test, it went wrong, took too long, or the CPE did not come."""

    kind: Literal["unable", "failed", "timeout", "silent"]
    words: str


_TROUBLES = {
    "unable": Code.NOT_VERIFIABLE,
    "failed": Code.TEST_FAILED,
    "timeout": Code.TIMEOUT,
    "silent": Code.CPE_SILENT,
}


def judge(wanted: WantedTest, came_to: Report | Trouble, vouched: Collection[str] = ()) -> Failure | None:
    """Why what a test came to is not good enough for a job; None when it is.

    A CPE that cannot do a required test passes only where a person vouches for it (``test.download``).
    """
    if isinstance(came_to, Trouble):
        if not wanted.required or (came_to.kind == "unable" and vouchable(wanted.test) in vouched):
            return None
        return Failure(_TROUBLES[came_to.kind], f"{wanted.test}: {came_to.words}")
    outside = ((name, _outside(came_to, name, bounds)) for name, bounds in wanted.limits.items())
    beyond = [(_code_of(name), text) for name, text in outside if text is not None]
    if beyond:
        return Failure(beyond[0][0], f"{wanted.test}: {'; '.join(text for _, text in beyond)}")
    unknown = [name for name in wanted.limits if came_to.reading(name) is None]
    if unknown and wanted.required and vouchable(wanted.test) not in vouched:
        return Failure(Code.NOT_VERIFIABLE, f"{wanted.test}: the CPE does not show {_listed(unknown)}")
    return None


def vouchable(test: str) -> str:
    """What a person vouches for whose CPE has no such test."""
    return f"test.{test}"


def _outside(report: Report, name: str, bounds: Bounds) -> str | None:
    reading = report.reading(name)
    if reading is None or isinstance(reading.value, str) or bounds.holds(reading.value):
        return None
    return f"{name} is {reading}, wanted is {bounds} {reading.unit}".rstrip()


def _code_of(reading: str) -> Code:
    if reading == "speed_mbps":
        return Code.WRONG_TIER
    return Code.LOW_LIGHT if reading in {"rx_power_dbm", "tx_power_dbm"} else Code.TEST_FAILED
