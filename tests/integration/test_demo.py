"""The demo as a newcomer runs it: every step played and reported, or a failure that says what is missing."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tests.conftest import ROOT
from ztpd.lab.operator import until


async def _play(report: Path) -> asyncio.subprocess.Process:
    """``ztpd lab demo`` without a raw socket, which only root has."""
    arguments = ("lab", "demo", "--replay-dhcp", "--config", str(ROOT / "config"), "--report", str(report))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ztpd", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def test_it_plays_every_step_without_a_raw_socket(tmp_path: Path) -> None:
    report = tmp_path / "out/report.json"
    process = await _play(report)
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, errors) == (0, b""), output
    told = json.loads(report.read_text())
    assert [step["step"] for step in told["steps"]][-1] == "billed"
    assert (told["missing"], told["problem"]) == ([], None)
    activated = [each for each in told["received"]["billing"]["received"] if each["type"] == "service.activated"]
    assert len(activated) == 1
    assert activated[0]["verified"]
    assert all(step["at_ms"] >= step["took_ms"] > 0 for step in told["steps"])
    # A sighting bears the moment when its list began to be read, which on a busy machine can be before the order.
    assert next(each for each in told["trace"] if each["kind"] == "event")["what"] == "job.ordered"


async def test_a_step_that_is_missing_fails_it_and_leaves_report_and_logs(tmp_path: Path) -> None:
    report = tmp_path / "out/report.json"
    process = await _play(report)
    children = await until(
        lambda: asyncio.to_thread(_children, process.pid),
        lambda found: "run" in found,
        "the daemon, started after its peers",
    )
    os.kill(children["receiver"], signal.SIGKILL)
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert errors == b""
    told = json.loads(report.read_text())
    assert "dispatch told" in told["missing"]
    assert told["problem"]
    assert b"missing: " in output
    assert (report.parent / "ztpd.log").exists()


def _children(pid: int) -> dict[str, int]:
    """The processes that a process started, the first of each subcommand (``run``, ``receiver`` …)."""
    found: dict[str, int] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        for word in {"run", "olt", "receiver"} & set(words):
            found.setdefault(word, int(child))
    return found
