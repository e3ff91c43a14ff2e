"""Intents on lab CPEs of both data models, over the real store: what is found once, made, verified and put right."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.integration.store.world import GOOD_LIGHT, LEASE, OLT, OUI, location, observed, order
from tests.integration.test_acs_restart import SET, as_set, port_of, post, shows
from tests.integration.test_acs_restart import cpe as raw_cpe
from tests.unit.acs.envelopes import inform
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsServer
from ztpd.acs.settings import AcsSettings
from ztpd.config import load_profiles
from ztpd.domain.drift import DriftRule
from ztpd.domain.model import AllocatedDevice
from ztpd.domain.profile import CompletionRules, Profile, Value
from ztpd.informing import Informing
from ztpd.lab.cpe import CpeSettings, LabCpe, Root
from ztpd.lab.cpe.accounts import Accounts
from ztpd.lab.cpe.state import BOOT, BOOTSTRAP, PERIODIC
from ztpd.lab.cpe.subscriptions import follow
from ztpd.store import attempts, orders, sightings
from ztpd.store.store import Context, Store, open_store

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
ONCE = ["SetParameterValues", "GetParameterValues"]
FIND = {"GetParameterValues", "GetParameterNames"}
PPP = {
    Root.TR181: "Device.PPP.Interface.1.",
    Root.TR098: "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.",
}
SSID_5GHZ = {
    Root.TR181: "Device.WiFi.SSID.2.SSID",
    Root.TR098: "InternetGatewayDevice.LANDevice.1.WLANConfiguration.5.SSID",
}
MAPPINGS = {Root.TR181: "Device.NAT.PortMapping.", Root.TR098: f"{PPP[Root.TR098]}PortMapping."}
WANTED: dict[str, Value] = {
    "wan.pppoe.username": "u@isp",
    "wan.pppoe.password": "sentinel-login",
    "wifi.2ghz.ssid": "$wifi_ssid",
    "wifi.5ghz.ssid": "$wifi_ssid",
    "wifi.5ghz.passphrase": "$wifi_passphrase",
    "management.periodic_inform_interval": 3600,
}


def mapping(number: int, port: int) -> dict[str, Value]:
    name = f"nat.port_mapping.{number}"
    values: dict[str, Value] = {"external_port": port, "internal_port": port, "client": "192.168.1.10", "enable": True}
    return {f"{name}.{key}": value for key, value in values.items()} | {f"{name}.protocol": "tcp"}


@dataclass
class Stage:
    """The ACS over a store in a file; ``wanted`` and ``rule`` are the profile's when a job is ordered or looked at."""

    folder: Path
    now: datetime = START
    ids: "itertools.count[int]" = field(default_factory=itertools.count)
    profiles: dict[str, Profile] = field(default_factory=lambda: load_profiles(Path("config/profiles")))
    acs: AcsServer = field(init=False)
    store: Store = field(init=False)

    def wants(self, cpe: dict[str, Value], **rule: Any) -> None:
        plain = self.profiles["residential-1g"]
        change = {"cpe": cpe, "drift": DriftRule(**rule), "completion": CompletionRules(required=False)}
        self.profiles["residential-1g"] = plain.model_copy(update=change)

    @asynccontextmanager
    async def daemon(self, port: int = 0) -> AsyncIterator[None]:
        """The daemon, from its start to its end."""
        context = Context(lambda: self.now, self.profiles, lambda event_type: (), lambda: f"evt_{next(self.ids)}")
        async with open_store(f"sqlite:///{self.folder / 'z.db'}", context) as self.store:
            informing = Informing(self.store, lambda: self.now, lambda source, outcome: None, lambda outcome: None)
            settings = AcsSettings(Credentials("ztpd", "cpe", "secret"), port=port)
            async with AcsServer(settings, informing.core()) as self.acs:
                yield

    async def installing(self, number: int) -> None:
        """A job whose network works: what is left is its CPE."""
        serial, port = f"HWTC1A2B3C{number:02}", f"1/1/{number}"
        ont = AllocatedDevice(role="ont", serial=serial)
        cpe = AllocatedDevice(role="cpe", oui=OUI, serial=f"S{number}")
        place = {"service": f"SVC-{number}", "place": f"LOC-{number}"}
        await self.store.commit(orders.put_location, f"LOC-{number}", location(port=port))
        await self.store.commit(orders.put_job, f"J-{number}", order(ont, cpe, **place))
        onu = PresentDevice(port, serial, Presence.UNKNOWN, "present")
        await self.store.commit(sightings.record_announcement, OLT, onu, self.now)
        (work,) = await self.store.commit(attempts.claim_jobs, OLT, LEASE, 10)
        await self.store.commit(attempts.record_applied, work, LEASE, ["onu"])
        await self.store.commit(attempts.confirm_network, work, LEASE, observed(work.wanted), GOOD_LIGHT)

    def cpe(self, number: int, root: Root, **how: Any) -> LabCpe:
        """The CPE of that job; it dials in when it is told the right password."""
        settings = CpeSettings(acs_url=self.acs.url, username="cpe", password="secret", serial=f"S{number}")
        how.setdefault("parameters", {f"{PPP[root]}ConnectionStatus": "Connected"})
        return LabCpe(replace(settings, root=root, oui=OUI, **how))

    async def state(self, number: int) -> str:
        row = await self.store.read(lambda reader: reader.job(f"J-{number}"))
        assert row is not None
        return str(row["state"])

    async def told(self, number: int) -> list[str]:
        """What the trace of a job says of its CPE."""
        trace = await self.store.read(lambda reader: reader.trace(f"J-{number}"))
        assert trace is not None
        return [entry["what"] for entry in trace if entry["what"].startswith(("cpe.", "job.cpe"))]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    here = Stage(tmp_path)
    here.wants(WANTED)
    return here


