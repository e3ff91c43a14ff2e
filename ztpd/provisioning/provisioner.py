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
from ztpd.provisioning.breaker import Breaker
from ztpd.provisioning.lane import Lane
from ztpd.provisioning.outcomes import Outcomes
from ztpd.provisioning.pace import Pace
from ztpd.provisioning.policy import RetryPolicy
from ztpd.provisioning.seams import Seams, tell
from ztpd.provisioning.throttle import Throttle
from ztpd.provisioning.verifying import Verifying
from ztpd.store import attempts, cpe_firmware, cpe_tasks
from ztpd.store.attempts import Lease
from ztpd.store.store import Store


@dataclass(frozen=True, slots=True)
class Provisioner:
    """The lanes and what keeps their claims.

    ``elapsed`` is a monotonic clock in seconds, ``vouched`` what is answered for by element, ``per_minute`` how many
    devices are written at most to those elements that have a limit; the rest is told in ``Seams``.
    """

    store: Store
    drivers: Mapping[str, Driver]
    lease: Lease
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    random: Random
    pace: Pace = field(default_factory=Pace)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    vouched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    per_minute: Mapping[str, float] = field(default_factory=dict)
    pass_point: Callable[[str], None] = lambda point: None
    report: Callable[[str, str, float], None] = lambda element, outcome, seconds: None
    report_away: Callable[[str, bool], None] = lambda element, away: None

    async def run(self) -> None:
        """Work until cancelled."""
        breakers = {element: Breaker(self.pace.probe_first_s, self.pace.probe_longest_s) for element in self.drivers}

        def silent(element: str) -> None:
            if element in breakers:
                breakers[element].failed()

        outcomes = Outcomes(
            self.store,
            self.lease,
            self.policy,
            self.now,
            self.elapsed,
            self.random,
            self.pace.store_pause_s,
            self.report,
            silent,
        )
        seams = Seams(
            self.drivers,
            self.vouched,
            self.lease,
            self.pace,
            self.elapsed,
            self.random,
            self.pass_point,
            self.report_away,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_leases(outcomes))
            group.create_task(self._close_overdue())
            for element, driver in self.drivers.items():
                lane = Lane(
                    element,
                    driver,
                    self.store,
                    seams,
                    outcomes,
                    Throttle(self.per_minute.get(element)),
                    breakers[element],
                    Verifying(element, driver, seams, outcomes),
                )
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
            await self._commit_or_log(trouble, cpe_tasks.expire, self.pace.batch)
            await self._commit_or_log(trouble, cpe_firmware.close_overdue, self.pace.batch)
            await asyncio.sleep(self.pace.poll_s)

    async def _commit_or_log(self, trouble: Trouble, intention: Callable[..., object], *arguments: object) -> None:
        try:
            await self.store.commit(intention, *arguments)
        except Exception as error:
            tell(trouble, "chore put off", error, intention=intention.__name__)
        else:
            trouble.over()
