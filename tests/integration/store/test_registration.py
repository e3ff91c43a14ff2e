"""A registration id is claimed once, in its place, where the configuration allows it; then the serial counts."""

import pytest

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.integration.store.world import CPE, OLT, OTHER_PORT, OTHER_SERIAL, PORT, SERIAL, World, location, order
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import AllocatedDevice, CompletionBody
from ztpd.store import completion, orders, sightings

LOID = "LOID0001"
SHOWN = LOID.encode().hex() + "00" * 16
ONT = AllocatedDevice(role="ont", registration_id=LOID)


@pytest.fixture
def claiming(here: World) -> World:
    """A configuration that lets registration ids be claimed."""
    here.claims_registration_ids = True
    return here


def announce(here: World, serial: str = SERIAL, port: str = PORT, shown: str | None = SHOWN) -> str:
    onu = PresentDevice(port, serial, Presence.UNKNOWN, "present", registration_id=shown)
    return here.do(sightings.record_announcement, OLT, onu, here.now).verdict


def heard(here: World) -> list[str]:
    """What became of each registration id that was shown."""
    rows = here.reader.sightings(0, 100, None, unmatched=False)
    return [row["body"]["details"]["registration-id"] for row in rows if "registration-id" in row["body"]["details"]]


def test_the_first_onu_that_shows_it_in_its_place_is_the_job_s(claiming: World) -> None:
    claiming.ready(ONT)
    assert claiming.job().state is JobState.READY
    assert announce(claiming) == "matches job J-1"
    assert claiming.job().state is JobState.DISCOVERED
    assert claiming.claimed().wanted.device == SERIAL
    assert heard(claiming) == ["claimed for job J-1"]
    [entry] = claiming.reader.audit(0, 10, "job/J-1")
    assert (entry["actor"], entry["action"], entry["detail"]["serial"]) == ("ztpd", "registration.claim", SERIAL)


def test_what_was_claimed_cannot_be_claimed_by_another_serial(claiming: World) -> None:
    claiming.ready(ONT)
    announce(claiming)
    assert announce(claiming, OTHER_SERIAL) == "no open job expects this device"
    assert heard(claiming)[-1] == f"claimed by {SERIAL} for job J-1 already"
    assert claiming.device(OTHER_SERIAL)["state"] == "quarantined"
    assert claiming.claimed().wanted.device == SERIAL


def test_it_counts_for_nothing_unless_the_configuration_says_so(here: World) -> None:
    here.ready(ONT)
    assert here.codes() == ["device-missing"]
    assert "discovery.registration_ids" in here.job().failures[0].detail
    announce(here)
    assert (here.job().state, heard(here)) == (JobState.HELD, [])


def test_it_is_not_believed_on_another_port(claiming: World) -> None:
    claiming.ready(ONT)
    announce(claiming, port=OTHER_PORT)
    assert claiming.job().state is JobState.READY
    assert heard(claiming) == ["job J-1 expects it elsewhere"]


def test_an_onu_that_was_there_before_the_order_claims_it_with_the_next_list(claiming: World) -> None:
    listed = [PresentDevice(PORT, SERIAL, Presence.UNKNOWN, "present", registration_id=SHOWN)]
    claiming.do(sightings.record_listing, OLT, listed, claiming.now)
    claiming.ready(ONT)
    assert len(claiming.do(sightings.record_listing, OLT, listed, claiming.now)) == 1
    assert claiming.job().state is JobState.DISCOVERED
    assert claiming.do(sightings.record_listing, OLT, listed, claiming.now) == []


def test_two_jobs_with_the_same_id_get_nothing(claiming: World) -> None:
    claiming.ready(ONT)
    claiming.do(orders.put_location, "LOC-2", location())
    claiming.do(orders.put_job, "J-2", order(ONT, service="SVC-2", place="LOC-2"))
    announce(claiming)
    assert heard(claiming) == ["more than one job expects it"]
    assert claiming.job().state is JobState.READY


@pytest.mark.parametrize("shown", [None, "", "00" * 10, "zz", "41" * 40])
def test_what_is_no_registration_id_claims_nothing(claiming: World, shown: str | None) -> None:
    claiming.ready(ONT)
    announce(claiming, shown=shown)
    assert (claiming.job().state, heard(claiming)) == (JobState.READY, [])


def test_the_order_may_be_put_again_and_the_id_is_shown_nowhere(claiming: World) -> None:
    claiming.ready(ONT, CPE)
    announce(claiming)
    claiming.do(orders.put_job, "J-1", order(ONT, CPE))
    assert claiming.job().state is JobState.DISCOVERED
    claiming.confirm(claiming.claimed())
    written = {**claiming.written(), "job": [], "sighting": claiming.rows("SELECT * FROM sighting")}
    for text in (LOID, LOID.encode().hex(), SHOWN):
        assert text not in repr(written)
    assert "registration_id" not in repr(AllocatedDevice(role="ont", registration_id=LOID))


def test_the_report_must_name_the_serial_that_was_claimed(claiming: World) -> None:
    claiming.ready(ONT)
    announce(claiming)
    claiming.confirm(claiming.claimed())
    wrong = report(claiming, OTHER_SERIAL)
    assert [problem.field for problem in claiming.do(completion.accept_completion, "J-1", wrong).problems] == [
        "devices.ont"
    ]
    right = report(claiming, SERIAL)
    assert claiming.do(completion.accept_completion, "J-1", right).job.state is JobState.COMPLETED


def report(here: World, serial: str) -> CompletionBody:
    whole = here.report()
    return whole.model_copy(update={"devices": (whole.devices[0].model_copy(update={"serial": serial}),)})
