"""Frames a second off a veth pair by ``ztpd capture``: decoded, matched against the patterns, repeats dropped.

50,000 frames a second are offered for five seconds, 2,000 of them each second of new devices. ``lost`` is what the
kernel dropped. The limit is a bare ``recvmsg`` loop on a socket with the same filter, offered as many as can be sent.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench._wire import LIMIT_S, counts, send, started_capture, wired_stage
from tests.integration.namespaces import NoNamespace, veth_namespace
from ztpd.discovery.intake import intake
from ztpd.domain.sighting import Sighting

MEASURES = ("capture_frames",)

RATE, SECONDS, NEWS = 50_000, 5, 25

RAW = """
import sys, time
from ztpd.discovery.capture import open_socket
packets = open_socket(sys.argv[1])
packets.settimeout(1.0)
print("ready", flush=True)
packets.recvmsg(16384, 64)
packets.settimeout(0.5)
started = last = time.perf_counter()
number = 1
try:
    while True:
        packets.recvmsg(16384, 64)
        number += 1
        last = time.perf_counter()
except TimeoutError:
    print(number / (last - started))
"""


def run() -> dict[str, Any]:
    """One run of each in a namespace of its own."""
    try:
        with veth_namespace():
            received, lost = asyncio.run(_through())
        with veth_namespace():
            limit = asyncio.run(_raw())
    except NoNamespace as problem:
        print(f"capture_frames is not measured: {problem}", file=sys.stderr)
        return {}
    return {
        "capture_frames": {
            "value": received,
            "unit": "1/s",
            "better": "higher",
            "limit": limit,
            "ratio": received / limit,
            "offered": float(RATE),
            "lost": float(lost),
        }
    }


async def _through() -> tuple[float, int]:
    async def accept(sighting: Sighting) -> None:
        return

    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with wired_stage(Path(folder), "near") as scene:
            listening = asyncio.Event()
            sink = asyncio.create_task(intake(scene.folder / "intake.sock", accept, listening=listening))
            await listening.wait()
            process = await started_capture(scene)
            took_s = await send("far", RATE, RATE * SECONDS, NEWS)
            told = await _settled(process)
            sink.cancel()
            await asyncio.gather(sink, return_exceptions=True)
    return told["frames"] / max(took_s, SECONDS), told["kernel_drops"] + told["queue_drops"]


async def _settled(process: Any) -> dict[str, Any]:
    """The counts once they stand still."""
    deadline, before = time.monotonic() + LIMIT_S, dict[str, Any]()
    while time.monotonic() < deadline:
        now = await counts(process)
        if now == before:
            return now
        before = now
    raise TimeoutError("the counts do not stand still")


async def _raw() -> float:
    reader = await asyncio.create_subprocess_exec(sys.executable, "-c", RAW, "near", stdout=subprocess.PIPE)
    if reader.stdout is None:
        raise RuntimeError("the reader has no output")
    await reader.stdout.readline()
    await send("far", 10 * RATE, RATE * SECONDS, NEWS)
    output, _ = await asyncio.wait_for(reader.communicate(), LIMIT_S)
    return float(output)
