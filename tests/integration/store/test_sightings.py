"""Discovery in: what is heard finds its device and its job; nothing that is unknown, misplaced or cloned goes on."""

from datetime import timedelta

import pytest

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.integration.store.world import (
    CPE,
    LEASE,
    OLT,
    ONT,
    OTHER_PORT,
    OTHER_SERIAL,
    PORT,
    SERIAL,
    START,
    World,
    location,
    order,
)
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import AllocatedDevice, VisitBody, Window
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import attempts, orders, sightings
from ztpd.store.settling import ATTEMPTS_A_VISIT
from ztpd.store.transaction import Superseded

MAC, OTHER_MAC = "00:11:22:33:44:55", "00:11:22:33:44:66"
CIRCUIT = "olt-1 xpon 1/1/3:7"
CIRCUIT_HEX = CIRCUIT.encode().hex()
LIGHT = Failure(Code.LOW_LIGHT, "ONT receives -30.0 dBm")


def test_a_device_in_its_place_makes_its_job_due(here: World) -> None:
    here.ready()
    assert here.announce() == "matches job J-1"
    assert here.job().state is JobState.DISCOVERED
    assert here.device()["state"] == "seen"
    assert here.claimed().wanted.device == SERIAL


def test_an_unknown_device_is_kept_and_listed_and_never_provisioned(here: World) -> None:
    here.ready()
    assert here.announce(serial=OTHER_SERIAL) == "no open job expects this device"
    listed = here.reader.devices(0, 10, "quarantined")
    assert [(device["reason"], device["names"][0]["value"]) for device in listed] == [("unknown", OTHER_SERIAL)]
    (sighting,) = here.reader.sightings(0, 10, None, unmatched=True)
    assert (sighting["element"], sighting["port"]) == (OLT, PORT)
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    assert here.job().state is JobState.READY


def test_an_unknown_device_that_is_allocated_afterwards_is_picked_up(here: World) -> None:
    here.announce()
    here.ready()
    assert here.job().state is JobState.DISCOVERED
    assert (here.device()["state"], here.device()["reason"]) == ("seen", "")


def test_a_device_on_the_wrong_port_holds_its_job_until_the_fibre_is_moved(here: World) -> None:
    here.ready()
    here.announce(OTHER_PORT)
    assert (here.job().state, here.codes()) == (JobState.HELD, ["wrong-port"])
    assert "expected on olt-1 1/1/3" in here.job().failures[0].detail
    assert (here.device()["state"], here.device()["reason"]) == ("quarantined", "wrong-port")
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    told = here.events()
    here.announce(OTHER_PORT)
    assert here.events() == told, "hearing the same again tells nobody anything"
    here.announce(OTHER_PORT, gone=True)
    here.announce(PORT)
    assert (here.job().state, here.device()["state"]) == (JobState.DISCOVERED, "seen")


def test_a_device_on_the_wrong_port_goes_on_when_the_location_is_corrected(here: World) -> None:
    here.ready()
    here.announce(OTHER_PORT)
    here.do(orders.put_location, "LOC-1", location(port=OTHER_PORT))
    assert (here.job().state, here.device()["state"]) == (JobState.DISCOVERED, "seen")
    assert here.claimed().wanted.port == OTHER_PORT


def test_a_device_that_moves_away_during_the_attempt_supersedes_it(here: World) -> None:
    work = here.at_work()
    here.list_onus((SERIAL, OTHER_PORT))
    assert here.codes() == ["wrong-port"]
    with pytest.raises(Superseded):
        here.confirm(work)
    assert here.rows("SELECT * FROM evidence") == []


@pytest.mark.parametrize("first", [PORT, OTHER_PORT])
def test_a_serial_that_is_alive_twice_holds_the_job_until_one_of_them_is_gone(here: World, first: str) -> None:
    second = OTHER_PORT if first == PORT else PORT
    here.ready()
    here.announce(first)
    here.announce(second)
    assert here.codes() == ["duplicate-serial"]
    assert here.device()["reason"] == "duplicate-serial"
    told = here.events()
    for _ in range(2):  # the element lists both at every poll
        here.list_onus((SERIAL, PORT), (SERIAL, OTHER_PORT))
        here.list_onus((SERIAL, OTHER_PORT), (SERIAL, PORT))
        assert here.codes() == ["duplicate-serial"]
        assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    assert here.events() == told
    here.do(orders.put_location, "LOC-1", location(reason="looked at"))
    here.do(orders.put_job, "J-1", order(ONT, CPE, technician="T-10"))
    assert here.codes() == ["duplicate-serial"], "an amendment does not make the clone go away"
    here.announce(OTHER_PORT, gone=True)
    assert here.job().state is JobState.DISCOVERED


