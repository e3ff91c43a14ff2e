"""Active means confirmed: billing hears it once, with the network's and the technician's evidence, or not at all."""

import json

import pytest

from tests.integration.store.world import (
    HEX,
    LEASE,
    OLT,
    ONT,
    OTHER_PORT,
    OTHER_SERIAL,
    OUI,
    SERIAL,
    World,
    location,
    order,
)
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import AllocatedDevice, InstalledDevice, Measurement, VisitBody
from ztpd.store import attempts, completion, orders
from ztpd.store.transaction import Refused, Superseded, Unknown


def test_an_accepted_report_activates_the_service_once(here: World) -> None:
    here.confirmed()
    here.later(minutes=2)
    answer = here.do(completion.accept_completion, "J-1", here.report())
    assert (answer.job.state, answer.problems) == (JobState.COMPLETED, ())
    service = here.reader.service("SVC-1")
    assert service is not None
    assert service["state"] == "active"
    assert service["confirmed_at"] == "2026-03-01T08:00:00.000000Z", "what is billed began when it was confirmed"
    assert here.device()["state"] == "bound"
    assert here.device()["service"] == "SVC-1"
    (activated,) = [row for row in here.rows("SELECT * FROM event") if row["type"] == "service.activated"]
    told = json.loads(activated["data"])
    assert (told["account"], told["profile"], told["downstream_mbps"]) == ("ACC-1", "residential-1g", 1000)
    assert {row["endpoint"] for row in here.rows("SELECT * FROM delivery WHERE event = " + str(activated["id"]))} == {
        "billing",
        "dispatch",
    }
    before = here.written()
    again = here.do(completion.accept_completion, "J-1", here.report())
    assert again.job.state is JobState.COMPLETED
    assert here.written() == before


def test_another_report_after_the_accepted_one_is_refused(here: World) -> None:
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())
    with pytest.raises(Refused, match="completed with another report"):
        here.do(completion.accept_completion, "J-1", here.report(notes="later thoughts"))


@pytest.mark.parametrize("step", ["ready", "at_work"])
def test_a_report_before_the_network_is_up_is_refused(here: World, step: str) -> None:
    getattr(here, step)()
    before = here.written()
    with pytest.raises(Refused, match="the network has not confirmed"):
        here.do(completion.accept_completion, "J-1", here.report())
    assert here.written() == before
    with pytest.raises(Unknown):
        here.do(completion.accept_completion, "J-9", here.report())


def test_a_report_that_misses_something_is_answered_item_by_item_and_may_be_mended(here: World) -> None:
    here.confirmed()
    wrong = here.report(
        devices=(InstalledDevice(role="ont", serial=OTHER_SERIAL),),
        measurements=(Measurement(name="onu_rx_power", value=-12, unit="dBm"),),
        photos=(),
    )
    answer = here.do(completion.accept_completion, "J-1", wrong)
    fields = {problem.field for problem in answer.problems}
    wanted = {"devices.ont", "devices.cpe", "measurements.onu_rx_power", "measurements.download_speed", "photos"}
    assert fields == wanted
    assert here.job().state is JobState.AWAITING_COMPLETION
    assert here.reader.service("SVC-1")["state"] == "reserved"  # type: ignore[index]
    assert here.do(completion.accept_completion, "J-1", here.report()).problems == ()
    assert [kind["kind"] for kind in here.reader.evidence("J-1")] == ["network", "cpe", "completion"]


def test_a_label_may_print_the_serial_in_either_spelling(here: World) -> None:
    here.confirmed()
    swapped = (InstalledDevice(role="ont", serial=HEX), InstalledDevice(role="cpe", serial=SERIAL))
    assert here.do(completion.accept_completion, "J-1", here.report(devices=swapped)).problems == ()


