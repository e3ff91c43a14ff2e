"""Attempts: claimed under a lease, applied, confirmed or failed; an outcome of yesterday counts for nothing today."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from drivers.access import Levels
from tests.integration.store.world import (
    CPE,
    GOOD_LIGHT,
    HEX,
    LEASE,
    OLT,
    ONT,
    OTHER_PORT,
    PORT,
    SECRET,
    World,
    location,
    observed,
    order,
)
from ztpd.domain.cpe_tasks import Configure
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import AllocatedDevice, LocationBody
from ztpd.store import attempts, orders
from ztpd.store.attempts import CpeResult, Lease
from ztpd.store.transaction import Superseded

OTHER_NODE = Lease("node-2", timedelta(seconds=60))
BUSY = Failure(Code.ELEMENT_BUSY, "lock held")
LIGHT = Failure(Code.LOW_LIGHT, "ONT receives -30.0 dBm")
KEPT = CpeResult(True, {"ssid": "home"})


def test_the_network_and_the_cpe_are_confirmed_in_either_order(here: World) -> None:
    work = here.at_work()
    wanted = here.inform()
    assert wanted is not None
    assert isinstance(wanted.task, Configure)
    assert wanted.task.values["wifi.2ghz.passphrase"] == SECRET
    here.do(attempts.record_cpe, "J-1", KEPT)
    assert here.inform() is None, "it kept what it was told"
    assert here.job().state is JobState.APPLYING
    assert here.confirm(work) is JobState.AWAITING_COMPLETION


def test_a_job_waits_for_its_cpe_and_nobody_claims_it_meanwhile(here: World) -> None:
    assert here.confirm(here.at_work()) is JobState.VERIFYING
    here.later(minutes=10)
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    here.do(attempts.record_cpe, "J-1", KEPT)
    assert here.job().state is JobState.AWAITING_COMPLETION


def test_the_network_is_confirmed_once_in_an_attempt(here: World) -> None:
    work = here.at_work()
    here.confirm(work)
    with pytest.raises(Superseded):
        here.do(attempts.confirm_network, work, LEASE, observed(work.wanted), GOOD_LIGHT)
    assert len(here.reader.evidence("J-1")) == 1


def test_a_cpe_that_stays_silent_fails_the_job_in_time(here: World) -> None:
    here.confirm(here.at_work())
    here.later(seconds=899)
    assert here.do(attempts.close_overdue, 10) == 0
    here.later(seconds=1)
    assert here.do(attempts.close_overdue, 10) == 1
    assert (here.job().state, here.codes()) == (JobState.FAILED, ["cpe-silent"])
    with pytest.raises(Superseded):
        here.do(attempts.record_cpe, "J-1", KEPT)


def test_a_job_without_a_cpe_waits_for_none(here: World) -> None:
    work = here.at_work(ONT)
    assert work.cpe == {}
    assert here.confirm(work) is JobState.AWAITING_COMPLETION


def test_a_cpe_is_told_nothing_before_its_job_is_at_work(here: World) -> None:
    assert here.inform() is None
    here.ready()
    assert here.inform() is None
    here.announce()
    assert here.inform() is None
    here.claimed()
    assert here.inform() is not None
    assert here.inform(serial=HEX[:-1] + "E") is None, "another device is another's"


def test_a_faulty_cpe_fails_the_job(here: World) -> None:
    here.at_work()
    here.do(attempts.record_cpe, "J-1", CpeResult(False, {}, "9007 invalid value: wifi.2ghz.ssid"))
    assert here.job().failures == (Failure(Code.CPE_FAULT, "9007 invalid value: wifi.2ghz.ssid"),)


def test_secrets_are_in_no_event_no_evidence_and_no_sighting(here: World) -> None:
    work = here.at_work()
    assert SECRET not in repr(work)
    assert SECRET not in repr(here.inform())
    here.do(attempts.record_cpe, "J-1", CpeResult(True, {"KeyPassphrase": SECRET, "SSID": "home"}))
    here.confirm(work)
    here.do(orders.put_location, "LOC-1", location(port=OTHER_PORT))
    here.do(orders.put_location, "LOC-1", location(port=PORT))
    here.claimed()
    here.do(attempts.record_cpe, "J-1", CpeResult(False, {}, f"9007 {SECRET!r} is too long"))
    for table in ("event", "evidence", "sighting", "device", "delivery"):
        assert SECRET not in repr(here.rows(f"SELECT * FROM {table}")), table
    assert SECRET not in repr(here.job().failures)
    assert "home" in repr(here.rows("SELECT * FROM evidence"))


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(here: World) -> None:
    first = here.at_work()
    here.later(seconds=59)
    assert here.do(attempts.claim_jobs, OLT, OTHER_NODE, 10) == []
    here.do(attempts.renew_leases, LEASE, {first.job: first.attempt})
    here.later(seconds=59)
    assert here.do(attempts.claim_jobs, OLT, OTHER_NODE, 10) == []
    here.later(seconds=1)
    (second,) = here.do(attempts.claim_jobs, OLT, OTHER_NODE, 10)
    assert second.attempt == first.attempt + 1
    for outcome in (
        lambda: here.do(attempts.record_applied, first, LEASE, []),
        lambda: here.do(attempts.confirm_network, first, LEASE, observed(first.wanted), GOOD_LIGHT),
        lambda: here.do(attempts.fail_attempt, first, LEASE, LIGHT, None),
    ):
        with pytest.raises(Superseded):
            outcome()
    here.do(attempts.renew_leases, LEASE, {first.job: first.attempt})
    assert here.job().row["owner"] == "node-2"


def test_a_claim_whose_answer_was_lost_runs_out_though_its_owner_lives(here: World) -> None:
    first = here.at_work()
    here.later(seconds=30)
    here.do(attempts.renew_leases, LEASE, {})
    here.later(seconds=30)
    (second,) = here.do(attempts.claim_jobs, OLT, LEASE, 10)
    assert (second.job, second.attempt) == (first.job, first.attempt + 1)


def test_an_outcome_told_twice_counts_once(here: World) -> None:
    work = here.at_work()
    here.do(attempts.record_applied, work, LEASE, ["onu"])
    told = len(here.events())
    here.do(attempts.record_applied, work, LEASE, ["onu"])
    assert here.job().state is JobState.VERIFYING
    assert len(here.events()) == told


def test_a_job_whose_record_raises_fails_alone(here: World) -> None:
    """A stored value that a newer version no longer accepts must not block the lane of its element."""
    here.ready(ONT)
    other = AllocatedDevice(role="ont", serial="ZTEG00000002")
    here.do(orders.put_location, "LOC-2", location())
    here.do(orders.put_job, "J-2", order(other, service="SVC-2", place="LOC-2"))
    here.announce()
    here.announce(serial="ZTEG00000002")
    spoil = "UPDATE job SET body = '{}' WHERE id = 'J-1'"
    here.connection.execute(spoil)
    (work,) = here.do(attempts.claim_jobs, OLT, LEASE, 10)
    assert work.job == "J-2"
    (state, failures) = next((row["state"], row["failures"]) for row in here.rows("SELECT * FROM job ORDER BY id"))
    assert state == "failed"
    assert "unforeseen" in failures
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []


def test_a_node_that_was_started_anew_takes_up_what_it_had_claimed(here: World) -> None:
    first = here.at_work()
    here.do(attempts.record_applied, first, LEASE, ["onu"])
    here.do(attempts.release_claims, "node-2")
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    here.do(attempts.release_claims, LEASE.owner)
    assert here.claimed().attempt == 2
    assert here.job().state is JobState.APPLYING
    with pytest.raises(Superseded):
        here.do(attempts.confirm_network, first, LEASE, observed(first.wanted), GOOD_LIGHT)


def test_a_lane_claims_the_jobs_of_its_element_only_and_no_more_than_it_can(here: World) -> None:
    here.do(orders.put_location, "LOC-1", location())
    here.do(orders.put_location, "LOC-2", location(element="olt-2"))
    for number in range(3):
        ont = ONT.model_copy(update={"serial": f"HWTC0000000{number}"})
        here.do(orders.put_job, f"J-{number}", order(ont, service=f"SVC-{number}"))
        here.later(seconds=1)
        here.announce(serial=f"HWTC0000000{number}")
    assert here.do(attempts.claim_jobs, "olt-2", LEASE, 10) == []
    assert [work.job for work in here.do(attempts.claim_jobs, OLT, LEASE, 2)] == ["J-0", "J-1"]
    assert [work.job for work in here.do(attempts.claim_jobs, OLT, LEASE, 2)] == ["J-2"]


def test_a_job_that_lost_a_leg_before_its_attempt_is_held_instead(here: World) -> None:
    here.ready()
    here.announce()
    profile = here.profiles.pop("residential-1g")
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    assert (here.job().state, here.codes()) == (JobState.HELD, ["profile-missing"])
    here.profiles[profile.name] = profile
    here.do(orders.settle_held)
    assert here.claimed().job == "J-1"


def test_an_attempt_that_is_put_off_is_due_again_at_its_time(here: World) -> None:
    work = here.at_work()
    assert here.do(attempts.fail_attempt, work, LEASE, BUSY, here.now + timedelta(seconds=30)) is JobState.DISCOVERED
    assert here.codes() == ["element-busy"]
    here.later(seconds=29)
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
    here.later(seconds=1)
    again = here.claimed()
    assert (again.attempt, again.attempt_of_visit) == (2, 2)
    here.do(attempts.fail_attempt, again, LEASE, LIGHT, None)
    here.announce(gone=True)
    here.announce()
    assert here.claimed().attempt_of_visit == 1, "the device was heard anew: patience begins anew"


def test_a_new_attempt_must_confirm_the_network_again(here: World) -> None:
    """The CPE's answer must not complete an attempt whose own read-back and light are not there yet."""
    here.confirm(here.at_work())
    here.announce(gone=True)
    here.announce(OTHER_PORT)
    assert here.codes() == ["wrong-port"]
    here.announce(OTHER_PORT, gone=True)
    here.announce(PORT)
    second = here.claimed()
    assert here.job().network_confirmed_at is None
    here.do(attempts.record_applied, second, LEASE, [])
    here.do(attempts.record_cpe, "J-1", KEPT)
    assert here.job().state is JobState.VERIFYING
    here.do(attempts.fail_attempt, second, LEASE, LIGHT, None)
    assert here.codes() == ["low-light"]


