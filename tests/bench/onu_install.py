"""From ONUs being plugged in to every service verified on its network: real processes, SQLite, lab OLTs.

Each OLT takes 100 ms for a commit and 5 ms for each ONU in it; the limit is what the slowest of them takes by itself,
in commits of 64. The orders are there before; every ONU is announced, found to be the one that is awaited, configured,
read back and measured, and every step is told to a receiver. An installation that fails is an error, not a figure.
"""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

from tests.bench._olts import olts_stage, order, own_time_s, until_verified

MEASURES = ("onu_install_1024_s", "onu_install_10240_s", "onu_install_10240_rss_mb")

ONUS = 1_024
OLTS = 10
RSS_LIMIT_MB = 400.0
_PATIENCE_S = 900.0


def run() -> dict[str, Any]:
    """One installation of one OLT's ONUs, and one of ten OLTs', by one daemon each."""
    one_s, _ = asyncio.run(_measure(1))
    ten_s, rss_mb = asyncio.run(_measure(OLTS))
    own_s = own_time_s(ONUS)
    return {
        "onu_install_1024_s": _figure(one_s, "s", own_s),
        "onu_install_10240_s": _figure(ten_s, "s", own_s),
        "onu_install_10240_rss_mb": _figure(rss_mb, "MB", RSS_LIMIT_MB),
    }


def _figure(value: float, unit: str, limit: float) -> dict[str, Any]:
    return {"value": value, "unit": unit, "better": "lower", "limit": limit, "ratio": value / limit}


async def _measure(count: int) -> tuple[float, float]:
    """Seconds until all are verified, and the most that the daemon ever had resident, in MB."""
    async with olts_stage(count) as (scene, olts):
        await order(scene, olts, ONUS)
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        for olt in olts:
            await olt.until_listened_to()
        started = time.perf_counter()
        await asyncio.gather(*(olt.plug(n * ONUS, ONUS) for n, olt in enumerate(olts)))
        await until_verified(scene, olts, ONUS, _PATIENCE_S)
        return time.perf_counter() - started, _peak_mb(daemon.process.pid)


def _peak_mb(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise RuntimeError("no VmHWM in the process's status")
    return int(found[1]) * 1024 / 1e6