def test_a_clone_on_another_element_is_found_too(here: World) -> None:
    work = here.at_work()
    here.announce(element="olt-2")
    assert here.codes() == ["duplicate-serial"]
    here.list_onus((SERIAL, PORT))
    assert here.job().state is JobState.HELD
    with pytest.raises(Superseded):
        here.do(attempts.record_applied, work, LEASE, [])
    assert here.do(sightings.keep_elements, {OLT}) == ["olt-2"], "an element that is watched no more keeps no clone"
    assert here.job().state is JobState.DISCOVERED


def test_a_device_heard_outside_its_window_waits_for_it(here: World) -> None:
    window = Window(start=START + timedelta(hours=1), end=START + timedelta(hours=3))
    here.do(orders.put_location, "LOC-1", location())
    here.do(orders.put_job, "J-1", order(ONT, window=window))
    assert here.announce() == "outside the window of job J-1"
    assert here.job().state is JobState.READY
    here.later(hours=1)
    here.list_onus((SERIAL, PORT))
    assert here.job().state is JobState.DISCOVERED


def test_a_window_that_closes_without_the_device_fails_the_visit(here: World) -> None:
    window = Window(start=START, end=START + timedelta(hours=2))
    here.do(orders.put_location, "LOC-1", location())
    here.do(orders.put_job, "J-1", order(ONT, window=window))
    assert here.do(attempts.close_overdue, 10) == 0
    here.later(hours=2, seconds=1)
    assert here.do(attempts.close_overdue, 10) == 1
    assert (here.job().state, here.codes()) == (JobState.FAILED, ["not-seen"])
    assert here.do(attempts.close_overdue, 10) == 0
    here.do(orders.open_visit, "J-1", 2, VisitBody())
    here.announce()
    assert here.job().state is JobState.DISCOVERED


def test_a_listing_that_says_what_is_known_writes_nothing(here: World) -> None:
    here.announce(serial=OTHER_SERIAL)
    before = here.rows("SELECT * FROM sighting"), here.written()
    assert here.list_onus((OTHER_SERIAL, PORT)) == 0
    assert (here.rows("SELECT * FROM sighting"), here.written()) == before


def test_a_listing_finds_what_no_announcement_told(here: World) -> None:
    here.announce(serial=OTHER_SERIAL)
    here.ready()
    assert here.list_onus((SERIAL, PORT)) == 2, "one came and one went"
    assert here.job().state is JobState.DISCOVERED
    assert here.device(OTHER_SERIAL)["presence"] == "absent"


def test_a_listing_of_one_element_says_nothing_of_another(here: World) -> None:
    here.announce(serial=OTHER_SERIAL, element="olt-2")
    here.list_onus()
    assert here.device(OTHER_SERIAL)["presence"] == "present"


def test_the_same_dhcp_exchange_again_is_counted_not_written(here: World) -> None:
    for _ in range(5):
        for message in ("DISCOVER", "OFFER", "REQUEST", "ACK"):
            here.later(seconds=1)
            here.dhcp(MAC, details={"message-type": message})
    found = here.rows("SELECT * FROM sighting")
    assert sorted(row["times"] for row in found) == [5, 5, 5, 5]


def test_a_device_that_comes_and_goes_is_written_each_time(here: World) -> None:
    here.announce()
    here.announce(gone=True)
    here.announce()
    assert len(here.rows("SELECT * FROM sighting")) == 3


@pytest.mark.parametrize("trusted", [True, False])
def test_dhcp_alone_never_starts_an_attempt_on_a_pon(here: World, trusted: bool) -> None:
    here.do(orders.put_location, "LOC-1", location(circuit_id=CIRCUIT))
    here.do(orders.put_job, "J-1", order(ONT))
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX, trusted=trusted)
    here.dhcp(MAC, element=OLT, port=PORT, serial=SERIAL, trusted=trusted)
    here.inform()
    assert here.job().state is JobState.READY


def test_a_router_behind_the_circuit_id_of_a_place_is_the_device_that_its_job_expects(here: World) -> None:
    here.do(orders.put_location, "LOC-1", location(circuit_id=CIRCUIT))
    here.do(orders.put_job, "J-1", order(ONT))
    here.dhcp(OTHER_MAC, circuit_id=CIRCUIT_HEX, trusted=False)
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX)
    names = {name["value"] for name in here.reader.device(here.device()["id"])["names"]}  # type: ignore[index]
    assert names == {SERIAL, MAC}, "an untrusted relay ties nothing"
    assert here.device(MAC)["id"] == here.device()["id"]


