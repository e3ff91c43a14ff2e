"""Who a CPE is, as it is kept: its own secret step by step, every crash between them, and claims that move nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.store.world import CPE, HEX, ONT, OUI, PORT, SERIAL, World, told
from ztpd.acs.device_secrets import DeviceSecrets
from ztpd.domain.cpe import Cause, CpeFault, CpeOutcome, CpeWork, Doubt, FaultKind, Proof
from ztpd.domain.cpe_tasks import Configure, Read
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import cpe_doubts, cpe_secrets, cpe_task_rows, cpes
from ztpd.store.transaction import Refused, Transaction, Unknown

SECRETS = DeviceSecrets(b"k" * 32)
DONE = CpeOutcome(ok=True)
IP = "10.0.0.5"


@pytest.fixture
def here(here: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The operator of the other tests, with a key file."""
    plain: Callable[[], Transaction] = here.transaction

    def transaction() -> Transaction:
        tx = plain()
        tx.management = SECRETS.management
        return tx

    monkeypatch.setattr(here, "transaction", transaction)
    return here


def inform(
    here: World,
    proof: Proof = Proof.BOOTSTRAP,
    serial: str = HEX,
    ip: str = IP,
    doubt: Doubt | None = None,
    *,
    same_place: bool = False,
    detail: str = "",
    oui: str = OUI,
) -> CpeWork | None:
    """One Inform, as the ACS hands it on."""
    here.later(seconds=1)
    heard = Sighting(Source.CWMP, here.now, oui=oui, cwmp_serial=serial, ip=ip, trusted=proof is not Proof.NONE)
    said = replace(told(serial, proof), doubt=doubt, detail=detail, same_place=same_place)
    return here.do(cpes.hear_inform, heard, said)


def done(here: World, work: CpeWork | None, outcome: CpeOutcome = DONE) -> CpeWork | None:
    here.later(seconds=1)
    assert work is not None
    return here.do(cpes.record_outcome, work, outcome)


def values(work: CpeWork | None) -> dict[str, Any]:
    assert work is not None
    assert isinstance(work.task, Configure)
    return work.task.values


def carries_secret(work: CpeWork | None) -> bool:
    given = SECRETS.management(told().facts)
    return (
        work is not None
        and values(work).items()
        >= {intent: value for intent, value in given.items() if not intent.startswith("management.stun")}.items()
    )


def secret(here: World) -> str:
    (row,) = here.rows("SELECT secret FROM cpe")
    return str(row["secret"])


def device_of(here: World, name: str) -> dict[str, Any]:
    rows = here.rows("SELECT d.*, n.value FROM device d JOIN device_name n ON n.device = d.id")
    return next(row for row in rows if row["value"] == name)


def verdicts(here: World) -> list[str]:
    rows = here.rows("SELECT verdict FROM sighting WHERE source = 'cwmp' ORDER BY last_heard_at, id")
    return [row["verdict"].partition(":")[0] for row in rows]


def active(here: World) -> None:
    """A service whose CPE has a secret of its own and has shown it."""
    here.confirm(here.at_work())
    done(here, inform(here))
    assert inform(here, Proof.DEVICE) is None
    assert secret(here) == "proven"


