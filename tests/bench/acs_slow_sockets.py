"""How long honest CPEs take while a thousand slow sockets hold on to the ACS; the limit is the same without them."""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench._acs import Clients, Server, clients, figure, know, running, scene, started

MEASURES = ("acs_slow_sockets_p99_ms",)

SLOW, CPES, ROUNDS = 1000, 800, 3
SECONDS = 6.0
_SETTLE_S = 5.0  # so that the first are cut off while it is measured


def run() -> dict[str, Any]:
    """Rounds with them and without in turns; the median of each."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    alone, beside = [], []
    with tempfile.TemporaryDirectory(prefix="ztpd-bench-") as folder:
        async with scene(Path(folder)) as made, clients() as client:
            await know(made, range(CPES))
            daemon = await started(made)
            await _p99_ms(client, daemon)
            for _ in range(ROUNDS):
                alone.append(await _p99_ms(client, daemon))
                async with running("_slow_sockets", str(daemon.port), str(SLOW)) as slow:
                    assert slow.stdin is not None
                    assert slow.stdout is not None
                    await slow.stdout.readline()
                    await asyncio.sleep(_SETTLE_S)
                    beside.append(await _p99_ms(client, daemon))
                    slow.stdin.close()
                    cut = int(await slow.stdout.readline())
                print(f"  p99 {alone[-1]:.1f} ms alone, {beside[-1]:.1f} ms beside, {cut} cut off", file=sys.stderr)
    ratio = statistics.median(one / other for one, other in zip(beside, alone, strict=True))
    return {"acs_slow_sockets_p99_ms": figure(statistics.median(beside), "ms", statistics.median(alone), ratio=ratio)}


async def _p99_ms(client: Clients, daemon: Server) -> float:
    done = (await client.run(daemon, daemon.plan(first=0, cpes=CPES, sessions=CPES, over_s=SECONDS))).check().done
    return statistics.quantiles(done.took_s, n=100)[-1] * 1000