def test_a_circuit_id_that_several_places_share_ties_no_device_to_a_job(here: World) -> None:
    here.do(orders.put_location, "LOC-1", location(circuit_id=CIRCUIT))
    here.do(orders.put_location, "LOC-2", location(circuit_id=CIRCUIT))
    here.do(orders.put_job, "J-1", order(ONT))
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX)
    assert here.device(MAC)["id"] != here.device()["id"]
    (sighting,) = here.rows("SELECT * FROM sighting")
    assert (sighting["element"], sighting["port"]) == (OLT, PORT), "both places lie on this port"
    here.do(orders.put_location, "LOC-2", location(port=OTHER_PORT, circuit_id=CIRCUIT))
    here.dhcp(OTHER_MAC, circuit_id=CIRCUIT_HEX)
    assert here.rows("SELECT * FROM sighting ORDER BY id")[1]["port"] is None


def test_two_jobs_at_one_place_are_not_mixed_up_by_its_circuit_id(here: World) -> None:
    router = AllocatedDevice(role="cpe", oui="00259E", serial="ROUTER-2")
    here.do(orders.put_location, "LOC-1", location(circuit_id=CIRCUIT))
    here.do(orders.put_job, "J-1", order(ONT))
    second = order(AllocatedDevice(role="ont", serial=OTHER_SERIAL), router, service="SVC-2")
    here.do(orders.put_job, "J-2", second)
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX)
    devices = {here.device(name)["id"] for name in (SERIAL, OTHER_SERIAL, MAC, "00259E-ROUTER-2")}
    assert len(devices) == 4


def test_a_router_that_belongs_elsewhere_does_not_become_the_device_of_this_place(here: World) -> None:
    router = AllocatedDevice(role="cpe", mac=MAC)
    here.do(orders.put_location, "LOC-1", location(circuit_id=CIRCUIT))
    here.do(orders.put_job, "J-1", order(ONT))
    here.do(orders.put_job, "J-2", order(router, service="SVC-2", place="LOC-2"))
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX)
    assert here.device(MAC)["id"] != here.device()["id"]


def test_an_inform_and_the_lease_of_its_address_meet_in_one_device(here: World) -> None:
    here.dhcp(MAC, ip="10.0.0.5")
    here.inform(serial="ROUTER-1", ip="10.0.0.5")
    assert here.device(MAC)["id"] == here.device("00259E-ROUTER-1")["id"]
    retired = here.rows("SELECT * FROM device WHERE state = 'retired'")
    assert all(row["service"] is None and row["presence"] == "absent" for row in retired)


def test_an_address_that_was_given_to_another_device_ties_only_that_one(here: World) -> None:
    here.dhcp(MAC, ip="10.0.0.5")
    here.dhcp(OTHER_MAC, ip="10.0.0.5")
    here.later(minutes=1)
    here.dhcp(MAC, ip=None)
    here.inform(serial="ROUTER-1", ip="10.0.0.5")
    assert here.device(OTHER_MAC)["id"] == here.device("00259E-ROUTER-1")["id"]
    assert here.device(MAC)["id"] != here.device(OTHER_MAC)["id"]


def test_names_heard_one_by_one_meet_in_the_device_that_is_allocated(here: World) -> None:
    here.dhcp(MAC)
    here.inform(serial="ROUTER-1", ip="10.0.0.9")
    assert here.device(MAC)["id"] != here.device("00259E-ROUTER-1")["id"]
    router = AllocatedDevice(role="cpe", oui="00259E", serial="ROUTER-1", mac=MAC)
    here.ready(ONT, router)
    assert here.device(MAC)["id"] == here.device("00259E-ROUTER-1")["id"]


def test_a_name_that_belongs_to_another_device_is_said_and_moves_nothing(here: World) -> None:
    both = Sighting(Source.MQTT, here.now, serial=SERIAL, mac=MAC)
    here.do(sightings.record_sighting, both)
    first = here.device(MAC)["id"]
    other = here.do(sightings.record_sighting, Sighting(Source.MQTT, here.now, serial=OTHER_SERIAL, mac=MAC))
    assert other.device != first
    assert f"one of its names belongs to device {first}" in other.verdict
    assert here.device(MAC)["id"] == first


def test_a_device_that_is_heard_late_does_not_turn_back_the_time(here: World) -> None:
    here.later(minutes=5)
    here.announce()
    here.now -= timedelta(minutes=3)
    here.dhcp(MAC)
    here.now -= timedelta(minutes=1)
    here.announce(gone=True)
    assert here.device()["last_seen_at"] == "2026-03-01T08:05:00.000000Z"