class TestItsOwnSecret:
    def test_a_job_gives_it_together_with_the_profiles_values(self, here: World) -> None:
        here.confirm(here.at_work())
        work = inform(here)
        assert carries_secret(work)
        assert "wifi.2ghz.ssid" in values(work)
        assert secret(here) == ""
        done(here, work)
        assert secret(here) == "given"
        inform(here, Proof.DEVICE)
        assert secret(here) == "proven"

    def test_nobody_without_a_job_or_a_service_is_given_one(self, here: World) -> None:
        assert inform(here) is None
        here.ready(ONT, CPE)
        assert inform(here) is None, "its job is not at work"

    @pytest.mark.parametrize("crash", ["before it is set", "after it is set", "after it is kept", "after it is proven"])
    def test_a_kill_at_any_point_locks_nobody_out(self, here: World, crash: str) -> None:
        """Each proof that the CPE can have at that point is accepted, and it ends with its own."""
        here.confirm(here.at_work())
        work = inform(here)
        has = {"before it is set": [Proof.BOOTSTRAP], "after it is set": [Proof.DEVICE]}.get(
            crash,
            [Proof.DEVICE, Proof.BOOTSTRAP],  # some set it only when they reboot
        )
        if crash.startswith("after it is kept"):
            done(here, work)
        if crash == "after it is proven":
            has = [Proof.DEVICE]
            done(here, work)
            inform(here, Proof.DEVICE)
        for proof in reversed(has):
            before = secret(here)
            again = inform(here, proof)
            assert verdicts(here)[-1] not in set(Doubt)
            if proof is Proof.BOOTSTRAP:
                assert carries_secret(again) is (before == "")
            elif again is not None:
                assert not carries_secret(again), "it has shown it, so it needs it no more"
                done(here, again)
        inform(here, Proof.DEVICE)
        assert secret(here) in {"proven"}

    def test_what_it_did_not_take_is_not_given(self, here: World) -> None:
        here.confirm(here.at_work())
        busy = CpeOutcome(ok=False, fault=CpeFault(9002, "Internal error"))
        done(here, inform(here), busy)
        assert secret(here) == ""
        here.later(minutes=2)
        assert carries_secret(inform(here))

    @pytest.mark.parametrize("name", ["Username", "ConnectionRequestPassword"])
    def test_a_cpe_that_takes_none_does_its_job_without(self, here: World, name: str) -> None:
        here.confirm(here.at_work())
        fault = CpeFault(9008, "Attempt to set a non-writable parameter", f"Device.ManagementServer.{name}")
        rest = done(here, inform(here), CpeOutcome(ok=False, fault=fault))
        assert secret(here) == "refused"
        assert "management.password" not in values(rest)
        assert "wifi.2ghz.ssid" in values(rest)
        assert done(here, rest) is None
        assert here.job().cpe_confirmed_at is not None
        assert inform(here) is None

    def test_a_profile_that_sets_one_itself_keeps_all_of_them(self, here: World) -> None:
        profile = here.profiles["residential-1g"]
        own = {"management.username": "acme", "management.password": "theirs"}
        here.profiles["residential-1g"] = profile.model_copy(update={"cpe": {**profile.cpe, **own}})
        here.confirm(here.at_work())
        work = inform(here)
        assert values(work).items() >= own.items()
        assert "management.connection_request.password" not in values(work)
        done(here, work)
        assert secret(here) == ""

    @pytest.mark.parametrize("wanted", [True, False])
    def test_a_stun_user_is_given_where_stun_is_wanted(self, here: World, wanted: bool) -> None:
        profile = here.profiles["residential-1g"]
        cpe = {**profile.cpe, "management.stun.enable": wanted}
        here.profiles["residential-1g"] = profile.model_copy(update={"cpe": cpe})
        here.confirm(here.at_work())
        assert ("management.stun.password" in values(inform(here))) is wanted

    def test_a_cpe_that_shows_a_certificate_is_given_one_once(self, here: World) -> None:
        here.confirm(here.at_work())
        work = inform(here, Proof.CERTIFICATE)
        assert carries_secret(work)
        done(here, work)
        assert inform(here, Proof.CERTIFICATE) is None
        assert secret(here) == "given"


class TestOfAServiceWithoutAJob:
    @pytest.fixture
    def serving(self, here: World) -> World:
        """A service whose CPE was configured before there was a key file."""
        here.confirm(here.at_work())
        here.do(cpes.record_outcome, inform(here), DONE)  # type: ignore[arg-type]
        for statement in (
            "UPDATE cpe SET secret = '', secret_at = ''",
            "UPDATE job SET state = 'completed'",
            "UPDATE service SET state = 'active'",
            "UPDATE device SET service = 'SVC-1', state = 'bound'",
        ):
            here.connection.execute(statement)
        return here

    def test_it_is_given_one_by_itself_and_then_what_was_asked(self, serving: World) -> None:
        device = device_of(serving, SERIAL)["id"]
        serving.do(cpe_task_rows.add, device, Read(paths=("Device.",)), "x")
        work = inform(serving)
        assert work is not None
        assert (work.cause, work.id) == (Cause.SECRET, str(device))
        assert carries_secret(work)
        following = done(serving, work)
        assert following is not None
        assert following.cause is Cause.ASKED, "once a session is enough"
        assert secret(serving) == "given"
        assert inform(serving, Proof.DEVICE) == following

    def test_one_that_forgot_it_is_given_it_again(self, serving: World) -> None:
        done(serving, inform(serving))
        assert carries_secret(inform(serving))

    def test_one_that_cannot_take_it_is_left_alone(self, serving: World) -> None:
        fault = CpeFault(None, "no path is known", "management.password", FaultKind.UNKNOWN_INTENT)
        assert done(serving, inform(serving), CpeOutcome(ok=False, fault=fault)) is None
        assert inform(serving) is None
        assert secret(serving) == "refused"

    def test_a_device_that_is_in_no_service_is_given_none(self, serving: World) -> None:
        serving.connection.execute("UPDATE device SET service = NULL")
        assert inform(serving) is None


