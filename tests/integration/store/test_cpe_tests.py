"""A job that waits for its CPE's tests: begun when all is confirmed, evidence when they are in, clear in failure."""

import json
from typing import Any

import pytest

from tests.integration.store.world import CPE, ONT, START, World, order
from ztpd.domain.cpe import CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Collect, Configure, Diagnose, Reboot
from ztpd.domain.diagnostics import CpeTest, Reading, Report, WantedTest
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.profile import Parameter
from ztpd.store import attempts, cpe_asking, cpe_tasks, cpes, orders, vouching
from ztpd.store.attempts import CpeResult
from ztpd.store.cpe_task_rows import KEPT as TASKS_KEPT

URL = "http://speed.example.net/100M"
BEGUN = CpeOutcome(ok=True, pending=True)
KEPT = CpeOutcome(ok=True, applied={"Device.WiFi.SSID.1.SSID": "home"})
LOST = CpeOutcome(ok=False, fault=CpeFault(None, "it restarted", kind=FaultKind.INTERRUPTED))
UNABLE = CpeOutcome(ok=False, fault=CpeFault(9005, "it has no such test", kind=FaultKind.UNABLE))


def download(**others: Any) -> WantedTest:
    return WantedTest(**{"test": "download", "url": URL, "limits": {"speed_mbps": {"minimum": 900}}, **others})


def want(here: World, *tests: WantedTest) -> None:
    """The profile wants these tests."""
    (profile,) = here.profiles.values()
    here.profiles[profile.name] = profile.model_copy(update={"diagnostics": tests})


def speed(mbps: float) -> CpeOutcome:
    return CpeOutcome(ok=True, report=Report((Reading("speed_mbps", mbps, "Mbit/s"),)))


def told(here: World) -> CpeWork:
    work = here.inform()
    assert work is not None
    return work


def configured(here: World) -> None:
    """Network and CPE are confirmed."""
    here.confirm(here.at_work())
    work = told(here)
    assert isinstance(work.task, Configure)
    following = here.do(cpes.record_outcome, work, KEPT)
    assert following is None or isinstance(following.task, Diagnose)


def came_to(here: World, outcome: CpeOutcome) -> None:
    """The CPE is given the next test, and shows what it came to."""
    here.do(cpes.record_outcome, told(here), BEGUN)
    work = told(here)
    assert isinstance(work.task, Collect)
    here.do(cpes.record_outcome, work, outcome)


def evidence(here: World) -> list[dict[str, Any]]:
    return [
        json.loads(row["body"]) for row in here.rows("SELECT * FROM evidence WHERE kind = 'diagnostics' ORDER BY id")
    ]


def test_without_a_wish_nothing_changes(here: World) -> None:
    configured(here)
    assert here.job().state is JobState.AWAITING_COMPLETION
    assert here.rows("SELECT * FROM cpe_task") == []


def test_a_job_goes_on_when_its_test_is_in_and_good_enough(here: World) -> None:
    want(here, download())
    configured(here)
    assert (here.job().state, evidence(here)) == (JobState.VERIFYING, [])
    came_to(here, speed(941.5))
    assert here.job().state is JobState.AWAITING_COMPLETION
    (found,) = evidence(here)
    assert (found["test"], found["arguments"]) == ("download", {"url": URL})
    assert found["readings"] == [{"name": "speed_mbps", "value": 941.5, "unit": "Mbit/s"}]
    types = here.events()
    assert types.index("job.cpe-configured") < types.index("job.testing") < types.index("job.tested")


def test_the_test_begins_in_the_session_that_configured_the_cpe(here: World) -> None:
    want(here, download())
    here.confirm(here.at_work())
    following = here.do(cpes.record_outcome, told(here), KEPT)
    assert following is not None
    assert following.task == Diagnose(test=CpeTest(test="download", url=URL))


def test_the_test_waits_for_the_network_when_the_cpe_is_faster(here: World) -> None:
    want(here, download())
    work = here.at_work()
    assert here.do(cpes.record_outcome, told(here), KEPT) is None
    assert here.inform() is None
    assert here.confirm(work) is JobState.VERIFYING
    came_to(here, speed(950))
    assert here.job().state is JobState.AWAITING_COMPLETION


