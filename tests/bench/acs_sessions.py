"""What a session costs the ACS: of a CPE that is known and needs nothing, and of a new one that is set up.

The limit is a bare aiohttp handler that parses the same messages and answers constants, in turns with the daemon.
"""

import asyncio
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench._acs import Clients, Measured, Server, clients, expect, figure, limit, scene, started

MEASURES = (
    "acs_known_cpu_ms",
    "acs_known_rate",
    "acs_known_challenged_cpu_ms",
    "acs_new_posts",
    "acs_new_cpu_ms",
)

CPES, ROUNDS, NEW_ROUNDS = 3000, 5, 3


@dataclass
class _Rounds:
    """The rounds of one kind of session, ours and the limit's."""

    name: str
    ours: list[Measured] = field(default_factory=list)
    bare: list[Measured] = field(default_factory=list)

    async def one(self, client: Clients, daemon: Server, bare: Server, **how: Any) -> None:
        """The limit, then the daemon."""
        self.bare.append((await client.run(bare, bare.plan(**how))).check())
        self.ours.append((await client.run(daemon, daemon.plan(**how))).check())
        print(f"  {self.name}: {self.ours[-1]}; the limit: {self.bare[-1]}", file=sys.stderr)

    @property
    def cpu_ms(self) -> dict[str, Any]:
        """The processor time of a session."""
        ours, bare = (statistics.median(each.cpu_ms for each in rounds) for rounds in (self.ours, self.bare))
        return figure(ours, "ms", bare)

    @property
    def rate(self) -> dict[str, Any]:
        """Sessions a second; the ratio is the median of each round's, for the machine is not always as fast."""
        ours, bare = (statistics.median(each.rate for each in rounds) for rounds in (self.ours, self.bare))
        ratio = statistics.median(mine.rate / theirs.rate for mine, theirs in zip(self.ours, self.bare, strict=True))
        return figure(ours, "1/s", bare, "higher", ratio)


def run() -> dict[str, Any]:
    """New CPEs first; they are the known ones then."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    new, known, challenged = _Rounds("new"), _Rounds("known"), _Rounds("known, challenged")
    with tempfile.TemporaryDirectory(prefix="ztpd-bench-") as folder:
        async with scene(Path(folder)) as made, clients() as client, limit() as bare, limit("--configures") as setting:
            await expect(made, CPES + 1)
            daemon = await started(made)
            each = CPES // NEW_ROUNDS
            # The first CPE of a model teaches where its instances are; that is once for all that are like it.
            (await client.run(daemon, daemon.plan(first=CPES, cpes=1, sessions=1, new=True))).check()
            for first in range(0, CPES, each):
                some = {"first": first, "cpes": each, "sessions": each}
                await new.one(client, daemon, setting, **some, new=True)
            everybody = {"first": 0, "cpes": CPES, "sessions": CPES}
            for _ in range(ROUNDS):
                await known.one(client, daemon, bare, **everybody)
                await challenged.one(client, daemon, bare, **everybody, forget=True)
    return {
        "acs_known_cpu_ms": known.cpu_ms,
        "acs_known_rate": known.rate,
        "acs_known_challenged_cpu_ms": challenged.cpu_ms,
        "acs_new_posts": figure(max(each.posts for each in new.ours), "POSTs"),
        "acs_new_cpu_ms": new.cpu_ms,
    }