class TestTheSharedSecretAfterwards:
    def test_it_counts_no_more_and_the_operator_sees_why(self, here: World) -> None:
        active(here)
        before = here.device()
        asked = here.rows("SELECT * FROM cpe")
        assert inform(here, ip="6.6.6.6") is None
        assert verdicts(here)[-1] == Doubt.SPENT
        assert here.device() == before, "a claim moves nothing"
        assert here.rows("SELECT * FROM cpe") == asked, "nor does it take the session"
        (event,) = here.rows("SELECT data FROM event WHERE type = 'device.doubted'")
        assert "rebootstrap" in event["data"]
        (job,) = here.rows("SELECT job FROM sighting WHERE source = 'cwmp' ORDER BY id DESC LIMIT 1")
        assert job["job"] == "J-1", "the trace of its job has it"

    def test_by_whatever_oui_or_name_it_comes(self, here: World) -> None:
        active(here)
        assert inform(here, oui="0000AA") is None
        assert verdicts(here)[-1] == Doubt.SPENT

    def test_an_operator_lets_it_in_until_it_has_shown_its_own_again(self, here: World) -> None:
        active(here)
        device = here.device()["id"]
        here.do(cpe_secrets.allow_bootstrap, device, "was reset", "ada")
        assert inform(here) is None
        assert verdicts(here)[-1] not in set(Doubt)
        assert inform(here) is None, "as often as it needs"
        assert verdicts(here)[-1] not in set(Doubt)
        inform(here, Proof.DEVICE)
        inform(here)
        assert verdicts(here)[-1] == Doubt.SPENT
        (audit,) = here.rows("SELECT * FROM audit WHERE action = 'device.rebootstrap'")
        assert (audit["actor"], audit["subject"]) == ("ada", f"device/{device}")

    def test_who_needs_no_leave_is_given_none(self, here: World) -> None:
        with pytest.raises(Unknown):
            here.do(cpe_secrets.allow_bootstrap, 99, "why", "ada")
        inform(here)
        with pytest.raises(Refused, match="has not shown"):
            here.do(cpe_secrets.allow_bootstrap, here.device()["id"], "why", "ada")

    def test_one_that_showed_a_certificate_is_as_well_known(self, here: World) -> None:
        inform(here, Proof.CERTIFICATE)
        inform(here)
        assert verdicts(here)[-1] == Doubt.SPENT
        here.do(cpe_secrets.allow_bootstrap, here.device()["id"], "why", "ada")
        inform(here)
        assert verdicts(here)[-1] not in set(Doubt)


class TestSamePlace:
    """A CPE that was reset is let in by itself where a trusted lease of this very device says that it is."""

    MAC, OTHER = "00:25:9e:00:00:01", "00:25:9e:00:00:99"

    @pytest.fixture
    def leased(self, here: World) -> World:
        active(here)
        here.dhcp(self.MAC, ip=IP)
        device = device_of(here, self.MAC)["id"]
        known = here.device()["id"]
        if device != known:  # the name that joins them comes with an Inform that has the MAC
            here.connection.execute(f"UPDATE device_name SET device = {known} WHERE device = {device}")
            here.connection.execute(f"UPDATE sighting SET device = {known} WHERE device = {device}")
            here.connection.execute(f"UPDATE device SET state = 'retired', ip = NULL WHERE id = {device}")
            here.connection.execute(f"UPDATE device SET ip = '{IP}' WHERE id = {known}")
        return here

    def let_in(self, here: World, ip: str = IP, *, same_place: bool = True) -> bool:
        inform(here, ip=ip, same_place=same_place)
        return verdicts(here)[-1] not in set(Doubt)

    def test_it_is_let_in(self, leased: World) -> None:
        assert self.let_in(leased)
        (audit,) = leased.rows("SELECT * FROM audit WHERE action = 'device.rebootstrap'")
        assert audit["actor"] == "ztpd"

    def test_not_where_an_operator_wants_to_be_asked(self, leased: World) -> None:
        assert not self.let_in(leased, same_place=False)

    def test_not_from_another_address(self, leased: World) -> None:
        assert not self.let_in(leased, ip="10.0.0.6")

    def test_not_when_the_address_was_leased_to_another_since(self, leased: World) -> None:
        leased.dhcp(self.OTHER, ip=IP)
        assert not self.let_in(leased)

    def test_not_when_it_has_another_lease_by_now(self, leased: World) -> None:
        leased.dhcp(self.MAC, ip="10.0.0.7")
        assert not self.let_in(leased)

    def test_not_by_a_lease_that_anybody_may_have_made_up(self, leased: World) -> None:
        leased.connection.execute(
            "UPDATE sighting SET body = REPLACE(body, '\"trusted\":true', '\"trusted\":false') WHERE source = 'dhcp'"
        )
        assert not self.let_in(leased)

    def test_not_by_its_own_informs_alone(self, here: World) -> None:
        active(here)
        assert here.device()["ip"] == IP
        assert not self.let_in(here)


