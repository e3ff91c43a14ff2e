"""What ``ztpd capture`` has resident after 100,000 frames of 25,000 devices on two interfaces.

The limit is an interpreter that has imported asyncio and does nothing.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench._wire import counts, send, started_capture, wired_stage
from tests.integration.namespaces import NoNamespace, add_pair, veth_namespace
from ztpd.discovery.intake import intake
from ztpd.domain.sighting import Sighting

MEASURES = ("capture_rss_mb",)

FRAMES, RATE, NEWS = 50_000, 10_000, 2
_IDLE = "import asyncio, sys; print('ready', flush=True); sys.stdin.read()"


def run() -> dict[str, Any]:
    """One run in a namespace of its own."""
    try:
        with veth_namespace() as name:
            add_pair(name, "near2", "far2")
            value = asyncio.run(_capture())
    except NoNamespace as problem:
        print(f"capture_rss_mb is not measured: {problem}", file=sys.stderr)
        return {}
    limit = _idle()
    return {"capture_rss_mb": {"value": value, "unit": "MB", "better": "lower", "limit": limit, "ratio": value / limit}}


async def _capture() -> float:
    async def accept(sighting: Sighting) -> None:
        return

    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with wired_stage(Path(folder), "near", "near2") as scene:
            listening = asyncio.Event()
            sink = asyncio.create_task(intake(scene.folder / "intake.sock", accept, listening=listening))
            await listening.wait()
            process = await started_capture(scene)
            for interface in ("far", "far2"):
                await send(interface, RATE, FRAMES, NEWS)
            await counts(process)
            value = _resident_mb(process.process.pid)
            sink.cancel()
            await asyncio.gather(sink, return_exceptions=True)
    return value


def _resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise RuntimeError("no VmRSS in the process's status")
    return int(found[1]) * 1024 / 1e6


def _idle() -> float:
    with subprocess.Popen(
        [sys.executable, "-c", _IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as idle:
        if idle.stdout is None:
            raise RuntimeError("the interpreter has no output")
        idle.stdout.readline()
        value = _resident_mb(idle.pid)
        idle.communicate("")
    return value
