"""``ztpd run`` with an OLT that connects to it, because nobody can connect to the OLT."""

import json
import re
import socket
import tempfile
from pathlib import Path

from tests.conftest import ROOT
from tests.integration.commands import ztpd
from ztpd.lab.olt import LabOltSettings, lab_olt
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import stage


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


async def test_an_olt_that_calls_home_is_listed_and_heard() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        async with stage(Path(folder), ROOT / "config") as scene:
            port = _free_port()
            async with (
                lab_olt(LabOltSettings(ports=2, call_home=("127.0.0.1", port))) as olt,
                Caller(scene.api, scene.secret("office.token").read_text(), patient=True) as office,
            ):
                password = scene.secret("far.password")
                password.touch(0o600)
                password.write_text("ztpd")
                element = {
                    "name": "olt-far",
                    "driver": "netconf-bbf",
                    "host": "127.0.0.0/8",
                    "calls_home": True,
                    "username": "ztpd",
                    "password_file": "secrets/far.password",
                    "host_key": olt.host_public_key,
                    "uplink": "uplink-1",
                }
                scene.environment |= {
                    "ZTPD_ELEMENTS": json.dumps([element]),
                    "ZTPD_CALL_HOME": json.dumps({"host": "127.0.0.1", "port": port}),
                }
                daemon = await scene.start_daemon()
                await scene.until_ready(daemon)
                await until(
                    lambda: ztpd(scene, "status"), lambda ran: re.search(r"olt-far +up", ran.output) is not None, "up"
                )
                olt.plug("HWTC1A2B3C4D", "1/1/1")
                devices = await until(
                    lambda: office.get("/v1/devices"), lambda found: bool(found["items"]), "the ONU is heard"
                )
                checked = await ztpd(scene, "check")
    assert devices["items"][0]["port"] == "1/1/1"
    assert checked.code == 0
    assert re.search(r"ok +element olt-far +calls home", checked.output)