class TestClaims:
    @pytest.mark.parametrize("doubt", [Doubt.UNPROVEN, Doubt.MISMATCH])
    def test_a_device_that_nobody_knew_is_in_quarantine_for_its_reason(self, here: World, doubt: Doubt) -> None:
        assert inform(here, Proof.NONE, doubt=doubt, detail="its user name 'x' is of 'y'") is None
        device = here.device()
        assert (device["state"], device["reason"], device["ip"]) == ("quarantined", doubt, None)
        assert here.rows("SELECT * FROM cpe") == []
        (shown,) = here.reader.quarantine(0, 10, ignored=False)
        assert shown["why"] == doubt.words
        assert shown["heard"][0]["body"]["details"]["because"] == "its user name 'x' is of 'y'"

    @pytest.mark.parametrize("doubt", [Doubt.UNPROVEN, Doubt.MISMATCH])
    @pytest.mark.parametrize("stage", ["expected", "at work", "active"])
    def test_a_device_that_is_expected_or_bound_stays_as_it_is(self, here: World, doubt: Doubt, stage: str) -> None:
        if stage == "active":
            active(here)
        else:
            (here.ready if stage == "expected" else here.at_work)(ONT, CPE)
        tables = ("device", "device_name", "job", "allocation", "cpe", "service")
        before = {table: here.rows(f"SELECT * FROM {table}") for table in tables}
        for _ in range(3):
            assert inform(here, Proof.NONE, ip="6.6.6.6", doubt=doubt) is None
        assert {table: here.rows(f"SELECT * FROM {table}") for table in tables} == before
        kept = here.rows("SELECT times, job FROM sighting WHERE source = 'cwmp' ORDER BY id DESC LIMIT 1")
        assert kept == [{"times": 3, "job": "J-1"}]
        assert len(here.rows("SELECT * FROM event WHERE type = 'device.doubted'")) == 1

    def test_a_claim_takes_no_address_and_joins_nobody(self, here: World) -> None:
        here.dhcp("00:25:9e:00:00:01", ip=IP)
        leased = device_of(here, "00:25:9e:00:00:01")
        inform(here, Proof.NONE, serial="S-FORGED", ip=IP)
        assert device_of(here, "00:25:9e:00:00:01") | {"value": ""} == leased | {"value": ""}
        assert device_of(here, f"{OUI}-S-FORGED")["id"] != leased["id"]

    def test_a_device_that_is_really_there_is_as_unknown_as_any_other(self, here: World) -> None:
        inform(here, Proof.NONE)
        here.announce()
        assert here.device()["reason"] == "unknown"
        inform(here, Proof.NONE)
        assert here.device()["reason"] == "unknown"

    def test_a_device_that_proves_itself_later_goes_on(self, here: World) -> None:
        inform(here, Proof.NONE)
        here.ready(ONT, CPE)
        here.announce(PORT)
        here.claimed()
        assert inform(here) is not None

    def test_forged_names_cannot_fill_the_database(self, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cpe_doubts, "KEPT_DEVICES", 20)
        here.ready(ONT, CPE)
        inform(here, serial="S-HONEST")
        for number in range(100):
            inform(here, Proof.NONE, serial=f"S-{number}", detail=str(number))
        forged = here.rows("SELECT value FROM device_name WHERE value LIKE '%-S-%' ORDER BY device")
        assert [row["value"] for row in forged] == [f"{OUI}-S-HONEST", *(f"{OUI}-S-{n}" for n in range(80, 100))]
        assert len(here.rows("SELECT * FROM sighting")) == 21
        assert len(here.rows("SELECT * FROM device")) == 22

    @pytest.mark.parametrize("serial", ["", "x" * 5000])
    def test_a_name_that_no_device_has_is_not_kept(self, here: World, serial: str) -> None:
        inform(here, Proof.NONE, serial=serial, oui="" if not serial else OUI)
        assert here.rows("SELECT * FROM device") == []
