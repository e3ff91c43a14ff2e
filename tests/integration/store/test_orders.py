"""Orders in: legs that are missing, amendments, visits; and that saying the same again changes nothing."""

from datetime import timedelta

import pytest

from tests.integration.store.world import (
    CPE,
    LEASE,
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
from ztpd.domain.lifecycle import JobState, TransitionRefused
from ztpd.domain.model import Access, AllocatedDevice, LocationBody, VisitBody, Window
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import attempts, completion, orders, sightings
from ztpd.store.transaction import Refused, Superseded, Unknown

LIGHT = Failure(Code.LOW_LIGHT, "ONT receives -30.0 dBm")


def test_a_job_without_anything_is_held_with_every_leg_that_is_missing(here: World) -> None:
    job, new = here.do(orders.put_job, "J-1", order(profile="unheard-of"))
    assert new
    assert job.state is JobState.HELD
    assert here.codes() == ["address-unknown", "profile-missing", "device-missing"]
    assert here.events() == ["job.ordered", "job.held"]


def test_legs_arrive_one_by_one_and_the_job_goes_on_by_itself(here: World) -> None:
    here.do(orders.put_job, "J-1", order())
    here.do(orders.put_location, "LOC-1", LocationBody(address="1 High Street", serviceable=False, reason="no duct"))
    assert here.codes() == ["not-serviceable", "device-missing"]
    assert here.job().failures[0].detail == "no duct"
    here.do(orders.put_location, "LOC-1", LocationBody(address="1 High Street"))
    assert here.codes() == ["not-serviceable", "device-missing"]
    here.do(orders.put_location, "LOC-1", location())
    assert here.codes() == ["device-missing"]
    here.do(orders.put_job, "J-1", order(ONT))
    assert (here.job().state, here.codes()) == (JobState.READY, [])


def test_a_profile_that_is_read_anew_releases_the_jobs_that_waited_for_it(here: World, residential: Profile) -> None:
    here.profiles.clear()
    here.ready()
    assert here.codes() == ["profile-missing"]
    here.profiles[residential.name] = residential
    assert here.do(orders.settle_held) == 1
    assert here.job().state is JobState.READY
    assert here.do(orders.settle_held) == 0


def test_wrong_parameters_hold_the_job_with_the_name_of_each(here: World) -> None:
    here.do(orders.put_location, "LOC-1", location())
    here.do(orders.put_job, "J-1", order(ONT, parameters={"c_vlan": 5000, "wifi_ssid": "home", "tv": True}))
    (failure,) = here.job().failures
    assert failure.code is Code.PROFILE_MISSING
    for name in ("c_vlan", "tv", "wifi_passphrase"):
        assert f"parameters.{name}" in failure.detail


def test_the_same_location_and_order_again_change_nothing(here: World) -> None:
    here.ready()
    before = here.written()
    here.later(minutes=1)
    assert here.do(orders.put_location, "LOC-1", location()) is False
    job, new = here.do(orders.put_job, "J-1", order(ONT, CPE))
    assert (job.state, new) == (JobState.READY, False)
    assert here.written() == before


@pytest.mark.parametrize(
    "other",
    [{"service": "SVC-2"}, {"account": "ACC-2"}, {"place": "LOC-2"}, {"profile": "business-1g"}],
    ids=lambda other: next(iter(other)),
)
def test_the_same_id_with_another_meaning_is_refused_and_changes_nothing(here: World, other: dict[str, str]) -> None:
    here.ready()
    before = here.written()
    with pytest.raises(Refused, match="J-1 exists with another"):
        here.do(orders.put_job, "J-1", order(ONT, CPE, **other))
    assert here.written() == before


def test_a_job_at_work_cannot_be_amended(here: World) -> None:
    here.at_work()
    with pytest.raises(Refused, match="is applying and cannot be amended"):
        here.do(orders.put_job, "J-1", order(ONT))


def test_an_order_that_is_sent_again_after_a_return_visit_does_not_undo_the_visit(here: World) -> None:
    first = order(ONT, window=Window(start=START, end=START + timedelta(hours=2)))
    here.do(orders.put_location, "LOC-1", location())
    here.do(orders.put_job, "J-1", first)
    here.announce()
    here.do(attempts.fail_attempt, here.claimed(), LEASE, LIGHT, None)
    here.later(days=1)
    visit = VisitBody(technician="T-10", window=Window(start=here.now, end=here.now + timedelta(hours=2)))
    here.do(orders.open_visit, "J-1", 2, visit)
    before = here.written()
    here.do(orders.put_job, "J-1", first)
    assert here.written() == before
    # An amendment of something else leaves the visit as it was opened, too.
    here.do(orders.put_job, "J-1", first.model_copy(update={"devices": (ONT, CPE)}))
    assert here.job().body.window == visit.window
    assert here.job().body.technician == "T-10"
    assert here.job().body.device("cpe") == CPE


def test_a_service_has_one_open_job_and_one_account(here: World) -> None:
    here.ready()
    with pytest.raises(Refused, match="J-1 on service SVC-1 is still open"):
        here.do(orders.put_job, "J-2", order(ONT))
    with pytest.raises(Refused, match="belongs to another account"):
        here.do(orders.put_job, "J-2", order(ONT, account="ACC-2"))
    assert here.reader.job("J-2") is None


def test_the_first_job_that_asks_for_a_device_holds_it_until_it_gives_it_back(here: World) -> None:
    here.ready(ONT)
    here.later(minutes=1)
    second, _ = here.do(orders.put_job, "J-0", order(ONT, service="SVC-2"))
    assert [(failure.code, failure.detail) for failure in second.failures] == [
        (Code.DEVICE_MISSING, "HWTC1A2B3C4D is allocated to job J-1")
    ]
    here.announce()
    assert here.claimed().job == "J-1", "a later order for the same device must not stop the one that has it"
    here.do(attempts.fail_attempt, _taken_up_again(here), LEASE, LIGHT, None)
    here.do(orders.put_job, "J-1", order(AllocatedDevice(role="ont", serial=OTHER_SERIAL)))
    assert here.job("J-0").state is JobState.DISCOVERED, "the device it waited for is present, and is its own now"
    here.do(orders.put_job, "J-1", order(ONT))
    assert here.job("J-0").state is JobState.DISCOVERED


def _taken_up_again(here: World) -> attempts.Work:
    """The attempt that a restart of the same node takes up again."""
    here.do(attempts.release_claims, LEASE.owner)
    return here.claimed()


def test_a_device_of_an_active_service_is_not_given_to_another(here: World) -> None:
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())
    second, _ = here.do(orders.put_job, "J-2", order(ONT, service="SVC-2"))
    assert "is bound to service SVC-1" in second.failures[0].detail
    assert second.failures[0].code is Code.DEVICE_MISSING