def test_a_line_that_is_too_slow_is_the_wrong_tier(here: World) -> None:
    want(here, download())
    configured(here)
    came_to(here, speed(94.1))
    assert here.job().failures == (
        Failure(Code.WRONG_TIER, "download: speed_mbps is 94.1 Mbit/s, wanted is at least 900 Mbit/s"),
    )
    assert len(evidence(here)) == 1


def test_every_test_is_done_before_the_job_is_judged(here: World) -> None:
    ping = WantedTest(test="ping", host="192.0.2.1", limits={"loss_percent": {"maximum": 1}})
    want(here, download(), ping)
    configured(here)
    came_to(here, speed(10))
    assert here.job().state is JobState.VERIFYING
    loss = Report((Reading("loss_percent", 40.0, "%"),))
    came_to(here, CpeOutcome(ok=True, report=loss))
    assert here.codes() == ["wrong-tier", "test-failed"]
    assert len(evidence(here)) == 2


@pytest.mark.parametrize(
    ("required", "state", "codes"),
    [(True, JobState.FAILED, ["not-verifiable"]), (False, JobState.AWAITING_COMPLETION, [])],
)
def test_a_cpe_without_the_test_fails_only_the_job_that_requires_it(
    here: World, required: bool, state: JobState, codes: list[str]
) -> None:
    want(here, download(required=required))
    configured(here)
    here.do(cpes.record_outcome, told(here), UNABLE)
    assert (here.job().state, here.codes()) == (state, codes)
    assert evidence(here)[0]["fault"] == "9005 it has no such test"


def test_a_person_may_vouch_for_what_the_cpe_cannot_test(here: World) -> None:
    want(here, download())
    configured(here)
    here.do(cpes.record_outcome, told(here), UNABLE)
    here.do(vouching.vouch, "J-1", ["test.download"], "measured by hand", "office")
    here.announce()
    here.confirm(here.claimed())
    here.do(cpes.record_outcome, told(here), UNABLE)
    assert here.job().state is JobState.AWAITING_COMPLETION


def test_a_test_that_goes_wrong_fails_the_job_in_plain_words(here: World) -> None:
    want(here, download())
    configured(here)
    came_to(here, CpeOutcome(ok=False, fault=CpeFault(None, "the server did not answer", kind=FaultKind.TEST)))
    assert here.job().failures == (Failure(Code.TEST_FAILED, "download: the server did not answer"),)


def test_a_cpe_that_shows_no_result_is_too_late(here: World) -> None:
    want(here, download(timeout_s=300))
    configured(here)
    here.do(cpes.record_outcome, told(here), BEGUN)
    here.later(seconds=299)
    here.do(cpe_tasks.expire, 10)
    assert here.job().state is JobState.VERIFYING
    here.later(seconds=2)
    here.do(cpe_tasks.expire, 10)
    assert here.job().failures == (Failure(Code.TIMEOUT, "download: the CPE showed no result in time"),)


def test_a_cpe_that_does_not_come_for_its_test_is_silent(here: World) -> None:
    want(here, download(timeout_s=300))
    configured(here)
    here.later(seconds=900 + 301)
    here.do(attempts.close_overdue, 10)
    assert here.job().state is JobState.VERIFYING
    here.do(cpe_tasks.expire, 10)
    assert here.job().failures == (Failure(Code.CPE_SILENT, "download: the CPE did not inform in time"),)


def test_a_job_whose_cpe_restarts_again_and_again_ends_too(here: World) -> None:
    want(here, download(timeout_s=300))
    configured(here)
    here.do(cpes.record_outcome, told(here), BEGUN)
    here.do(cpes.record_outcome, told(here), LOST)
    here.later(seconds=900 + 300 + 61)
    here.do(attempts.close_overdue, 10)
    assert here.job().failures == (Failure(Code.CPE_SILENT, "download: the CPE did not inform in time"),)
    assert here.inform() is None, "the job does not wait any more"


