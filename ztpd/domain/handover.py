"""Handing a CPE over to another ACS: whom it is told to inform, and when it counts as gone. Pure."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from ztpd.domain.model import Identifier

MAX_TELLS = 3
"""How often a CPE is told that comes back each time without having answered."""

LONGEST_SILENCE = timedelta(days=30)


def _acs_url(text: str) -> str:
    """An http or https URL with a host and without credentials (TR-181 ManagementServer.URL)."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("is no URL of an ACS: expected http://HOST/… or https://HOST/…")
    if parts.username is not None:
        raise ValueError("holds a user: give it as username, and its password as a secret")
    return text


AcsUrl = Annotated[str, Field(max_length=256), AfterValidator(_acs_url)]


def _printed(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


Username = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_printed)]
"""At most 256 characters (TR-181 ManagementServer.Username)."""

SecretName = Identifier
"""What the configuration calls the file of a password by."""


class HandoverState(enum.StrEnum):
    """How far a CPE is on its way to another ACS; the value is what operators see."""

    ASKED = "asked"  # somebody asked for it, the CPE was not told yet
    TOLD = "told"  # the CPE was told and has not answered: it may have left at once
    ACCEPTED = "accepted"  # the CPE has taken it; whether it leaves is to be seen
    LEFT = "left"  # it was told, and not heard since for longer than it ever is silent
    RETURNED = "returned"  # it was told, and informed here again
    FAILED = "failed"  # it did not take it
    CANCELLED = "cancelled"  # somebody thought better of it


OPEN = frozenset({HandoverState.ASKED, HandoverState.TOLD, HandoverState.ACCEPTED, HandoverState.LEFT})
"""States in which an Inform, or its absence, tells something of the hand-over."""

AWAY = frozenset({HandoverState.ACCEPTED, HandoverState.LEFT})
"""States in which a CPE is the other ACS's: nothing is done with it."""


@dataclass(frozen=True, slots=True)
class HandoverTerms:
    """What the configuration says: passwords by name, and how long a CPE must be silent to count as gone.

    That is ``intervals`` of its own periodic interval, or of ``interval_s`` where it has not told one.
    """

    secrets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    intervals: int = 3
    interval_s: int = 86_400

    def silence(self, interval_s: int | None) -> timedelta:
        """How long a CPE must not be heard that informs so often by itself; None when that is not known."""
        seconds = interval_s or self.interval_s
        return min(LONGEST_SILENCE, timedelta(seconds=self.intervals * seconds))


NO_HANDOVER = HandoverTerms()
"""The terms where nothing is configured: there is no other ACS."""