def test_plugging_the_device_in_again_starts_an_attempt_that_the_light_had_failed(here: World) -> None:
    here.do(attempts.fail_attempt, here.at_work(), LEASE, LIGHT, None)
    here.list_onus((SERIAL, PORT))
    assert here.job().state is JobState.FAILED, "it was there all the time"
    here.announce(gone=True)
    here.announce()
    assert here.claimed().attempt == 2


def test_plugging_in_again_does_not_help_what_only_the_office_can_mend(here: World) -> None:
    rejected = Failure(Code.ELEMENT_REJECTED, "no free ONU id")
    here.do(attempts.fail_attempt, here.at_work(), LEASE, rejected, None)
    here.announce(gone=True)
    here.announce()
    assert here.job().state is JobState.FAILED


def test_attempts_by_plugging_in_again_are_bounded_until_the_next_visit(here: World) -> None:
    work = here.at_work()
    for _ in range(ATTEMPTS_A_VISIT - 1):
        here.do(attempts.fail_attempt, work, LEASE, LIGHT, None)
        here.announce(gone=True)
        here.announce()
        work = here.claimed()
    here.do(attempts.fail_attempt, work, LEASE, LIGHT, None)
    here.announce(gone=True)
    here.announce()
    assert (here.job().state, work.attempt) == (JobState.FAILED, ATTEMPTS_A_VISIT)
    here.do(orders.open_visit, "J-1", 2, VisitBody())
    here.announce()
    assert here.claimed().attempt == ATTEMPTS_A_VISIT + 1


NEXT_MAC, FAR_MAC = "00:11:22:33:44:57", "00:11:22:33:44:99"


def one_line(here: World) -> None:
    here.do(orders.put_location, "LOC-1", location(circuit_id=CIRCUIT))


def macs_of(here: World) -> list[list[str]]:
    """The MAC addresses of each device that has one."""
    devices = here.reader.devices(0, 100, None)
    found = [[name["value"] for name in device["names"] if name["kind"] == "mac"] for device in devices]
    return [macs for macs in found if macs]


def test_the_macs_of_one_block_on_one_line_are_one_device(here: World) -> None:
    one_line(here)
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX)
    here.dhcp(NEXT_MAC, ip="10.0.0.6", circuit_id=CIRCUIT_HEX)
    here.dhcp(FAR_MAC, ip="10.0.0.7", circuit_id=CIRCUIT_HEX)
    assert macs_of(here) == [[MAC, NEXT_MAC], [FAR_MAC]]


def test_the_next_mac_on_another_line_or_by_a_stranger_s_word_is_another_device(here: World) -> None:
    one_line(here)
    here.dhcp(MAC, circuit_id=CIRCUIT_HEX)
    here.dhcp(NEXT_MAC, ip="10.0.0.6", circuit_id="00")
    assert macs_of(here) == [[MAC], [NEXT_MAC]]
    here.dhcp("00:11:22:33:44:54", ip="10.0.0.7", circuit_id=CIRCUIT_HEX, trusted=False)
    assert len(macs_of(here)) == 3


def test_a_cpe_that_is_allocated_by_the_mac_on_its_label_is_known_by_the_next_one(here: World) -> None:
    one_line(here)
    here.do(orders.put_job, "J-1", order(ONT, AllocatedDevice(role="cpe", mac=MAC)))
    here.dhcp(NEXT_MAC, circuit_id=CIRCUIT_HEX)
    assert macs_of(here) == [[MAC, NEXT_MAC]]


def test_a_long_list_is_recorded_a_few_at_a_time_and_nothing_twice(here: World) -> None:
    serials = [f"ALCL{number:08X}" for number in range(10)]
    for serial in serials[5:]:
        here.announce(serial=serial)
    here.later(seconds=1)
    listed = [PresentDevice(PORT, serial, Presence.UNKNOWN, "present") for serial in serials[:5]]
    parts, last = [], None
    while len(found := here.do(sightings.record_listing, OLT, listed, here.now, after=last, limit=3)) == 3:
        parts.append(found)
        last = found[-1]
    recorded = [each for part in [*parts, found] for each in part]
    assert [(each.name, each.present) for each in recorded] == [
        *((serial, False) for serial in serials[5:]),
        *((serial, True) for serial in serials[:5]),
    ]
    assert here.do(sightings.record_listing, OLT, listed, here.now) == []


def test_an_onu_that_was_announced_after_the_list_was_read_is_not_gone(here: World) -> None:
    read_at = here.now
    here.later(seconds=1)
    here.announce()
    assert here.do(sightings.record_listing, OLT, [], read_at) == []
    assert here.device()["presence"] == "present"