ROOTS = pytest.mark.parametrize("root", list(Root))


@ROOTS
async def test_a_model_is_found_out_once_and_its_next_device_needs_one_set_and_one_get(
    stage: Stage, root: Root
) -> None:
    async with stage.daemon():
        for number in (1, 2):
            await stage.installing(number)
        first, second = stage.cpe(1, root), stage.cpe(2, root)
        served = await first.inform([BOOTSTRAP, BOOT])
        assert served[-2:] == ONCE
        assert served[:-2]
        assert set(served[:-2]) <= FIND, "nothing is changed before it is known where"
        assert await second.inform([BOOTSTRAP, BOOT]) == ONCE
        assert [await stage.state(number) for number in (1, 2)] == ["completed", "completed"]
        for cpe in (first, second):
            assert cpe.values[SSID_5GHZ[root]] == "home"
            assert cpe.values[f"{PPP[root]}Password"] == "sentinel-login"


async def test_another_version_of_the_firmware_is_found_out_anew(stage: Stage) -> None:
    async with stage.daemon():
        for number in (1, 2):
            await stage.installing(number)
        await stage.cpe(1, Root.TR181).inform([BOOT])
        upgraded = stage.cpe(2, Root.TR181)
        upgraded.state.upgrade("2.0.0")
        assert len(await upgraded.inform([BOOT])) > len(ONCE)


@ROOTS
async def test_what_was_found_and_is_wrong_is_found_anew(stage: Stage, root: Root) -> None:
    """The first device has more rows than the second, which answers 9005 for what it has not."""
    stage.wants({"wan.pppoe.enable": True})
    async with stage.daemon():
        for number in (1, 2):
            await stage.installing(number)
        table = PPP[root].removesuffix("1.")
        more = {f"{table}2.{name}": text for name, text in {"Name": "internet", "Enable": "false"}.items()}
        first, second = stage.cpe(1, root, parameters=more), stage.cpe(2, root)
        assert (await first.inform([BOOT]))[-2:] == ONCE
        assert first.values[f"{table}2.Enable"] == "true"
        served = await second.inform([BOOT])
        assert (served[0], served[-2:]) == ("SetParameterValues", ONCE)
        assert second.values[f"{table}1.Enable"] == "true"


