"""Numbers on a PON are given once, lowest first, and per channel partition."""

from dataclasses import replace

import pytest

from drivers.netconf_bbf.allocation import Exhausted, Numbers, Used, allocate, ranges_of, used_numbers
from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.plant import Port
from tests.unit.drivers.plants import WANTED, bare, provisioned

XGS = Port("1/1/1", "cpair", "cpart", "xgs")


def test_the_lowest_free_numbers_are_given_one_after_another() -> None:
    used = Used(onu_ids={1, 3}, alloc_ids={1024}, gemport_ids={1025})

    first, second = allocate(used, XGS, None), allocate(used, XGS, None)

    assert first == Numbers(2, 1025, (1024, 1026))
    assert second == Numbers(4, 1026, (1027, 1028))


def test_numbers_that_are_held_are_kept() -> None:
    held = Numbers(77, 2000, (3000, 3001))

    assert allocate(Used(), XGS, held) == held


def test_a_gpon_port_has_smaller_numbers() -> None:
    given = allocate(Used(), Port("1/1/1", "cpair", "cpart", "gpon"), None)

    assert given == Numbers(1, 256, (256, 257))
    assert max(ranges_of("gpon").gemport_ids) < 4096


def test_a_full_pon_is_said_so() -> None:
    with pytest.raises(Exhausted, match="no free ONU-id on cpart"):
        allocate(Used(onu_ids=set(range(1024))), XGS, None)


def test_numbers_are_used_per_partition_whoever_made_them() -> None:
    tree = provisioned(bare(), WANTED, replace(WANTED, device="ZTEG00000002", service="S-2", c_vlan=2, port="1/1/2"))

    used = used_numbers(index(tree))

    assert set(used) == {"cpart-1/1/1", "cpart-1/1/2"}
    for numbers in used.values():
        assert numbers == Used({1}, {1024}, {1024, 1025})


def test_a_number_that_is_none_harms_only_itself() -> None:
    tree = provisioned(bare(), WANTED)
    for leaf in tree.iter("{urn:bbf:yang:bbf-xpongemtcont}alloc-id"):
        leaf.text = "many"

    assert used_numbers(index(tree))["cpart-1/1/1"] == Used({1}, set(), {1024, 1025})
