"""A lab CPE goes from one ACS to another, over real sockets: it leaves, stays, comes back, and is seen to."""

import asyncio
import contextlib
import itertools
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands import ztpd
from tests.integration.stage import theatre
from tests.integration.test_cli import assert_plain, assert_told
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsServer, AcsSettings
from ztpd.domain.cpe_tasks import HandOver
from ztpd.domain.handover import HandoverTerms
from ztpd.informing import Informing
from ztpd.lab.cpe import BOOT, BOOTSTRAP, PERIODIC, CpeSettings, LabCpe, Misbehaviour, Root
from ztpd.lab.operator import until
from ztpd.store import cpe_tasks, handing_over
from ztpd.store.store import Context, Store, open_store

HERE, THERE = Credentials("ztpd", "cpe", "here-S3NT1NEL"), Credentials("other", "cpe-there", "there-S3NT1NEL")
TERMS = HandoverTerms({"there": THERE.password}, intervals=3)
SERVER = "Device.ManagementServer."


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 8, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


@asynccontextmanager
async def acs_of(folder: Path, name: str, credentials: Credentials, clock: Clock) -> AsyncIterator["Acs"]:
    """An ACS with a database of its own."""
    ids = itertools.count()
    context = Context(clock, {}, lambda type_: (), lambda: f"evt_{next(ids)}", handover=TERMS)
    async with open_store(f"sqlite:///{folder}/{name}.db", context) as store:
        informing = Informing(store, clock, lambda source, outcome: None, lambda outcome: None)
        async with AcsServer(AcsSettings(credentials, port=0), informing.core()) as server:
            yield Acs(store, server)


@dataclass
class Acs:
    store: Store
    server: AcsServer

    async def devices(self) -> list[dict[str, Any]]:
        return await self.store.read(lambda reader: reader.devices(0, 100, None))

    async def handover(self) -> dict[str, Any]:
        [device] = [each for each in await self.devices() if each["cpe"] is not None]
        found: dict[str, Any] = device["handover"]
        return found

    async def events(self) -> list[str]:
        rows = await self.store.read(lambda reader: reader.events(0, 100))
        return [row["type"] for row in rows]

    async def look(self) -> None:
        """The daemon's loop comes by."""
        await self.store.commit(cpe_tasks.expire, 100)


@dataclass
class Two:
    """The ACS that a CPE is at, the one that it is handed over to, and their clock."""

    here: Acs
    there: Acs
    clock: Clock

    def cpe(self, **how: Any) -> LabCpe:
        interval = how.pop("interval", "300")
        settings = CpeSettings(self.here.server.url, HERE.username, HERE.password, "S1")
        cpe = LabCpe(replace(settings, **how))
        cpe.state.put("ManagementServer.PeriodicInformInterval", interval)
        return cpe

    async def hand_over(self, cpe: LabCpe) -> None:
        """The CPE informs, and somebody asks for it to be handed over."""
        assert await cpe.inform([BOOTSTRAP, BOOT]) == []
        [device] = await self.here.devices()
        what = HandOver(url=self.there.server.url, username=THERE.username, secret="there")
        await self.here.store.commit(handing_over.hand_over, device["id"], what, "office")


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    clock = Clock()
    async with acs_of(tmp_path, "here", HERE, clock) as here, acs_of(tmp_path, "there", THERE, clock) as there:
        yield Two(here, there, clock)


TOLD = ["GetParameterValues", "SetParameterValues"]


@pytest.mark.parametrize(("root", "model"), [(Root.TR181, ""), (Root.TR098, "")], ids=["tr181", "tr098"])
async def test_a_cpe_leaves_for_the_other_acs_and_is_seen_to(two: Two, root: Root, model: str) -> None:
    cpe = two.cpe(root=root, model=model)
    await two.hand_over(cpe)
    two.clock.later(seconds=300)
    assert await cpe.inform([PERIODIC]) == TOLD
    assert (await two.here.handover())["interval_s"] == 300
    assert await cpe.inform([BOOTSTRAP]) == [], "its next session is there"
    assert [each["cpe"]["serial"] for each in await two.there.devices()] == ["S1"]

    two.clock.later(seconds=899)
    await two.here.look()
    assert (await two.here.handover())["state"] == "accepted"
    two.clock.later(seconds=2)
    await two.here.look()
    assert (await two.here.handover())["state"] == "left"
    assert [each for each in await two.here.events() if each.startswith("device.")] == [
        "device.handed-over",
        "device.left",
    ]
    shown = f"{await two.here.devices()} {await two.here.store.read(lambda reader: reader.audit(0, 100, None))}"
    assert THERE.password not in shown