@ROOTS
async def test_objects_are_made_and_taken_away_to_reach_the_wanted_number(stage: Stage, root: Root) -> None:
    table = MAPPINGS[root]
    stage.wants(mapping(1, 80) | mapping(2, 443), action="restore")
    async with stage.daemon():
        await stage.installing(1)
        cpe = stage.cpe(1, root)
        served = await cpe.inform([BOOT])
        assert served.count("AddObject") == 2
        assert {cpe.values[f"{table}{row}.ExternalPort"] for row in cpe.state.tree.instances(table)} == {"80", "443"}

        stage.wants({**mapping(2, 8443), "nat.port_mapping.count": 1}, action="restore")
        stage.now += timedelta(days=1)
        served = await cpe.inform([PERIODIC])
        assert served.count("DeleteObject") == 1
        assert "AddObject" not in served
        assert {cpe.values[f"{table}{row}.ExternalPort"] for row in cpe.state.tree.instances(table)} == {"8443"}


LOGIN: dict[str, Value] = {
    "wan.pppoe.enable": True,
    "wan.pppoe.username": "u@isp",
    "wan.pppoe.password": "sentinel-login",
}
LINE: dict[str, Value] = {
    "voice.line1.enable": True,
    "voice.line1.username": "u@isp",
    "voice.line1.password": "sentinel-login",
}
HIDDEN = pytest.mark.parametrize(("wanted", "kind"), [(LOGIN, "pppoe"), (LINE, "voice")], ids=["pppoe", "voice"])


@ROOTS
@HIDDEN
async def test_a_password_that_cannot_be_read_is_verified_by_what_comes_of_it(
    stage: Stage, root: Root, wanted: dict[str, Value], kind: str
) -> None:
    stage.wants(wanted)
    async with stage.daemon():
        await stage.installing(1)
        accounts = Accounts({kind: {"u@isp": "sentinel-login"}})
        cpe = stage.cpe(1, root, parameters={}, accounts=accounts)
        assert (await cpe.inform([BOOT]))[-2:] == ONCE
        assert await stage.state(1) == "completed"


@ROOTS
@HIDDEN
async def test_a_password_that_the_network_refuses_fails_the_job_in_words(
    stage: Stage, root: Root, wanted: dict[str, Value], kind: str
) -> None:
    stage.wants(wanted)
    async with stage.daemon():
        await stage.installing(1)
        cpe = stage.cpe(1, root, parameters={}, accounts=Accounts({kind: {"u@isp": "another"}}))
        assert (await cpe.inform([BOOT]))[-1] == "ScheduleInform", "what it shows may be of before"
        assert await stage.state(1) == "verifying"
        stage.now += timedelta(seconds=45)
        assert await cpe.inform([PERIODIC]) == ["GetParameterValues"]
        row = await stage.store.read(lambda reader: reader.job("J-1"))
        assert row is not None
        (failure,) = row["failures"]
        words = {
            "pppoe": "PPPoE login: the network refuses the user name or the password",
            "voice": "telephone line 1: the SIP server does not let it register",
        }
        assert failure["code"] == "cpe-fault"
        assert words[kind] in str(failure)
        assert "sentinel" not in str(await stage.store.read(lambda reader: reader.trace("J-1")))


async def test_a_login_that_takes_its_time_is_waited_for(stage: Stage) -> None:
    async with stage.daemon():
        await stage.installing(1)
        cpe, status = stage.cpe(1, Root.TR181), f"{PPP[Root.TR181]}ConnectionStatus"
        cpe.state.tree.give(status, "Connecting")
        assert (await cpe.inform([BOOT]))[-1] == "ScheduleInform"
        cpe.state.tree.give(status, "Connected")
        stage.now += timedelta(seconds=45)
        assert await cpe.inform([PERIODIC]) == ["GetParameterValues"]
        assert await stage.state(1) == "completed"
        assert await stage.told(1) == ["job.cpe-faulted", "job.cpe-configured"]


