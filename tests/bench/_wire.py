"""A namespace with a veth pair for a benchmark, a sender on its far end, and ``ztpd capture`` on its near one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from tests.bench.dhcp_decode import relayed_discover
from ztpd.lab.stage import Process, Stage, stage

LIMIT_S = 60.0

# Frames at a steady rate: argument 1 is the interface, 2 the rate, 3 the number, 4 after how many frames a device is
# new; the frame stands in hex on standard input, its MAC address and circuit-id numbered by device.
SENDER = """
import socket, sys, time
interface, rate, number, news = sys.argv[1], *map(int, sys.argv[2:])
frame = bytes.fromhex(sys.stdin.read())
mac, circuit = bytes.fromhex("02005e100001"), b"3:17.1.100"
def of(device):
    told = frame.replace(mac, bytes((2, 0)) + device.to_bytes(4, "big"))
    return told.replace(circuit, b"3:%02d.%05d" % (device % 64, device // 64))
frames = [of(device) for device in range(-(-number // news))]
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.bind((interface, 0))
started, burst = time.perf_counter(), max(1, rate // 500)
for first in range(0, number, burst):
    while time.perf_counter() - started < first / rate:
        time.sleep(0.0002)
    known = first // news + 1
    for n in range(first, min(first + burst, number)):
        out.send(frames[n // news] if n % news == 0 else frames[n % known])
print(time.perf_counter() - started)
"""


async def send(interface: str, rate: int, number: int, news: int) -> float:
    """Send so many frames at a rate, every ``news``-th of a new device; how many seconds it took."""
    arguments = (interface, str(rate), str(number), str(news))
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(sender.communicate(relayed_discover().hex().encode()), LIMIT_S)
    return float(output)


@asynccontextmanager
async def wired_stage(folder: Path, *interfaces: str) -> AsyncIterator[Stage]:
    """A stage whose captures hear these, none of it started; the processes end with the block."""
    async with stage(folder, Path("config")) as scene:
        scene.trust_olt(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip())
        scene.hear_by_process(*interfaces)
        yield scene


async def started_capture(scene: Stage) -> Process:
    """``ztpd capture``, ready."""
    process = await scene.start_capture()
    await _until_logged(process, "ready")
    return process


async def counts(process: Process, about: str = "heard") -> dict[str, Any]:
    """What the process counted last, asked by a signal."""
    os.kill(process.process.pid, signal.SIGUSR1)
    await asyncio.sleep(0.3)
    told = await _until_logged(process, about)
    if told.get("malformed"):
        raise RuntimeError(f"the frames sent are no DHCP: {told}")
    return told


async def _until_logged(process: Process, event: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        lines = process.log.read_text().splitlines(keepends=True)
        for line in reversed([json.loads(each) for each in lines if each.endswith("\n")]):
            if line["event"] == event:
                return dict(line)
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{process.name} did not log {event}: {process.log.read_text()[-2000:]}")