def test_an_ethernet_port_serves_the_first_order_only(here: World, residential: Profile) -> None:
    here.profiles["ethernet"] = residential.model_copy(update={"name": "ethernet", "technologies": ("ethernet",)})
    access = Access(technology="ethernet", element="switch-1", port="ge-0/0/1")
    router = AllocatedDevice(role="cpe", mac="00:11:22:33:44:55")
    other = AllocatedDevice(role="cpe", mac="00:11:22:33:44:66")
    here.do(orders.put_location, "LOC-1", LocationBody(address="Flat 1", access=access))
    here.do(orders.put_location, "LOC-2", LocationBody(address="Flat 2", access=access))
    here.do(orders.put_job, "J-1", order(router, profile="ethernet"))
    here.later(minutes=1)
    here.do(orders.put_job, "J-2", order(other, profile="ethernet", service="SVC-2", place="LOC-2"))
    assert here.codes("J-2") == ["port-occupied"]
    here.do(orders.put_location, "LOC-1", LocationBody(address="Flat 1, left door", access=access))
    assert here.job("J-1").state is JobState.READY


def test_a_device_that_is_taken_out_of_an_order_is_unknown_again(here: World) -> None:
    here.ready(ONT)
    assert here.device()["state"] == "expected"
    here.do(orders.put_job, "J-1", order(AllocatedDevice(role="ont", serial=OTHER_SERIAL)))
    assert (here.device()["state"], here.device()["reason"]) == ("quarantined", "unknown")
    assert here.device(OTHER_SERIAL)["state"] == "expected"


