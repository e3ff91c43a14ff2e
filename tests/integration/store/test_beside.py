"""Beside other tools: decisions are kept once and judged, services taken over once; a dry run leaves no trace."""

from dataclasses import replace
from typing import Any

import pytest

from drivers.access import Difference, ObservedAccess
from pon.onu import Presence
from tests.integration.store.world import LEASE, OLT, ONT, OTHER_SERIAL, PORT, SERIAL, World, location, order
from ztpd.domain.adoption import Finding, ListedService, Outcome, Pair
from ztpd.domain.comparing import Judgement, Verdict
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import LocationBody
from ztpd.store import adoption, attempts, orders, shadowing
from ztpd.store.adoption import Where
from ztpd.store.shadowing import Case, Decided

WHERE = Where(OLT, "pon", "office")
DEVICE_MISSING = Difference("device", None, SERIAL)


def due(here: World) -> Case:
    """The case of a job whose device was just heard."""
    here.ready(ONT)
    here.announce()
    (case,) = here.do(shadowing.undecided, OLT, 10)
    return case


def decided(here: World) -> list[dict[str, Any]]:
    return here.reader.decisions(OLT, 0, 10, None)


class TestDecisions:
    def test_a_due_job_is_decided_on_once_and_stays_where_it_is(self, here: World) -> None:
        case = due(here)
        assert (case.job, case.service, case.kind) == ("J-1", "SVC-1", "install")
        assert here.do(shadowing.keep_decisions, OLT, [Decided(case, (DEVICE_MISSING,))]) == 1
        assert here.do(shadowing.keep_decisions, OLT, [Decided(case, (DEVICE_MISSING,))]) == 0
        assert here.do(shadowing.undecided, OLT, 10) == []
        assert here.job().state is JobState.DISCOVERED
        (kept,) = decided(here)
        assert (kept["job"], kept["verdict"], kept["refusal"]) == ("J-1", "pending", None)
        assert kept["changes"] == [str(DEVICE_MISSING)]
        assert kept["wanted"]["c_vlan"] == 301
        assert "ppp_password" not in kept["wanted"]

    def test_other_elements_jobs_are_not_decided_on(self, here: World) -> None:
        due(here)
        assert here.do(shadowing.undecided, "olt-2", 10) == []

    def test_a_job_that_went_on_meanwhile_is_not_kept(self, here: World) -> None:
        case = due(here)
        here.later(seconds=1)
        here.do(attempts.claim_jobs, OLT, LEASE, 10)
        assert here.do(shadowing.keep_decisions, OLT, [Decided(case)]) == 0
        assert decided(here) == []

    def test_a_job_that_lost_a_leg_is_held(self, here: World) -> None:
        here.ready(ONT)
        here.announce()
        here.profiles.clear()
        assert here.do(shadowing.undecided, OLT, 10) == []
        assert (here.job().state, here.codes()) == (JobState.HELD, ["profile-missing"])

    def test_a_job_that_became_due_anew_is_decided_on_anew_and_the_older_decision_is_closed(self, here: World) -> None:
        here.do(shadowing.keep_decisions, OLT, [Decided(due(here), refusal="no such port")])
        here.later(minutes=1)
        here.announce(port="1/1/4")
        here.announce(port="1/1/4", gone=True)
        here.later(minutes=1)
        here.announce(gone=True)
        here.announce()
        (again,) = here.do(shadowing.undecided, OLT, 10)
        here.do(shadowing.keep_decisions, OLT, [Decided(again)])
        assert [each.wanted.device for each in here.do(shadowing.open_decisions, OLT, 0, 10)] == [SERIAL]
        first, second = decided(here)
        assert first["refusal"] == "no such port"
        assert first["closed_at"] is not None
        assert second["closed_at"] is None
        assert here.reader.decision_counts() == [{"element": OLT, "verdict": "pending", "decisions": 1}]

    def test_a_verdict_is_kept_with_its_time_when_it_is_news(self, here: World) -> None:
        here.do(shadowing.keep_decisions, OLT, [Decided(due(here), (DEVICE_MISSING,))])
        (open_one,) = here.do(shadowing.open_decisions, OLT, 0, 10)
        assert open_one.before == (str(DEVICE_MISSING),)
        wrong = Judgement(Verdict.DIFFERED, (Difference("s_vlan", 1, 2),), ("downstream_bps",))
        here.later(minutes=5)
        assert here.do(shadowing.keep_judgements, [(open_one.id, wrong)]) == [open_one.id]
        here.later(minutes=5)
        assert here.do(shadowing.keep_judgements, [(open_one.id, wrong)]) == []
        (kept,) = decided(here)
        assert (kept["verdict"], kept["unread"]) == ("differed", ["downstream_bps"])
        assert kept["differences"] == ["s_vlan: 1 → 2"]
        assert kept["verdict_since"].startswith("2026-03-01T08:05:00")
        assert [each["verdict"] for each in kept["verdicts"]] == ["pending", "differed"]
        here.do(shadowing.keep_judgements, [(open_one.id, Judgement(Verdict.AGREED))])
        assert [each["verdict"] for each in decided(here)[0]["verdicts"]] == ["pending", "differed", "agreed"]
        assert here.reader.decisions(OLT, 0, 10, "differed") == []
        assert len(here.reader.decisions(OLT, 0, 10, "agreed")) == 1

    def test_a_record_that_cannot_be_worked_with_is_decided_on_as_refused(
        self, here: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here.ready(ONT)
        here.announce()

        def broken(*_: object, **__: object) -> None:
            raise KeyError("onu-type")

        monkeypatch.setattr(shadowing, "wanted_access", broken)
        (case,) = here.do(shadowing.undecided, OLT, 10)
        assert case.wanted is None
        here.do(shadowing.keep_decisions, OLT, [Decided(case)])
        (kept,) = decided(here)
        assert "unforeseen KeyError" in kept["refusal"]
        assert kept["wanted"] is None
        assert here.do(shadowing.open_decisions, OLT, 0, 10) == []
        assert here.do(shadowing.undecided, OLT, 10) == []


def listed(number: int = 1, **others: Any) -> ListedService:
    named = {"service": f"SVC-{number}", "account": "ACC-1", "location": f"LOC-{number}", "profile": "residential-1g"}
    parameters = {"c_vlan": 300 + number, "wifi_passphrase": "correct horse battery", "wifi_ssid": "home"}
    serial = SERIAL if number == 1 else f"ALCL{number:08X}"
    return ListedService.model_validate(
        {**named, "parameters": parameters, "serial": serial, "address": "1 High Street", **others}
    )


def pair(number: int = 1, *, enabled: bool = True, downstream_bps: int | None = None, **others: Any) -> Pair:
    each = listed(number, **others)
    shown = ObservedAccess(
        device=each.serial or each.port or "",
        port=PORT,
        service=None,
        s_vlan=201,
        c_vlan=300 + number,
        downstream_bps=downstream_bps or 1_000_000_000,
        upstream_bps=500_000_000,
        assured_upstream_bps=0,
        enabled=enabled,
        presence=Presence.INTENDED,
        unmodelled=frozenset({"priority", "fixed_upstream_bps", "address", "ppp_user"}),
    )
    return Pair(number, each, shown)


def take(here: World, *pairs: Pair, dry_run: bool = False) -> list[Finding]:
    return here.do(adoption.take_over, WHERE, list(pairs), dry_run=dry_run)


def everything(here: World) -> dict[str, list[dict[str, Any]]]:
    tables = ("adopted", "audit", "decision", "device")
    return {**here.written(), **{table: sorted(here.rows(f"SELECT * FROM {table}"), key=repr) for table in tables}}


class TestAdoption:
    def test_a_service_becomes_ours_with_its_device_its_evidence_and_an_event(self, here: World) -> None:
        here.do(orders.put_location, "LOC-1", location())
        here.announce()
        (found,) = take(here, pair())
        assert found.outcome in {Outcome.ADOPTED, Outcome.ADOPTED_DIFFERENT}
        service = here.reader.service("SVC-1")
        assert service is not None
        assert (service["state"], service["account"]) == ("active", "ACC-1")
        assert service["confirmed_at"] is not None
        device = here.device()
        assert (device["state"], device["service"]) == ("bound", "SVC-1")
        assert here.events() == ["service.adopted"]
        assert {row["endpoint"] for row in here.rows("SELECT * FROM delivery")} >= {"billing"}
        (evidence,) = here.rows("SELECT * FROM evidence")
        assert (evidence["service"], evidence["kind"], evidence["author"]) == ("SVC-1", "adopted", "office")
        (audited,) = here.reader.audit(0, 10, "service/SVC-1")
        assert (audited["actor"], audited["action"]) == ("office", "service.adopt")
        assert here.reader.adopted() == [{"element": OLT, "device": SERIAL, "service": "SVC-1"}]

    def test_no_secret_is_kept_where_it_is_shown(self, here: World) -> None:
        take(here, pair())
        shown = repr({table: here.rows(f"SELECT * FROM {table}") for table in ("evidence", "event", "audit")})
        assert "correct horse" not in shown
        assert "wifi_ssid" in shown

    def test_an_unknown_place_with_an_address_is_described(self, here: World) -> None:
        take(here, pair())
        place = here.reader.location("LOC-1")
        assert place is not None
        assert place["access"] == {"technology": "pon", "element": OLT, "port": PORT}

    def test_an_unknown_place_without_one_is_refused_and_nothing_is_kept(self, here: World) -> None:
        before = everything(here)
        (found,) = take(here, pair(address=None))
        assert found.outcome is Outcome.REFUSED
        assert "PUT /v1/locations/LOC-1" in found.remedy
        assert everything(here) == before

    def test_a_place_without_a_port_is_given_the_elements(self, here: World) -> None:
        here.do(orders.put_location, "LOC-1", LocationBody(address="9 Low Street"))
        take(here, pair())
        place = here.reader.location("LOC-1")
        assert place is not None
        assert (place["address"], place["access"]["port"]) == ("9 Low Street", PORT)

    def test_what_is_disabled_on_the_element_is_suspended(self, here: World) -> None:
        take(here, pair(enabled=False))
        service = here.reader.service("SVC-1")
        assert service is not None
        assert service["state"] == "suspended"

    def test_the_same_import_again_changes_nothing(self, here: World) -> None:
        take(here, pair(1), pair(2))
        before = everything(here)
        here.later(hours=1)
        assert [each.outcome for each in take(here, pair(1), pair(2))] == [Outcome.OURS, Outcome.OURS]
        assert everything(here) == before

    def test_a_dry_run_says_the_same_and_keeps_nothing(self, here: World) -> None:
        pairs = (pair(1), pair(2, address=None), pair(3, downstream_bps=5), pair(4, enabled=False))
        before = everything(here)
        asked = take(here, *pairs, dry_run=True)
        assert everything(here) == before
        assert take(here, *pairs) == asked
        assert [each.outcome for each in asked].count(Outcome.REFUSED) == 1

    def test_one_that_is_refused_harms_no_other(self, here: World) -> None:
        found = take(here, pair(1), pair(2, account="ACC-2", profile="none"), pair(3))
        assert [each.outcome is Outcome.REFUSED for each in found] == [False, True, False]
        assert [each["id"] for each in here.reader.services("", 10, "active")] == ["SVC-1", "SVC-3"]

    def test_the_install_that_was_ordered_for_it_is_cancelled(self, here: World) -> None:
        here.ready(ONT)
        here.announce()
        (found,) = take(here, pair())
        assert found.outcome in {Outcome.ADOPTED, Outcome.ADOPTED_DIFFERENT}
        assert here.job().state is JobState.CANCELLED
        assert here.events()[-2:] == ["job.cancelled", "service.adopted"]

    def test_an_install_under_way_is_left_to_end(self, here: World) -> None:
        here.at_work(ONT)
        (found,) = take(here, pair())
        assert (found.outcome, found.problem) == (Outcome.REFUSED, "job J-1 of the service is applying")
        assert here.job().state is JobState.APPLYING

    def test_a_device_that_another_service_or_job_has_is_refused(self, here: World) -> None:
        take(here, pair())
        other = replace(pair(), listed=listed(service="SVC-9", location="LOC-9"))
        (found,) = take(here, other)
        assert (found.outcome, found.problem) == (Outcome.REFUSED, f"{SERIAL} belongs to service SVC-1")
        here.do(orders.put_location, "LOC-8", location())
        here.do(
            orders.put_job,
            "J-8",
            order(ONT.model_copy(update={"serial": "ALCL00000002"}), service="SVC-8", place="LOC-8"),
        )
        (found,) = take(here, pair(2))
        assert (found.outcome, found.problem) == (Outcome.REFUSED, "ALCL00000002 belongs to job J-8")

    def test_a_clone_is_refused(self, here: World) -> None:
        take(here, pair(2))
        here.announce(PORT)
        here.announce("1/1/4")
        (found,) = take(here, pair())
        assert found.outcome is Outcome.REFUSED
        assert "in quarantine: duplicate-serial" in found.problem

    def test_devices_that_no_line_names_are_ours_or_nobodys(self, here: World) -> None:
        take(here, pair())
        stranger = replace(pair().observed, device=OTHER_SERIAL)
        found = here.do(adoption.tell_unlisted, WHERE, [pair().observed, stranger])
        assert [(each.outcome, each.service) for each in found] == [
            (Outcome.OURS, "SVC-1"),
            (Outcome.UNLISTED, None),
        ]
