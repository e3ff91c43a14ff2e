"""``ztpd run`` with files: a CPE is upgraded in the job that installs it; campaigns and uploads by command."""

import asyncio
import hashlib
import json
import re
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.commands import ztpd, ztpd_process
from tests.integration.stage import Theatre, theatre
from tests.integration.test_cli import assert_narrow, assert_plain, assert_told
from ztpd.asking import answers
from ztpd.config import load
from ztpd.lab.operator import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMAGE = b"LAB-2.0\n" + bytes(range(256)) * 400
RULE = f"""
[[firmware]]
name = "lab"
product_class = "lab-*"
version = "LAB-2.0"
file = "lab-2.bin"
sha256 = "{hashlib.sha256(IMAGE).hexdigest()}"
during_install = true
"""
FILES = """
[acs.files]
folder = "files"
uploads = "uploads"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live() -> AsyncIterator[Theatre]:
    """A daemon whose profile wants a firmware, and a CPE that was installed with another."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with theatre(Path(folder)) as everything:
            scene, cast = everything.scene, everything.cast
            beside = scene.config.parent
            (beside / "files").mkdir()
            (beside / "files" / "lab-2.bin").write_bytes(IMAGE)
            scene.config.write_text(scene.config.read_text() + FILES)
            profile = beside / "profiles" / "residential-1g.toml"
            profile.write_text(profile.read_text() + RULE)
            await scene.until_ready(await scene.start_daemon())
            for step in (
                cast.order_without_device,
                cast.allocate,
                cast.plug_in_mended,
                cast.lease_address,
                cast.inform,
            ):
                await step()
            yield everything


async def campaign(live: Theatre) -> dict[str, Any]:
    (found,) = json.loads((await ztpd(live.scene, "firmware", "lab", "--json")).output)
    return dict(found)


async def test_a_cpe_is_upgraded_in_the_job_that_installs_it(live: Theatre) -> None:
    async def events() -> list[str]:
        page = await live.cast.office.get("/v1/events?after=0&limit=500")
        return [each["type"] for each in page["items"] if each["type"].startswith("firmware.")]

    await until(events, lambda found: found == ["firmware.started", "firmware.confirmed"], "the new version")
    await live.cast.report_complete()
    evidence = (await live.cast.office.get("/v1/jobs/J-1/evidence"))["items"]
    (installed,) = [each["body"] for each in evidence if each["kind"] == "firmware"]
    assert (installed["version"], installed["sha256"]) == ("LAB-2.0", hashlib.sha256(IMAGE).hexdigest())
    ran = await ztpd(live.scene, "firmware")
    assert (ran.code, ran.errors) == (0, "")
    assert re.search(r"lab: LAB-2.0 *\n +state +goes on *\n", ran.output)
    assert_told("as wanted 1 of 1 CPEs", ran.output)
    assert_narrow(ran.output)
    (metrics,) = await answers(load(live.scene.config), ["/metrics"])
    assert 'ztpd_cpe_files_total{outcome="sent"} 1.0' in metrics
    assert_told("to LAB-2.0, confirmed at", (await ztpd(live.scene, "device", await device_of(live))).output)


async def device_of(live: Theatre) -> str:
    devices = (await live.cast.office.get("/v1/devices"))["items"]
    return str(next(each["id"] for each in devices if each["cpe"] is not None))


async def test_a_campaign_is_stopped_and_goes_on_by_command(live: Theatre) -> None:
    assert_told("state STOPPED: stopped by office", (await ztpd(live.scene, "firmware", "lab", "stop")).output)
    assert_plain(await ztpd(live.scene, "firmware", "lab", "stop"), 1, "is stopped already")
    assert (await campaign(live))["stopped_at"] is not None
    assert_told("state goes on", (await ztpd(live.scene, "firmware", "lab", "resume")).output)
    assert_plain(await ztpd(live.scene, "firmware", "other", "stop"), 1, "there is no firmware other")


async def test_a_log_is_asked_for_and_written_for_its_owner_alone(live: Theatre, tmp_path: Path) -> None:
    log, device = tmp_path / "log.txt", await device_of(live)
    asked = asyncio.create_task(ztpd(live.scene, "device", device, "upload", "log", "--output", str(log)))

    async def tasks() -> list[dict[str, Any]]:
        return list((await live.cast.office.get(f"/v1/devices/{device}/tasks"))["items"])

    await until(tasks, lambda found: bool(found), "the task")
    await live.home.leave()
    live.home.cpe = None
    await live.home.boot_cpe()  # which informs
    ran = await asked
    assert (ran.code, ran.errors) == (0, "")
    assert re.search(r"upload +\d+", ran.output)
    assert "link up" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_a_file_that_is_none_is_refused(live: Theatre) -> None:
    device = await device_of(live)
    assert_plain(await ztpd(live.scene, "device", device, "download", "other.bin", "3"), 1, "other.bin is no file")
    (live.scene.config.parent / "files" / "wifi.cfg").write_text("a configuration")
    asked = await ztpd(live.scene, "device", device, "download", "wifi.cfg", "3", "--no-wait", "--json")
    arguments = json.loads(asked.output)["arguments"]
    assert (arguments["file"], arguments["file_type"]) == ("wifi.cfg", "3 Vendor Configuration File")


async def test_a_firmware_file_that_is_another_one_is_found_by_check_and_not_run(live: Theatre, tmp_path: Path) -> None:
    file = live.scene.config.parent / "files" / "lab-2.bin"
    file.write_bytes(IMAGE[::-1])
    try:
        ran = await ztpd(live.scene, "check", "--offline")
        assert ran.code == 2
        assert_told("the SHA-256 of", ran.output)
        assert_plain(await ztpd_process(live.scene, "run"), 2, "firmware.0: the SHA-256 of")
    finally:
        file.write_bytes(IMAGE)
