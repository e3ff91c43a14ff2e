"""Handing a finished CPE over: told once it informs, gone when it is silent, ours again when it comes back."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.store.world import CPE, HEX, ONT, OUI, World, told
from ztpd.domain.cpe import CpeFault, CpeOutcome, CpeWork, FaultKind, Proof
from ztpd.domain.cpe_tasks import HandOver, Inspect, Read, Reboot, Redirect
from ztpd.domain.drift import DriftRule
from ztpd.domain.handover import MAX_TELLS, HandoverTerms
from ztpd.domain.sighting import Sighting, Source
from ztpd.domain.waking import WakingPace
from ztpd.store import (
    cancelling,
    completion,
    cpe_asking,
    cpe_drift,
    cpe_handover,
    cpe_tasks,
    cpe_waking,
    cpes,
    handing_over,
)
from ztpd.store.transaction import Refused, Unknown

PASSWORD = "other-S3NT1NEL"
URL = "https://acs.example.net:7547/"
WHAT = HandOver(url=URL, username="cpe", secret="other")
TOLD = Redirect(url=URL, username="cpe", password=PASSWORD)
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
ACCEPTED = CpeOutcome(ok=True, applied={"Device.ManagementServer.URL": URL, INTERVAL: "300"})
TERMS = HandoverTerms({"other": PASSWORD}, intervals=3, interval_s=86_400)


@pytest.fixture(autouse=True)
def terms(here: World) -> None:
    here.handover = TERMS


def known(here: World) -> int:
    """A CPE that has informed, and has nothing to do."""
    assert here.inform() is None
    return int(here.rows("SELECT device FROM cpe")[0]["device"])


def hand_over(here: World, device: int, what: HandOver = WHAT) -> int:
    return int(here.do(handing_over.hand_over, device, what, "office")["id"])


def shown(here: World, device: int) -> dict[str, Any]:
    found = here.reader.device(device)
    assert found is not None
    assert PASSWORD not in repr(found)
    handover: dict[str, Any] = found["handover"]
    return handover


def state(here: World, device: int) -> str:
    return str(shown(here, device)["state"])


def informed(here: World) -> CpeWork:
    work = here.inform()
    assert work is not None
    assert work.task == TOLD
    return work


def accepted(here: World) -> int:
    """A CPE that has just taken it, and informs every 300 s."""
    device = known(here)
    hand_over(here, device)
    assert here.do(cpes.record_outcome, informed(here), ACCEPTED) is None
    return device


def look(here: World) -> None:
    """The daemon's loop comes by."""
    here.do(cpe_tasks.expire, 100)


def events(here: World) -> list[str]:
    return [row["type"] for row in here.rows("SELECT * FROM event ORDER BY id") if row["type"].startswith("device.")]


def awake(here: World) -> int:
    """How many CPEs would be asked to inform."""
    return len(here.do(cpe_waking.claim_cpes_to_wake, WakingPace(), 10))


def test_a_cpe_is_told_accepts_and_counts_as_gone_when_it_is_silent(here: World) -> None:
    device = known(here)
    task = hand_over(here, device)
    assert (state(here, device), awake(here)) == ("asked", 1)
    here.later(seconds=10)
    work = informed(here)
    assert state(here, device) == "told"
    assert here.do(cpes.record_outcome, work, ACCEPTED) is None
    assert here.rows(f"SELECT state FROM cpe_task WHERE id = {task}") == [{"state": "done"}]
    found = shown(here, device)
    assert (found["state"], found["interval_s"]) == ("accepted", 300)

    here.later(seconds=899)
    look(here)
    assert state(here, device) == "accepted"
    here.later(seconds=2)
    look(here)
    found = shown(here, device)
    assert (found["state"], found["said"]) == ("left", f"not heard here since {found['accepted_at']}")
    assert events(here) == ["device.handed-over", "device.left"]
    look(here)
    assert events(here) == ["device.handed-over", "device.left"]
    assert PASSWORD not in repr([here.rows(f"SELECT * FROM {table}") for table in ("event", "audit", "cpe_task")])


