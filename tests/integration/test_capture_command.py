"""``ztpd capture`` as a command and a service: how it stops, what it says, and what it refuses to start with."""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.capturing import (
    LIMIT_SECONDS,
    core_of,
    counts,
    discovers,
    events,
    logged,
    ready_capture,
)
from tests.integration.commands import ztpd_process
from ztpd.lab import dhcp as lab
from ztpd.lab.operator import until
from ztpd.lab.stage import Stage


@pytest.mark.root
@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_though_the_core_is_away_and_says_what_is_lost(
    namespace: str, capture_scene: Stage, with_signal: signal.Signals
) -> None:
    process = await ready_capture(capture_scene)
    lab.send_frames("far", discovers([1, 2]))
    await until(partial(counts, process), lambda told: told.get("frames") == 2, "both")
    await process.stop(with_signal)

    assert process.process.returncode == 0
    *_, counted, stopped = logged(process)
    assert (counted["event"], counted["waiting"]) == ("handed over", 2)
    assert stopped["event"] == "stopped"
    assert stopped["lost"] == 2


@pytest.mark.root
async def test_what_waits_is_handed_over_before_it_stops(namespace: str, capture_scene: Stage) -> None:
    process = await ready_capture(capture_scene)
    async with core_of(capture_scene) as core:
        lab.send_frames("far", discovers(range(300)))
        await until(core.known, lambda known: len(known) > 0, "the first")
        await process.stop()

    assert process.process.returncode == 0
    assert len(core.taken) == 300
    assert logged(process)[-1]["lost"] == 0


@pytest.mark.root
async def test_the_service_manager_is_told_when_every_interface_was_tried(namespace: str, capture_scene: Stage) -> None:
    capture_scene.hear_by_process("near", "nowhere0")
    address = capture_scene.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(str(address))
        process = await capture_scene.start_capture(NOTIFY_SOCKET=str(address))
        async with asyncio.timeout(LIMIT_SECONDS):
            told = await asyncio.get_running_loop().sock_recv(manager, 100)
        assert told == b"READY=1"
        assert {"dhcp-is-heard", "dhcp is not heard"} <= set(await events(process))
        await process.stop()
        assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ZTPD_DISCOVERY__DHCP__INTERFACES": "[]", "ZTPD_DISCOVERY__DHCP__TRUSTED_INTERFACES": "[]"}, "--interface"),
        ({"ZTPD_DISCOVERY__DHCP__CAPTURE": "inside"}, "the daemon hears for itself"),
        ({"ZTPD_DISCOVERY__CIRCUIT_IDS": "nowhere.toml"}, "nowhere.toml: cannot be read"),
    ],
    ids=["no interface", "inside", "no patterns"],
)
async def test_a_configuration_that_it_cannot_work_with_is_named(
    capture_scene: Stage, environment: dict[str, str], words: str
) -> None:
    capture_scene.environment.update(environment)
    ran = await ztpd_process(capture_scene, "capture")

    assert ran.code == 2
    assert words in " ".join(ran.errors.split())


@pytest.mark.parametrize(("capture", "words"), [("process", "intake names no socket"), ("inside", "is not set")])
async def test_without_an_intake_there_is_nobody_to_tell(capture_scene: Stage, capture: str, words: str) -> None:
    del capture_scene.environment["ZTPD_DISCOVERY__INTAKE"]
    capture_scene.config.write_text(re.sub(r"\nintake = .*", "", capture_scene.config.read_text()))
    capture_scene.environment["ZTPD_DISCOVERY__DHCP__CAPTURE"] = capture
    ran = await ztpd_process(capture_scene, "capture", "--interface", "near")

    assert ran.code == 2
    assert words in " ".join(ran.errors.split())


_IMPORTED = """
import sys
try:
    import ztpd.capture.__main__
except IndexError:  # it was given no plan
    print(*sorted(name for name, module in sys.modules.items() if module is not None and "." not in name))
"""


def test_the_process_loads_nothing_of_what_only_the_core_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED], capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True
    )
    loaded = set(done.stdout.split())

    assert {"asyncio", "orjson", "structlog", "ztpd"} <= loaded
    assert not loaded & {"aiohttp", "pydantic", "pyroute2", "rich", "sqlite3", "ssl", "typer", "uvloop"}


def test_the_unit_is_one_that_systemd_accepts(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "systemd/ztpd-capture.service").read_text()
    assert "ExecStart=/opt/ztpd/.venv/bin/ztpd capture --config /etc/ztpd/ztpd.toml" in unit
    # Verification looks for the program itself, which stands elsewhere here.
    (tmp_path / "ztpd-capture.service").write_text(unit.replace("/opt/ztpd/.venv/bin/ztpd", "/bin/true"))
    verified = subprocess.run([analyze, "verify", "ztpd-capture.service"], cwd=tmp_path, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
