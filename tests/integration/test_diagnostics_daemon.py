"""The daemon as a process: tests that a profile wants or somebody asks for, from the API to the job's evidence."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from pon.serial import to_hex
from tests.integration.commands import ztpd
from tests.integration.cpe_endpoint import Endpoint, endpoint, guarded
from tests.integration.stage import Theatre, theatre
from ztpd.lab.cpe import BOOT, BOOTSTRAP, CpeSettings, LabCpe
from ztpd.lab.operator import Caller, until
from ztpd.lab.play import ADDRESS, DEVICES, LOCATION, ORDER, OUI, PORT, SERIAL
from ztpd.lab.stage import Process

SIZE = 2_000_000
WOKEN = "6 CONNECTION REQUEST"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


@pytest.fixture
async def file_url() -> AsyncIterator[str]:
    """A file of a speed test server."""

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=b"\0" * SIZE)

    app = web.Application()
    app.router.add_get("/file", give)
    async with TestServer(app) as serving:
        yield str(serving.make_url("/file"))


class Home:
    """A CPE that informs when it is asked to, and does nothing by itself."""

    def __init__(self, everything: Theatre, asks: Endpoint) -> None:
        scene = everything.scene
        settings = CpeSettings(
            scene.acs,
            "cpe",
            scene.secret("acs.password").read_text(),
            to_hex(SERIAL),
            oui=OUI,
            source_ip=ADDRESS,
            parameters={"Device.ManagementServer.ConnectionRequestURL": asks.url},
            time_factor=0.0,
        )
        self.cpe = LabCpe(settings)
        self.asks = asks
        self.heard = 0

    async def woken(self) -> list[str]:
        """The daemon asks the CPE to inform (the challenge, and the answer to it), and it does."""
        while len(self.asks.heads) < self.heard + 2:
            self.asks.asked.clear()
            await asyncio.wait_for(self.asks.asked.wait(), 30)
        self.heard = len(self.asks.heads)
        return await self.cpe.inform([WOKEN])


@asynccontextmanager
async def at_home(folder: Path, tests: str) -> AsyncIterator[tuple[Theatre, Home]]:
    """A stage whose profile wants these tests, and the customer's CPE."""
    async with theatre(folder) as everything, endpoint(guarded("cr-user", "cr-sentinel")) as asks:
        profile = everything.scene.config.parent / "profiles" / "residential-1g.toml"
        profile.write_text(f"{profile.read_text()}\n{tests}")
        yield everything, Home(everything, asks)


async def started(everything: Theatre) -> Process:
    scene = everything.scene
    password = scene.folder / "cr.password"
    password.touch(0o600)
    password.write_text("cr-sentinel")
    daemon = await scene.start_daemon(
        ZTPD_ACS__CONNECTION_REQUESTS__NETWORKS='["127.0.0.0/8"]',
        ZTPD_ACS__CONNECTION_REQUESTS__USERNAME="cr-user",
        ZTPD_ACS__CONNECTION_REQUESTS__PASSWORD_FILE=str(password),
    )
    await scene.until_ready(daemon)
    return daemon


async def installed(everything: Theatre, home: Home) -> None:
    """A job whose CPE has informed once, and whose ONT is plugged in now."""
    office = everything.cast.office
    await office.call("PUT", "/v1/locations/LOC-1", LOCATION)
    await office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
    assert await home.cpe.inform([BOOTSTRAP, BOOT]) == []
    everything.olt.plug(SERIAL, PORT)


async def evidence(office: Caller) -> dict[str, Any]:
    """What the job has of each test."""
    records = (await office.get("/v1/jobs/J-1/evidence"))["items"]
    return {each["body"]["test"]: each["body"] for each in records if each["kind"] == "diagnostics"}


def readings(shown: Any) -> dict[str, Any]:
    return {each["name"]: (each["value"], each["unit"]) for each in shown["readings"]}


async def device_of(office: Caller) -> int:
    devices = (await office.get("/v1/devices"))["items"]
    return next(int(device["id"]) for device in devices if device["cpe"] is not None)