def test_a_visit_for_the_missing_report_keeps_what_is_confirmed(here: World) -> None:
    here.confirmed()
    here.later(days=1)
    assert here.do(orders.open_visit, "J-1", 2, VisitBody()).state is JobState.AWAITING_COMPLETION
    answer = here.do(completion.accept_completion, "J-1", here.report())
    assert answer.job.state is JobState.COMPLETED
    assert here.reader.service("SVC-1")["confirmed_at"] == "2026-03-01T08:00:00.000000Z"  # type: ignore[index]
    assert [visit["outcome"] for visit in here.reader.job("J-1")["visits"]] == [  # type: ignore[index]
        "awaiting-completion",
        "completed",
    ]


def test_a_profile_that_asks_for_no_report_is_complete_with_the_network(here: World) -> None:
    profile = here.profiles["residential-1g"]
    rules = profile.completion.model_copy(update={"required": False})
    here.profiles[profile.name] = profile.model_copy(update={"completion": rules})
    here.confirmed()
    assert here.job().state is JobState.COMPLETED
    assert here.events().count("service.activated") == 1


def test_a_completed_job_takes_nothing_more(here: World) -> None:
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())
    with pytest.raises(Superseded):
        here.do(attempts.record_cpe, "J-1", attempts.CpeResult(True, {}))
    before = here.job(), here.events()
    here.announce("1/1/9")
    here.announce("1/1/9", gone=True)
    here.announce()
    assert (here.job(), here.events()) == (before[0], [*before[1], "device.quarantined", "device.cleared"])
    assert here.device()["state"] == "bound"


def test_the_trace_tells_the_whole_story_in_order(here: World) -> None:
    here.confirmed()
    here.later(minutes=2)
    here.do(completion.accept_completion, "J-1", here.report())
    trace = here.reader.trace("J-1")
    assert trace is not None
    assert [entry["what"] for entry in trace if entry["kind"] == "event"] == [
        "job.ordered",
        "job.ready",
        "job.discovered",
        "job.applying",
        "job.verifying",
        "job.network-confirmed",
        "job.cpe-configured",
        "job.awaiting-completion",
        "completion.accepted",
        "job.completed",
        "service.activated",
    ]
    assert [entry["at"] for entry in trace] == sorted(entry["at"] for entry in trace)
    assert here.reader.trace("J-9") is None


def test_a_device_that_two_orders_turn_out_to_share_stays_in_the_service_that_had_it_first(here: World) -> None:
    """One router was allocated twice under different names; nobody knew until both jobs were under way."""
    mac, inform = "00:11:22:33:44:55", "ROUTER-1"
    by_mac = AllocatedDevice(role="cpe", mac=mac)
    by_serial = AllocatedDevice(role="cpe", oui=OUI, serial=inform)
    second = AllocatedDevice(role="ont", serial=OTHER_SERIAL)
    here.ready(ONT, by_mac)
    here.do(orders.put_location, "LOC-2", location(port=OTHER_PORT))
    here.do(orders.put_job, "J-2", order(second, by_serial, service="SVC-2", place="LOC-2"))
    here.announce()
    here.announce(OTHER_PORT, OTHER_SERIAL)
    for work in here.do(attempts.claim_jobs, OLT, LEASE, 10):
        here.confirm(work)
        here.do(attempts.record_cpe, work.job, attempts.CpeResult(True, {}))
    here.dhcp(mac, ip="10.0.0.5")
    here.inform(inform, ip="10.0.0.5")
    for job, serials in (("J-1", {"ont": SERIAL}), ("J-2", {"ont": OTHER_SERIAL, "cpe": inform})):
        devices = tuple(InstalledDevice(role=role, serial=serial) for role, serial in serials.items())
        assert here.do(completion.accept_completion, job, here.report(devices=devices)).problems == ()
    assert here.device(mac)["id"] == here.device(f"{OUI}-{inform}")["id"]
    assert here.device(mac)["service"] == "SVC-1"
    assert here.device(OTHER_SERIAL)["service"] == "SVC-2"
