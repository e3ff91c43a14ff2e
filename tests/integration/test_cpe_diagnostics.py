"""Tests of a CPE as a whole: asked for or wanted by a profile, done by the lab CPE over real HTTP, shown with units."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.integration.store.world import CPE, GOOD_LIGHT, HEX, LEASE, OLT, ONT, OUI, PORT, SERIAL, location, order
from tests.integration.store.world import observed as shown_by_olt
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsServer, AcsSettings
from ztpd.domain.cpe_tasks import Diagnose, FactoryReset, Reboot
from ztpd.domain.diagnostics import CpeTest, WantedTest
from ztpd.domain.profile import Profile
from ztpd.informing import Informing
from ztpd.lab.cpe.device import LabCpe
from ztpd.lab.cpe.settings import CpeSettings, Misbehaviour, Root
from ztpd.lab.cpe.state import BOOT
from ztpd.store import attempts, cpe_asking, orders, sightings
from ztpd.store.store import Context, Store, open_store

SIZE = 3_000_000


class Stand:
    """An ACS over a store of its own, and a lab CPE that has informed."""

    def __init__(self, store: Store, cpe: LabCpe) -> None:
        self.store = store
        self.cpe = cpe
        self.device = 0

    async def session(self, *events: str) -> list[str]:
        """The CPE informs and does all that it is asked, in the session and after it."""
        served = await self.cpe.inform(events)
        await self.cpe.settle()
        return served

    async def switched_on(self) -> None:
        await self.session(BOOT)
        devices = await self.store.read(lambda reader: reader.devices(0, 10, None))
        self.device = next(int(device["id"]) for device in devices if device["cpe"] is not None)

    async def ask(self, **arguments: Any) -> int:
        task = Diagnose(test=CpeTest(**arguments))
        return int((await self.store.commit(cpe_asking.ask, self.device, task, "office"))["id"])

    async def task(self, id_: int) -> dict[str, Any]:
        found = await self.store.read(lambda reader: reader.cpe_task(self.device, id_))
        assert found is not None
        return found

    async def came_to(self, **arguments: Any) -> dict[str, Any]:
        """What a test came to: one session begins it, the next shows it."""
        id_ = await self.ask(**arguments)
        await self.session()
        await self.session()
        return await self.task(id_)

    async def job(self) -> dict[str, Any]:
        found = await self.store.read(lambda reader: reader.job("J-1"))
        assert found is not None
        return found


def readings(task: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: (each["value"], each["unit"]) for each in task["readings"]}


@asynccontextmanager
async def standing(folder: Any, profile: Profile, root: Root = Root.TR181, **wrong: Any) -> AsyncIterator[Stand]:
    ids = itertools.count()

    def now() -> datetime:
        return datetime.now(UTC)

    context = Context(now, {profile.name: profile}, lambda event: (), lambda: f"evt_{next(ids)}")
    settings = AcsSettings(Credentials("ztpd", "cpe", "secret"), port=0)
    async with open_store(f"sqlite:///{folder}/z.db", context) as store:
        informing = Informing(store, now, lambda source, outcome: None, lambda outcome: None)
        async with AcsServer(settings, informing.core()) as acs:
            cpe = CpeSettings(acs.url, "cpe", "secret", HEX, oui=OUI, root=root, time_factor=0.0)
            yield Stand(store, LabCpe(replace(cpe, misbehaviour=Misbehaviour(**wrong))))


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """A speed test server: a file to fetch, and a place to send one to."""

    async def take(request: web.Request) -> web.Response:
        taken = 0
        async for piece in request.content.iter_chunked(65536):
            taken += len(piece)
        return web.Response(status=201 if taken == SIZE else 400)

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=b"\0" * SIZE)

    app = web.Application(client_max_size=2 * SIZE)
    app.router.add_get("/file", give)
    app.router.add_put("/up", take)
    async with TestServer(app) as serving:
        yield str(serving.make_url("/")).rstrip("/")


@pytest.mark.parametrize("root", list(Root))
async def test_throughput_is_measured_against_a_real_server(
    tmp_path: Any, residential: Profile, root: Root, server: str
) -> None:
    async with standing(tmp_path, residential, root) as stand:
        await stand.switched_on()
        for test, more in (("download", {}), ("upload", {"size_bytes": SIZE})):
            url = f"{server}/{'file' if test == 'download' else 'up'}"
            task = await stand.came_to(test=test, url=url, **more)
            assert (task["state"], task["fault"]) == ("done", "")
            shown = readings(task)
            assert shown["transferred_bytes"] == (SIZE, "B")
            speed, seconds = shown["speed_mbps"][0], shown["duration_s"][0]
            assert shown["speed_mbps"][1] == "Mbit/s"
            # Both are rounded to three digits behind the point.
            assert speed * seconds == pytest.approx(SIZE * 8 / 1e6, rel=0.5)


@pytest.mark.parametrize("root", list(Root))
async def test_a_ping_and_a_route_are_shown(tmp_path: Any, residential: Profile, root: Root) -> None:
    async with standing(tmp_path, residential, root) as stand:
        await stand.switched_on()
        ping = readings(await stand.came_to(test="ping", host="www.example.net", count=7))
        assert ping["sent"] == (7, "")
        assert ping["average_ms"] == (12.345 if root is Root.TR181 else 12.0, "ms")
        route = await stand.came_to(test="traceroute", host="www.example.net")
        assert readings(route)["hops"] == (3, "")
        assert [row[0]["value"] for row in route["rows"]] == ["10.0.0.1", "core.example.net", "www.example.net"]


async def test_neighbours_and_light_are_shown(tmp_path: Any, residential: Profile) -> None:
    async with standing(tmp_path, residential) as stand:
        await stand.switched_on()
        scan = await stand.came_to(test="wifi-neighbours")
        assert readings(scan)["strongest_dbm"] == (-71, "dBm")
        light = await stand.ask(test="optics")
        await stand.session()
        task = await stand.task(light)
        assert (task["state"], readings(task)["rx_power_dbm"]) == ("done", (-18.5, "dBm"))


async def test_what_the_model_does_not_have_is_said(tmp_path: Any, residential: Profile) -> None:
    async with standing(tmp_path, residential, Root.TR098) as stand:
        await stand.switched_on()
        scan = await stand.ask(test="wifi-neighbours")
        four = await stand.ask(test="download", url="http://127.0.0.1:1/file", connections=4)
        await stand.session()
        assert (await stand.task(scan))["fault"].startswith("the CPE cannot do this test")
        assert "it has no connections (NumberOfConnections)" in (await stand.task(four))["fault"]


async def test_what_goes_wrong_is_told_in_plain_words(tmp_path: Any, residential: Profile, server: str) -> None:
    async with standing(tmp_path, residential) as stand:
        await stand.switched_on()
        gone = await stand.came_to(test="ping", host="nowhere.invalid")
        assert (gone["state"], gone["fault"]) == (
            "failed",
            "the CPE cannot resolve the name of the host: check its DNS",
        )
        missing = await stand.came_to(test="download", url=f"{server}/nothing")
        assert missing["fault"] == "the transfer broke off"
        nobody = await stand.came_to(test="download", url="http://127.0.0.1:1/file")
        assert nobody["fault"] == "the server took no connection"
        many = await stand.ask(test="download", url=f"{server}/file", connections=9)
        await stand.session()
        refused = await stand.task(many)
        assert (refused["state"], refused["fault"]) == (
            "failed",
            "9007 Invalid parameter value for connections (NumberOfConnections)",
        )


async def test_the_cpe_tells_that_it_is_through_and_one_that_does_not_is_looked_at(
    tmp_path: Any, residential: Profile
) -> None:
    async with standing(tmp_path, residential) as stand:
        await stand.switched_on()
        await stand.ask(test="ping", host="www.example.net")
        await stand.session()
        assert stand.cpe.state.events == [("8 DIAGNOSTICS COMPLETE", "")]
    (tmp_path / "quiet").mkdir()
    async with standing(tmp_path / "quiet", residential, quiet_tests=True) as stand:
        await stand.switched_on()
        assert (await stand.came_to(test="ping", host="www.example.net"))["state"] == "done"
        assert stand.cpe.state.events == []


async def test_a_test_that_a_restart_interrupts_is_begun_again(tmp_path: Any, residential: Profile) -> None:
    async with standing(tmp_path, residential) as stand:
        await stand.switched_on()
        id_ = await stand.ask(test="ping", host="www.example.net")
        await stand.cpe.inform()
        stand.cpe.state.restarted()
        await stand.cpe.settle()
        assert await stand.session() == ["GetParameterValues", "GetParameterValues", "SetParameterValues"]
        await stand.session()
        task = await stand.task(id_)
        assert (task["state"], task["tries"]) == ("done", 2)


async def test_a_restart_and_a_factory_reset_are_done(tmp_path: Any, residential: Profile) -> None:
    async with standing(tmp_path, residential) as stand:
        await stand.switched_on()
        for task, event in ((Reboot(), "M Reboot"), (FactoryReset(), "0 BOOTSTRAP")):
            await stand.store.commit(cpe_asking.ask, stand.device, task, "office")
            await stand.session()
            assert event in [code for code, _ in stand.cpe.state.events]
            await stand.session()


async def verifying(stand: Stand) -> None:
    """A job whose network is confirmed: what is left is its CPE."""
    await stand.store.commit(orders.put_location, "LOC-1", location())
    await stand.store.commit(orders.put_job, "J-1", order(ONT, CPE))
    onu = PresentDevice(PORT, SERIAL, Presence.UNKNOWN, "present")
    await stand.store.commit(sightings.record_announcement, OLT, onu, datetime.now(UTC))
    (work,) = await stand.store.commit(attempts.claim_jobs, OLT, LEASE, 10)
    await stand.store.commit(attempts.record_applied, work, LEASE, ["onu"])
    found = shown_by_olt(work.wanted)
    await stand.store.commit(attempts.confirm_network, work, LEASE, found, GOOD_LIGHT)


@pytest.mark.parametrize(("least", "state"), [(0.001, "awaiting-completion"), (10_000_000.0, "failed")])
async def test_a_job_is_closed_by_what_its_cpe_measures(
    tmp_path: Any, residential: Profile, server: str, least: float, state: str
) -> None:
    wanted = WantedTest.model_validate(
        {"test": "download", "url": f"{server}/file", "limits": {"speed_mbps": {"minimum": least}}}
    )
    light = WantedTest.model_validate({"test": "optics", "limits": {"rx_power_dbm": {"minimum": -27}}})
    profile = residential.model_copy(update={"diagnostics": (wanted, light)})
    async with standing(tmp_path, profile) as stand:
        await verifying(stand)
        await stand.session(BOOT)
        assert (await stand.job())["state"] == "verifying"
        await stand.session()
        job = await stand.job()
        assert job["state"] == state
        assert [failure["code"] for failure in job["failures"]] == (["wrong-tier"] if state == "failed" else [])
        records = await stand.store.read(lambda reader: reader.evidence("J-1"))
        found = {each["body"]["test"]: readings(each["body"]) for each in records if each["kind"] == "diagnostics"}
        assert found["download"]["transferred_bytes"] == (SIZE, "B")
        assert found["optics"]["rx_power_dbm"] == (-18.5, "dBm")
