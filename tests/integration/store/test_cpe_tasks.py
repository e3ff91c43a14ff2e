"""What CPEs are asked for: given when they inform, one test at a time, through restarts, repeats and silence."""

import json
from typing import Any

import pytest

from tests.integration.store.world import HEX, World
from ztpd.domain.cpe import Cause, CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import MASK, Collect, Diagnose, FactoryReset, Read, Reboot, Task, masked
from ztpd.domain.diagnostics import CpeTest, Reading, Report
from ztpd.domain.waking import WakingPace
from ztpd.store import cpe_asking, cpe_tasks, cpe_waking, cpes
from ztpd.store.cpe_asking import MAX_OPEN
from ztpd.store.cpe_task_rows import KEPT
from ztpd.store.cpe_tasks import MAX_RESULT, MAX_TRIES
from ztpd.store.transaction import Refused, Unknown

PING = CpeTest(test="ping", host="192.0.2.1")
DOWNLOAD = CpeTest(test="download", url="http://speed.example.net/100M")
BEGUN = CpeOutcome(ok=True, pending=True)
DONE = CpeOutcome(ok=True)
BUSY = CpeOutcome(ok=False, fault=CpeFault(9002, "Internal error"))
RESULT = CpeOutcome(ok=True, report=Report((Reading("average_ms", 12.5, "ms"),)))
LOST = CpeOutcome(ok=False, fault=CpeFault(None, "it restarted", kind=FaultKind.INTERRUPTED))


def known(here: World) -> int:
    """A CPE that has informed, and has nothing to do."""
    assert here.inform() is None
    return int(here.rows("SELECT device FROM cpe")[0]["device"])


def ask(here: World, device: int, task: Task) -> int:
    return int(here.do(cpe_asking.ask, device, task, "office")["id"])


def informed(here: World) -> CpeWork:
    work = here.inform()
    assert work is not None
    return work


def task(here: World, id_: int) -> dict[str, Any]:
    return here.rows(f"SELECT * FROM cpe_task WHERE id = {id_}")[0]


def state(here: World, id_: int) -> str:
    return str(task(here, id_)["state"])


def test_what_is_asked_is_done_in_order_in_one_session_and_audited(here: World) -> None:
    device = known(here)
    first, second = ask(here, device, Read(paths=("Device.DeviceInfo.",))), ask(here, device, Reboot())
    work = informed(here)
    assert (work.id, work.task) == (str(first), Read(paths=("Device.DeviceInfo.",)))
    read = CpeOutcome(ok=True, applied={"Device.DeviceInfo.UpTime": "77", "Device.Users.User.1.Password": "hunter2"})
    following = here.do(cpes.record_outcome, work, read)
    assert following is not None
    assert following.task == Reboot()
    assert here.do(cpes.record_outcome, following, DONE) is None
    assert (state(here, first), state(here, second)) == ("done", "done")
    shown = here.reader.cpe_task(device, first)
    assert shown is not None
    assert shown["values"] == {"Device.DeviceInfo.UpTime": "77", "Device.Users.User.1.Password": MASK}
    assert [(row["actor"], row["action"]) for row in here.rows("SELECT * FROM audit ORDER BY id")] == [
        ("office", "device.read"),
        ("office", "device.reboot"),
    ]
    assert here.inform() is None


def test_a_test_takes_a_session_to_begin_and_another_to_end(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Diagnose(test=PING))
    begin = informed(here)
    assert begin.task == Diagnose(test=PING)
    assert here.do(cpes.record_outcome, begin, BEGUN) is None, "the CPE begins when the session is over"
    assert state(here, id_) == "given"
    end = informed(here)
    assert (end.task, end.id != begin.id) == (Collect(test=PING), True)
    assert here.do(cpes.record_outcome, end, RESULT) is None
    shown = here.reader.cpe_task(device, id_)
    assert shown is not None
    assert (shown["state"], shown["readings"]) == ("done", [{"name": "average_ms", "value": 12.5, "unit": "ms"}])
    assert here.inform() is None