def test_a_failed_job_goes_on_with_the_next_visit_and_keeps_what_happened(here: World) -> None:
    work = here.at_work()
    here.do(attempts.fail_attempt, work, LEASE, LIGHT, None)
    here.later(days=1)
    job = here.do(orders.open_visit, "J-1", 2, VisitBody(technician="T-10"))
    assert (job.state, job.visit, job.body.technician) == (JobState.READY, 2, "T-10")
    shown = here.reader.job("J-1")
    assert shown is not None
    assert [(visit["number"], visit["outcome"]) for visit in shown["visits"]] == [(1, "failed"), (2, None)]
    before = here.written()
    here.do(orders.open_visit, "J-1", 2, VisitBody(technician="T-10"))
    assert here.written() == before, "opening the same visit again changes nothing"


def test_a_visit_must_be_the_next_one_and_the_job_must_need_it(here: World) -> None:
    work = here.at_work()
    with pytest.raises(TransitionRefused):
        here.do(orders.open_visit, "J-1", 2, VisitBody())
    here.do(attempts.fail_attempt, work, LEASE, LIGHT, None)
    with pytest.raises(Refused, match="at visit 1"):
        here.do(orders.open_visit, "J-1", 3, VisitBody())
    with pytest.raises(Unknown):
        here.do(orders.open_visit, "J-9", 2, VisitBody())


def test_a_visit_to_a_place_that_lost_its_port_is_held(here: World) -> None:
    here.do(attempts.fail_attempt, here.at_work(), LEASE, LIGHT, None)
    here.do(orders.put_location, "LOC-1", LocationBody(address="1 High Street"))
    assert here.job().state is JobState.FAILED, "a failed job waits for a person"
    assert here.do(orders.open_visit, "J-1", 2, VisitBody()).state is JobState.HELD
    assert here.codes() == ["not-serviceable"]


def test_a_retry_goes_on_with_the_device_that_is_present(here: World) -> None:
    work = here.at_work()
    with pytest.raises(TransitionRefused):
        here.do(orders.ask_retry, "J-1")
    here.do(attempts.fail_attempt, work, LEASE, Failure(Code.ELEMENT_REJECTED, "no space"), None)
    assert here.do(orders.ask_retry, "J-1").state is JobState.DISCOVERED
    with pytest.raises(Unknown):
        here.do(orders.ask_retry, "J-9")


def test_a_location_that_is_corrected_while_work_is_under_way_stops_the_attempt(here: World) -> None:
    work = here.at_work()
    here.do(orders.put_location, "LOC-1", location(port=OTHER_PORT))
    assert here.codes() == ["wrong-port"]
    with pytest.raises(Superseded):
        here.do(attempts.record_applied, work, LEASE, [])
    here.do(orders.put_location, "LOC-1", location(port=PORT))
    assert here.job().state is JobState.DISCOVERED


def test_a_device_is_held_by_whichever_of_its_names_was_allocated_first(here: World) -> None:
    mac = "00:11:22:33:44:55"
    here.ready(ONT)
    here.do(sightings.record_sighting, Sighting(Source.MQTT, here.now, serial=SERIAL, mac=mac))
    here.later(minutes=1)
    router = AllocatedDevice(role="cpe", mac=mac)
    second = order(AllocatedDevice(role="ont", serial=OTHER_SERIAL), router, service="SVC-2")
    here.do(orders.put_job, "J-2", second)
    assert here.job("J-2").failures == (Failure(Code.DEVICE_MISSING, f"{mac} is allocated to job J-1"),)
    assert here.do(orders.settle_held) == 0
    assert here.job("J-1").state is JobState.READY
