"""100,000 known CPEs, of which 10,000 come back within ten seconds, as after a power cut.

Each has rebooted: it knows no nonce any more, and is challenged first. The limit of the memory is what the same daemon
has resident before any of them informs.
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench._acs import Clients, Server, clients, figure, know, scene, started

MEASURES = ("acs_rejoin_s", "acs_rejoin_p99_s", "acs_rejoin_lost", "acs_100k_rss_mb")

KNOWN, REJOINING, OTHERS = 100_000, 10_000, 20_000
SECONDS = 10.0


def run() -> dict[str, Any]:
    """The crowd, then others one after the other, then the memory."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="ztpd-bench-") as folder:
        async with scene(Path(folder)) as made, clients() as client:
            await know(made, range(KNOWN))
            daemon = await started(made)
            idle = daemon.resident_mb()
            rejoined = await _rejoin(client, daemon)
            plan = daemon.plan(first=REJOINING, cpes=OTHERS, sessions=OTHERS, at_once=64)
            others = (await client.run(daemon, plan)).check()
            resident = daemon.resident_mb()
            print(f"  others: {others}; {resident:.0f} MB, at most {daemon.resident_mb('VmHWM'):.0f}", file=sys.stderr)
    return {**rejoined, "acs_100k_rss_mb": figure(resident, "MB", idle)}


async def _rejoin(client: Clients, daemon: Server) -> dict[str, Any]:
    plan = daemon.plan(first=0, cpes=REJOINING, sessions=REJOINING, over_s=SECONDS, event="1 BOOT")
    rejoined = await client.run(daemon, plan)
    done = rejoined.done
    p50, *_, p99 = (statistics.quantiles(done.took_s, n=100)[at] for at in (49, 98))
    print(f"  rejoin: {rejoined}, p50 {p50:.3f} s, p99 {p99:.3f} s, lost {done.lost}", file=sys.stderr)
    return {
        "acs_rejoin_s": figure(done.elapsed_s, "s", SECONDS),
        "acs_rejoin_p99_s": figure(p99, "s"),
        "acs_rejoin_lost": figure(REJOINING - done.ended, "sessions"),
    }
