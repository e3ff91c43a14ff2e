"""Upgrades in the store: every order of what CPEs say, time-outs, repeats, limits, and what a kill leaves."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.store.world import HEX, OUI, World
from ztpd.domain.cpe import Cause, CpeFacts, CpeFault, CpeOutcome, CpeWork, Proof
from ztpd.domain.cpe_tasks import Download, Upload
from ztpd.domain.firmware import FirmwareRule
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.domain.waking import WakingPace
from ztpd.store import (
    completion,
    cpe_asking,
    cpe_firmware,
    cpe_tasks,
    cpe_waking,
    cpe_work,
    cpes,
    firmware_campaigns,
    transfer_grants,
    transfer_reading,
    transfers,
)
from ztpd.store.cpes import HeardCpe
from ztpd.store.rows import facts_of_cpe
from ztpd.store.transaction import Refused, Unknown
from ztpd.store.transfer_grants import Grant

OLD, NEW = "V1", "V2"
TIMEOUT_S = 600.0
RULE: dict[str, Any] = {
    "name": "lab",
    "manufacturer": "acme",
    "version": NEW,
    "file": "lab-v2.bin",
    "size": 5,
    "sha256": "ab" * 32,
    "timeout_s": TIMEOUT_S,
    "stop_after": 2,
}
TAKEN = CpeOutcome(ok=True, pending=True)
DONE = CpeOutcome(ok=True)
NO_FAULT = (0, "")


@pytest.fixture
def here(here: World, residential: Profile) -> World:
    wants(here)
    return here


def wants(here: World, **others: Any) -> None:
    """The profile wants a version."""
    (name,) = here.profiles
    rule = FirmwareRule.model_validate({**RULE, **others})
    here.profiles[name] = here.profiles[name].model_copy(update={"firmware": (rule,)})


def in_service(here: World) -> None:
    here.inform()
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())


def hear(here: World, version: str = OLD, *events: str, serial: str = HEX) -> CpeWork | None:
    """An Inform that shows this version."""
    sighting = Sighting(Source.CWMP, here.now, oui=OUI, cwmp_serial=serial, ip="10.0.0.5")
    facts = CpeFacts("Acme", OUI, "ONT", serial, root="Device.", software_version=version, events=events)
    return here.do(cpes.hear_inform, sighting, HeardCpe(facts, Proof.DEVICE, f"session of {serial}"))


def tell(here: World, key: str, fault: tuple[int, str] = NO_FAULT) -> None:
    """TransferComplete."""
    here.do(transfers.record_notice, f"session of {HEX}", "TransferComplete", key, fault)


def offered(here: World) -> CpeWork:
    work = hear(here)
    assert work is not None
    assert work.cause is Cause.FIRMWARE
    return work


def given(here: World) -> CpeWork:
    work = offered(here)
    assert here.do(cpes.record_outcome, work, TAKEN) is None
    return work


def row(here: World) -> dict[str, Any]:
    (found,) = here.rows("SELECT * FROM cpe_firmware")
    return found


def firmware_events(here: World) -> list[str]:
    return [type_.partition(".")[2] for type_ in here.events() if type_.startswith("firmware.")]


def close(here: World) -> int:
    return here.do(cpe_firmware.close_overdue, 100) + here.do(cpe_tasks.expire, 100)


def test_a_cpe_in_service_is_told_to_download_what_its_profile_wants(here: World) -> None:
    in_service(here)
    work = offered(here)
    task = work.task
    assert isinstance(task, Download)
    assert (task.file_type, task.size, work.key) == ("1 Firmware Upgrade Image", 5, f"firmware-{work.device}.1")
    assert task.url.startswith("/files/")
    assert task.url.endswith("/lab-v2.bin")
    assert row(here)["state"] == "offered"


def test_nothing_is_done_to_one_that_is_as_wanted_of_another_model_or_in_no_service(here: World) -> None:
    assert hear(here) is None, "in no service"
    in_service(here)
    assert hear(here, NEW) is None
    wants(here, manufacturer="other")
    assert hear(here) is None
    assert here.rows("SELECT * FROM cpe_firmware") == []


def test_looking_at_what_a_cpe_must_do_begins_nothing(here: World) -> None:
    """Whoever decides whether to wake a CPE looks only."""
    in_service(here)
    hear(here, NEW)
    here.connection.execute(f"UPDATE cpe SET software_version = '{OLD}'")
    (cpe,) = here.rows("SELECT * FROM cpe")
    for _ in range(2):
        assert here.do(cpe_work.next_work, cpe, facts_of_cpe(cpe)) is not None
    assert here.rows("SELECT * FROM cpe_firmware") == []
    assert here.rows("SELECT * FROM cpe_grant") == []


def test_taken_through_restarted_and_shown_it_is_confirmed_with_evidence(here: World) -> None:
    in_service(here)
    work = given(here)
    here.later(minutes=2)
    assert hear(here, NEW, "1 BOOT", "7 TRANSFER COMPLETE") is None
    tell(here, work.key)
    assert row(here)["state"] == "confirmed"
    assert firmware_events(here) == ["started", "confirmed"]
    (evidence,) = [each for each in here.rows("SELECT * FROM evidence") if each["kind"] == "firmware"]
    body = json.loads(evidence["body"])
    assert (evidence["job"], body["from_version"], body["version"], body["sha256"]) == ("J-1", OLD, NEW, "ab" * 32)
    assert body["given_at"] < body["confirmed_at"]
    assert here.rows("SELECT * FROM cpe_grant") == [], "its URL is over"


STEPS: dict[str, Callable[[World, CpeWork], object]] = {
    "answer": lambda here, work: here.do(cpes.record_outcome, work, TAKEN),
    "complete": lambda here, work: tell(here, work.key),
    "periodic": lambda here, work: hear(here, OLD, "2 PERIODIC"),
    "new": lambda here, work: hear(here, NEW, "1 BOOT"),
}


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)), ids="-".join)
def test_in_whatever_order_it_is_told_and_however_often_it_comes_to_the_same(
    here: World, order: tuple[str, ...]
) -> None:
    """A kill loses the answer or delays it; CPEs tell before or after the restart, and repeat themselves."""
    in_service(here)
    work = offered(here)
    for step in order:
        if step == "periodic" and order.index("new") < order.index("periodic"):
            continue  # it does not go back
        for _ in range(2):
            assert STEPS[step](here, work) is None, "no second download"
        here.later(seconds=5)
    assert row(here)["state"] == "confirmed"
    assert firmware_events(here) == ["started", "confirmed"]
    assert len([each for each in here.rows("SELECT * FROM evidence") if each["kind"] == "firmware"]) == 1


def test_done_at_once_waits_for_the_version_only(here: World) -> None:
    in_service(here)
    here.do(cpes.record_outcome, offered(here), DONE)
    assert row(here)["state"] == "transferred"
    hear(here, NEW)
    assert firmware_events(here) == ["started", "confirmed"]


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "recorded"])
def test_no_second_download_begins_while_one_may_be_under_way(here: World, killed: bool) -> None:
    in_service(here)
    work = offered(here)
    if not killed:
        here.do(cpes.record_outcome, work, TAKEN)
    resumed = here.do(cpes.resume, f"session of {HEX}")
    assert resumed is not None
    assert resumed.work is None
    here.later(seconds=TIMEOUT_S - 1)
    assert close(here) == 0
    assert hear(here, OLD, "1 BOOT") is None
    here.later(seconds=2)
    assert close(here) == 1
    assert row(here)["state"] == ("lapsed" if killed else "failed")
    assert row(here)["failures"] == (0 if killed else 1)
    assert hear(here) is None, "it is left alone for a while"
    here.later(minutes=16)
    again = offered(here)
    assert again.key != work.key
    tell(here, work.key)
    assert row(here)["state"] == "offered", "what the first attempt tells counts no more"


def test_a_refusal_and_a_fault_are_told_in_words_and_hold_it_back_longer_each_time(here: World) -> None:
    in_service(here)
    wants(here, stop_after=10)
    refused = CpeOutcome(ok=False, fault=CpeFault(9001, "it refused and gave no reason"))
    assert here.do(cpes.record_outcome, offered(here), refused) is None
    assert row(here)["fault"] == "9001 it refused and gave no reason"
    here.later(minutes=14)
    assert hear(here) is None
    here.later(minutes=2)
    tell(here, given(here).key, (9018, "CRC"))
    assert (row(here)["fault"], row(here)["failures"]) == ("9018 the file arrived damaged (CRC)", 2)
    here.later(minutes=16)
    assert hear(here) is None
    here.later(minutes=15)
    assert offered(here).id.endswith(".3")
    assert firmware_events(here) == ["started", "failed"] * 2


def test_another_version_after_the_restart_is_a_failure_whichever_is_told_first(here: World) -> None:
    in_service(here)
    wants(here, stop_after=10)
    work = given(here)
    here.later(seconds=30)
    hear(here, OLD, "1 BOOT", "7 TRANSFER COMPLETE")
    assert row(here)["state"] == "given", "what it has to tell comes after its Inform"
    tell(here, work.key)
    assert row(here)["fault"] == f"it restarted after the transfer and runs {OLD}, not {NEW}"
    here.later(minutes=20)
    work = given(here)
    here.later(seconds=30)
    hear(here, OLD, "7 TRANSFER COMPLETE")
    tell(here, work.key)
    assert row(here)["state"] == "transferred", "it has not restarted yet"
    here.later(seconds=30)
    hear(here, "V1.5", "1 BOOT")
    assert row(here)["fault"] == f"it restarted after the transfer and runs V1.5, not {NEW}"


def test_one_that_never_shows_the_version_fails_and_one_that_comes_late_is_confirmed(here: World) -> None:
    in_service(here)
    tell(here, given(here).key)
    here.later(seconds=TIMEOUT_S + 1)
    close(here)
    assert (row(here)["state"], row(here)["failures"]) == ("failed", 1)
    assert row(here)["fault"] == f"it did not show version {NEW} within 600 s after the transfer"
    hear(here, NEW, "1 BOOT")
    assert (row(here)["state"], row(here)["failures"], row(here)["fault"]) == ("confirmed", 0, "")


def test_a_model_that_never_tells_that_it_is_through_is_judged_by_its_version(here: World) -> None:
    in_service(here)
    wants(here, succeeds_on_timeout=True)
    given(here)
    here.later(seconds=TIMEOUT_S + 1)
    close(here)
    assert (row(here)["state"], row(here)["failures"]) == ("transferred", 0)
    hear(here, NEW, "1 BOOT")
    assert row(here)["state"] == "confirmed"


def fleet(here: World, count: int) -> list[str]:
    """Serials of CPEs in active services, made of one that was installed."""
    in_service(here)
    serials = [f"{number:016X}" for number in range(1, count + 1)]
    for serial in serials:
        hear(here, NEW, serial=serial)
    service = here.rows("SELECT * FROM device WHERE service = 'SVC-1'")[0]["service"]
    here.connection.execute(f"UPDATE device SET state = 'bound', service = '{service}' WHERE service IS NULL")
    return serials


def test_only_so_many_are_under_way_at_once(here: World) -> None:
    wants(here, at_once=2)
    first, second, third = fleet(here, 3)
    assert hear(here, serial=first) is not None
    assert hear(here, serial=second) is not None
    assert hear(here, serial=third) is None
    assert hear(here, NEW, serial=first) is None
    assert hear(here, serial=third) is not None


def test_too_many_failures_stop_it_until_somebody_resumes_it(here: World) -> None:
    """Two CPEs never come back: nobody needs to hear of them again for that."""
    first, second, third, fourth = fleet(here, 4)
    for serial in (first, second):
        work = hear(here, serial=serial)
        assert work is not None
        here.do(cpes.record_outcome, work, TAKEN)
    here.later(seconds=TIMEOUT_S + 1)
    assert close(here) == 2
    assert firmware_events(here)[-2:] == ["failed", "stopped"]
    here.later(hours=2)
    assert hear(here, serial=third) is None
    (campaign,) = transfer_reading.campaigns(here.reader, here.profiles)
    assert campaign["reason"] == "2 CPEs failed, the last because no TransferComplete came within 600 s"
    assert (campaign["stopped_at"] is not None, campaign["upgrades"]["failed"]) == (True, 2)
    assert {each["version"]: each["cpes"] for each in campaign["running"]} == {"": 1, NEW: 1, OLD: 3}
    here.do(firmware_campaigns.resume, "lab", "op")
    assert [each["action"] for each in here.reader.audit(0, 10, None)] == ["firmware.resume"]
    work = hear(here, serial=third)
    assert work is not None
    here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=CpeFault(9010, "the download failed")))
    assert hear(here, serial=fourth) is not None, "what failed before counts no more"


def woken(here: World, limit: int = 100) -> list[str]:
    """The serials of CPEs that are asked to inform now, each for its upgrade."""
    asked = here.do(cpe_waking.claim_cpes_to_wake, WakingPace(5.0, 300.0), limit)
    assert all(asking.cpe.why.startswith("upgrade ") for asking in asked)
    return [asking.cpe.facts.serial for asking in asked]


def test_cpes_are_asked_to_inform_in_the_window_as_many_as_there_is_room_for(here: World) -> None:
    wants(here, at_once=2, windows=[{"start": "22:00", "end": "23:00"}])
    serials = fleet(here, 4)
    for serial in serials:
        assert hear(here, serial=serial) is None, "it is not night yet"
    assert woken(here) == []
    here.later(hours=14)
    assert woken(here) == serials[:2]
    here.later(seconds=5)
    assert woken(here) == [], "those that were asked get the time to come"
    here.later(seconds=6)
    assert woken(here) == serials[2:], "those that were asked and did not come take nobody's place"
    assert hear(here, serial=serials[3]) is not None
    here.later(seconds=11)
    assert len(woken(here)) == 1, "one is under way"
    assert hear(here, NEW, serial=serials[3]) is None
    here.later(hours=1)
    assert woken(here) == [], "it is morning"


def test_nobody_is_asked_to_inform_for_what_is_stopped_or_done_or_failed_not_long_ago(here: World) -> None:
    wants(here, stop_after=1)
    first, second, third = fleet(here, 3)
    for serial in (first, second, third):
        work = hear(here, serial=serial)
        assert work is not None
        if serial == first:
            here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=CpeFault(9010, "no")))
            assert woken(here) == []
            here.do(firmware_campaigns.resume, "lab", "op")
    hear(here, NEW, serial=second)
    assert woken(here) == []
    here.later(minutes=16)
    close(here)
    assert woken(here) == [first]
    wants(here, version=NEW + "b")
    here.later(minutes=16)
    assert hear(here, NEW, serial=second) is not None
    here.do(firmware_campaigns.stop, "lab", "op")
    here.later(minutes=1)
    assert woken(here) == []


def test_a_new_version_does_not_wait_for_what_the_last_one_failed_at(here: World) -> None:
    in_service(here)
    work = offered(here)
    here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=CpeFault(9010, "no")))
    assert woken(here) == []
    wants(here, version="V3")
    here.later(seconds=11)
    assert woken(here) == [HEX]


def test_stopped_by_hand_it_begins_nothing_more_until_it_is_resumed(here: World) -> None:
    first, second = fleet(here, 2)
    assert hear(here, serial=first) is not None
    here.do(firmware_campaigns.stop, "lab", "op")
    with pytest.raises(Refused, match="stopped already"):
        here.do(firmware_campaigns.stop, "lab", "op")
    assert hear(here, serial=second) is None
    hear(here, NEW, serial=first)
    assert firmware_events(here) == ["started", "confirmed"], "what was under way goes on"
    here.do(firmware_campaigns.resume, "lab", "op")
    assert hear(here, serial=second) is not None
    assert [each["action"] for each in here.reader.audit(0, 10, None)] == ["firmware.stop", "firmware.resume"]


def test_an_upgrade_that_cannot_be_read_harms_only_itself(here: World) -> None:
    first, second = fleet(here, 2)
    for serial in (first, second):
        work = hear(here, serial=serial)
        assert work is not None
        here.do(cpes.record_outcome, work, TAKEN)
    here.connection.execute(
        "UPDATE cpe_firmware SET state = 'broken' WHERE device = (SELECT MIN(device) FROM cpe_firmware)"
    )
    here.later(seconds=TIMEOUT_S + 1)
    assert close(here) == 2
    assert close(here) == 0, "it does not come again"
    broken, other = here.rows("SELECT * FROM cpe_firmware ORDER BY device")
    assert (broken["state"], broken["fault"].startswith("unforeseen ")) == ("lapsed", True)
    assert other["fault"] == "no TransferComplete came within 600 s"


def test_one_cpe_that_fails_again_and_again_stops_nobody_else(here: World) -> None:
    in_service(here)
    for _ in range(4):
        here.do(cpes.record_outcome, offered(here), CpeOutcome(ok=False, fault=CpeFault(9010, "no")))
        here.later(days=1)
    assert here.rows("SELECT * FROM firmware_campaign") == []


def test_a_new_version_begins_anew(here: World) -> None:
    in_service(here)
    here.do(cpes.record_outcome, offered(here), CpeOutcome(ok=False, fault=CpeFault(9010, "no")))
    assert hear(here) is None
    wants(here, version="V3")
    assert offered(here).id.endswith(".2")
    assert row(here)["failures"] == 0


def test_resuming_what_is_not_stopped_or_not_there_is_refused(here: World) -> None:
    with pytest.raises(Refused, match="not stopped"):
        here.do(firmware_campaigns.resume, "lab", "op")
    with pytest.raises(Unknown):
        here.do(firmware_campaigns.resume, "nothing", "op")


def test_during_install_only_where_the_profile_says_so_and_after_the_configuration(here: World) -> None:
    hear(here)
    here.confirm(here.at_work())
    work = hear(here)
    assert work is not None
    assert work.cause is Cause.JOB
    assert here.do(cpes.record_outcome, work, DONE) is None
    assert hear(here) is None
    wants(here, during_install=True)
    assert offered(here).cause is Cause.FIRMWARE


def test_notices_of_others_and_of_nobody_change_nothing(here: World) -> None:
    in_service(here)
    work = given(here)
    for key in ("firmware-999.7", "asked-4711", "asked-x", "another-acs", "firmware-", "asked-" + "9" * 400):
        tell(here, key, (9010, ""))
    here.do(transfers.record_notice, "session of nobody", "TransferComplete", work.key, (9010, ""))
    here.do(transfers.record_notice, f"session of {HEX}", "Kicked", work.key, (9010, ""))
    assert row(here)["state"] == "given"
    tell(here, "", (9015, ""))
    assert row(here)["fault"] == "9015 it could not reach the file server", "without a key: the only one there is"


def test_no_restart_for_an_upgrade_breaks_off_what_somebody_asked_for(here: World) -> None:
    in_service(here)
    hear(here, NEW)
    log, _ = ask(here, Upload(what="log"))
    here.do(cpes.record_outcome, log, TAKEN)
    assert hear(here) is None, "the upgrade waits for the upload"
    tell(here, log.key, (9011, ""))
    work = given(here)
    here.do(cpe_asking.ask, work.device, Upload(what="log"), "op")
    assert hear(here) is None, "the upload waits for the upgrade"
    again = hear(here, NEW, "1 BOOT")
    assert again is not None
    assert again.cause is Cause.ASKED


# What somebody asks for.


def ask(here: World, task: Download | Upload) -> tuple[CpeWork, int]:
    device = here.rows("SELECT device FROM cpe")[0]["device"]
    task_row = here.do(cpe_asking.ask, device, task, "op")
    work = hear(here, NEW)
    assert work is not None
    assert work.cause is Cause.ASKED
    return work, task_row["id"]


def task_of(here: World, id_: int) -> dict[str, Any]:
    (found,) = here.rows(f"SELECT * FROM cpe_task WHERE id = {id_}")
    return found


def grant_of(here: World, work: CpeWork, peer: str = "10.0.0.5") -> Grant | None:
    task = work.task
    assert isinstance(task, Download | Upload)
    return here.do(transfer_grants.use, task.url.split("/")[2], peer)


def test_an_upload_is_done_when_the_file_has_come(here: World) -> None:
    hear(here, NEW)
    work, id_ = ask(here, Upload(what="log"))
    here.do(cpes.record_outcome, work, TAKEN)
    grant = grant_of(here, work)
    assert grant is not None
    assert (grant.incoming, grant.file) == (True, f"{work.device}-{id_}-log")
    for size in (10, 12):  # the answer was lost, and it sends it again
        here.do(transfers.received, grant, size, "cd" * 32)
    tell(here, work.key)
    assert (task_of(here, id_)["state"], json.loads(task_of(here, id_)["result"])["values"]["size"]) == ("done", "12")
    (kept,) = transfer_reading.uploads(here.reader, work.device, 0, 10)
    assert (kept["what"], kept["size"], kept["task"]) == ("log", 12, id_)
    assert grant_of(here, work) is None, "its URL is over"
    assert [each["action"] for each in here.reader.audit(0, 10, None)] == ["device.upload"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [(NO_FAULT, "the CPE says that it sent the file, and nothing arrived"), ((9011, ""), "9011 the upload failed")],
)
def test_an_upload_that_brought_nothing_has_failed(here: World, fault: tuple[int, str], said: str) -> None:
    hear(here, NEW)
    work, id_ = ask(here, Upload(what="configuration"))
    here.do(cpes.record_outcome, work, TAKEN)
    tell(here, work.key, fault)
    tell(here, work.key, (9010, "again"))
    assert (task_of(here, id_)["state"], task_of(here, id_)["fault"]) == ("failed", said)


def test_why_our_file_server_refused_it_is_told_with_the_fault(here: World) -> None:
    hear(here, NEW)
    work, id_ = ask(here, Upload(what="log"))
    here.do(cpes.record_outcome, work, TAKEN)
    grant = grant_of(here, work)
    assert grant is not None
    here.do(transfer_grants.refuse, grant, "a file may have 1000 bytes")
    tell(here, work.key, (9011, ""))
    assert task_of(here, id_)["fault"] == "9011 the upload failed; a file may have 1000 bytes"


@pytest.mark.parametrize(("silent", "state"), [(True, "done"), (False, "failed")])
def test_a_download_that_nobody_hears_of_ends_as_its_asker_said(here: World, silent: bool, state: str) -> None:
    hear(here, NEW)
    task = Download(file_type="3 X", url="http://a.example/f", timeout_s=60, succeeds_on_timeout=silent)
    work, id_ = ask(here, task)
    assert work.task == task, "a URL of somebody else's stays as it is"
    here.do(cpes.record_outcome, work, TAKEN)
    here.later(seconds=59)
    assert close(here) == 0
    here.later(seconds=2)
    assert close(here) == 1
    assert task_of(here, id_)["state"] == state


def test_after_a_kill_the_url_that_the_cpe_has_is_as_good_as_the_one_that_it_gets(here: World) -> None:
    hear(here, NEW)
    first, _ = ask(here, Upload(what="log"))
    second = hear(here, NEW)
    assert second is not None
    assert (second.key, second.task) != (first.key, first.task)
    assert grant_of(here, first) == grant_of(here, second) is not None


def test_a_transfer_that_cannot_be_read_harms_only_itself(here: World) -> None:
    hear(here, NEW)
    for _ in range(2):
        work, id_ = ask(here, Upload(what="log"))
        here.do(cpes.record_outcome, work, TAKEN)
    here.connection.execute("UPDATE cpe_task SET body = '{' WHERE id = (SELECT MIN(id) FROM cpe_task)")
    here.later(seconds=901)
    assert close(here) == 2
    assert close(here) == 0, "it does not come again"
    broken, other = here.rows("SELECT * FROM cpe_task ORDER BY id")
    assert (broken["state"], broken["fault"].startswith("unforeseen ")) == ("failed", True)
    assert (other["id"], other["fault"]) == (id_, "no TransferComplete came within 900 s")


def test_a_url_is_for_one_address_and_for_a_time(here: World) -> None:
    hear(here, NEW)
    work, _ = ask(here, Upload(what="log"))
    assert grant_of(here, work, "10.0.0.5") is not None
    assert grant_of(here, work, "10.0.0.6") is None
    assert here.do(transfer_grants.use, "x" * 32, "10.0.0.5") is None
    here.later(seconds=900 + 299)
    assert grant_of(here, work, "10.0.0.5") is not None
    here.later(seconds=2)
    assert grant_of(here, work, "10.0.0.5") is None


def test_uploads_make_room_by_age_and_by_size(here: World) -> None:
    for task, size in enumerate((5, 6, 7), 1):
        here.do(transfers.received, Grant(1, f"asked-{task}", True, f"1-{task}-log", 0, ""), size, "")
        here.later(days=1)
    assert here.do(transfers.uploads_to_drop, 10, 13) == ["1-1-log"]
    assert here.do(transfers.uploads_to_drop, 1.5, 13) == ["1-2-log"]
    assert transfer_reading.upload_files(here.reader) == ["1-3-log"]


def test_asking_what_is_not_there_or_never_informed_is_refused(here: World) -> None:
    with pytest.raises(Unknown):
        here.do(cpe_asking.ask, 4711, Upload(what="log"), "op")
    here.ready()
    device = here.rows("SELECT id FROM device")[0]["id"]
    with pytest.raises(Refused, match="never informed"):
        here.do(cpe_asking.ask, device, Upload(what="log"), "op")