def test_a_test_that_goes_on_is_looked_at_in_each_later_session_and_not_twice_in_one(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Diagnose(test=DOWNLOAD))
    here.do(cpes.record_outcome, informed(here), BEGUN)
    for _ in range(3):
        assert here.do(cpes.record_outcome, informed(here), BEGUN) is None
    assert task(here, id_)["tries"] == 0
    here.do(cpes.record_outcome, informed(here), RESULT)
    assert state(here, id_) == "done"


def test_a_cpe_that_does_not_tell_of_its_test_is_asked_to_inform(here: World) -> None:
    device = known(here)
    ask(here, device, Diagnose(test=PING))
    here.do(cpes.record_outcome, informed(here), BEGUN)
    assert here.do(cpe_waking.claim_cpes_to_wake, WakingPace(), 10) == []
    here.later(seconds=121)
    (asking,) = here.do(cpe_waking.claim_cpes_to_wake, WakingPace(), 10)
    assert asking.cpe.device == device
    here.do(cpes.record_outcome, informed(here), RESULT)
    here.later(hours=1)
    assert here.do(cpe_waking.claim_cpes_to_wake, WakingPace(), 10) == []


def test_a_cpe_does_one_test_at_a_time_and_anything_else_meanwhile(here: World) -> None:
    device = known(here)
    first = ask(here, device, Diagnose(test=PING))
    second = ask(here, device, Diagnose(test=DOWNLOAD))
    third = ask(here, device, Read(paths=("Device.DeviceInfo.",)))
    following = here.do(cpes.record_outcome, informed(here), BEGUN)
    assert following is not None
    assert following.id == str(third)
    assert here.do(cpes.record_outcome, following, DONE) is None
    following = here.do(cpes.record_outcome, informed(here), RESULT)
    assert following is not None
    assert following.task == Diagnose(test=DOWNLOAD)
    assert [state(here, id_) for id_ in (first, second)] == ["done", "due"]


def test_a_test_that_a_restart_interrupted_begins_anew_at_once_but_not_for_ever(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Diagnose(test=PING))
    here.do(cpes.record_outcome, informed(here), BEGUN)
    for _ in range(MAX_TRIES - 1):
        again = here.do(cpes.record_outcome, informed(here), LOST)
        assert again is not None, "in the same session"
        assert again.task == Diagnose(test=PING)
        here.do(cpes.record_outcome, again, BEGUN)
    assert here.do(cpes.record_outcome, informed(here), LOST) is None
    assert (state(here, id_), task(here, id_)["fault"]) == ("failed", "it restarted")
    assert here.inform() is None


def test_an_outcome_that_is_told_twice_counts_once(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Diagnose(test=PING))
    begin = informed(here)
    here.do(cpes.record_outcome, begin, BEGUN)
    here.do(cpes.record_outcome, begin, LOST)
    assert (state(here, id_), task(here, id_)["tries"]) == ("given", 0)
    end = informed(here)
    here.do(cpes.record_outcome, end, RESULT)
    before = task(here, id_)
    here.do(cpes.record_outcome, end, LOST)
    assert task(here, id_) == before


def test_work_that_was_never_reported_is_given_again(here: World) -> None:
    """The daemon died between the CPE's answer and the commit."""
    device = known(here)
    ask(here, device, Diagnose(test=PING))
    assert informed(here) == informed(here)
    known_cpe = here.do(cpes.resume, here.rows("SELECT session FROM cpe")[0]["session"])
    assert known_cpe is not None
    assert known_cpe.work is not None
    here.do(cpes.record_outcome, known_cpe.work, BEGUN)
    assert informed(here) == informed(here)


def test_a_session_that_goes_on_after_a_restart_does_not_look_for_what_it_has_just_begun(here: World) -> None:
    device = known(here)
    ask(here, device, Diagnose(test=PING))
    here.do(cpes.record_outcome, informed(here), BEGUN)
    known_cpe = here.do(cpes.resume, here.rows("SELECT session FROM cpe")[0]["session"])
    assert known_cpe is not None
    assert known_cpe.work is None


