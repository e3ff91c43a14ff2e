"""The provisioner: one lane an element, each claiming its due jobs, applying them together, verifying each.

A lane never waits for another: an element that hangs holds up its own jobs only. Claims are leased and renewed while
the process lives, so another holder takes over what a crash left behind.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import structlog

from drivers.base import Driver, Outcome, Plan
from drivers.errors import Busy, ElementError, Unreachable
from ztpd.domain.failures import Failure
from ztpd.logs import Trouble
from ztpd.provisioning.outcomes import Attempt, Outcomes
from ztpd.provisioning.policy import RetryPolicy
from ztpd.provisioning.verification import verify
from ztpd.store import attempts
from ztpd.store.attempts import Lease
from ztpd.store.engine import StoreUnavailable
from ztpd.store.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the provisioner works, in seconds; ``batch`` jobs at most go into one commit of an element."""

    batch: int = 64
    poll_s: float = 1.0
    verify_timeout_s: float = 90.0
    verify_poll_s: float = 1.0
    store_pause_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Provisioner:
    """What the lanes share; ``elapsed`` is a monotonic clock in seconds, ``pass_point`` a crash point."""

    store: Store
    drivers: Mapping[str, Driver]
    lease: Lease
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    random: Random
    pace: Pace = field(default_factory=Pace)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
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
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_leases(outcomes))
            group.create_task(self._close_overdue())
            for element, driver in self.drivers.items():
                lane = _Lane(element, driver, self, outcomes)
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
            _tell(trouble, "chore put off", error, intention=intention.__name__)
        else:
            trouble.over()


@dataclass(frozen=True, slots=True)
class _Lane:
    """One element's jobs: claimed, applied together, verified side by side."""

    element: str
    driver: Driver
    shared: Provisioner
    outcomes: Outcomes
    _trouble: Trouble = field(default_factory=Trouble)

    async def run(self) -> None:
        with self.shared.store.nudges.listening("jobs") as nudge:
            async with asyncio.TaskGroup() as verifications:
                while True:
                    nudge.clear()
                    claimed = await self._claim()
                    if not claimed:
                        await _wait(nudge, self.shared.pace.poll_s)
                        continue
                    for attempt in await self._apply(await self._plan_all(claimed)):
                        verifications.create_task(self._verify(attempt))

    async def _claim(self) -> list[Attempt]:
        shared = self.shared
        try:
            works = await shared.store.commit(attempts.claim_jobs, self.element, shared.lease, shared.pace.batch)
        except Exception as error:
            _tell(self._trouble, "jobs cannot be claimed", error, element=self.element)
            await asyncio.sleep(shared.pace.store_pause_s)
            return []
        self._trouble.over()
        claimed = [Attempt(work, shared.elapsed()) for work in works]
        for attempt in claimed:
            self.outcomes.begun(attempt)
        return claimed

    async def _plan_all(self, claimed: Sequence[Attempt]) -> list[tuple[Attempt, Plan]]:
        """A plan for each; one that is refused fails alone, an element that is away or busy puts all off at once."""
        # No task group: one that fails leaves the lane's own task marked as cancelled on Python 3.11.
        planning = [asyncio.create_task(self._plan(attempt)) for attempt in claimed]
        try:
            plans = await asyncio.gather(*planning)
        except (Unreachable, Busy) as error:
            for task in planning:
                task.cancel()
            await asyncio.wait(planning)
            await self._all_broke(claimed, error)
            return []
        return [(attempt, plan) for attempt, plan in zip(claimed, plans, strict=True) if plan is not None]

    async def _plan(self, attempt: Attempt) -> Plan | None:
        try:
            return await self.driver.plan(attempt.work.wanted)
        except (Unreachable, Busy):
            raise
        except Exception as error:
            await self.outcomes.broke(attempt, error)
            return None

    async def _apply(self, planned: Sequence[tuple[Attempt, Plan]]) -> list[Attempt]:
        """Apply all in one commit; the attempts whose configuration is on the element now."""
        if not planned:
            return []
        started = self.shared.elapsed()
        try:
            results = await self.driver.apply([plan for _, plan in planned])
            applied = [(attempt, result) for (attempt, _), result in zip(planned, results, strict=True)]
        except ElementError as error:
            await self._all_broke([attempt for attempt, _ in planned], error)
            return []
        except Exception as error:
            return await self._apply_apart(planned, error)
        self.shared.pass_point("element.applied")
        self._tell_applied(applied, self.shared.elapsed() - started)
        kept = await asyncio.gather(*(self.outcomes.applied(attempt, result) for attempt, result in applied))
        return [attempt for (attempt, _), goes_on in zip(applied, kept, strict=True) if goes_on]

    async def _apply_apart(self, planned: Sequence[tuple[Attempt, Plan]], error: Exception) -> list[Attempt]:
        """After an error that no driver may raise: one plan at a time, so that the one behind it fails alone."""
        if len(planned) == 1:
            await self.outcomes.broke(planned[0][0], error)
            return []
        return [attempt for each in planned for attempt in await self._apply([each])]

    async def _verify(self, attempt: Attempt) -> None:
        shared = self.shared
        try:
            found = await verify(
                self.driver, attempt.work, shared.pace.verify_timeout_s, shared.pace.verify_poll_s, shared.elapsed
            )
        except Exception as error:
            await self.outcomes.broke(attempt, error)
            return
        if isinstance(found, Failure):
            await self.outcomes.failed(attempt, found)
        else:
            await self.outcomes.confirmed(attempt, found)

    async def _all_broke(self, claimed: Sequence[Attempt], error: ElementError) -> None:
        await asyncio.gather(*(self.outcomes.broke(attempt, error) for attempt in claimed))

    def _tell_applied(self, applied: Sequence[tuple[Attempt, Outcome]], seconds: float) -> None:
        log.info(
            "applied",
            element=self.element,
            onus=len(applied),
            changed=sum(result.changed for _, result in applied),
            refused=sum(result.error is not None for _, result in applied),
            seconds=round(seconds, 3),
        )


def _tell(trouble: Trouble, problem: str, error: Exception, **context: str) -> None:
    """Say it as often as it is worth; a flaw of ours with its trace, a store that is away without."""
    reason = f"{type(error).__name__}: {error}"
    if trouble.is_news(reason):
        trace = None if isinstance(error, StoreUnavailable) else error
        log.error(problem, **context, reason=reason, times=trouble.times, exc_info=trace)


async def _wait(nudge: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await nudge.wait()
    except TimeoutError:
        return