def test_it_is_audited_and_the_same_again_is_the_same_task(here: World) -> None:
    device = known(here)
    assert hand_over(here, device) == hand_over(here, device)
    [entry] = here.rows("SELECT * FROM audit")
    assert (entry["actor"], entry["action"], entry["subject"]) == ("office", "device.hand-over", f"device/{device}")


def test_one_that_is_gone_is_asked_nothing_and_not_called(here: World) -> None:
    device = accepted(here)
    for word in ("accepted", "left"):
        assert (state(here, device), awake(here)) == (word, 0)
        with pytest.raises(Refused, match=f"device {device} was handed over to {URL}"):
            here.do(cpe_asking.ask, device, Reboot(), "office")
        with pytest.raises(Refused, match=f"device {device} was handed over to {URL}"):
            hand_over(here, device)
        here.later(hours=1)
        look(here)


def test_nobody_looks_for_drift_while_it_is_gone_and_again_when_it_is_back(here: World) -> None:
    [name] = here.profiles
    here.profiles[name] = here.profiles[name].model_copy(update={"drift": DriftRule(every_s=3600)})
    here.confirmed()
    work = here.inform()
    while work is not None:
        work = here.do(cpes.record_outcome, work, CpeOutcome(ok=True))
    here.do(completion.accept_completion, "J-1", here.report())
    here.do(cpe_drift.configured, here.device()["id"], "J-1")
    device = here.device()["id"]
    hand_over(here, device)
    here.later(hours=2)
    told_to = here.inform()
    assert told_to is not None
    assert told_to.task == TOLD, "drift would be looked for as well, and comes later"
    assert here.do(cpes.record_outcome, told_to, ACCEPTED) is None
    again = here.inform()
    assert (state(here, device), again is not None and type(again.task)) == ("returned", Inspect)


@pytest.mark.parametrize("had_left", [False, True])
def test_one_that_informs_again_is_ours_again(here: World, had_left: bool) -> None:
    device = accepted(here)
    here.later(seconds=1000 if had_left else 60)
    look(here)
    assert here.inform() is None
    found = shown(here, device)
    since = f"had left at {found['left_at']}" if had_left else f"had agreed at {found['accepted_at']}"
    assert (found["state"], found["said"]) == ("returned", f"it informed here again, after it {since}")
    assert events(here)[-1] == "device.came-back"
    here.later(days=30)
    look(here)
    assert events(here)[-1] == "device.came-back", "it is not looked at any more"
    here.do(cpe_asking.ask, device, Reboot(), "office")
    work = here.inform()
    assert work is not None
    assert work.task == Reboot()
    here.do(cpes.record_outcome, work, CpeOutcome(ok=True))
    assert here.inform() is None
    hand_over(here, device)
    assert (state(here, device), shown(here, device)["left_at"]) == ("asked", None)
    assert informed(here).task == TOLD


def test_one_that_leaves_without_an_answer_counts_as_gone_after_a_longer_silence(here: World) -> None:
    device = known(here)
    task = hand_over(here, device)
    informed(here)
    assert (state(here, device), awake(here)) == ("told", 0)
    here.later(days=3, seconds=-1)
    look(here)
    assert state(here, device) == "told"
    here.later(seconds=2)
    look(here)
    found = shown(here, device)
    assert (found["state"], found["said"]) == (
        "left",
        f"not heard here since it was told at {found['told_at']}, unanswered",
    )
    assert here.rows(f"SELECT state, fault FROM cpe_task WHERE id = {task}") == [{"state": "done", "fault": ""}]
    assert events(here) == ["device.left"]