def test_what_a_cpe_cannot_do_fails_with_its_words(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Diagnose(test=PING))
    unable = CpeOutcome(ok=False, fault=CpeFault(9005, "it has no such test", kind=FaultKind.UNABLE))
    assert here.do(cpes.record_outcome, informed(here), unable) is None
    row = task(here, id_)
    assert (row["state"], row["trouble"], row["fault"]) == ("failed", "unable", "9005 it has no such test")


def test_what_a_cpe_refuses_for_the_moment_is_tried_again_and_holds_up_nothing_else(here: World) -> None:
    device = known(here)
    first = ask(here, device, Read(paths=("Device.Hosts.",)))
    assert here.do(cpes.record_outcome, informed(here), BUSY) is None
    assert (state(here, first), task(here, first)["fault"]) == ("due", "9002 Internal error (tried 1 times)")
    assert here.inform() is None, "not yet"
    second = ask(here, device, Reboot())
    assert informed(here).task == Reboot()
    again = here.do(cpes.record_outcome, informed(here), DONE)
    assert (state(here, second), again) == (
        "done",
        CpeWork(device, Cause.ASKED, str(first), Read(paths=("Device.Hosts.",))),
    )
    assert again is not None
    here.do(cpes.record_outcome, again, BUSY)
    here.later(seconds=301)
    here.do(cpes.record_outcome, informed(here), CpeOutcome(ok=True, applied={"Device.Hosts.Host.1.HostName": "tv"}))
    assert (state(here, first), task(here, first)["fault"]) == ("done", "")


def test_a_result_that_a_cpe_will_not_show_yet_holds_up_nothing_else(here: World) -> None:
    device = known(here)
    test = ask(here, device, Diagnose(test=PING))
    here.do(cpes.record_outcome, informed(here), BEGUN)
    here.do(cpes.record_outcome, informed(here), BUSY)
    ask(here, device, Reboot())
    assert informed(here).task == Reboot()
    here.later(hours=2)
    here.do(cpe_tasks.expire, 10)
    assert task(here, test)["fault"] == "9002 Internal error (tried 1 times)"


def test_tasks_expire_when_the_cpe_does_not_come_or_shows_no_result(here: World) -> None:
    device = known(here)
    given, due = ask(here, device, Diagnose(test=PING)), ask(here, device, Reboot())
    work = informed(here)
    here.do(cpes.record_outcome, work, BEGUN)
    assert here.do(cpe_tasks.expire, 10) == 0
    here.later(hours=2)
    assert here.do(cpe_tasks.expire, 10) == 1
    assert task(here, given)["fault"] == "the CPE showed no result in time"
    here.later(hours=23)
    assert here.do(cpe_tasks.expire, 10) == 1
    assert task(here, due)["fault"] == "the CPE did not inform in time"
    assert here.do(cpe_tasks.expire, 10) == 0


def test_one_that_was_asked_to_inform_and_did_not_says_what_became_of_that(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Reboot())
    (asking,) = here.do(cpe_waking.claim_cpes_to_wake, WakingPace(), 10)
    assert asking.cpe.why == f"task {id_}"
    here.do(cpe_waking.tell_wakings, [(asking, "no answer in 5 s")])
    here.later(hours=25)
    here.do(cpe_tasks.expire, 10)
    assert task(here, id_)["fault"] == (
        "the CPE did not inform in time; asked to inform 1 times, last: no answer in 5 s"
    )


def test_a_cpe_that_comes_too_late_is_asked_nothing_any_more(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, FactoryReset())
    here.later(hours=25)
    assert here.inform() is None
    assert state(here, id_) == "failed"


def test_the_same_wish_again_is_the_same_task_until_the_cpe_was_told(here: World) -> None:
    device = known(here)
    first = ask(here, device, Reboot())
    assert ask(here, device, Reboot()) == first
    here.do(cpes.record_outcome, informed(here), DONE)
    assert ask(here, device, Reboot()) != first


