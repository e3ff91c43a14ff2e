"""The daemon with a switch that it only listens to: jobs there are discovered, and it is said that this is all."""

import json
import re
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.netconf_switch import NetconfSwitchDriver, NetconfSwitchSettings
from tests.conftest import ROOT
from tests.integration.commands import ztpd
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import Process, Stage, stage
from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch

MAC = "00:25:9e:1a:2b:3c"
PROFILE = """
name = "business-100m"
version = 1
technologies = ["ethernet"]
price_per_month = 99.0
[speed]
downstream_mbps = 100
upstream_mbps = 100
[vlan]
s_vlan = 202
"""
ORDER = {
    "kind": "install",
    "service": "SVC-1",
    "account": "ACC-1",
    "location": "LOC-1",
    "profile": "business-100m",
    "devices": [{"role": "cpe", "mac": MAC}],
}


@dataclass
class Live:
    """A daemon with one switch."""

    scene: Stage
    switch: LabSwitch
    office: Caller
    daemon: Process


@asynccontextmanager
async def live() -> AsyncIterator[Live]:
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with (
            stage(Path(folder), ROOT / "config") as scene,
            lab_switch(LabSwitchSettings(ports=2)) as switch,
            Caller(scene.api, scene.secret("office.token").read_text(), patient=True) as office,
        ):
            password = scene.secret("sw-1.password")
            password.touch(0o600)
            password.write_text("ztpd")
            (scene.config.parent / "profiles/business-100m.toml").write_text(PROFILE)
            element = {
                "name": "sw-1",
                "driver": "netconf-switch",
                "mode": "observe",
                "host": "127.0.0.1",
                "port": switch.listening.netconf_port,
                "username": "ztpd",
                "password_file": "secrets/sw-1.password",
                "host_key": switch.listening.host_public_key,
            }
            scene.environment |= {"ZTPD_ELEMENTS": json.dumps([element]), "ZTPD_DISCOVERY__POLL_S": "0.2"}
            daemon = await scene.start_daemon()
            await scene.until_ready(daemon)
            yield Live(scene, switch, office, daemon)


async def test_a_cpe_is_heard_on_a_switch_that_is_only_listened_to() -> None:
    async with live() as here:
        await until(
            lambda: ztpd(here.scene, "status"), lambda ran: re.search(r"sw-1 +up", ran.output) is not None, "it is up"
        )
        place = {"technology": "ethernet", "element": "sw-1", "port": "Ethernet2"}
        status, _ = await here.office.call("PUT", "/v1/locations/LOC-1", {"address": "here", "access": place})
        assert status == 201
        status, problem = await here.office.call(
            "PUT", "/v1/locations/LOC-2", {"address": "here", "access": {**place, "port": "Vlan1"}}
        )
        assert (status, problem["errors"][0]["field"]) == (422, "access.port")
        assert (await here.office.call("PUT", "/v1/jobs/J-1", ORDER))[0] == 201

        here.switch.plug("Ethernet2", MAC, system_name="router-1")
        job = await until(
            lambda: here.office.get("/v1/jobs/J-1"), lambda job: job["state"] == "discovered", "the job is discovered"
        )
        assert job["failures"] == []
        heard = (await here.office.get("/v1/sightings?limit=10"))["items"]
        assert [(each["source"], each["verdict"]) for each in heard] == [("lldp", "matches job J-1")]

        ran = await ztpd(here.scene, "status")
        assert "only listened to" in ran.output
        assert json.loads((await ztpd(here.scene, "status", "--json")).output)["listened_to"] == ["sw-1"]
        ran = await ztpd(here.scene, "check")
        assert ran.code == 0
        assert re.search(r"ok +element sw-1 +answers, 2 ports; only listened to", ran.output)
        assert (await here.office.get("/readyz"))["status"] == "ready"

        assert set(here.switch.switch.rpcs) <= {"get", "get-config", "close-session"}
        here.switch.switch.faults.hang_after = 0
        assert await here.daemon.stop(signal.SIGTERM) < 5.0
        assert here.daemon.process.returncode == 0
        log = here.daemon.log.read_text()
        assert '"level":"error"' not in log.replace(" ", "")


async def test_the_lab_switch_as_a_process_lists_who_is_plugged_into_it(tmp_path: Path) -> None:
    async with stage(tmp_path, ROOT / "config") as scene:
        password = scene.secret("olt-1.password")
        key = str(scene.folder / "switch.key")
        arguments = ("--port", "0", "--control", "0", "--password-file", str(password), "--host-key", key)
        told = (await scene.start_peer("switch", "switch", *arguments, "--ports", "3")).facts
        async with Caller(f"http://127.0.0.1:{told['control']}") as hand:
            status, _ = await hand.call("POST", "/neighbours", {"port": "Ethernet3", "chassis_id": MAC})
        assert (told["ready"], status) == ("switch", 200)
        reader = NetconfSwitchDriver(
            NetconfSwitchSettings(
                name="sw-1",
                host="127.0.0.1",
                port=told["netconf"],
                username="ztpd",
                password=password.read_text(),
                host_key=told["host_key"],
            )
        )
        assert [(each.port, each.chassis_mac) for each in await reader.list_neighbours()] == [("Ethernet3", MAC)]
        await reader.close()
