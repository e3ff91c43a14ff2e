"""How much one OLT that hangs slows the installations at nine others, driven by the same daemon.

The hung one is a process that is stopped: the kernel still takes connections and bytes for it, and nothing answers.
It hangs from the start, with work that is due there, or in the middle of a session; the worse of the two counts. The
limit is the same without: the tenth answers and has nothing to do, because work there would take time from the others.
What varies with the machine is taken out by turns: medians of several rounds, each of all three.
"""

import asyncio
import os
import signal
import statistics
import time
from typing import Any, Literal

from tests.bench._olts import VERIFIED, Olt, job_states, olts_stage, order, until_verified
from ztpd.lab.operator import until
from ztpd.lab.stage import Stage

MEASURES = ("hung_olt_slowdown",)

Hangs = Literal["never", "from the start", "in a session"]

OLTS = 10
ONUS = 128
"""Two commits: what the tenth was at when it stopped is never the last that it has to do."""

ROUNDS = 5
PATIENCE_S = 1.0
"""How long the daemon waits for an OLT: short, so that it gives up on the hung one and tries again meanwhile."""

LIMIT = 0.1
_WITHIN_S = 300.0
_HANGS: tuple[Hangs, ...] = ("never", "from the start", "in a session")


def run() -> dict[str, Any]:
    """How much longer the nine take, as a part of what they take beside a tenth that answers."""
    took = asyncio.run(_measure())
    undisturbed = statistics.median(took["never"])
    value = max(statistics.median(took[hangs]) for hangs in _HANGS[1:]) / undisturbed - 1
    return {
        "hung_olt_slowdown": {
            "value": value,
            "unit": "of the time",
            "better": "lower",
            "limit": LIMIT,
            "ratio": value / LIMIT,
        }
    }


async def _measure() -> dict[Hangs, list[float]]:
    took: dict[Hangs, list[float]] = {hangs: [] for hangs in _HANGS}
    async with olts_stage(OLTS, PATIENCE_S) as (scene, olts):
        for number in range(ROUNDS):
            for turn in range(len(_HANGS)):
                hangs = _HANGS[(number + turn) % len(_HANGS)]
                took[hangs].append(await _one(scene, olts, hangs))
    return took


async def _one(scene: Stage, olts: list[Olt], hangs: Hangs) -> float:
    """Seconds until the services at all but the first are verified, by a daemon that knows nothing yet."""
    tenth, nine = olts[0], olts[1:]
    scene.environment["ZTPD_STORE__URL"] = f"sqlite:///{scene.folder / f'{time.monotonic_ns()}.db'}"
    await asyncio.gather(*(olt.reset() for olt in olts))
    await order(scene, olts, ONUS, heard_at=None if hangs == "never" else tenth)
    if hangs != "never":
        await tenth.plug(0, ONUS)
    try:
        if hangs == "from the start":
            os.kill(tenth.process.process.pid, signal.SIGSTOP)
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        if hangs == "in a session":
            await until(lambda: tenth.hand.get("/counters"), _is_written_to, "a write", _WITHIN_S)
            os.kill(tenth.process.process.pid, signal.SIGSTOP)
        await asyncio.gather(*(olt.until_listened_to() for olt in nine))
        started = time.perf_counter()
        await asyncio.gather(*(olt.plug(n * ONUS, ONUS) for n, olt in enumerate(nine, start=1)))
        await until_verified(scene, nine, ONUS, _WITHIN_S)
        took = time.perf_counter() - started
        if job_states(scene, [tenth])[VERIFIED]:
            raise AssertionError("the OLT that should hang did its work")
        await daemon.stop(signal.SIGKILL)
    finally:
        os.kill(tenth.process.process.pid, signal.SIGCONT)
    return took


def _is_written_to(counters: Any) -> bool:
    return bool(counters["rpcs"].get("edit-config"))