@pytest.mark.parametrize("restarts", [0, 1])
def test_a_test_that_is_not_required_holds_up_no_job_for_ever(here: World, restarts: int) -> None:
    """Whatever becomes of it, and however late the CPE was told: it is over before the job's patience is."""
    want(here, download(timeout_s=300, required=False))
    configured(here)
    here.later(seconds=900 + 299)
    here.do(cpes.record_outcome, told(here), BEGUN)
    for _ in range(restarts):
        here.do(cpes.record_outcome, told(here), LOST)
    here.later(seconds=2)
    here.do(attempts.close_overdue, 10)
    here.do(cpe_tasks.expire, 10)
    assert (here.job().state, here.job().failures) == (JobState.AWAITING_COMPLETION, ())


def test_a_fault_that_may_pass_is_in_the_jobs_trace_and_told_at_its_end(here: World) -> None:
    want(here, download(timeout_s=300))
    configured(here)
    busy = CpeOutcome(ok=False, fault=CpeFault(9002, "Internal error"))
    here.do(cpes.record_outcome, told(here), busy)
    (event,) = here.rows("SELECT data FROM event WHERE type = 'job.cpe-faulted'")
    said = json.loads(event["data"])
    assert (said["test"], said["fault"], said["times"]) == ("download", "9002 Internal error", 1)
    assert here.job().state is JobState.VERIFYING
    assert here.inform() is None, "not yet"
    here.later(seconds=900 + 301)
    here.do(cpe_tasks.expire, 10)
    assert here.job().failures == (Failure(Code.TEST_FAILED, "download: 9002 Internal error (tried 1 times)"),)


def test_a_job_that_waits_in_vain_for_somebody_elses_test_says_so(here: World) -> None:
    want(here, download(timeout_s=300))
    here.confirm(here.at_work())
    work = told(here)
    device = work.device
    ping = here.do(cpe_asking.ask, device, Diagnose(test=CpeTest(test="ping", host="192.0.2.1")), "office")
    here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=CpeFault(9002, "Internal error")))
    begun = told(here)
    assert begun.task == Diagnose(test=CpeTest(test="ping", host="192.0.2.1"))
    here.do(cpes.record_outcome, begun, BEGUN)
    here.later(seconds=60)
    here.do(cpes.record_outcome, told(here), KEPT)
    here.later(seconds=900 + 301)
    here.do(cpe_tasks.expire, 10)
    words = f"download: the CPE was at another test all the time: task {ping['id']}"
    assert here.job().failures == (Failure(Code.TIMEOUT, words),)


def test_what_a_job_is_to_be_judged_by_is_not_forgotten_however_much_is_asked_meanwhile(here: World) -> None:
    want(here, download(), WantedTest(test="optics"))
    configured(here)
    device = told(here).device
    came_to(here, speed(10))
    for _ in range(TASKS_KEPT + 3):
        row = here.do(cpe_asking.ask, device, Reboot(), "office")
        here.do(cpe_asking.cancel, device, row["id"], "office")
    here.do(
        cpes.record_outcome, told(here), CpeOutcome(ok=True, report=Report((Reading("rx_power_dbm", -20.5, "dBm"),)))
    )
    assert here.codes() == ["wrong-tier"]


def test_a_test_of_a_job_comes_before_what_else_was_asked(here: World) -> None:
    want(here, download())
    here.inform()
    here.ready()
    device = here.rows("SELECT device FROM cpe")[0]["device"]
    here.announce()
    here.confirm(here.claimed())
    here.do(cpe_asking.ask, device, Diagnose(test=CpeTest(test="ping", host="192.0.2.1")), "office")
    following = here.do(cpes.record_outcome, told(here), KEPT)
    assert following is not None
    assert following.task == Diagnose(test=CpeTest(test="download", url=URL))


def test_the_next_attempt_tests_anew(here: World) -> None:
    want(here, download())
    configured(here)
    came_to(here, speed(10))
    here.do(orders.ask_retry, "J-1")
    here.announce()
    here.confirm(here.claimed())
    came_to(here, speed(950))
    assert here.job().state is JobState.AWAITING_COMPLETION
    assert [found["readings"][0]["value"] for found in evidence(here)] == [10, 950]