async def test_a_password_that_the_subscriber_changed_is_put_right(stage: Stage) -> None:
    """It cannot be read, but the login fails by now."""
    stage.wants(LOGIN, action="restore")
    async with stage.daemon():
        await stage.installing(1)
        accounts = Accounts({"pppoe": {"u@isp": "sentinel-login"}})
        cpe = stage.cpe(1, Root.TR181, parameters={}, accounts=accounts)
        await cpe.inform([BOOT])
        cpe.state.device_sets(f"{PPP[Root.TR181]}Password", "mistyped")
        follow(cpe.state)
        assert (await cpe.inform([BOOT]))[-2:] == ONCE
        assert cpe.values[f"{PPP[Root.TR181]}ConnectionStatus"] == "Connected"
        assert await stage.told(1) == ["job.cpe-configured", "cpe.drifted", "cpe.restored"]


Change = Callable[[LabCpe], None]


def renamed(cpe: LabCpe) -> None:
    """The subscriber gives the network another name."""
    cpe.state.device_sets(SSID_5GHZ[cpe.settings.root], "mine")


def reset(cpe: LabCpe) -> None:
    """The subscriber presses the button."""
    cpe.state.reset_to_factory()


@ROOTS
@pytest.mark.parametrize("change", [renamed, reset])
async def test_drift_is_put_right_in_the_session_that_shows_it(stage: Stage, root: Root, change: Change) -> None:
    stage.wants(WANTED, action="restore")
    async with stage.daemon():
        await stage.installing(1)
        cpe = stage.cpe(1, root)
        await cpe.inform([BOOT])
        assert await cpe.inform([PERIODIC]) == []
        change(cpe)
        assert await cpe.inform([BOOT]) == ["GetParameterValues", *ONCE]
        assert cpe.values[SSID_5GHZ[root]] == "home"
        assert cpe.values[f"{PPP[root]}Password"] == "sentinel-login"
        assert await stage.told(1) == ["job.cpe-configured", "cpe.drifted", "cpe.restored"]


@ROOTS
async def test_drift_is_only_told_where_the_profile_says_so(stage: Stage, root: Root) -> None:
    async with stage.daemon():
        await stage.installing(1)
        cpe = stage.cpe(1, root)
        await cpe.inform([BOOT])
        renamed(cpe)
        stage.now += timedelta(days=1)
        assert await cpe.inform([PERIODIC]) == ["GetParameterValues"]
        assert cpe.values[SSID_5GHZ[root]] == "mine"
        assert await stage.told(1) == ["job.cpe-configured", "cpe.drifted"]


async def test_a_daemon_that_ends_between_set_and_get_puts_drift_right_all_the_same(stage: Stage) -> None:
    """What was found was kept before the CPE was told: the next run goes on with the session from there."""
    interval = "Device.ManagementServer.PeriodicInformInterval"
    stage.wants({"management.periodic_inform_interval": 3600}, action="restore")
    async with raw_cpe() as http:
        async with stage.daemon():
            port = port_of(stage.acs)
            await stage.installing(1)
            await post(http, stage.acs, inform(serial="S1"))
            asked = (await post(http, stage.acs, b""))[1]
            await post(http, stage.acs, SET)
            assert (await post(http, stage.acs, as_set(asked)))[0] == 204

            await post(http, stage.acs, inform(serial="S1"))
            assert b"GetParameterValues" in (await post(http, stage.acs, b""))[1]
            asked = (await post(http, stage.acs, shows({interval: "60"})))[1]
            assert b"SetParameterValues" in asked
        async with stage.daemon(port):
            status, again = await post(http, stage.acs, SET)
            assert (status, b"SetParameterValues" in again) == (200, True), "what it did is not known: it does it again"
            assert b"GetParameterValues" in (await post(http, stage.acs, SET))[1]
            assert (await post(http, stage.acs, as_set(again)))[0] == 204
            assert await stage.told(1) == ["job.cpe-configured", "cpe.drifted", "cpe.restored"]
