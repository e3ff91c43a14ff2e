"""Numbers on a PON are given once, lowest first, and per channel partition."""

from dataclasses import replace

import pytest

from drivers.netconf_bbf import names
from drivers.netconf_bbf.allocation import Exhausted, Numbers, Used, allocate, ranges_of
from drivers.netconf_bbf.configuration import Configuration, index
from drivers.netconf_bbf.ledger import Held, Ledger, held_in
from drivers.netconf_bbf.plant import Port
from tests.unit.drivers.plants import WANTED, bare, provisioned

EMPTY = index()

XGS = Port("1/1/9", "cpair-9", "cpart-9", "xgs")


def test_the_lowest_free_numbers_are_given_one_after_another() -> None:
    used = Used(onu_ids={1, 3}, alloc_ids={1024}, gemport_ids={1025})

    first, second = allocate(used, XGS), allocate(used, XGS)

    assert first == Numbers(2, 1025, (1024, 1026))
    assert second == Numbers(4, 1026, (1027, 1028))


def test_a_gpon_port_has_smaller_numbers() -> None:
    given = allocate(Used(), Port("1/1/1", "cpair", "cpart", "gpon"))

    assert given == Numbers(1, 256, (256, 257))
    assert max(ranges_of("gpon").gemport_ids) < 4096


def test_a_full_pon_is_said_so_and_takes_nothing() -> None:
    used = Used(onu_ids={1}, alloc_ids=set(range(1024, 16384)))

    with pytest.raises(Exhausted, match="no free Alloc-ID on cpart-9"):
        allocate(used, XGS)
    assert used.onu_ids == {1}


def two_onus() -> Configuration:
    other = replace(WANTED, device="ZTEG00000002", service="S-2", c_vlan=2, port="1/1/2")
    return index(provisioned(bare(), WANTED, other))


def test_numbers_are_held_per_partition_whoever_made_them() -> None:
    held = dict(held_in(two_onus()))

    assert len(held) == 8
    assert held[("onu-id", "vani-HWTC1A2B3C4D")] == Held("cpart-1/1/1", 1)
    assert held[("gemport-id", "gem-ZTEG00000002.1.tc5")] == Held("cpart-1/1/2", 1025)


def test_a_number_that_is_none_harms_only_itself() -> None:
    tree = provisioned(bare(), WANTED)
    for leaf in tree.iter("{urn:bbf:yang:bbf-xpongemtcont}alloc-id"):
        leaf.text = "many"

    assert {kind for (kind, _), _ in held_in(index(tree))} == {"onu-id", "gemport-id"}


def test_what_is_proposed_is_free_and_given_only_once_it_is_noted() -> None:
    ledger = Ledger(two_onus())
    place = Port("1/1/1", "cpair-1/1/1", "cpart-1/1/1", "xgs")

    first = ledger.propose([("ALCL00000001", place), ("ALCL00000002", place)])
    again = ledger.propose([("ALCL00000001", place)])
    numbers = first["ALCL00000001"]
    assert isinstance(numbers, Numbers)
    ledger.note(names.of_onu("ALCL00000001"), numbers, "cpart-1/1/1")
    later = ledger.propose([("ALCL00000002", place)])
    ledger.forget(names.of_onu("ALCL00000001"))

    assert first == {
        "ALCL00000001": Numbers(2, 1025, (1026, 1027)),
        "ALCL00000002": Numbers(3, 1026, (1028, 1029)),
    }
    assert again["ALCL00000001"] == numbers
    assert later == {"ALCL00000002": first["ALCL00000002"]}
    assert ledger.propose([("ALCL00000002", place)]) == {"ALCL00000002": numbers}


def test_a_full_pon_fails_its_own_onu_alone() -> None:
    ledger = Ledger(EMPTY)
    narrow = [(f"ALCL{number:08X}", Port("1/1/1", "cpair", "cpart", "gpon")) for number in range(128)]

    given = ledger.propose([*narrow, ("ZTEG00000001", XGS)])

    assert [serial for serial, numbers in given.items() if isinstance(numbers, Exhausted)] == ["ALCL0000007F"]


def test_a_number_that_somebody_else_gave_meanwhile_is_noticed() -> None:
    ledger = Ledger(index(provisioned(bare(), WANTED)))

    assert ledger.knows(index(provisioned(bare(), WANTED)))
    assert ledger.knows(EMPTY)
    assert not ledger.knows(two_onus())
    assert ledger.holds_any_of([WANTED.device])
    assert not ledger.holds_any_of(["ZTEG00000002"])
