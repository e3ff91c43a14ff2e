"""Drift: a CPE is looked at in its time, put right so often at most, told of once, left alone while a job has it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.store.world import HEX, OUI, SECRET, World, order, told
from ztpd.api.cpe_answers import CpeShown
from ztpd.domain.cpe import Cause, CpeFault, CpeOutcome, CpeWork, Difference, FaultKind
from ztpd.domain.cpe_tasks import Configure, Inspect
from ztpd.domain.drift import DriftRule, pause_after
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import completion, cpe_drift, cpe_faults, cpe_work, cpes, orders
from ztpd.store.times import to_text

KEPT = CpeOutcome(ok=True, applied={"Device.WiFi.SSID.1.SSID": "home"})
RENAMED = Difference("wifi.2ghz.ssid", "Wi-Fi name (2.4 GHz)", "home", "hello")
DIFFERS = CpeOutcome(ok=True, differences=(RENAMED,))
AS_WANTED = CpeOutcome(ok=True)


def ruled(here: World, **rule: Any) -> None:
    """The profile with this rule from now on."""
    (name,) = here.profiles
    here.profiles[name] = here.profiles[name].model_copy(update={"drift": DriftRule(**rule)})


def inform(here: World, *events: str) -> CpeWork | None:
    heard = Sighting(Source.CWMP, here.now, oui=OUI, cwmp_serial=HEX, ip="10.0.0.5")
    return here.do(cpes.hear_inform, heard, told(events=events or ("2 PERIODIC",)))


def active(here: World, **rule: Any) -> None:
    """A service whose CPE was configured by its job."""
    ruled(here, **rule)
    here.confirm(here.at_work())
    work = inform(here)
    assert work is not None
    assert (work.cause, here.do(cpes.record_outcome, work, KEPT)) == (Cause.JOB, None)
    here.do(completion.accept_completion, "J-1", here.report())


def looked_at(here: World, outcome: CpeOutcome, *events: str) -> CpeWork | None:
    """The CPE informs, is looked at and shows this; what it must do next in the same session."""
    work = inform(here, *events)
    assert work is not None
    assert (work.cause, type(work.task)) == (Cause.DRIFT, Inspect)
    return here.do(cpes.record_outcome, work, outcome)


def put_right(here: World, work: CpeWork | None) -> None:
    assert work is not None
    assert (work.cause, type(work.task)) == (Cause.DRIFT, Configure)
    assert here.do(cpes.record_outcome, work, KEPT) is None


def news(here: World) -> list[dict[str, Any]]:
    """What was told of drift."""
    rows = here.rows("SELECT * FROM event ORDER BY id")
    return [{"type": row["type"], **json.loads(row["data"])} for row in rows if row["type"].startswith("cpe.")]


def shown(here: World) -> dict[str, Any]:
    """What operators see of the CPE."""
    device = here.reader.device(here.device()["id"])
    assert device is not None
    return CpeShown.model_validate(device["cpe"]).model_dump()


def test_a_cpe_is_looked_at_when_its_time_has_come_and_not_before(here: World) -> None:
    active(here, every_s=3600)
    assert inform(here) is None
    here.later(minutes=59)
    assert inform(here) is None
    here.later(minutes=1)
    assert looked_at(here, AS_WANTED) is None
    assert inform(here) is None
    assert news(here) == []


@pytest.mark.parametrize("event", ["1 BOOT", "0 BOOTSTRAP"])
def test_a_restart_is_a_reason_to_look_unless_the_profile_says_no(here: World, event: str) -> None:
    active(here)
    here.later(minutes=1)
    assert looked_at(here, AS_WANTED, event) is None
    ruled(here, at_boot=False)
    assert inform(here, event) is None


def test_what_differs_is_told_once_and_shown_in_the_trace_of_the_job(here: World) -> None:
    active(here, action="report")
    for _ in range(3):
        here.later(days=1)
        assert looked_at(here, DIFFERS) is None
    (event,) = news(here)
    assert (event["type"], event["action"], event["job"]) == ("cpe.drifted", "report", "J-1")
    assert event["differences"] == [
        {"intent": "wifi.2ghz.ssid", "said": "Wi-Fi name (2.4 GHz)", "wanted": "home", "found": "hello"}
    ]
    trace = here.reader.trace("J-1")
    assert trace is not None
    assert "cpe.drifted" in [entry["what"] for entry in trace]
    cpe = shown(here)
    assert (cpe["drift"]["state"], cpe["drift"]["differences"]) == ("reported", event["differences"])
    assert cpe["look_at"] == to_text(here.now + timedelta(days=1))
    here.later(days=1)
    assert looked_at(here, AS_WANTED) is None
    assert [event["type"] for event in news(here)] == ["cpe.drifted", "cpe.drift-gone"]
    assert shown(here)["drift"] is None


def test_what_differs_is_put_right_in_the_same_session(here: World) -> None:
    active(here, action="restore")
    here.later(days=1)
    put_right(here, looked_at(here, DIFFERS))
    assert inform(here) is None
    assert [event["type"] for event in news(here)] == ["cpe.drifted", "cpe.restored"]
    here.later(days=1)
    assert looked_at(here, AS_WANTED) is None
    assert here.rows("SELECT * FROM cpe_drift") == []


def test_a_session_that_breaks_off_after_the_look_puts_it_right_in_the_next(here: World) -> None:
    active(here, action="restore")
    here.later(days=1)
    assert looked_at(here, DIFFERS) is not None
    again = inform(here)
    put_right(here, again)
    assert [event["type"] for event in news(here)] == ["cpe.drifted", "cpe.restored"]


def test_nobody_is_fought_without_end(here: World) -> None:
    active(here, action="restore", restore_at_most=2)
    put_right(here, looked_at(here, DIFFERS, "1 BOOT"))
    assert looked_at(here, DIFFERS, "1 BOOT") is None, "the next time has a pause before it"
    assert inform(here) is None
    here.later(seconds=pause_after(1).total_seconds())
    put_right(here, inform(here))
    for _ in range(5):
        here.later(days=2)
        assert looked_at(here, DIFFERS) is None
    assert [(event["type"], event.get("action")) for event in news(here)] == [
        ("cpe.drifted", "restore"),
        ("cpe.restored", None),
        ("cpe.drifted", "restore"),
        ("cpe.restored", None),
        ("cpe.drifted", "gave-up"),
    ]
    here.later(days=2)
    assert looked_at(here, AS_WANTED) is None
    here.later(days=2)
    assert looked_at(here, DIFFERS) is not None, "it was as wanted in between"


def test_pauses_grow_up_to_a_day() -> None:
    pauses = [pause_after(times) for times in range(100)]
    assert pauses[:3] == [timedelta(0), timedelta(minutes=15), timedelta(hours=1)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(days=1)


def test_a_cpe_that_does_not_take_it_is_told_of_in_words(here: World) -> None:
    active(here, action="restore", restore_at_most=1)
    here.later(days=1)
    work = looked_at(here, DIFFERS)
    assert work is not None
    fault = CpeFault(9008, f"The device does not let this be changed, {SECRET}")
    assert here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=fault)) is None
    assert news(here)[-1]["fault"] == "9008 The device does not let this be changed, ********"
    assert SECRET not in repr(here.rows("SELECT * FROM cpe_fault")) + repr(here.rows("SELECT * FROM cpe_drift"))


def test_a_fault_that_may_pass_is_tried_again_later(here: World) -> None:
    active(here, action="restore")
    here.later(days=1)
    work = looked_at(here, DIFFERS)
    assert work is not None
    here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=CpeFault(9002, f"cannot take {SECRET!r}")))
    assert inform(here) is None
    (fault,) = here.rows("SELECT * FROM cpe_fault")
    assert (fault["cause"], fault["message"]) == ("drift", "9002 cannot take '********'")
    here.later(minutes=6)
    put_right(here, inform(here))


def test_what_only_has_to_settle_is_as_wanted(here: World) -> None:
    active(here, action="restore")
    here.later(days=1)
    settling = CpeOutcome(False, fault=CpeFault(None, "not yet", kind=FaultKind.UNSETTLED), pending=True)
    assert looked_at(here, settling) is None
    assert here.rows("SELECT * FROM cpe_fault") == []
    assert news(here) == []


def test_a_cpe_that_cannot_be_looked_at_is_told_of_once(here: World) -> None:
    active(here)
    unknown = CpeOutcome(False, fault=CpeFault(None, "no path is known", kind=FaultKind.UNKNOWN_INTENT))
    for _ in range(2):
        here.later(days=1)
        assert looked_at(here, unknown) is None
    (event,) = news(here)
    assert (event["differences"], event["fault"]) == ([], "no path is known")


def test_a_secret_among_what_differs_is_masked(here: World) -> None:
    active(here)
    here.later(days=1)
    quoted = Difference("voice.line1.username", "SIP user", SECRET, f"not {SECRET}")
    looked_at(here, CpeOutcome(ok=True, differences=(quoted,)))
    assert SECRET not in repr(news(here)) + repr(here.rows("SELECT * FROM cpe_drift"))


def test_nothing_is_looked_at_while_a_job_is_open_or_the_profile_says_so(here: World) -> None:
    active(here, action="ignore")
    here.later(days=2)
    assert inform(here) is None
    ruled(here, action="report")
    assert inform(here) is None, "it is looked at a day later"
    here.later(days=1)
    here.do(orders.put_job, "J-2", order(kind="suspend", devices=()))
    assert inform(here) is None


def test_a_cpe_that_no_job_of_ours_configured_is_never_looked_at(here: World) -> None:
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())
    here.later(days=30)
    assert inform(here, "1 BOOT") is None


def test_a_profile_that_changed_counts_as_it_is_now(here: World) -> None:
    active(here)
    (name,) = here.profiles
    here.profiles[name] = here.profiles[name].model_copy(update={"cpe": {"wifi.2ghz.ssid": "$wifi_ssid"}})
    here.later(days=1)
    work = inform(here)
    assert work is not None
    assert isinstance(work.task, Inspect)
    assert work.task.values == {"wifi.2ghz.ssid": "home"}


class TestModels:
    """Instance numbers that were found on a model."""

    FOUND = CpeOutcome(ok=True, instances={"radio_5ghz": 2})

    def kept(self, here: World, software_version: str) -> CpeWork:
        heard = Sighting(Source.CWMP, here.now, oui=OUI, cwmp_serial=HEX, ip="10.0.0.5")
        work = here.do(cpes.hear_inform, heard, told(software_version=software_version))
        assert work is not None
        return work

    def test_are_of_one_version_of_its_software(self, here: World) -> None:
        here.at_work()
        work = self.kept(here, software_version="1")
        assert work.instances is None
        fault = CpeFault(9002, "Internal error")
        here.do(cpes.record_outcome, work, CpeOutcome(False, fault=fault, instances={"radio_5ghz": 2}))
        here.later(minutes=1)
        assert self.kept(here, software_version="1").instances == {"radio_5ghz": 2}
        assert self.kept(here, software_version="2").instances is None

    def test_are_kept_of_so_many_models_and_no_more(self, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cpe_work, "MOST_MODELS", 3)
        here.at_work()
        for version in range(6):
            here.later(hours=1)
            work = self.kept(here, software_version=str(version))
            fault = CpeFault(9002, "Internal error")
            here.do(cpes.record_outcome, work, CpeOutcome(False, fault=fault, instances={"radio_5ghz": version}))
            here.do(cpe_faults.clear, work.device, Cause.JOB)
        assert {row["software_version"] for row in here.rows("SELECT * FROM cpe_model")} == {"3", "4", "5"}


def test_a_cpe_that_must_settle_is_only_looked_at_the_next_time(here: World) -> None:
    here.confirm(here.at_work())
    work = inform(here)
    assert work is not None
    settling = CpeOutcome(
        False, fault=CpeFault(None, "PPPoE login does not work yet", kind=FaultKind.UNSETTLED), pending=True
    )
    assert here.do(cpes.record_outcome, work, settling) is None
    here.later(seconds=41)
    again = inform(here)
    assert again is not None
    assert isinstance(again.task, Configure)
    assert again.task.told
    assert [event for event in here.events() if event == "job.cpe-faulted"] == ["job.cpe-faulted"]
    refused = CpeFault(None, "PPPoE login: the network refuses the user name or the password", kind=FaultKind.REFUSED)
    here.do(cpes.record_outcome, again, CpeOutcome(False, fault=refused))
    assert here.codes() == ["cpe-fault"]


def test_differences_are_bounded(here: World) -> None:
    active(here)
    here.later(days=1)
    many = tuple(Difference(f"i{number}", "s", "w", "f") for number in range(500))
    looked_at(here, CpeOutcome(ok=True, differences=many))
    (row,) = here.rows("SELECT * FROM cpe_drift")
    assert len(json.loads(row["found"])) == cpe_drift.MOST_DIFFERENCES