async def test_what_a_profile_wants_and_somebody_asks_for_is_evidence_even_when_the_daemon_is_killed_meanwhile(
    folder: Path, file_url: str
) -> None:
    wanted = f"""
[[diagnostics]]
test = "download"
url = "{file_url}"
limits = {{ speed_mbps = {{ minimum = 0.001 }} }}

[[diagnostics]]
test = "optics"
limits = {{ rx_power_dbm = {{ minimum = -27, maximum = -8 }} }}
"""
    async with at_home(folder, wanted) as (everything, home):
        office = everything.cast.office
        daemon = await started(everything)
        await installed(everything, home)
        asked = await home.woken()
        # What comes before is how it is found out where its model keeps things.
        assert asked[-4:] == ["SetParameterValues", "GetParameterValues", "GetParameterValues", "SetParameterValues"]
        assert (await office.get("/v1/jobs/J-1"))["state"] == "verifying"

        await daemon.stop(signal.SIGKILL)
        await home.cpe.settle()  # it tests its line
        daemon = await started(everything)
        assert home.cpe.state.events == [("8 DIAGNOSTICS COMPLETE", "")]
        await home.cpe.inform()
        assert (await office.get("/v1/jobs/J-1"))["state"] == "awaiting-completion"
        found = await evidence(office)
        assert readings(found["download"])["transferred_bytes"] == (SIZE, "B")
        assert readings(found["download"])["speed_mbps"][1] == "Mbit/s"
        assert readings(found["optics"])["rx_power_dbm"] == (-18.5, "dBm")

        device = await device_of(office)
        status, task = await office.call(
            "POST", f"/v1/devices/{device}/diagnostics", {"test": "ping", "host": "www.example.net", "count": 3}
        )
        assert (status, task["state"]) == (202, "due")
        await home.woken()
        assert (await office.get(f"/v1/devices/{device}/tasks/{task['id']}"))["state"] == "given"
        await daemon.stop(signal.SIGKILL)
        await started(everything)
        await home.cpe.settle()
        await home.cpe.inform()
        done = await office.get(f"/v1/devices/{device}/tasks/{task['id']}")
        assert (done["state"], readings(done)["average_ms"]) == ("done", (12.345, "ms"))
        assert readings((await evidence(office))["ping"])["sent"] == (3, "")

        shown = await ztpd(everything.scene, "device", str(device), "tasks")
        assert "done" in shown.output


async def test_a_job_whose_test_goes_wrong_fails_in_words_and_its_retry_tests_anew(folder: Path) -> None:
    """As a technician sees it: what the CPE says, put right, tried again."""
    wanted = """
[[diagnostics]]
test = "ping"
host = "$gateway"

[parameters.gateway]
max_length = 64
"""
    async with at_home(folder, wanted) as (everything, home):
        office = everything.cast.office
        await started(everything)
        await installed(everything, home)
        held = await office.get("/v1/jobs/J-1")
        assert held["state"] == "held", "the parameter is missing"
        order = {**ORDER, "devices": DEVICES}
        given = {**ORDER["parameters"], "gateway": "gateway.invalid"}
        await office.call("PUT", "/v1/jobs/J-1", {**order, "parameters": given})
        await home.woken()
        await home.cpe.settle()
        await home.cpe.inform()
        job = await until(lambda: office.get("/v1/jobs/J-1"), lambda job: job["state"] == "failed", "the failure")
        assert [(failure["code"], failure["detail"]) for failure in job["failures"]] == [
            ("test-failed", "ping: the CPE cannot resolve the name of the host: check its DNS")
        ]
        told = [each for each in (await office.get("/v1/events?limit=500"))["items"] if each["type"] == "job.tested"]
        assert [each["data"]["fault"] for each in told] == [
            "the CPE cannot resolve the name of the host: check its DNS"
        ]

        given = {**ORDER["parameters"], "gateway": "192.0.2.1"}
        assert (await office.call("PUT", "/v1/jobs/J-1", {**order, "parameters": given}))[0] == 200
        await office.call("POST", "/v1/jobs/J-1/retry")
        await home.woken()
        await home.cpe.settle()
        await home.cpe.inform()
        assert (await office.get("/v1/jobs/J-1"))["state"] == "awaiting-completion"
        assert readings((await evidence(office))["ping"])["loss_percent"] == (0.0, "%")