def test_a_task_is_cancelled_until_the_cpe_was_told(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Reboot())
    for _ in range(2):
        assert here.do(cpe_asking.cancel, device, id_, "office")["state"] == "cancelled"
    assert here.inform() is None
    begun = ask(here, device, Diagnose(test=PING))
    here.do(cpes.record_outcome, informed(here), BEGUN)
    with pytest.raises(Refused, match="told already"):
        here.do(cpe_asking.cancel, device, begun, "office")
    with pytest.raises(Unknown):
        here.do(cpe_asking.cancel, device + 1, id_, "office")


def test_a_device_that_never_informed_is_asked_nothing(here: World) -> None:
    here.ready()
    device = here.device()["id"]
    with pytest.raises(Refused, match="never informed"):
        ask(here, device, Reboot())
    with pytest.raises(Unknown):
        ask(here, 99, Reboot())


def test_a_device_has_a_bounded_number_of_tasks(here: World) -> None:
    device = known(here)
    for number in range(MAX_OPEN):
        ask(here, device, Read(paths=(f"Device.DeviceInfo.X_{number}",)))
    with pytest.raises(Refused, match=f"{MAX_OPEN} tasks"):
        ask(here, device, Reboot())


def test_of_what_is_over_the_last_are_kept(here: World) -> None:
    device = known(here)
    for _ in range(KEPT + 3):
        ask(here, device, Reboot())
        here.do(cpes.record_outcome, informed(here), DONE)
    last = ask(here, device, Reboot())
    rows = here.rows("SELECT id FROM cpe_task ORDER BY id")
    assert (len(rows), rows[-1]["id"]) == (KEPT + 1, last)


def test_what_is_read_is_kept_up_to_a_bound(here: World) -> None:
    device = known(here)
    id_ = ask(here, device, Read(paths=("Device.Hosts.",)))
    much = {f"Device.Hosts.Host.{number}.HostName": "x" * 200 for number in range(1000)}
    here.do(cpes.record_outcome, informed(here), CpeOutcome(ok=True, applied=much))
    result = task(here, id_)["result"]
    assert len(result) < 2 * MAX_RESULT
    assert json.loads(result)["cut"] is True
    shown = here.reader.cpe_task(device, id_)
    assert shown is not None
    assert (shown["cut"], shown["values"]["Device.Hosts.Host.0.HostName"]) == (True, "x" * 200)


def test_a_record_that_cannot_be_read_harms_only_itself(here: World) -> None:
    device = known(here)
    broken, whole = ask(here, device, FactoryReset()), ask(here, device, Reboot())
    here.connection.execute(f"UPDATE cpe_task SET body = '{{}}' WHERE id = {broken}")
    assert informed(here).id == str(whole)
    assert (state(here, broken), "unforeseen" in task(here, broken)["fault"]) == ("failed", True)
    shown = [(each["id"], each["arguments"]) for each in here.reader.cpe_tasks(device, 0, 10)]
    assert shown == [(broken, {}), (whole, {})]


def test_tasks_go_with_a_device_that_proves_to_be_another(here: World) -> None:
    device = known(here)
    ask(here, device, Reboot())
    here.do(cpes.record_outcome, informed(here), DONE)
    assert here.reader.device(device) is not None
    shown = here.reader.device(device)
    assert shown is not None
    assert (shown["cpe"]["serial"], shown["cpe"]["open_tasks"]) == (HEX, [])
    assert shown["identity"]["proof"] == "bootstrap"


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("Device.WiFi.AccessPoint.1.Security.KeyPassphrase", True),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.PreSharedKey", True),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.WEPKey.1.WEPKey", True),
        ("Device.ManagementServer.ConnectionRequestPassword", True),
        ("Device.RADIUS.Client.1.SharedSecret", True),
        ("Device.PPP.Interface.1.Username", False),
        ("Device.ManagementServer.ParameterKey", False),
        ("Device.WiFi.SSID.1.SSID", False),
    ],
)
def test_what_is_named_like_a_secret_is_not_shown(path: str, hidden: bool) -> None:
    assert masked({path: "value"}) == {path: MASK if hidden else "value"}
