"""Claims about one device that cannot both be true.

A serial that is present in two places is a clone's, and a MAC address that is alive behind two elements is one too.
A device that is heard elsewhere after its old place went dark has moved; that contradicts nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from ztpd.domain.failures import Code, Failure
from ztpd.domain.sighting import Place

FRESH = timedelta(hours=1)
"""How long a place counts after DHCP was heard there: nothing says that a DHCP client left."""

CODES = frozenset({Code.DUPLICATE_SERIAL, Code.DUPLICATE_MAC})


def cloned(*alive: Place, by: Code = Code.DUPLICATE_SERIAL) -> Failure:
    """What it means that one serial, or one MAC address, is present in several places right now."""
    # Sorted: each of them is heard in turn, and the failure must stay the same.
    return Failure(by, f"alive on {' and on '.join(sorted(map(str, alive)))}")


@dataclass(frozen=True, slots=True)
class Stay:
    """An element behind which a device was heard, by its own word or through a relay of it, from when to when."""

    element: str
    since: datetime
    until: datetime


def two_homes(stays: Sequence[Stay], now: datetime) -> Failure | None:
    """Why a device cannot have been where it was heard: behind one element while it was behind another; or None."""
    recent = [stay for stay in stays if now - stay.until <= FRESH]
    spans = [_span(element, recent) for element in sorted({stay.element for stay in recent})]
    crossing = next((pair for pair in combinations(spans, 2) if _overlap(*pair)), None)
    if crossing is None:
        return None
    return Failure(Code.DUPLICATE_MAC, f"alive behind {' and behind '.join(stay.element for stay in crossing)}")


def _span(element: str, stays: Iterable[Stay]) -> Stay:
    own = [stay for stay in stays if stay.element == element]
    return Stay(element, min(stay.since for stay in own), max(stay.until for stay in own))


def _overlap(one: Stay, other: Stay) -> bool:
    return one.since <= other.until and other.since <= one.until
