"""The rules by which a sighting means a device that it does not name; which apply is told by its source.

Names that are equal, and a CWMP serial that spells a PON serial, join by themselves (``ztpd.domain.identity``). These
rules are weaker: what they tie is joined only where nothing speaks against it.
"""

import enum
from collections.abc import Iterable, Mapping

from ztpd.domain.identity import Kind, Name
from ztpd.domain.sighting import Source


class Tie(enum.StrEnum):
    """What ties a sighting to a device."""

    LEASE = "lease"  # it comes from the address that the device was leased last
    LINE = "line"  # it comes from the line on which open jobs expect this one device
    NEAR_MAC = "near-mac"  # it comes from the device's line, and its MAC is one of the device's block


TIES: Mapping[Source, tuple[Tie, ...]] = {
    Source.CWMP: (Tie.LEASE,),
    Source.DHCP: (Tie.NEAR_MAC, Tie.LINE),
}
"""The rules for each source; a source that is not here ties nothing. What a place tells needs a trusted source."""

BY_PLACE = frozenset({Tie.LINE, Tie.NEAR_MAC})

MAC_BLOCK = 8
"""How far apart the MAC addresses of one device may be: vendors number its interfaces consecutively."""


def is_near(mac: str, names: Iterable[Name]) -> bool:
    """Whether a MAC (``aa:bb:cc:dd:ee:ff``) is not, but may well be, another interface of a device of these names."""
    distances = [_distance(mac, name.value) for name in names if name.kind is Kind.MAC]
    return any(0 < distance <= MAC_BLOCK for distance in distances)


def _distance(one: str, other: str) -> int:
    return abs(int(one.replace(":", ""), 16) - int(other.replace(":", ""), 16))
