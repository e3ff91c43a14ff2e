"""Which MAC addresses may be one device's, and which rules a source has."""

import pytest

from ztpd.domain.identity import Kind, Name
from ztpd.domain.joining import MAC_BLOCK, TIES, is_near
from ztpd.domain.sighting import Source

DEVICE = [Name(Kind.PON, "HWTC1A2B3C4D"), Name(Kind.MAC, "00:25:9e:1a:2b:30")]


@pytest.mark.parametrize(
    ("mac", "near"),
    [
        ("00:25:9e:1a:2b:31", True),
        ("00:25:9e:1a:2b:2f", True),
        ("00:25:9e:1a:2b:38", True),
        ("00:25:9e:1a:2b:39", False),
        ("00:25:9e:1a:2b:30", False),  # the same: no rule is needed
        ("00:26:9e:1a:2b:31", False),
    ],
)
def test_a_mac_of_the_same_block_is_near(mac: str, near: bool) -> None:
    assert is_near(mac, DEVICE) is near
    assert MAC_BLOCK == 8


def test_a_device_without_a_mac_is_near_to_none() -> None:
    assert not is_near("00:25:9e:1a:2b:31", DEVICE[:1])


def test_what_is_only_a_hint_ties_nothing() -> None:
    assert Source.MQTT not in TIES