def test_a_confirmation_that_is_told_twice_begins_the_tests_once(here: World) -> None:
    want(here, download())
    configured(here)
    here.do(attempts.record_cpe, "J-1", CpeResult(True, {"ssid": "home"}))
    assert len(here.rows("SELECT * FROM cpe_task")) == 1
    assert here.job().state is JobState.VERIFYING


def test_a_result_that_comes_when_the_job_went_on_changes_nothing(here: World) -> None:
    want(here, download())
    configured(here)
    here.do(cpes.record_outcome, told(here), BEGUN)
    work = told(here)
    here.later(hours=2)
    here.do(attempts.close_overdue, 10)
    here.do(cpe_tasks.expire, 10)
    failed = here.job()
    here.do(cpes.record_outcome, work, speed(950))
    assert here.job() == failed


def test_a_job_waits_for_a_test_that_somebody_else_began(here: World) -> None:
    want(here, download())
    here.inform()
    here.ready()
    device = here.rows("SELECT device FROM cpe")[0]["device"]
    here.do(cpe_asking.ask, device, Diagnose(test=CpeTest(test="ping", host="192.0.2.1")), "office")
    here.do(cpes.record_outcome, told(here), BEGUN)
    here.announce()
    here.confirm(here.claimed())
    work = told(here)
    assert isinstance(work.task, Configure)
    following = here.do(cpes.record_outcome, work, KEPT)
    assert following is not None
    assert isinstance(following.task, Collect)
    following = here.do(cpes.record_outcome, following, CpeOutcome(ok=True, report=Report(())))
    assert following is not None
    assert following.task == Diagnose(test=CpeTest(test="download", url=URL))


def test_what_somebody_asks_for_is_evidence_of_the_job_that_has_the_device(here: World) -> None:
    here.confirm(here.at_work())
    here.do(cpes.record_outcome, told(here), KEPT)
    device = here.rows("SELECT device FROM cpe")[0]["device"]
    here.do(cpe_asking.ask, device, Diagnose(test=CpeTest(test="optics")), "technician")
    here.do(
        cpes.record_outcome, told(here), CpeOutcome(ok=True, report=Report((Reading("rx_power_dbm", -20.5, "dBm"),)))
    )
    (found,) = evidence(here)
    assert (found["test"], found["by"]) == ("optics", "technician")
    assert here.events()[-1] == "job.tested"


def test_a_test_of_a_job_cannot_be_cancelled_behind_its_back(here: World) -> None:
    want(here, download())
    configured(here)
    (row,) = here.rows("SELECT * FROM cpe_task")
    with pytest.raises(Exception, match="J-1 waits for task"):
        here.do(cpe_asking.cancel, row["device"], row["id"], "office")


def test_a_parameter_of_the_job_says_what_is_tested(here: World) -> None:
    want(here, download(url="$speed_url"))
    (profile,) = here.profiles.values()
    parameters = {**profile.parameters, "speed_url": Parameter(default=URL)}
    here.profiles[profile.name] = profile.model_copy(update={"parameters": parameters})
    configured(here)
    came_to(here, speed(950))
    assert evidence(here)[0]["arguments"] == {"url": URL}


def test_a_job_whose_parameter_is_no_url_is_held_before_anybody_drives(here: World) -> None:
    want(here, download(url="$speed_url"))
    (profile,) = here.profiles.values()
    parameters = {**profile.parameters, "speed_url": Parameter(default="gopher://x")}
    here.profiles[profile.name] = profile.model_copy(update={"parameters": parameters})
    here.ready()
    assert here.codes() == ["profile-missing"]
    assert "speed_url" in here.job().failures[0].detail


def test_an_installation_without_the_cpe_to_test_with_is_held(here: World) -> None:
    want(here, download())
    here.ready(ONT)
    assert here.job().failures == (
        Failure(Code.DEVICE_MISSING, "no cpe is allocated, and the profile wants its download"),
    )
    here.do(orders.put_job, "J-1", order(ONT, CPE))
    assert here.job().state is JobState.READY
    assert here.now == START