def test_one_that_comes_back_without_an_answer_is_told_again_but_not_for_ever(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    for tells in range(1, MAX_TELLS + 1):
        informed(here)
        assert (state(here, device), shown(here, device)["tells"]) == ("told", tells)
        here.later(minutes=5)
    assert here.inform() is None
    found = shown(here, device)
    assert (found["state"], found["said"]) == (
        "failed",
        f"it was told {MAX_TELLS} times, and came back each time without an answer",
    )
    assert events(here) == ["device.handover-failed"]


def test_a_session_that_goes_on_after_a_restart_tells_it_again(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    informed(here)
    resumed = here.do(cpes.resume, here.rows("SELECT session FROM cpe")[0]["session"])
    assert resumed is not None
    assert resumed.work is not None
    assert resumed.work.task == TOLD
    here.do(cpes.record_outcome, resumed.work, ACCEPTED)
    assert (state(here, device), shown(here, device)["tells"]) == ("accepted", 2)


def test_an_answer_that_is_told_twice_counts_once(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    work = informed(here)
    here.do(cpes.record_outcome, work, ACCEPTED)
    before = shown(here, device)
    here.later(minutes=1)
    here.do(cpes.record_outcome, work, ACCEPTED)
    assert shown(here, device) == before


def test_a_fault_that_is_final_fails_and_the_cpe_stays(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    fault = CpeFault(9008, "Attempt to set a non-writable parameter", "Device.ManagementServer.URL")
    here.do(cpes.record_outcome, informed(here), CpeOutcome(ok=False, fault=fault))
    found = shown(here, device)
    assert (found["state"], found["said"]) == ("failed", fault.words)
    assert events(here) == ["device.handover-failed"]
    here.do(cpe_asking.ask, device, Reboot(), "office")


def test_a_fault_that_may_pass_is_tried_again_and_never_taken_for_leaving(here: World) -> None:
    device = known(here)
    task = hand_over(here, device)
    refused = CpeOutcome(ok=False, fault=CpeFault(9001, "Request denied"))
    here.do(cpes.record_outcome, informed(here), refused)
    found = shown(here, device)
    assert (found["state"], found["said"]) == ("asked", "9001 Request denied")
    here.later(minutes=6)
    here.do(cpes.record_outcome, informed(here), refused)
    here.later(days=4)
    look(here)
    assert state(here, device) == "failed"
    assert here.rows(f"SELECT state FROM cpe_task WHERE id = {task}") == [{"state": "failed"}]


def test_one_that_never_informs_was_never_told(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    here.later(hours=25)
    look(here)
    assert state(here, device) == "failed"
    assert shown(here, device)["said"].startswith("the CPE did not inform in time")


def test_somebody_may_think_better_of_it_until_it_is_told(here: World) -> None:
    device = known(here)
    task = hand_over(here, device)
    here.do(cpe_asking.cancel, device, task, "office")
    assert (state(here, device), shown(here, device)["said"]) == ("cancelled", "cancelled by office")
    assert here.inform() is None


def test_an_inform_without_proof_puts_off_that_it_left_and_undoes_nothing(here: World) -> None:
    device = accepted(here)
    here.later(seconds=600)
    heard = Sighting(Source.CWMP, here.now, oui=OUI, cwmp_serial=HEX, ip="10.0.0.5", trusted=False)
    here.do(cpes.hear_inform, heard, told(proof=Proof.NONE))
    here.later(seconds=301)
    look(here)
    found = shown(here, device)
    assert found["state"] == "accepted"
    assert found["said"].startswith("somebody who says that he is this device informed here at ")
    here.later(seconds=901)
    look(here)
    assert state(here, device) == "left"


def test_only_a_finished_cpe_is_handed_over(here: World) -> None:
    here.ready(ONT, CPE)
    here.inform()
    device = int(here.rows("SELECT device FROM cpe")[0]["device"])
    with pytest.raises(Refused, match="job J-1 is open on device"):
        hand_over(here, device)
    here.do(cancelling.cancel_job, "J-1", "not wanted", "office")
    hand_over(here, device)


def test_a_job_that_is_ordered_before_it_is_told_comes_first(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    here.confirm(here.at_work())
    work = here.inform()
    assert work is not None
    assert work.task.kind == "configure"
    assert state(here, device) == "asked"


def test_a_service_on_it_stays_active(here: World) -> None:
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())
    assert here.inform() is None
    device = int(here.rows("SELECT device FROM cpe")[0]["device"])
    hand_over(here, device)
    here.do(cpes.record_outcome, informed(here), ACCEPTED)
    here.later(hours=1)
    look(here)
    assert state(here, device) == "left"
    assert [row["state"] for row in here.rows("SELECT state FROM service")] == ["active"]


@pytest.mark.parametrize("what", [HandOver(url=URL, username="cpe", secret="none")])
def test_a_secret_that_is_not_configured_is_refused_by_name(here: World, what: HandOver) -> None:
    device = known(here)
    with pytest.raises(Refused, match="there is no secret none for handing over") as caught:
        hand_over(here, device, what)
    assert "[acs.handover.secrets] none = FILE" in caught.value.remedy


def test_a_secret_that_is_taken_away_fails_the_hand_over(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    here.handover = HandoverTerms()
    assert here.inform() is None
    assert (state(here, device), shown(here, device)["said"]) == (
        "failed",
        "acs.handover.secrets has no other any more",
    )


def test_one_with_something_else_to_do_or_that_never_informed_is_refused(here: World) -> None:
    device = known(here)
    here.do(cpe_asking.ask, device, Read(paths=("Device.",)), "office")
    with pytest.raises(Refused, match=f"device {device} has 1 tasks to do"):
        hand_over(here, device)
    with pytest.raises(Unknown):
        hand_over(here, 999)
    here.dhcp("aa:bb:cc:dd:ee:01", ip="10.0.0.99")
    never = here.rows("SELECT max(id) AS id FROM device")[0]["id"]
    with pytest.raises(Refused, match=f"device {never} has never informed"):
        hand_over(here, never)


def test_one_that_is_being_upgraded_is_refused(here: World) -> None:
    device = known(here)
    offer = {
        "campaign": "spring",
        "version": "2.0",
        "from_version": "1.0",
        "service": "SVC-1",
        "file": "f",
        "sha256": "",
    }
    terms = {"attempt": 1, "timeout_s": 60.0, "succeeds_on_timeout": 0, "due_at": "9999", "now": "2026"}
    here.do(lambda tx: tx.run("offer_firmware", device=device, **offer, **terms))
    with pytest.raises(Refused, match=f"device {device} is being upgraded to 2.0"):
        hand_over(here, device)


def test_another_acs_is_not_named_while_one_is_named(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    other = HandOver(url="https://third.example.net/", username="cpe", secret="other")
    with pytest.raises(Refused, match=f"device {device} is being handed over to {URL}"):
        hand_over(here, device, other)


def test_two_records_of_one_device_become_one_hand_over(here: World) -> None:
    """The CPE was known by its CWMP name alone; then it is heard that its ONT is the same device."""
    device = accepted(here)
    here.announce()
    here.later(hours=1)
    look(here)
    kept = here.device()["id"]
    assert state(here, kept) == "left"
    assert kept == device or here.reader.device(device)["state"] == "retired"  # type: ignore[index]


def test_silence_while_nobody_listened_does_not_count(here: World) -> None:
    device = accepted(here)
    here.later(hours=9)
    assert here.do(cpe_handover.wait_anew) == 1
    look(here)
    assert state(here, device) == "accepted"
    here.later(seconds=5121)
    look(here)
    assert state(here, device) == "left"
    assert here.do(cpe_handover.wait_anew) == 0


def test_silence_is_counted_in_the_cpes_own_intervals() -> None:
    assert TERMS.silence(300) == timedelta(seconds=900)
    assert TERMS.silence(None) == timedelta(days=3)
    assert TERMS.silence(0) == timedelta(days=3)
    assert TERMS.silence(4_294_967_295) == timedelta(days=30)


def test_a_fault_of_what_cannot_be_understood_may_still_mean_that_it_left(here: World) -> None:
    device = known(here)
    hand_over(here, device)
    broken = CpeOutcome(ok=False, fault=CpeFault(None, "Inform is out of turn", kind=FaultKind.PROTOCOL))
    here.do(cpes.record_outcome, informed(here), broken)
    assert state(here, device) == "told"
