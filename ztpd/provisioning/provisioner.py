"""The provisioner: one lane an element, each claiming its due jobs, applying them together, verifying each.

A lane never waits for another: an element that hangs holds up its own jobs only. Claims are leased and renewed while
the process lives, so another holder takes over what a crash left behind.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from drivers.base import Driver
from ztpd.logs import Trouble
from ztpd.provisioning.lane import Lane, Seams, tell
from ztpd.provisioning.outcomes import Outcomes
from ztpd.provisioning.pace import Pace
from ztpd.provisioning.policy import RetryPolicy
from ztpd.store import attempts
from ztpd.store.attempts import Lease
from ztpd.store.store import Store


@dataclass(frozen=True, slots=True)
class Provisioner:
    """What the lanes share; ``elapsed`` is a monotonic clock in seconds, ``vouched`` what is answered for by element."""

    store: Store
    drivers: Mapping[str, Driver]
    lease: Lease
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    random: Random
    pace: Pace = field(default_factory=Pace)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    vouched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pass_point: Callable[[str], None] = lambda point: None
    report: Callable[[str, str, float], None] = lambda element, outcome, seconds: None

    async def run(self) -> None:
        """Work until cancelled."""
        outcomes = Outcomes(
            self.store,
            self.lease,
            self.policy,
            self.now,
            self.elapsed,
            self.random,
            self.pace.store_pause_s,
            self.report,
        )
        seams = Seams(self.drivers, self.vouched, self.lease, self.pace, self.elapsed, self.pass_point)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_leases(outcomes))
            group.create_task(self._close_overdue())
            for element, driver in self.drivers.items():
                lane = Lane(element, driver, self.store, seams, outcomes)
                group.create_task(lane.run())

    async def _renew_leases(self, outcomes: Outcomes) -> None:
        trouble = Trouble()
        while True:
            await asyncio.sleep(self.lease.duration.total_seconds() / 3)
            await self._commit_or_log(trouble, attempts.renew_leases, self.lease, dict(outcomes.in_hand))

    async def _close_overdue(self) -> None:
        trouble = Trouble()
        while True:
            await self._commit_or_log(trouble, attempts.close_overdue, self.pace.batch)
            await asyncio.sleep(self.pace.poll_s)

    async def _commit_or_log(self, trouble: Trouble, intention: Callable[..., object], *arguments: object) -> None:
        try:
            await self.store.commit(intention, *arguments)
        except Exception as error:
            tell(trouble, "chore put off", error, intention=intention.__name__)
        else:
            trouble.over()