async def test_one_that_accepts_and_stays_is_said_to_have_come_back(two: Two) -> None:
    kept = frozenset(f"{SERVER}{name}" for name in ("URL", "Username", "Password"))
    cpe = two.cpe(misbehaviour=Misbehaviour(forget=kept))
    await two.hand_over(cpe)
    assert await cpe.inform([PERIODIC]) == TOLD
    two.clock.later(seconds=300)
    assert await cpe.inform([PERIODIC]) == []
    found = await two.here.handover()
    assert (found["state"], found["said"]) == (
        "returned",
        f"it informed here again, after it had agreed at {found['accepted_at']}",
    )
    assert await two.there.devices() == []


async def test_one_that_took_the_user_and_not_the_url_shows_who_knocks(two: Two) -> None:
    """It comes back with a user that is not known here: it cannot be let in, but it is not taken for gone either."""
    cpe = two.cpe(misbehaviour=Misbehaviour(forget=frozenset({f"{SERVER}URL"})))
    await two.hand_over(cpe)
    assert await cpe.inform([PERIODIC]) == TOLD
    with pytest.raises(Exception, match="401"):
        await cpe.inform([PERIODIC])
    assert (await two.here.handover())["state"] == "accepted"


async def test_one_that_is_reset_to_its_factory_settings_is_ours_again(two: Two) -> None:
    """TR-181: the URL might be reset to its factory value."""
    cpe = two.cpe()
    await two.hand_over(cpe)
    assert await cpe.inform([PERIODIC]) == TOLD
    two.clock.later(hours=1)
    await two.here.look()
    assert (await two.here.handover())["state"] == "left"
    for name, text in (("URL", two.here.server.url), ("Username", HERE.username), ("Password", HERE.password)):
        cpe.state.put(f"ManagementServer.{name}", text)
    assert await cpe.inform([BOOTSTRAP, BOOT]) == []
    assert (await two.here.handover())["state"] == "returned"
    assert (await two.here.events())[-1] == "device.came-back"


async def test_one_that_leaves_in_the_middle_of_the_session_counts_as_gone_later(two: Two) -> None:
    cpe = two.cpe(misbehaviour=Misbehaviour(hang_at="SetParameterValues"), post_timeout_seconds=5.0)
    await two.hand_over(cpe)
    session = asyncio.create_task(cpe.inform([PERIODIC]))
    await until(two.here.handover, lambda found: found["state"] == "told", "the CPE to be told")
    session.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await session
    two.clock.later(days=3, seconds=1)
    await two.here.look()
    found = await two.here.handover()
    assert (found["state"], found["accepted_at"]) == ("left", None)
    assert found["said"].endswith("unanswered")


async def test_one_that_restarts_before_it_answers_is_told_again(two: Two) -> None:
    cpe = two.cpe(misbehaviour=Misbehaviour(reboot_at="SetParameterValues"))
    await two.hand_over(cpe)
    assert await cpe.inform([PERIODIC]) == TOLD * 2
    found = await two.here.handover()
    assert (found["state"], found["tells"]) == ("accepted", 2)


async def test_one_that_refuses_stays_and_says_why(two: Two) -> None:
    cpe = two.cpe(misbehaviour=Misbehaviour(reject={f"{SERVER}URL": 9008}))
    await two.hand_over(cpe)
    assert await cpe.inform([PERIODIC]) == TOLD
    found = await two.here.handover()
    assert found["state"] == "failed"
    assert found["said"].startswith("9008 ")
    assert found["said"].endswith(" for address of the ACS (the device says: Refused by this device)")
    assert await cpe.inform([PERIODIC]) == []


