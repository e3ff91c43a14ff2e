"""``ztpd capture`` for a test: its stage, the core it tells, what it logs, and devices for it to hear."""

import asyncio
import json
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh

from tests.conftest import ROOT
from tests.unit.discovery import frames
from ztpd.discovery.intake import intake
from ztpd.domain.sighting import Sighting
from ztpd.lab.operator import until
from ztpd.lab.stage import Process, Stage, stage

LIMIT_SECONDS = 20


@asynccontextmanager
async def capture_stage(interface: str = "near") -> AsyncIterator[Stage]:
    """A stage whose daemon is not started, in a folder with a path that a UNIX socket can have."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with stage(Path(folder), ROOT / "config") as made:
            made.hear_by_process(interface)
            made.environment["ZTPD_DISCOVERY__DHCP__REPEAT_WINDOW_S"] = "3600"  # longer than any test
            made.trust_olt(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip())
            yield made


class Core:
    """An intake in the test's own loop, in the place of the daemon's."""

    def __init__(self) -> None:
        self.taken: list[Sighting] = []

    async def accept(self, sighting: Sighting) -> None:
        self.taken.append(sighting)

    async def known(self) -> set[str | None]:
        return {sighting.mac for sighting in self.taken}


@asynccontextmanager
async def core_of(scene: Stage) -> AsyncIterator[Core]:
    core, ready = Core(), asyncio.Event()
    task = asyncio.create_task(intake(scene.folder / "intake.sock", core.accept, listening=ready))
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await ready.wait()
        yield core
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def logged(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.log.read_text().splitlines(keepends=True) if line.endswith("\n")]


async def events(process: Process) -> list[str]:
    return [line["event"] for line in logged(process)]


async def until_logged(process: Process, event: str, times: int = 1) -> None:
    await until(partial(events, process), lambda seen: seen.count(event) >= times, event)


async def ready_capture(scene: Stage, *prefix: str) -> Process:
    process = await scene.start_capture(*prefix)
    await until_logged(process, "ready")
    return process


async def counts(process: Process, about: str = "heard") -> dict[str, Any]:
    """What the process counted so far; it is asked by a signal and says so only when it changed."""
    process.process.send_signal(signal.SIGUSR1)
    told = [line for line in logged(process) if line["event"] == about]
    return told[-1] if told else {}


def mac(number: int) -> str:
    return f"02:00:5e:20:{number >> 8:02x}:{number & 255:02x}"


def discovers(numbers: Sequence[int]) -> list[bytes]:
    """A relayed DISCOVER of each device."""
    agent = frames.relay_agent((1, frames.CIRCUIT_ID), (2, b"remote"))
    tail = frames.options(frames.DISCOVER, agent)
    macs = (bytes.fromhex(mac(number).replace(":", "")) for number in numbers)
    return [frames.ethernet(frames.ipv4(frames.udp(frames.bootp(tail, chaddr=each)))) for each in macs]
