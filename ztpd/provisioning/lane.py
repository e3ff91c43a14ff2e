"""One element's jobs: claimed, applied together, verified together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from drivers.base import Driver, Outcome, Plan
from drivers.errors import ElementError
from ztpd.logs import Trouble
from ztpd.provisioning.outcomes import Attempt, Outcomes
from ztpd.provisioning.pace import Pace
from ztpd.provisioning.verification import Found, Shortfall, look
from ztpd.store import attempts
from ztpd.store.attempts import Lease
from ztpd.store.engine import StoreUnavailable
from ztpd.store.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seams:
    """What the lanes share beside the store; ``elapsed`` is monotonic, in seconds, ``pass_point`` a crash point."""

    lease: Lease
    pace: Pace
    elapsed: Callable[[], float]
    pass_point: Callable[[str], None]


@dataclass(slots=True)
class _Pending:
    """An attempt that is being verified, and until when it may go on settling."""

    attempt: Attempt
    deadline: float


@dataclass(frozen=True, slots=True)
class Lane:
    """The work on one element. What is written and what is verified go on side by side; the driver serialises."""

    element: str
    driver: Driver
    store: Store
    seams: Seams
    outcomes: Outcomes
    _verifying: list[_Pending] = field(default_factory=list)
    _to_verify: asyncio.Event = field(default_factory=asyncio.Event)
    _trouble: Trouble = field(default_factory=Trouble)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._verify())

    async def _write(self) -> None:
        with self.store.nudges.listening("jobs") as nudge:
            while True:
                nudge.clear()
                claimed = await self._claim()
                if not claimed:
                    await wait(nudge, self.seams.pace.poll_s)
                    continue
                deadline = self.seams.elapsed() + self.seams.pace.verify_timeout_s
                for attempt in await self._apply(await self._plan(claimed)):
                    self._verifying.append(_Pending(attempt, deadline))
                self._to_verify.set()

    async def _claim(self) -> list[Attempt]:
        seams = self.seams
        try:
            works = await self.store.commit(attempts.claim_jobs, self.element, seams.lease, seams.pace.batch)
        except Exception as error:
            tell(self._trouble, "jobs cannot be claimed", error, element=self.element)
            await asyncio.sleep(seams.pace.store_pause_s)
            return []
        self._trouble.over()
        claimed = [Attempt(work, seams.elapsed()) for work in works]
        for attempt in claimed:
            self.outcomes.begun(attempt)
        return claimed

    async def _plan(self, claimed: Sequence[Attempt]) -> list[tuple[Attempt, Plan]]:
        """A plan for each; one that is refused fails alone, an element that is away or busy puts all off at once."""
        try:
            plans = await self.driver.plan([attempt.work.wanted for attempt in claimed])
        except ElementError as error:
            await self._all_broke(claimed, error)
            return []
        except Exception as error:
            if len(claimed) == 1:
                await self.outcomes.broke(claimed[0], error)
                return []
            # No driver may raise it: one at a time, so that the one behind it fails alone.
            return [planned for each in claimed for planned in await self._plan([each])]
        return list(zip(claimed, plans, strict=True))

    async def _apply(self, planned: Sequence[tuple[Attempt, Plan]]) -> list[Attempt]:
        """Apply all in one commit; the attempts whose configuration is on the element now."""
        if not planned:
            return []
        started = self.seams.elapsed()
        try:
            results = await self.driver.apply([plan for _, plan in planned])
        except ElementError as error:
            await self._all_broke([attempt for attempt, _ in planned], error)
            return []
        except Exception as error:
            if len(planned) == 1:
                await self.outcomes.broke(planned[0][0], error)
                return []
            return [attempt for each in planned for attempt in await self._apply([each])]
        self.seams.pass_point("element.applied")
        self._tell_applied(results, self.seams.elapsed() - started)
        kept = await asyncio.gather(
            *(self.outcomes.applied(*each, result) for each, result in zip(planned, results, strict=True))
        )
        return [attempt for (attempt, _), goes_on in zip(planned, kept, strict=True) if goes_on]

    async def _verify(self) -> None:
        pace = self.seams.pace
        while True:
            await self._to_verify.wait()
            self._to_verify.clear()
            while self._verifying:
                looking, self._verifying[:] = self._verifying[:], []
                for start in range(0, len(looking), pace.batch):
                    self._verifying.extend(await self._look(looking[start : start + pace.batch]))
                if self._verifying:
                    await wait(self._to_verify, pace.verify_poll_s)
                    self._to_verify.clear()

    async def _look(self, pending: Sequence[_Pending]) -> list[_Pending]:
        """Look at each and keep what became of it; those that may settle yet."""
        try:
            found = await look(self.driver, [each.attempt.work for each in pending])
        except ElementError as error:
            await self._all_broke([each.attempt for each in pending], error)
            return []
        except Exception as error:
            if len(pending) == 1:
                await self.outcomes.broke(pending[0].attempt, error)
                return []
            return [left for each in pending for left in await self._look([each])]
        settling = await asyncio.gather(*(self._ended(*each) for each in zip(pending, found, strict=True)))
        return [each for each, goes_on in zip(pending, settling, strict=True) if goes_on]

    async def _ended(self, pending: _Pending, found: Found) -> bool:
        """Keep what became of an attempt; whether it is to be looked at again."""
        if not isinstance(found, Shortfall):
            await self.outcomes.confirmed(pending.attempt, found)
            return False
        if found.may_settle and self.seams.elapsed() < pending.deadline:
            return True
        await self.outcomes.failed(pending.attempt, found.failure)
        return False

    async def _all_broke(self, claimed: Sequence[Attempt], error: ElementError) -> None:
        await asyncio.gather(*(self.outcomes.broke(attempt, error) for attempt in claimed))

    def _tell_applied(self, results: Sequence[Outcome], seconds: float) -> None:
        log.info(
            "applied",
            element=self.element,
            devices=len(results),
            changed=sum(result.changed for result in results),
            refused=sum(result.error is not None for result in results),
            seconds=round(seconds, 3),
        )


def tell(trouble: Trouble, problem: str, error: Exception, **context: str) -> None:
    """Say it as often as it is worth; a flaw of ours with its trace, a store that is away without."""
    reason = f"{type(error).__name__}: {error}"
    if trouble.is_news(reason):
        trace = None if isinstance(error, StoreUnavailable) else error
        log.error(problem, **context, reason=reason, times=trouble.times, exc_info=trace)


async def wait(nudge: asyncio.Event, seconds: float) -> None:
    """Wait for a nudge, or so long."""
    try:
        async with asyncio.timeout(seconds):
            await nudge.wait()
    except TimeoutError:
        return
