"""The lab's elements as processes: an operator configures one from its ready line, and plugs into it by its control."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from drivers.access import Levels, WantedAccess
from drivers.base import Driver
from drivers.cli import CliDriver, CliSettings
from drivers.routeros import RouterosDriver, RouterosSettings
from drivers.uisp import UispDriver, UispSettings
from tests.conftest import ROOT
from tests.contract.cli_harness import PLATFORMS
from tests.contract.harness import wanted_onu
from tests.integration.commands import ztpd
from ztpd.lab.operator import Caller
from ztpd.lab.stage import Process, Stage, stage

SERIAL = "HWTC1A2B3C4D"
D = TypeVar("D", bound=Driver)
MAC = "4c:5e:0c:00:00:01"
ANY_PORT = ("--port", "0", "--control", "0")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, ROOT / "config") as made:
        yield made


def control_of(peer: Process) -> Caller:
    return Caller(f"http://127.0.0.1:{peer.facts['control']}")


@asynccontextmanager
async def using(driver: D) -> AsyncIterator[D]:
    try:
        yield driver
    finally:
        await driver.close()


async def written(driver: Driver, wanted: WantedAccess) -> None:
    [outcome] = await driver.apply(await driver.plan([wanted]))
    assert outcome.error is None


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_an_olt_speaks_as_its_platform(scene: Stage, platform: str) -> None:
    password, about = scene.secret("olt-1.password"), PLATFORMS[platform]
    key = str(scene.folder / "olt.key")
    arguments = ("--platform", platform, "--telnet", "0", "--password-file", str(password), "--host-key", key)
    legacy = ("--legacy",) if about.legacy else ()
    olt = await scene.start_peer("cli-olt", "cli-olt", *ANY_PORT, *arguments, *legacy)
    assert (olt.facts["ready"], olt.facts["platform"]) == ("cli-olt", platform)
    assert olt.facts.get("enable_password") == about.enable_password
    port = olt.facts["ports"][1]
    driver = CliDriver(
        CliSettings(
            name="olt-1",
            platform=platform,
            host="127.0.0.1",
            port=olt.facts["ssh"],
            username="ztpd",
            password=password.read_text(),
            host_key=olt.facts["host_key"],
            values=about.values,
            legacy_algorithms=about.legacy,
            enable_password=about.enable_password,
        )
    )
    async with using(driver), control_of(olt) as hand:
        status, state = await hand.call("POST", "/onus", {"serial": SERIAL, "port": port})
        assert (status, [(onu["port"], onu["state"]) for onu in state["onus"]]) == (200, [(port, "unknown")])
        assert [(each.port, each.device) for each in await driver.list_discovered()] == [(port, SERIAL)]
        wanted = wanted_onu(1, port)
        await hand.call("POST", "/onus", {"serial": wanted.device, "port": port})
        await written(driver, wanted)
        status, state = await hand.call("PATCH", f"/onus/{wanted.device}", {"onu_rx_dbm": -25.0, "olt_rx_dbm": -26.0})
        assert {onu["serial"]: onu["state"] for onu in state["onus"]} == {SERIAL: "unknown", wanted.device: "online"}
        assert (await driver.measure([wanted.device]))[wanted.device].onu_rx_dbm == -25.0
        await driver.save()
        assert (await hand.call("POST", "/restart"))[1]["configured"] == 1
        assert (await hand.get("/counters"))["saves"] >= 1
        assert (await hand.call("DELETE", f"/onus/{SERIAL}"))[0] == 200
        for body in ({"serial": SERIAL, "port": "9/9/9"}, {"serial": "x", "port": port}, {"port": port}):
            assert (await hand.call("POST", "/onus", body))[0] == 400
        assert (await hand.call("DELETE", f"/onus/{SERIAL}"))[0] == 404


async def test_a_router_keeps_its_certificate_over_a_start(scene: Stage) -> None:
    password, certificate = scene.secret("olt-1.password"), scene.folder / "router.pem"
    arguments = ("--password-file", str(password), "--certificate", str(certificate), "--ports", "3")
    first = await scene.start_peer("routeros", "routeros", *ANY_PORT, *arguments)
    await first.stop()
    router = await scene.start_peer("routeros", "routeros", *ANY_PORT, *arguments)
    assert router.facts["certificate_sha256"] == first.facts["certificate_sha256"]
    assert certificate.stat().st_mode & 0o077 == 0
    driver = RouterosDriver(
        RouterosSettings(
            name="router-1",
            url=router.facts["url"],
            username="ztpd",
            password=password.read_text(),
            certificate_sha256=router.facts["certificate_sha256"],
        )
    )
    async with using(driver), control_of(router) as hand:
        assert await driver.ports() == {"wlan1", "wlan2", "wlan3"}
        status, state = await hand.call("POST", "/stations", {"mac": MAC, "port": "wlan2", "signal_dbm": -71})
        connected = {"mac": MAC, "port": "wlan2", "signal_dbm": -71, "user": None}
        assert (status, state) == (200, {"ports": ["wlan1", "wlan2", "wlan3"], "stations": [connected]})
        assert [(each.port, each.device) for each in await driver.list_discovered()] == [("wlan2", MAC)]
        assert await driver.measure([MAC]) == {MAC: Levels(signal_dbm=-71.0)}
        await written(driver, WantedAccess("SVC-1", "wlan2", MAC, 0, None, 20_000_000, 10_000_000))
        assert (await hand.call("POST", "/restart"))[1]["stations"][0]["mac"] == MAC
        await driver.close()  # its connection was cut
        assert [each.service for each in await driver.list_provisioned()] == ["SVC-1"]
        assert (await hand.call("DELETE", f"/stations/{MAC}"))[1]["stations"] == []
        for body in ({"mac": MAC, "port": "wlan9"}, {"mac": "x", "port": "wlan1"}, {"mac": MAC}):
            assert (await hand.call("POST", "/stations", body))[0] == 400
        assert (await hand.call("DELETE", f"/stations/{MAC}"))[0] == 404
        assert (await hand.get("/counters"))["writes"] > 0


async def test_a_uisp_has_access_points_and_radios_in_stock(scene: Stage) -> None:
    token = scene.secret("olt-1.password")
    uisp = await scene.start_peer("uisp", "uisp", *ANY_PORT, "--password-file", str(token))
    radio, access_point = uisp.facts["stock"][0], uisp.facts["ports"][0]
    driver = UispDriver(
        UispSettings(
            name="uisp-1",
            url=uisp.facts["url"],
            token=token.read_text(),
            certificate_sha256=uisp.facts["certificate_sha256"],
        )
    )
    async with using(driver), control_of(uisp) as hand:
        assert await driver.ports() == set(uisp.facts["ports"])
        status, state = await hand.call("POST", "/stations", {"mac": radio, "port": access_point})
        assert (status, [each["mac"] for each in state["stations"]]) == (200, [radio])
        assert [(each.port, each.device) for each in await driver.list_discovered()] == [(access_point, radio)]
        await written(driver, WantedAccess("SVC-1", access_point, radio, 0, None, 20_000_000, 10_000_000))
        assert [each.service for each in await driver.list_provisioned()] == ["SVC-1"]
        assert (await hand.call("POST", "/stations", {"mac": MAC, "port": access_point}))[0] == 400
        assert (await hand.call("POST", "/reset"))[1]["stations"] == []
        assert await driver.list_provisioned() == []


async def test_a_platform_that_nobody_speaks_is_refused_with_those_that_are_there(scene: Stage) -> None:
    password = str(scene.secret("olt-1.password"))
    ran = await ztpd(scene, "lab", "cli-olt", "--platform", "x", "--password-file", password, "--host-key", "k")
    assert ran.code == 2
    assert "huawei-smartax" in ran.errors
