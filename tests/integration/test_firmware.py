"""A lab CPE is installed, upgraded in its window from our own file server, fails, is left alone, and sends its log."""

import hashlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.integration.store.world import (
    CPE,
    GOOD_LIGHT,
    HEX,
    LEASE,
    OLT,
    ONT,
    OUI,
    PORT,
    SERIAL,
    location,
    observed,
    order,
)
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsServer, AcsSettings
from ztpd.config import load_profiles
from ztpd.domain.cpe_tasks import Upload
from ztpd.domain.drift import DriftRule
from ztpd.domain.firmware import FirmwareRule
from ztpd.domain.model import CompletionBody
from ztpd.filing import Filing
from ztpd.informing import Informing
from ztpd.lab.cpe import BOOT, PERIODIC, CpeSettings, LabCpe
from ztpd.lab.cpe.settings import DownloadEnd, Misbehaviour
from ztpd.store import (
    attempts,
    completion,
    cpe_asking,
    cpe_firmware,
    firmware_campaigns,
    orders,
    sightings,
    transfer_reading,
)
from ztpd.store.files import FileSettings
from ztpd.store.store import Context, Store, open_store

NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)
IMAGE = b"LAB-2.0\n" + bytes(range(256)) * 800
RULE: dict[str, Any] = {
    "name": "lab",
    "version": "LAB-2.0",
    "file": "lab-2.bin",
    "size": len(IMAGE),
    "sha256": hashlib.sha256(IMAGE).hexdigest(),
    "windows": [{"start": "01:00", "end": "05:00"}],
    "stop_after": 2,
}


