"""The daemon as a process: it says when it is ready, stops in time whatever hangs, and goes on where it was."""

import asyncio
import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pon.serial import to_hex
from tests.conftest import ROOT
from tests.integration.commands import ztpd
from tests.integration.stage import Theatre, theatre
from ztpd.lab.cpe.soap import inform_envelope
from ztpd.lab.operator import Caller, until
from ztpd.lab.play import DEVICES, GOOD, LOCATION, ORDER, OUI, PORT, SERIAL, STEPS
from ztpd.lab.stage import Process, stage, start_olt

STOP_S = 5.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


def logged(daemon: Process) -> list[dict[str, Any]]:
    """The daemon's log; every line of it is one JSON object that says what, when and how bad."""
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    return lines


async def assert_stops(daemon: Process, with_signal: signal.Signals) -> None:
    took_s = await daemon.stop(with_signal)
    assert took_s < STOP_S
    assert daemon.process.returncode == 0
    events = [line["event"] for line in logged(daemon)]
    assert events[-1] == "stopped", "it ended by itself, not by its backstop"
    assert events.count("stopping") == events.count("stopped")


async def order_and_plug(everything: Theatre) -> None:
    """An order whose device is plugged in with good light."""
    cast = everything.cast
    await cast.office.call("PUT", "/v1/locations/LOC-1", LOCATION)
    await cast.office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
    everything.olt.plug(SERIAL, PORT)


# What may be under way when the signal comes: each returns when it is.


@asynccontextmanager
async def a_hanging_olt(everything: Theatre) -> AsyncIterator[None]:
    """An RPC of the provisioner that the OLT never answers."""
    await until(lambda: everything.cast.office.get("/v1/jobs?limit=1"), lambda answer: "items" in answer, "the API")
    everything.olt.olt.faults.hang_after = 0
    before = everything.olt.olt.rpcs.total()
    await order_and_plug(everything)
    await until(lambda: asyncio.sleep(0, everything.olt.olt.rpcs.total()), lambda rpcs: rpcs > before, "an RPC")
    yield
    everything.olt.olt.clear_faults()


@asynccontextmanager
async def a_hanging_receiver(everything: Theatre) -> AsyncIterator[None]:
    """An event that dispatch has read and does not answer."""
    cast = everything.cast
    await cast.dispatch.call("POST", "/behaviour", {"do": "hang", "seconds": 60})
    await cast.office.call("PUT", "/v1/jobs/J-1", ORDER)
    await until(lambda: cast.dispatch.get("/received"), lambda seen: seen["total"] > 0, "an event at dispatch")
    yield
    await cast.dispatch.call("POST", "/behaviour", {"do": "accept"})


@asynccontextmanager
async def a_long_poll(everything: Theatre) -> AsyncIterator[None]:
    """A reader of the event feed that waits for half a minute, and is answered when the daemon stops."""
    newest = (await everything.cast.office.get("/v1/events?after=0&limit=500"))["next"]
    token = everything.scene.secret("office.token").read_text()
    reader, writer = await asyncio.open_connection("127.0.0.1", everything.scene.ports["api"])
    head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(f"GET /v1/events?after={newest}&wait=30 HTTP/1.1\r\n{head}".encode())
    await everything.cast.office.get("/healthz")
    yield
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


@asynccontextmanager
async def an_open_cpe_session(everything: Theatre) -> AsyncIterator[None]:
    """A CPE whose Inform was answered and who says nothing more."""
    digest = aiohttp.DigestAuthMiddleware("cpe", everything.scene.secret("acs.password").read_text())
    device = ("lab", OUI, "LAB-ONT", to_hex(SERIAL))
    async with aiohttp.ClientSession(middlewares=(digest,)) as session:
        inform = inform_envelope(device, ["1 BOOT"], {"Device.DeviceInfo.SoftwareVersion": "1"}, 0)
        async with session.post(everything.scene.acs, data=inform) as answer:
            assert answer.status == 200
            yield


@asynccontextmanager
async def everything_at_once(everything: Theatre) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for situation in (a_hanging_receiver, an_open_cpe_session, a_hanging_olt, a_long_poll):
            await stack.enter_async_context(situation(everything))
        yield


@pytest.mark.parametrize("situation", [a_hanging_olt, a_hanging_receiver])
async def test_a_signal_stops_it_in_time_though_a_peer_hangs(folder: Path, situation: Callable[[Theatre], Any]) -> None:
    async with theatre(folder) as everything:
        daemon = await everything.scene.start_daemon()
        await everything.scene.until_ready(daemon)
        async with situation(everything):
            await assert_stops(daemon, signal.SIGTERM)