def test_an_order_that_changes_what_the_cpe_is_told_has_the_cpe_told_again(here: World) -> None:
    work = here.at_work()
    here.do(attempts.record_cpe, "J-1", KEPT)
    here.do(attempts.fail_attempt, work, LEASE, LIGHT, None)
    parameters = {"c_vlan": 301, "wifi_ssid": "another", "wifi_passphrase": SECRET}
    here.do(orders.put_job, "J-1", order(ONT, CPE, parameters=parameters))
    here.do(orders.ask_retry, "J-1")
    work = here.claimed()
    assert here.confirm(work) is JobState.VERIFYING
    wanted = here.inform()
    assert wanted is not None
    assert isinstance(wanted.task, Configure)
    assert wanted.task.values["wifi.2ghz.ssid"] == "another"


def test_an_order_that_changes_only_the_technician_keeps_what_the_cpe_confirmed(here: World) -> None:
    work = here.at_work()
    here.do(attempts.record_cpe, "J-1", KEPT)
    here.do(attempts.fail_attempt, work, LEASE, LIGHT, None)
    here.do(orders.put_job, "J-1", order(ONT, CPE, technician="T-10"))
    here.do(orders.ask_retry, "J-1")
    assert here.confirm(here.claimed()) is JobState.AWAITING_COMPLETION


def test_the_evidence_of_the_network_holds_what_was_read_and_measured(here: World) -> None:
    here.confirm(here.at_work(), Levels(-18.5, -21.25))
    (evidence,) = here.reader.evidence("J-1")
    assert evidence["kind"] == "network"
    assert evidence["body"]["levels"] == asdict(Levels(-18.5, -21.25))
    assert evidence["body"]["access"]["device"] == "HWTC1A2B3C4D"
    assert evidence["body"]["profile_version"] == 1


def test_a_place_that_becomes_unserviceable_before_the_attempt_stops_it(here: World) -> None:
    here.ready()
    here.announce()
    here.do(orders.put_location, "LOC-1", LocationBody(address="1 High Street", serviceable=False))
    assert here.codes() == ["not-serviceable"]
    assert here.do(attempts.claim_jobs, OLT, LEASE, 10) == []