class Clock:
    now = NIGHT - timedelta(hours=6)

    def __call__(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Running:
    """What the daemon has of the ACS, on a clock that only the test moves."""

    acs: AcsServer
    store: Store
    clock: Clock
    files: FileSettings
    cpe: LabCpe

    async def events(self) -> list[str]:
        rows = await self.store.read(lambda reader: reader.events(0, 100))
        return [row["type"] for row in rows if row["type"].startswith("firmware.")]

    async def campaign(self) -> dict[str, Any]:
        (found,) = await self.store.read(lambda r: transfer_reading.campaigns(r, self.store.context.profiles))
        return found

    async def ask_for_log(self) -> int:
        """The CPE is asked for its log and told so; its device."""
        device = (await self.store.read(lambda reader: reader.devices(0, 10, None)))[0]["id"]
        await self.store.commit(cpe_asking.ask, device, Upload(what="log"), "op")
        assert await self.cpe.inform([PERIODIC]) == ["Upload"]
        return int(device)

    async def night_session(self) -> list[str]:
        """The CPE informs in the window, does what it is asked, and tells of it."""
        self.clock.now = NIGHT + timedelta(days=(self.clock.now - NIGHT).days + 1)
        served = await self.cpe.inform([PERIODIC])
        await self.cpe.settle()
        self.clock.later(minutes=3)
        assert await self.cpe.inform() == []
        return served


@asynccontextmanager
async def running(folder: Path, port: int = 0, upload_bytes: int = 100_000, **rule: Any) -> AsyncIterator[Running]:
    """In a folder and on a port that an earlier run may have had."""
    clock, ids = Clock(), itertools.count()
    settings = FileSettings(
        folder / "files", folder / "uploads", f"http://127.0.0.1:{port or _free_port()}", upload_bytes
    )
    settings.folder.mkdir(exist_ok=True)
    (settings.folder / "lab-2.bin").write_bytes(IMAGE)
    profile = load_profiles(Path("config/profiles"))["residential-1g"]
    rules = {"firmware": (FirmwareRule.model_validate({**RULE, **rule}),), "drift": DriftRule(action="ignore")}
    wanted = profile.model_copy(update=rules)
    context = Context(
        clock, {wanted.name: wanted}, lambda type_: (), lambda: f"evt_{folder.name}_{os.getpid()}_{next(ids)}"
    )
    async with open_store(f"sqlite:///{folder}/ztpd.db", context) as store:
        informing = Informing(store, clock, lambda source, outcome: None, lambda outcome: None, files_url=settings.url)
        port = int(settings.url.rpartition(":")[2])
        serving = AcsSettings(Credentials("ztpd", "cpe", "secret"), port=port)
        files = await Filing(store, settings).server()
        async with AcsServer(serving, informing.core(), files=files) as acs:
            cpe = LabCpe(CpeSettings(acs.url, "cpe", "secret", HEX, oui=OUI, time_factor=0.0))
            yield Running(acs, store, clock, settings, cpe)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def installed(world: Running) -> None:
    """The job of an ONT and its CPE, from order to report."""
    store = world.store
    await store.commit(orders.put_location, "LOC-1", location())
    await store.commit(orders.put_job, "J-1", order(ONT, CPE))
    onu = PresentDevice(PORT, SERIAL, Presence.UNKNOWN, "present")
    await store.commit(sightings.record_announcement, OLT, onu, world.clock())
    (work,) = await store.commit(attempts.claim_jobs, OLT, LEASE, 10)
    await store.commit(attempts.record_applied, work, LEASE, ["onu"])
    await store.commit(attempts.confirm_network, work, LEASE, observed(work.wanted), GOOD_LIGHT)
    assert "SetParameterValues" in await world.cpe.inform([BOOT])
    report = {
        "technician": "T-9",
        "completed_at": world.clock(),
        "devices": [{"role": "ont", "serial": SERIAL}, {"role": "cpe", "serial": HEX}],
        "measurements": [
            {"name": "onu_rx_power", "value": -20.4, "unit": "dBm"},
            {"name": "download_speed", "value": 940, "unit": "Mbit/s"},
        ],
        "photos": [{"name": "ont", "sha256": "a" * 64}],
    }
    await store.commit(completion.accept_completion, "J-1", CompletionBody.model_validate(report))


async def test_a_cpe_is_installed_by_day_and_upgraded_by_night(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await installed(world)
        assert await world.cpe.inform([PERIODIC]) == [], "it is not night yet"
        assert await world.night_session() == ["Download"]
        assert world.cpe.values["Device.DeviceInfo.SoftwareVersion"] == "LAB-2.0"
        assert await world.events() == ["firmware.started", "firmware.confirmed"]
        campaign = await world.campaign()
        assert (campaign["cpes"], campaign["as_wanted"], campaign["under_way"]) == (1, 1, [])
        evidence = await world.store.read(lambda reader: reader.evidence("J-1"))
        assert [each["body"]["sha256"] for each in evidence if each["kind"] == "firmware"] == [RULE["sha256"]]
        assert await world.night_session() == [], "it is as it must be"
        assert world.acs.counts["files-sent"] == 1


async def test_an_image_that_the_cpe_does_not_take_is_told_and_it_is_left_alone(tmp_path: Path) -> None:
    bad = b"\xff not a version\n" * 10
    async with running(tmp_path, size=len(bad), sha256=hashlib.sha256(bad).hexdigest()) as world:
        (world.files.folder / "lab-2.bin").write_bytes(bad)
        await installed(world)
        assert await world.night_session() == ["Download"]
        (failed,) = (await world.campaign())["failed"]
        assert failed["fault"].startswith("9018 the file arrived damaged")
        world.clock.later(minutes=5)
        assert await world.cpe.inform([PERIODIC]) == []
        world.clock.later(minutes=15)
        assert await world.cpe.inform([PERIODIC]) == ["Download"]
        await world.cpe.settle()
        await world.cpe.inform()
        assert await world.events() == ["firmware.started", "firmware.failed"] * 2
        assert (await world.campaign())["stopped_at"] is None, "it is one CPE that fails, not two"


async def test_the_campaign_stops_when_too_many_failed(tmp_path: Path) -> None:
    async with running(tmp_path, stop_after=1, version="LAB-3.0") as world:
        await installed(world)
        await world.night_session()
        (failed,) = (await world.campaign())["failed"]
        assert failed["fault"] == "it restarted after the transfer and runs LAB-2.0, not LAB-3.0"
        assert await world.events() == ["firmware.started", "firmware.failed", "firmware.stopped"]
        assert await world.night_session() == []


async def test_a_cpe_that_was_installed_with_an_old_version_is_upgraded_in_its_job(tmp_path: Path) -> None:
    async with running(tmp_path, during_install=True, windows=[]) as world:
        await installed(world)
        await world.cpe.settle()
        await world.cpe.inform()
        assert await world.events() == ["firmware.started", "firmware.confirmed"]


@pytest.mark.parametrize(
    ("wrong", "became"),
    [
        (Misbehaviour(download_fault=9010), "9010 the download failed (Download failure)"),
        (Misbehaviour(download_fault=9018), "9018 the file arrived damaged (Download failure)"),
        (Misbehaviour(download_end=DownloadEnd.UNCHANGED), "it restarted after the transfer and runs "),
        (Misbehaviour(download_end=DownloadEnd.NEVER), "no TransferComplete came within 3600 s"),
        (Misbehaviour(download_end=DownloadEnd.UNTOLD), ""),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{value.download_end}-{value.download_fault}",
)
async def test_what_firmware_does_wrong_in_the_field_is_told(tmp_path: Path, wrong: Misbehaviour, became: str) -> None:
    async with running(tmp_path) as world:
        world.cpe = LabCpe(replace(world.cpe.settings, misbehaviour=wrong))
        await installed(world)
        assert await world.night_session() == ["Download"]
        world.clock.later(hours=1)
        await world.store.commit(cpe_firmware.close_overdue, 100)
        failed = [each["fault"] for each in (await world.campaign())["failed"]]
        assert await world.events() == ["firmware.started", "firmware.failed" if became else "firmware.confirmed"]
        assert len(failed) == bool(became)
        assert not failed or failed[0].startswith(became)


async def test_a_cpe_without_the_method_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, windows=[]) as world:
        settings = world.cpe.settings
        wrong = replace(settings.misbehaviour, unsupported=frozenset({"Download"}))
        world.cpe = LabCpe(replace(settings, misbehaviour=wrong))
        await installed(world)
        await world.night_session()
        (failed,) = (await world.campaign())["failed"]
        assert failed["fault"].startswith("9000 it has no such method")


@pytest.mark.parametrize(("what", "begins"), [("log", HEX), ("configuration", "Device.")])
async def test_a_cpe_sends_what_it_is_asked_for(tmp_path: Path, what: str, begins: str) -> None:
    async with running(tmp_path) as world:
        await world.cpe.inform([BOOT])
        device = (await world.store.read(lambda reader: reader.devices(0, 10, None)))[0]["id"]
        task = await world.store.commit(cpe_asking.ask, device, Upload.model_validate({"what": what}), "op")
        assert await world.cpe.inform([PERIODIC]) == ["Upload"]
        await world.cpe.settle()
        await world.cpe.inform()
        (kept,) = await world.store.read(lambda reader: transfer_reading.uploads(reader, device, 0, 10))
        assert (kept["task"], kept["what"]) == (task["id"], what)
        sent = (world.files.uploads / kept["file"]).read_bytes()
        assert sent.startswith(begins.encode())
        assert hashlib.sha256(sent).hexdigest() == kept["sha256"]
        assert world.acs.counts["files-received"] == 1


async def test_a_one_time_url_goes_on_where_it_broke_off_and_is_nothing_once_the_transfer_is_over(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, windows=[]) as world, aiohttp.ClientSession() as http:
        await installed(world)
        assert await world.cpe.inform([PERIODIC]) == ["Download"]
        url = world.cpe.state.todo[0].arguments["URL"]
        assert url.startswith(f"{world.files.url}/files/")
        half = len(IMAGE) // 2
        got = b""
        for wanted in (f"bytes=0-{half}", f"bytes={half + 1}-"):
            async with http.get(url, headers={"Range": wanted}) as response:
                assert response.status == 206
                got += await response.read()
        assert got == IMAGE
        await world.cpe.settle()
        await world.cpe.inform()
        assert await world.events() == ["firmware.started", "firmware.confirmed"]
        async with http.get(url) as response:
            assert response.status == 404
        thief = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
        await world.ask_for_log()
        url = world.cpe.state.todo[0].arguments["URL"]
        async with http.put(url, data=b"first") as response:
            assert response.status == 201
        async with aiohttp.ClientSession(connector=thief) as other, other.put(url, data=b"forged") as response:
            assert response.status == 404
        await world.cpe.settle()
        await world.cpe.inform()
        async with http.put(url, data=b"late") as response:
            assert response.status == 404
        (kept,) = world.files.uploads.iterdir()
        assert kept.read_bytes().startswith(HEX.encode())


async def test_a_transfer_that_nobody_tells_the_end_of_has_failed_when_its_time_is_over(tmp_path: Path) -> None:
    async with running(tmp_path, windows=[], stop_after=1, timeout_s=600) as world:
        await installed(world)
        assert await world.cpe.inform([PERIODIC]) == ["Download"]
        world.cpe.state.todo.clear()  # it forgets
        world.clock.later(minutes=11)
        assert await world.store.commit(cpe_firmware.close_overdue, 100) == 1
        assert await world.events() == ["firmware.started", "firmware.failed", "firmware.stopped"]
        campaign = await world.campaign()
        assert campaign["reason"] == "1 CPEs failed, the last because no TransferComplete came within 600 s"
        world.clock.later(days=1)
        assert await world.cpe.inform([PERIODIC]) == [], "nobody else's either, until somebody resumes it"
        await world.store.commit(firmware_campaigns.resume, "lab", "op")
        assert await world.cpe.inform([PERIODIC]) == ["Download"]


async def test_what_is_larger_than_may_be_is_refused_and_the_task_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, upload_bytes=10) as world:
        await world.cpe.inform([BOOT])
        device = await world.ask_for_log()
        await world.cpe.settle()
        await world.cpe.inform()
        (task,) = await world.store.read(
            lambda reader: list(reader.queries.cpe_tasks(reader.connection, device=device, after=0, limit=9))
        )
        assert (task["state"], task["fault"]) == (
            "failed",
            "9011 the upload failed (Upload failure); a file may have 10 bytes",
        )
        assert list(world.files.uploads.iterdir()) == []


SERVING = """
import asyncio, sys
from pathlib import Path
from tests.integration import test_firmware as t

async def main():
    async with t.running(Path(sys.argv[1]), windows=[]) as world:
        await t.installed(world)
        print(world.files.url, file=sys.stderr, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, Callable[[], None]]]:
    """A process that serves a CPE which is in service: its port, and how it is killed."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVING, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert process.stderr is not None

    def kill() -> None:
        process.kill()
        process.wait()

    try:
        yield int(process.stderr.readline().decode().strip().rpartition(":")[2]), kill
    finally:
        kill()
        process.stderr.close()


async def test_a_daemon_that_is_killed_while_a_cpe_restarts_hears_of_the_new_version(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, kill):
        cpe = LabCpe(CpeSettings(f"http://127.0.0.1:{port}/acs", "cpe", "secret", HEX, oui=OUI, time_factor=0.0))
        assert await cpe.inform([PERIODIC]) == ["Download"]
        await cpe.settle()
        kill()
        with pytest.raises(aiohttp.ClientError):
            await cpe.inform()
    async with running(tmp_path, port, windows=[]) as world:
        assert await cpe.inform() == []
        assert await world.events() == ["firmware.started", "firmware.confirmed"]


async def test_a_download_from_a_daemon_that_is_killed_has_failed_and_is_tried_again(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, kill):
        cpe = LabCpe(CpeSettings(f"http://127.0.0.1:{port}/acs", "cpe", "secret", HEX, oui=OUI, time_factor=0.0))
        assert await cpe.inform([PERIODIC]) == ["Download"]
        kill()
        await cpe.settle()
    async with running(tmp_path, port, windows=[]) as world:
        assert await cpe.inform() == []
        (failed,) = (await world.campaign())["failed"]
        assert failed["fault"].startswith("9015 it could not reach the file server")
        world.clock.later(minutes=16)
        assert await cpe.inform([PERIODIC]) == ["Download"]
        await cpe.settle()
        await cpe.inform()
        assert await world.events() == ["firmware.started", "firmware.failed", "firmware.started", "firmware.confirmed"]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.integration import test_firmware as t
from ztpd.store import cpes

async def main():
    async with t.running(Path(sys.argv[1])) as world:
        await t.installed(world)
        world.clock.now = t.NIGHT + t.timedelta(days=1)
        commit = world.store.commit
        async def dies(intention, *arguments, **named):
            if intention is cpes.record_outcome:  # the CPE has taken it; nothing of that is kept
                os.kill(os.getpid(), signal.SIGKILL)
            return await commit(intention, *arguments, **named)
        type(world.store).commit = lambda self, *a, **k: dies(*a, **k)
        await world.cpe.inform([t.PERIODIC])

asyncio.run(main())
"""


async def test_a_kill_after_the_answer_and_before_its_commit_begins_no_second_download(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    async with running(tmp_path) as world:
        world.clock.now = NIGHT + timedelta(days=1, minutes=10)
        assert await world.cpe.inform([PERIODIC]) == [], "one may be under way"
        world.clock.later(hours=1)
        await world.store.commit(cpe_firmware.close_overdue, 100)
        world.clock.later(minutes=16)
        assert await world.cpe.inform([PERIODIC]) == ["Download"], "it was lost"
        await world.cpe.settle()
        await world.cpe.inform()
        assert await world.events() == ["firmware.started", "firmware.confirmed"]
        rows = await world.store.read(lambda reader: reader.events(0, 100))
        assert json.loads(rows[-1]["data"])["attempt"] == 2