async def test_stopped_while_all_hang_it_goes_on_where_it_was_and_bills_once(folder: Path) -> None:
    async with theatre(folder) as everything:
        scene, cast = everything.scene, everything.cast
        # A post that the stop cut short is repeated soon.
        scene.config.write_text(scene.config.read_text().replace("\nevents = ", "\nretry_scale = 0.01\nevents = "))
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        async with everything_at_once(everything):
            await assert_stops(daemon, signal.SIGTERM)
        await scene.start_daemon()
        begun = next(index for index, (name, _) in enumerate(STEPS) if name == "provisioned, verified")
        for _, step in STEPS[begun:]:
            await step(cast)
        types = [event["type"] for event in (await cast.office.get("/v1/events?after=0&limit=500"))["items"]]
        assert types.count("service.activated") == 1
        told = (await cast.dispatch.get("/received"))["received"]
        first_of_each = list(dict.fromkeys(each["id"] for each in told))
        events = (await cast.office.get("/v1/events?after=0&limit=500"))["items"]
        wanted = [event["id"] for event in events if event["type"].startswith(("job.", "completion."))]
        assert first_of_each == wanted[: len(first_of_each)]


async def test_a_database_that_is_locked_holds_up_no_stop(folder: Path) -> None:
    async with theatre(folder) as everything:
        scene, office = everything.scene, everything.cast.office
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        with closing(sqlite3.connect(folder / "ztpd.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ordered = asyncio.create_task(office.call("PUT", "/v1/jobs/J-1", ORDER))
            await office.get("/v1/jobs")
            assert await daemon.stop() < STOP_S
        ordered.cancel()
        assert daemon.process.returncode == 0


async def test_a_second_signal_ends_it_at_once(folder: Path) -> None:
    async with theatre(folder) as everything:
        daemon = await everything.scene.start_daemon()
        await everything.scene.until_ready(daemon)
        async with a_hanging_receiver(everything):
            daemon.process.send_signal(signal.SIGINT)
            await until(
                lambda: asyncio.sleep(0, [line["event"] for line in logged(daemon)]),
                lambda events: "stopping" in events,
                "the begin of the stop",
            )
            await daemon.stop(signal.SIGINT)
        assert daemon.process.returncode == 0
        assert logged(daemon)[-1]["event"] == "stopped before all had ended"


async def test_killed_and_started_while_the_olt_is_down_it_waits_and_goes_on(folder: Path) -> None:
    async with stage(folder, ROOT / "config") as scene, AsyncExitStack() as stack:
        scene.environment["ZTPD_DISCOVERY__RECONNECT_S"] = "0.2"
        olt = await start_olt(scene)
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        office = await stack.enter_async_context(Caller(scene.api, scene.secret("office.token").read_text()))
        await office.call("PUT", "/v1/locations/LOC-1", LOCATION)
        await office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
        await until(lambda: ztpd(scene, "status"), lambda ran: " up" in ran.output, "the OLT up")
        await daemon.stop(signal.SIGKILL)
        await olt.stop()

        await scene.until_ready(await scene.start_daemon())
        assert "DOWN" in (await ztpd(scene, "status")).output
        assert (await office.get("/v1/jobs/J-1"))["state"] == "ready"

        olt = await start_olt(scene)
        control = await stack.enter_async_context(Caller(f"http://127.0.0.1:{olt.facts['control']}"))
        await control.call("POST", "/onus", {"serial": SERIAL, "port": PORT, **GOOD})
        await until(
            lambda: office.get("/v1/jobs/J-1"),
            lambda job: job["network_confirmed_at"],
            "the job on the OLT that is back",
        )


async def test_ready_is_told_when_every_socket_is_bound_and_stopping_when_it_stops(folder: Path) -> None:
    async with theatre(folder) as everything:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(folder / "notify"))
            manager.setblocking(False)

            async def said() -> bytes:
                return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(manager, 100), 20)

            daemon = await everything.scene.start_daemon(NOTIFY_SOCKET=str(folder / "notify"))
            assert await said() == b"READY=1"
            for name in ("api", "acs"):
                _, writer = await asyncio.open_connection("127.0.0.1", everything.scene.ports[name])
                writer.close()
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as helper:
                helper.connect(str(folder / "intake.sock"))
            await everything.cast.home.ask_for_address()
            await until(
                lambda: everything.cast.office.get("/v1/sightings"),
                lambda found: found["items"],
                "what was heard at once",
            )
            daemon.process.send_signal(signal.SIGTERM)
            assert await said() == b"STOPPING=1"
            assert await daemon.process.wait() == 0


async def test_an_interface_that_is_missing_is_told_of_and_harms_nothing_else(folder: Path) -> None:
    async with theatre(folder) as everything:
        daemon = await everything.scene.start_daemon(ZTPD_DISCOVERY__DHCP__INTERFACES='["nosuch0", "toolonganame0123"]')
        await everything.scene.until_ready(daemon)
        await assert_stops(daemon, signal.SIGINT)
        deaf = [line for line in logged(daemon) if line["event"] == "dhcp is not heard"]
        assert {line["interface"] for line in deaf} == {"nosuch0", "toolonganame0123"}


def test_the_unit_is_one_that_systemd_accepts(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "systemd/ztpd.service").read_text()
    assert "ExecStart=/opt/ztpd/.venv/bin/ztpd run --config /etc/ztpd/ztpd.toml" in unit
    # Verification looks for the program itself, which stands elsewhere here.
    (tmp_path / "ztpd.service").write_text(unit.replace("/opt/ztpd/.venv/bin/ztpd", "/bin/true"))
    verified = subprocess.run([analyze, "verify", "ztpd.service"], cwd=tmp_path, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
