"""``make demo``: the play with the real daemon, told step by step with its times."""

import json
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.text import Text

from pon.serial import to_hex
from ztpd.lab.operator import Caller, NotSeen
from ztpd.lab.play import ADDRESS, CIRCUIT_ID, MAC, OUI, SERIAL, STEPS, Installation, Unexpected
from ztpd.lab.stage import Process, Stage, StageError, stage, start_olt, start_receivers

_FAILURES = (NotSeen, StageError, Unexpected, aiohttp.ClientError, TimeoutError, LookupError)
"""How a play ends early: what was waited for did not come, a process ended, somebody answered something else."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One step as it was played: ``at_ms`` since the daemon was ready, ``took_ms`` by itself."""

    step: str
    at_ms: float
    took_ms: float
    seen: str


@dataclass(slots=True)
class Report:
    """What came of a play so far: the steps taken, why it ended early, what the receivers got, the job's trace."""

    steps: list[Taken] = field(default_factory=list)
    problem: str | None = None
    received: dict[str, Any] = field(default_factory=dict)
    trace: list[dict[str, Any]] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """The steps that were not taken."""
        taken = {each.step for each in self.steps}
        return [name for name, _ in STEPS if name not in taken]

    def write(self, file: Path) -> None:
        """Write it as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        told = {**asdict(self), "missing": self.missing}
        file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


async def play(example: Path, report_file: Path, *, captures: bool) -> int:
    """Play every step, print the timeline, write the report; 0 when no step is missing, else 1.

    ``captures``: the daemon hears DHCP on the loopback (which takes root), else it is handed a capture. The logs of a
    play that fails are kept beside the report.
    """
    console = Console(highlight=False)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="ztpd-demo-") as folder:
        try:
            await _play(Path(folder), example, report, console, captures=captures)
        except _FAILURES as error:
            report.problem = f"{type(error).__name__}: {error}"
        report.write(report_file)
        if report.problem is not None or report.missing:
            _keep_logs(Path(folder), report_file.parent)
            told = Text(f"{report.problem}; missing: {', '.join(report.missing)}")
            console.print("[red]failed[/]:", told, f"\nreport and logs in {report_file.parent}", soft_wrap=True)
            return 1
    count, ended_ms = len(report.steps), report.steps[-1].at_ms
    console.print(f"\n[green]every step was taken[/], {count} in {ended_ms:.0f} ms; report in {report_file}")
    return 0


def _keep_logs(folder: Path, kept: Path) -> None:
    for log in folder.glob("*.log"):
        shutil.copy(log, kept)


async def _play(folder: Path, example: Path, report: Report, console: Console, *, captures: bool) -> None:
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(stage(folder, example))
        if captures:
            scene.hear_loopback()
        cast = await enter_cast(scene, stack, ProcessHome(scene, captures))
        try:
            await _take_steps(cast, report.steps, console)
        finally:
            await _ask_around(cast, report)


async def enter_cast(scene: Stage, stack: AsyncExitStack, home: "ProcessHome") -> Installation:
    """Start the lab's peers and the daemon, and give everybody their connections."""
    olt = await start_olt(scene)
    told = await start_receivers(scene)
    await scene.until_ready(await scene.start_daemon())
    return Installation(
        office=await stack.enter_async_context(Caller(scene.api, scene.secret("office.token").read_text())),
        field_app=await stack.enter_async_context(Caller(scene.api, scene.secret("field-app.token").read_text())),
        olt=await stack.enter_async_context(Caller(f"http://127.0.0.1:{olt.facts['control']}")),
        dispatch=await stack.enter_async_context(Caller(_origin(told["dispatch"].facts["url"]))),
        billing=await stack.enter_async_context(Caller(_origin(told["billing"].facts["url"]))),
        home=home,
    )


@dataclass(slots=True)
class ProcessHome:
    """A home whose CPE is a process of its own; ``captures`` says whether the daemon hears the loopback."""

    scene: Stage
    captures: bool
    cpe: Process | None = None

    async def ask_for_address(self) -> None:
        """Send DHCP over the loopback, or hand it in as a capture where nobody listens to the wire."""
        said = ["lab", "dhcp", "--mac", MAC, "--circuit-id", CIRCUIT_ID, "--address", ADDRESS]
        if self.captures:
            await self.scene.run(*said)
            return
        capture = self.scene.folder / "dhcp.pcap"
        await self.scene.run(*said, "--pcap", str(capture))
        await self.scene.run("replay", "--config", str(self.scene.config), str(capture))

    async def boot_cpe(self) -> None:
        """Start the CPE's process, once."""
        if self.cpe is not None and self.cpe.running:
            return
        said = ["--acs-url", self.scene.acs, "--password-file", str(self.scene.secret("acs.password"))]
        said += ["--serial", to_hex(SERIAL), "--oui", OUI, "--source-ip", ADDRESS, "--time-factor", "0.02"]
        self.cpe = await self.scene.start_peer("cpe", "cpe", *said)


def _origin(url: str) -> str:
    return url.rsplit("/", 1)[0]


async def _take_steps(cast: Installation, taken: list[Taken], console: Console) -> None:
    began = time.monotonic()
    console.print(f"{'at':>9}  {'took':>9}  step")
    for name, step in STEPS:
        started = time.monotonic()
        seen = await step(cast)
        ended = time.monotonic()
        each = Taken(name, (ended - began) * 1000, (ended - started) * 1000, seen)
        taken.append(each)
        line = Text.assemble(f"{each.at_ms:7.0f} ms {each.took_ms:7.0f} ms  ", (name, "bold"), f"  {seen}")
        console.print(line, soft_wrap=True)


async def _ask_around(cast: Installation, report: Report) -> None:
    """Ask everybody for their side of it; who does not answer is left out."""
    for name, receiver in (("dispatch", cast.dispatch), ("billing", cast.billing)):
        try:
            report.received[name] = await receiver.get("/received")
        except (aiohttp.ClientError, TimeoutError) as error:
            report.received[name] = {"problem": str(error)}
    try:
        report.trace = (await cast.office.get("/v1/jobs/J-1/trace"))["items"]
    except (aiohttp.ClientError, TimeoutError, LookupError) as error:
        report.trace = [{"problem": str(error)}]
