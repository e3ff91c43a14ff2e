"""Which firmware a CPE must run, when it may be given it, and how one upgrade stands.

A profile's ``[[firmware]]`` rules say what is wanted, a model at a time. All rules of one name, in whichever profiles,
are one campaign. Pure: the moment is handed in; time zones are the system's (``zoneinfo``).
"""

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from ztpd.domain.model import Identifier, Strict

if TYPE_CHECKING:  # a profile has rules, and what is known of a CPE has tasks, which have a profile's values
    from ztpd.domain.cpe import CpeFacts

FIRMWARE_IMAGE = "1 Firmware Upgrade Image"
"""The file type of a firmware (TR-069 A.3.2.8)."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not found is a KeyError, a folder's name an OSError
        raise ValueError(f"{name!r} is no time zone that this system knows, such as Europe/Vienna") from None
    return name


def without_credentials(url: str) -> str:
    """A URL that a CPE can fetch from (TR-069 §2.3.2), without user and password; raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ftp", "sftp", "tftp"} or not parts.hostname:
        raise ValueError("must be a URL that CPEs can fetch: http, https, ftp, sftp or tftp, with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("has a user or password in it, which everybody who may read would see")
    if not url.isascii() or any(character <= " " for character in url):
        raise ValueError("has a space or a character that must be written as %XX")
    return url


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise ValueError("is no SHA-256: `sha256sum FILE` tells its 64 digits")
    return text.lower()


FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$")]
"""The name of a file in a folder: never a path."""

Url = Annotated[str, Field(max_length=256), AfterValidator(without_credentials)]
"""Where a CPE fetches a file (at most 256 characters: TR-069 A.3.2.8)."""

Sha256 = Annotated[str, AfterValidator(_sha256)]
Pattern = Annotated[str, Field(min_length=1, max_length=128)]
"""A text in which ``*`` and ``?`` stand for anything; upper and lower case are the same."""


class LocalWindow(Strict):
    """A part of the day by the wall clock: from ``start`` until before ``end``, over midnight where end is earlier.

    ``days`` are those on which it begins; none for all.
    """

    start: time
    end: time
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()

    @model_validator(mode="after")
    def _is_a_part_of_the_day(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same; leave windows out for any time")
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("the time zone stands in timezone")
        return self

    def covers(self, local: datetime) -> bool:
        """Whether this local time lies in it."""
        clock, today = local.time(), local.weekday()
        if self.start < self.end:
            return self.start <= clock < self.end and self._begins(today)
        if clock >= self.start:
            return self._begins(today)
        return clock < self.end and self._begins((today - 1) % 7)

    def _begins(self, day: int) -> bool:
        return not self.days or DAYS[day] in self.days


class FirmwareRule(Strict):
    """One ``[[firmware]]`` of a profile: the version that a model must run, and how it may get there.

    The first rule whose patterns fit a CPE counts. ``file`` is in the folder of ``[acs.files]``, ``url`` anywhere;
    ``size`` is in bytes. ``from_versions`` are the versions it may be put over (none: any). ``at_once`` CPEs are
    upgraded at a time, and when ``stop_after`` have failed, the campaign stops. ``timeout_s`` is how long a CPE may
    take to download, and again to show the version; ``succeeds_on_timeout`` is for models that never tell that they
    are through (GenieACS has ``cwmp.downloadSuccessOnTimeout`` for them).
    """

    name: Identifier
    manufacturer: Pattern = "*"
    product_class: Pattern = "*"
    hardware_version: Pattern = "*"
    version: Annotated[str, Field(min_length=1, max_length=64)]
    file: FileName | None = None
    url: Url | None = None
    size: Annotated[int, Field(ge=1, le=2**32 - 1)] | None = None
    sha256: Sha256 | None = None
    from_versions: tuple[Pattern, ...] = ()
    windows: tuple[LocalWindow, ...] = ()
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    at_once: Annotated[int, Field(ge=1, le=10_000)] = 10
    stop_after: Annotated[int, Field(ge=1, le=10_000)] = 3
    during_install: bool = False
    timeout_s: Annotated[float, Field(ge=10, le=86_400)] = 3600.0
    succeeds_on_timeout: bool = False

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise ValueError("give file or url, one of them")
        if self.file is not None and self.sha256 is None:
            raise ValueError("sha256 is missing: sha256sum tells it")
        return self

    @property
    def source(self) -> str:
        """Where the firmware is, as operators read it."""
        return self.file or self.url or ""

    @property
    def timeout(self) -> timedelta:
        """How long a CPE may take for a step."""
        return timedelta(seconds=self.timeout_s)

    def fits(self, facts: "CpeFacts") -> bool:
        """Whether the rule is for this model."""
        pairs = (
            (self.manufacturer, facts.manufacturer),
            (self.product_class, facts.product_class),
            (self.hardware_version, facts.hardware_version),
        )
        return all(_alike(pattern, text) for pattern, text in pairs)

    def is_open(self, now: datetime) -> bool:
        """Whether an upgrade may begin at this moment (aware).

        By the wall clock: a window that the clock jumps over when summer time begins does not come that day, and one
        that the clock repeats when it ends comes twice.
        """
        if not self.windows:
            return True
        local = now.astimezone(ZoneInfo(self.timezone))
        return any(window.covers(local) for window in self.windows)


def _alike(pattern: str, text: str) -> bool:
    return pattern == "*" or fnmatchcase(text.casefold(), pattern.casefold())


def rule_for(rules: Sequence[FirmwareRule], facts: "CpeFacts") -> FirmwareRule | None:
    """The first rule that is for this model; None when none is."""
    return next((rule for rule in rules if rule.fits(facts)), None)


def campaigns(rules: Iterable[FirmwareRule]) -> Mapping[str, FirmwareRule]:
    """Every campaign by its name."""
    return {rule.name: rule for rule in rules}


class Hindrance(enum.StrEnum):
    """Why a CPE is not upgraded now; the value is what operators see."""

    UNKNOWN_VERSION = "the CPE does not tell its version"
    NOT_FROM = "from_versions does not allow it from the version it runs"
    STOPPED = "the campaign is stopped"
    CLOSED = "outside of the windows"
    FULL = "as many as at_once allows are under way"
    BACKOFF = "it failed here not long ago"


@dataclass(frozen=True, slots=True)
class CampaignStanding:
    """What counts beside the rule: whether it is stopped, how many CPEs are under way, until when this one waits."""

    stopped: bool
    under_way: int
    retry_at: datetime | None


def hindrance(rule: FirmwareRule, version: str, standing: CampaignStanding, now: datetime) -> Hindrance | None:
    """What keeps a CPE that runs another version from being upgraded now; None when nothing does."""
    if not version:
        return Hindrance.UNKNOWN_VERSION
    if rule.from_versions and not any(_alike(pattern, version) for pattern in rule.from_versions):
        return Hindrance.NOT_FROM
    if standing.stopped:
        return Hindrance.STOPPED
    if not rule.is_open(now):
        return Hindrance.CLOSED
    if standing.retry_at is not None and standing.retry_at > now:
        return Hindrance.BACKOFF
    return Hindrance.FULL if standing.under_way >= rule.at_once else None


class Upgrade(enum.StrEnum):
    """How the upgrade of one CPE stands."""

    OFFERED = "offered"  # a Download goes out; whether the CPE takes it is not known yet
    GIVEN = "given"  # the CPE has taken it and downloads
    TRANSFERRED = "transferred"  # it says it is through; the new version is not seen yet
    CONFIRMED = "confirmed"  # it runs the new version
    FAILED = "failed"
    LAPSED = "lapsed"  # nobody knows whether the CPE ever got the Download, and nothing came of it


class UpgradeEvent(enum.StrEnum):
    """What can happen to an upgrade."""

    ACCEPTED = "accepted"  # DownloadResponse
    TRANSFERRED = "transferred"  # TransferComplete without a fault, or a Download that was done at once
    SHOWN = "shown"  # the CPE informs with the wanted version
    FAULTED = "faulted"  # the CPE refuses the Download, or TransferComplete tells a fault
    WRONG_VERSION = "wrong-version"  # it restarted after the transfer and runs another version
    TIMED_OUT = "timed-out"


_U, _E = Upgrade, UpgradeEvent
UPGRADE: Mapping[tuple[Upgrade, UpgradeEvent], Upgrade] = {
    (_U.OFFERED, _E.ACCEPTED): _U.GIVEN,
    (_U.OFFERED, _E.TRANSFERRED): _U.TRANSFERRED,  # what the CPE answered was lost by a crash
    (_U.OFFERED, _E.SHOWN): _U.CONFIRMED,
    (_U.OFFERED, _E.FAULTED): _U.FAILED,
    (_U.OFFERED, _E.TIMED_OUT): _U.LAPSED,
    (_U.GIVEN, _E.TRANSFERRED): _U.TRANSFERRED,
    (_U.GIVEN, _E.SHOWN): _U.CONFIRMED,
    (_U.GIVEN, _E.FAULTED): _U.FAILED,
    (_U.GIVEN, _E.TIMED_OUT): _U.FAILED,
    (_U.TRANSFERRED, _E.SHOWN): _U.CONFIRMED,
    (_U.TRANSFERRED, _E.FAULTED): _U.FAILED,
    (_U.TRANSFERRED, _E.WRONG_VERSION): _U.FAILED,
    (_U.TRANSFERRED, _E.TIMED_OUT): _U.FAILED,
    # It came through after all, only later than anybody waited for.
    (_U.FAILED, _E.SHOWN): _U.CONFIRMED,
    (_U.LAPSED, _E.SHOWN): _U.CONFIRMED,
}
"""What follows from what; a pair that is not here changes nothing: CPEs repeat themselves and come late."""

UNDER_WAY = frozenset({Upgrade.OFFERED, Upgrade.GIVEN, Upgrade.TRANSFERRED})


FIRST_RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(days=1)


def retry_after(failures: int) -> timedelta:
    """How long a CPE is left alone after so many failures in a row: 15 minutes, doubling to a day."""
    return min(FIRST_RETRY * 2.0 ** min(max(failures, 1) - 1, 10), LONGEST_RETRY)


_FAULTS: Mapping[int, str] = {
    9000: "it has no such method",
    9001: "it refused and gave no reason",
    9002: "it had an internal error",
    9003: "it did not like the arguments",
    9004: "it has not the room for it",
    9010: "the download failed",
    9011: "the upload failed",
    9012: "the file server did not let it in",
    9013: "it cannot use this kind of URL",
    9014: "it could not join the multicast group",
    9015: "it could not reach the file server",
    9016: "it could not get at the file",
    9017: "the download broke off",
    9018: "the file arrived damaged",
    9019: "the file is not signed as it must be",
    9020: "the download did not end within its window",
    9021: "the transfer cannot be cancelled any more",
}
"""What the faults of a transfer mean (TR-069 Amendment 6, A.5.1; cwmp-1-2.xsd), in words for people."""


def fault_words(code: int, message: str) -> str:
    """A transfer's fault as people read it: ``9015 it could not reach the file server (…)``."""
    meaning = _FAULTS.get(code)
    if meaning is None:
        return f"{code} {message or 'the CPE gave no reason'}"
    return f"{code} {meaning}" + (f" ({message})" if message else "")
