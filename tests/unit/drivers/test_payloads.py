"""What is written is valid under the modules, adds what a service needs, and takes away exactly that."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.access import WantedAccess, differences
from drivers.netconf_bbf import changes, reading
from drivers.netconf_bbf.changes import NoSuchPort
from drivers.netconf_bbf.configuration import Kind, index
from drivers.netconf_bbf.dialects import I3
from drivers.netconf_bbf.editing import notifications_on
from drivers.netconf_bbf.payloads import NotRepresentable
from drivers.places import Occupied
from tests.unit.drivers import yang
from tests.unit.drivers.plants import WANTED, bare, canonical, edits_for, inventory, provisioned, with_edits
from ztpd.lab.olt.validation import validate

SHARED = replace(WANTED, c_vlan=None)
SECOND = replace(WANTED, service="SVC-2", device="ALCL0000CAFE", c_vlan=302)


@pytest.mark.parametrize(
    "wanted",
    [
        WANTED,
        SHARED,
        replace(WANTED, assured_upstream_bps=0),
        replace(WANTED, upstream_bps=50_000_000),
        replace(WANTED, port="1/1/2", description=""),
        replace(WANTED, assured_upstream_bps=0, fixed_upstream_bps=500_000_000),
        replace(WANTED, fixed_upstream_bps=10_000_000, priority=5),
        replace(SHARED, priority=7, enabled=False),
    ],
    ids=["1:1", "N:1", "nothing-assured", "all-assured", "other-port", "all-fixed", "fixed-and-marked", "marked"],
)
def test_a_provisioned_onu_is_valid_under_the_modules(wanted: WantedAccess, data_folder: Path, tmp_path: Path) -> None:
    yang.check(data_folder, provisioned(bare(), wanted), "config", tmp_path)


def test_a_batch_and_its_changes_are_valid_under_the_modules(data_folder: Path, tmp_path: Path) -> None:
    tree = provisioned(bare(), SHARED, replace(SECOND, c_vlan=None))
    tree = provisioned(tree, replace(SHARED, upstream_bps=70_000_000), replace(SECOND, s_vlan=999))

    yang.check(data_folder, tree, "config", tmp_path)


def test_ports_that_announce_are_valid_under_the_modules(data_folder: Path, tmp_path: Path) -> None:
    assert I3.notifiable is not None
    yang.check(data_folder, with_edits(bare(), [notifications_on("1/1/2", I3.notifiable)]), "config", tmp_path)


@pytest.mark.parametrize(
    "wanted",
    [WANTED, SHARED, replace(WANTED, fixed_upstream_bps=10_000_000, priority=5, enabled=False)],
    ids=["1:1", "N:1", "marked"],
)
def test_what_is_written_reads_back_as_wanted(wanted: WantedAccess) -> None:
    tree = provisioned(bare(), wanted)

    observed = reading.observed_onu(inventory(tree), wanted.device)

    validate(tree)
    assert differences(wanted, observed) == ()


@pytest.mark.parametrize("wanted", [WANTED, SHARED], ids=["1:1", "N:1"])
@pytest.mark.parametrize("neighbour", [SECOND, replace(SECOND, c_vlan=None)], ids=["1:1", "N:1"])
def test_removal_takes_away_exactly_what_was_added(wanted: WantedAccess, neighbour: WantedAccess) -> None:
    before = provisioned(bare(), neighbour)
    tree = provisioned(before, wanted)

    after = with_edits(tree, changes.edits_to_remove(inventory(tree), [wanted.device]))

    assert canonical(after) == canonical(before)


def test_removal_of_what_is_not_there_edits_nothing() -> None:
    assert changes.edits_to_remove(inventory(bare()), [WANTED.device]) == []


def test_new_objects_are_created_and_never_merged_into_what_exists() -> None:
    operations = {edit.operation for edit in edits_for(inventory(bare()), WANTED)}
    again = {edit.operation for edit in edits_for(inventory(provisioned(bare(), WANTED)), WANTED)}

    assert operations == {"create", "merge"}
    assert again == {"replace", "merge"}


def test_a_changed_service_leaves_no_profile_or_forwarder_behind() -> None:
    for change in (
        replace(WANTED, upstream_bps=600_000_000, downstream_bps=2_000_000_000),
        replace(WANTED, s_vlan=900, c_vlan=901),
        SHARED,
        replace(WANTED, service="SVC-RENAMED"),
        replace(SHARED, service="SVC-RENAMED"),
    ):
        fresh = provisioned(bare(), change)
        for start in (WANTED, SHARED):
            tree = provisioned(provisioned(bare(), start), change)
            for kind in Kind:
                assert set(index(tree).entries[kind]) == set(index(fresh).entries[kind]), (start, change)
            assert differences(change, reading.observed_onu(inventory(tree), change.device)) == ()


def test_a_renamed_service_on_a_shared_s_vlan_has_one_port() -> None:
    tree = provisioned(bare(), SHARED, replace(SECOND, c_vlan=None))
    tree = provisioned(tree, replace(SHARED, service="SVC-RENAMED"))

    services = {member.service for member in inventory(tree).members.values()}

    assert services == {None, "SVC-RENAMED", "SVC-2"}


def test_two_that_leave_a_forwarder_together_leave_by_one_entry() -> None:
    onus = [replace(SHARED, service=f"S-{n}", device=f"TEST0000000{n}") for n in range(3)]
    known = inventory(provisioned(bare(), *onus))

    edits = edits_for(known, *(replace(onu, s_vlan=900) for onu in onus[:2]))

    forwarders = [name.text for edit in edits if edit.kind is Kind.FORWARDER for name in edit.entry.iterfind("{*}name")]
    assert sorted(str(name) for name in forwarders) == ["fwd-uplink-1.201", "fwd-uplink-1.900"]
    after = inventory(with_edits(provisioned(bare(), *onus), edits))
    assert {member.service for member in after.members.values() if member.forwarder == "fwd-uplink-1.201"} == {
        None,
        "S-2",
    }


def test_the_numbers_of_an_onu_stay_when_its_service_changes() -> None:
    tree = provisioned(bare(), SECOND, WANTED)

    changed = provisioned(tree, replace(WANTED, upstream_bps=900_000_000))

    for kind in (Kind.TCONT, Kind.GEMPORT):
        numbers = [
            [canonical(leaf) for leaf in entry if leaf.tag.endswith("-id")]
            for configuration in (index(tree), index(changed))
            for _, entry in sorted(configuration.entries[kind].items())
        ]
        assert numbers[: len(numbers) // 2] == numbers[len(numbers) // 2 :]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(WANTED, downstream_bps=1_000_000_001), "kbit/s"),
        (replace(WANTED, assured_upstream_bps=600_000_000), "more than upstream_bps"),
        (replace(WANTED, fixed_upstream_bps=460_000_000), "fixed 460000000 and assured 50000000 bit/s together"),
        (replace(WANTED, priority=8), "no code point of IEEE 802.1p"),
        (replace(WANTED, service="S" * 61), "64 characters"),
    ],
)
def test_what_the_modules_cannot_say_is_named(wanted: WantedAccess, said: str) -> None:
    with pytest.raises(NotRepresentable, match=said):
        edits_for(inventory(bare()), wanted)


def test_a_port_without_plant_is_named_with_those_there_are() -> None:
    with pytest.raises(NoSuchPort, match=r"1/1/9.*1/1/1, 1/1/2"):
        edits_for(inventory(bare()), replace(WANTED, port="1/1/9"))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(WANTED, port="1/1/2"), "is configured on port 1/1/1, not on 1/1/2"),
        (replace(WANTED, device="ZTEG00000001"), "service SVC-1 is configured on"),
        (replace(WANTED, device="ZTEG00000001", service="SVC-9"), "is used by fwd-SVC-1"),
    ],
    ids=["serial-elsewhere", "service-elsewhere", "vlan-taken"],
)
def test_a_taken_place_is_a_conflict(wanted: WantedAccess, said: str) -> None:
    with pytest.raises(Occupied, match=said):
        edits_for(inventory(provisioned(bare(), WANTED)), wanted)


def test_a_profile_that_another_made_stays_when_our_last_user_goes() -> None:
    tree = provisioned(bare(), WANTED)
    for leaf in tree.iter():
        if leaf.text == "up-500000000-50000000":
            leaf.text = "gold"

    after = with_edits(tree, changes.edits_to_remove(inventory(tree), [WANTED.device]))

    assert list(index(after).entries[Kind.UPSTREAM_PROFILE]) == ["gold"]
