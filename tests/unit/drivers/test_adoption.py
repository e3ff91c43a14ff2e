"""What another configured is left alone until it is adopted, and then changed no more than must be."""

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from drivers.access import WantedAccess, differences
from drivers.netconf_bbf import changes, reading
from drivers.netconf_bbf.configuration import Kind, index
from drivers.places import Occupied
from tests.unit.drivers import yang
from tests.unit.drivers.plants import (
    WANTED,
    bare,
    canonical,
    edits_for,
    inventory,
    made_by_another,
    provisioned,
    with_edits,
)
from ztpd.lab.olt.validation import validate

ADOPTED = frozenset({WANTED.device})
SHARED = replace(WANTED, c_vlan=None)
OTHER = replace(WANTED, service="SVC-2", device="ALCL0000CAFE", c_vlan=302)
Element = etree._Element


def foreign() -> Element:
    return made_by_another(provisioned(bare(), WANTED), WANTED)


def entries(tree: Element) -> dict[Kind, set[str]]:
    return {kind: set(found) for kind, found in index(tree).entries.items()}


def test_what_is_not_adopted_is_not_touched() -> None:
    with pytest.raises(Occupied, match="subscriber-17, which ztpd did not make"):
        edits_for(inventory(foreign()), WANTED)
    with pytest.raises(Occupied, match="subscriber-17"):
        changes.check_ours(inventory(foreign()), WANTED.device, frozenset())

    changes.check_ours(inventory(foreign()), WANTED.device, ADOPTED)


def test_a_serial_that_two_v_anis_claim_is_nobodys_to_change() -> None:
    tree = provisioned(bare(), replace(OTHER, device=WANTED.device))
    tree = provisioned(made_by_another(tree, replace(OTHER, device=WANTED.device)), OTHER)
    for leaf in tree.iter("{*}expected-serial-number"):
        leaf.text = WANTED.device

    with pytest.raises(Occupied, match="more than once"):
        changes.check_ours(inventory(tree), WANTED.device, ADOPTED)


@pytest.mark.parametrize(
    "wanted",
    [
        replace(WANTED, upstream_bps=900_000_000),
        replace(WANTED, assured_upstream_bps=0, fixed_upstream_bps=20_000_000),
        replace(WANTED, downstream_bps=2_000_000_000),
        replace(WANTED, enabled=False),
        replace(WANTED, priority=3),
    ],
    ids=["upstream", "fixed", "downstream", "suspended", "priority"],
)
def test_an_adopted_onu_is_changed_under_its_own_names(wanted: WantedAccess, data_folder: Path, tmp_path: Path) -> None:
    before, known = foreign(), inventory(foreign())

    after = with_edits(before, edits_for(known, wanted, adopted=ADOPTED))

    validate(after)
    yang.check(data_folder, after, "config", tmp_path)
    assert differences(wanted, reading.observed_onu(inventory(after), WANTED.device)) == ()
    for kind in Kind:
        lost = entries(before)[kind] - entries(after)[kind]
        assert not lost, f"{kind} {lost}"
    for kind in (Kind.INTERFACE, Kind.TCONT, Kind.GEMPORT, Kind.FORWARDER, Kind.LINK):
        assert entries(after)[kind] == entries(before)[kind], "nothing is renamed or made beside it"


def test_what_another_said_more_of_an_adopted_onu_stays() -> None:
    tree = foreign()
    [v_ani] = [entry for name, entry in index(tree).entries[Kind.INTERFACE].items() if name == "subscriber-17"]
    etree.SubElement(v_ani.find("{*}v-ani"), "{urn:bbf:yang:bbf-xponvani}expected-registration-id").text = "31"  # type: ignore[arg-type]

    after = with_edits(tree, edits_for(inventory(tree), replace(WANTED, enabled=False), adopted=ADOPTED))

    assert [leaf.text for leaf in after.iter("{*}expected-registration-id")] == ["31"]


def test_changing_rates_again_leaves_none_of_our_profiles_behind() -> None:
    tree = foreign()
    for rate in (900_000_000, 800_000_000):
        wanted = replace(WANTED, upstream_bps=rate, downstream_bps=2 * rate)
        tree = with_edits(tree, edits_for(inventory(tree), wanted, adopted=ADOPTED))

    assert entries(tree)[Kind.UPSTREAM_PROFILE] == {"gold-up", "up-800000000-50000000"}
    assert entries(tree)[Kind.SHAPER] == {"gold-down", "down-1600000000"}


@pytest.mark.parametrize("wanted", [replace(WANTED, s_vlan=77), SHARED], ids=["1:1", "N:1"])
def test_another_vlan_moves_an_adopted_onu_into_a_forwarder_of_ours(wanted: WantedAccess) -> None:
    tree = foreign()

    after = with_edits(tree, edits_for(inventory(tree), wanted, adopted=ADOPTED))
    observed = reading.observed_onu(inventory(after), WANTED.device)

    validate(after)
    assert differences(wanted, observed) == ()
    assert observed is not None
    assert observed.service == WANTED.service
    assert "bridge-301" not in entries(after)[Kind.FORWARDER], "nobody else had a use for it"
    assert "north-301" not in entries(after)[Kind.INTERFACE]


def test_an_adopted_onu_of_which_a_part_is_missing_cannot_be_changed() -> None:
    tree = foreign()
    for tcont in list(tree.iter("{*}interface-reference")):
        tcont.text = "elsewhere"

    with pytest.raises(Occupied, match="cannot be told which"):
        edits_for(inventory(tree), WANTED, adopted=ADOPTED)


@pytest.mark.parametrize("neighbour", [OTHER, replace(OTHER, c_vlan=None)], ids=["1:1", "N:1"])
def test_removing_an_adopted_onu_takes_what_is_its_alone(neighbour: WantedAccess) -> None:
    before = provisioned(bare(), neighbour)
    tree = made_by_another(provisioned(before, WANTED), WANTED)

    after = with_edits(tree, changes.edits_to_remove(inventory(tree), [WANTED.device]))

    validate(after)
    # Profiles that another named stay: they are a list to choose from, and nobody here knows who else does.
    assert "gold-up" in entries(after)[Kind.UPSTREAM_PROFILE]
    assert "gold-down" in entries(after)[Kind.SHAPER]
    for kind in (Kind.INTERFACE, Kind.TCONT, Kind.GEMPORT, Kind.FORWARDER, Kind.LINK, Kind.DATABASE):
        assert entries(after)[kind] == entries(before)[kind]


def test_a_bridge_of_anothers_that_others_use_stays() -> None:
    both = provisioned(bare(), SHARED, replace(OTHER, c_vlan=None))
    tree = made_by_another(both, SHARED)

    after = with_edits(tree, changes.edits_to_remove(inventory(tree), [WANTED.device]))

    validate(after)
    assert "bridge-301" in entries(after)[Kind.FORWARDER]
    assert "south" not in [leaf.text for leaf in after.iter("{*}name")], "its own port is gone"
    assert canonical(after) != canonical(tree)