async def test_an_operator_hands_over_by_command_and_sees_it_leave() -> None:
    """The daemon as a process, its command line, a CPE that lives by itself, and another ACS."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as name:
        folder = Path(name)
        password = folder / "there.password"
        password.touch(0o600)
        password.write_text(THERE.password)
        terms = {
            "ZTPD_ACS__HANDOVER__SECRETS": f'{{"there": "{password}"}}',
            "ZTPD_ACS__HANDOVER__INTERVALS": "1",
        }
        async with theatre(folder) as everything, acs_of(folder, "there", THERE, Clock()) as there:
            scene, office = everything.scene, everything.cast.office
            daemon = await scene.start_daemon(**terms)
            await scene.until_ready(daemon)
            settings = CpeSettings(scene.acs, "cpe", scene.secret("acs.password").read_text(), "S1")
            cpe = LabCpe(settings)
            cpe.state.put("ManagementServer.PeriodicInformInterval", "2")
            living = asyncio.create_task(cpe.run())
            try:
                [device] = await until(lambda: _devices(office), bool, "the CPE")
                words = ("device", str(device["id"]), "handover", "--url", there.server.url)
                user = ("--username", THERE.username, "--secret", "there")
                assert_plain(
                    await ztpd(scene, *words, "--username", "x", "--secret", "none", **terms),
                    1,
                    "there is no secret none for handing over",
                )
                asked = await ztpd(scene, *words, *user, **terms)
                assert (asked.code, asked.errors) == (0, "")
                assert_told(f"Device.ManagementServer.URL {there.server.url}", asked.output)
                assert_told("Device.ManagementServer.Password ********", asked.output)
                await until(there.devices, lambda found: bool(found), "the CPE at the other ACS")
                await until(lambda: _state(office), lambda state: state == "left", "the CPE to have left")
            finally:
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)
            shown = await ztpd(scene, "device", str(device["id"]), **terms)
            assert_told(f"hand-over left: {there.server.url}; not heard here since", shown.output)
            events = [each["type"] for each in (await office.get("/v1/events?after=0&limit=500"))["items"]]
            assert [each for each in events if each.startswith("device.")] == ["device.handed-over", "device.left"]
            assert THERE.password not in daemon.log.read_text() + asked.output + shown.output


async def test_a_kill_before_the_answer_loses_nothing() -> None:
    """That the CPE was told is known after the kill, so it is neither called back nor forgotten."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as name:
        folder = Path(name)
        password = folder / "there.password"
        password.touch(0o600)
        password.write_text(THERE.password)
        terms = {"ZTPD_ACS__HANDOVER__SECRETS": f'{{"there": "{password}"}}'}
        async with theatre(folder) as everything:
            scene, office = everything.scene, everything.cast.office
            daemon = await scene.start_daemon(**terms)
            await scene.until_ready(daemon)
            settings = CpeSettings(scene.acs, "cpe", scene.secret("acs.password").read_text(), "S1")
            silent = LabCpe(replace(settings, misbehaviour=Misbehaviour(hang_at="SetParameterValues")))
            assert await silent.inform([BOOTSTRAP, BOOT]) == []
            [device] = await _devices(office)
            body = {"url": "http://192.0.2.1:7547/", "username": "u", "secret": "there"}
            await office.call("POST", f"/v1/devices/{device['id']}/handover", body)
            session = asyncio.create_task(silent.inform([PERIODIC]))
            await until(lambda: _state(office), lambda state: state == "told", "the CPE to be told")
            await daemon.stop(signal.SIGKILL)
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)

            await scene.until_ready(await scene.start_daemon(**terms))
            assert await _state(office) == "told"
            assert await LabCpe(settings).inform([BOOT]) == TOLD, "it comes back, so it is told again"
            assert await _state(office) == "accepted"


async def _devices(office: Any) -> list[dict[str, Any]]:
    return [each for each in (await office.get("/v1/devices"))["items"] if each["cpe"] is not None]


async def _state(office: Any) -> str:
    [device] = await _devices(office)
    return str(device["handover"]["state"])
