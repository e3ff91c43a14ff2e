"""One element's jobs: claimed, applied together, verified together."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from drivers.access import ObservedAccess
from drivers.base import Driver, Outcome, Plan
from drivers.errors import ElementError, Unreachable
from ztpd.domain.kinds import Act
from ztpd.logs import Trouble
from ztpd.provisioning.breaker import Breaker
from ztpd.provisioning.outcomes import Attempt, Outcomes
from ztpd.provisioning.seams import Seams, tell, wait
from ztpd.provisioning.throttle import Throttle
from ztpd.provisioning.verifying import Verifying
from ztpd.store import attempts
from ztpd.store.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lane:
    """The work on one element. What is written and what is verified go on side by side; the driver serialises."""

    element: str
    driver: Driver
    store: Store
    seams: Seams
    outcomes: Outcomes
    throttle: Throttle
    breaker: Breaker
    verifying: Verifying
    _trouble: Trouble = field(default_factory=Trouble)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(group))
            group.create_task(self.verifying.run())

    async def _write(self, group: asyncio.TaskGroup) -> None:
        with self.store.nudges.listening("jobs") as nudge:
            while True:
                nudge.clear()
                if self.breaker.is_open:
                    await self._come_back()
                await asyncio.sleep(self.throttle.wait_s(self.seams.elapsed()))
                claimed = await self._claim()
                if not claimed:
                    await wait(nudge, self.seams.pace.poll_s)
                    continue
                self.throttle.wrote(len(claimed), self.seams.elapsed())
                for act, some in _by_act(claimed).items():
                    for attempt in await self._work(act, some):
                        # One that hangs holds up neither this element nor what was left on others.
                        group.create_task(self._leave_elsewhere(attempt))

    async def _come_back(self) -> None:
        """Wait until the element answers; then all that was put off because it did not is due."""
        self.seams.report_away(self.element, True)
        while True:
            await asyncio.sleep(self.breaker.next_pause_s() * (1 - self.seams.random.random() / 2))
            try:
                await self.driver.ports()
            except Unreachable:
                continue
            except ElementError as error:
                log.info("element answers again, if only that it refuses", element=self.element, answer=str(error))
            except Exception as error:
                tell(self._trouble, "an element's answer is not understood", error, element=self.element)
            break
        try:
            due = await self.store.commit(attempts.element_is_back, self.element)
        except Exception as error:
            tell(self._trouble, "jobs cannot be made due", error, element=self.element)
            return
        self.breaker.answered()
        self.seams.report_away(self.element, False)
        log.info("element is worked on again", element=self.element, due=due)

    async def _work(self, act: Act, claimed: Sequence[Attempt]) -> list[Attempt]:
        """Do one act for all at once; what is on the element then is verified. Those that left something elsewhere."""
        match act:
            case Act.PROVISION:
                done = await self._apply(await self._plan(await self._leave_here(claimed)))
            case Act.REMOVE:
                done = await self._write_each(claimed, self.driver.remove)
            case Act.SUSPEND | Act.RESUME:
                done = await self._write_each(claimed, partial(self.driver.set_admin, enabled=act is Act.RESUME))
        moved = [attempt for attempt in done if self._comes_from_elsewhere(attempt)]
        self.verifying.add([attempt for attempt in done if attempt not in moved])
        return moved

    def _comes_from_elsewhere(self, attempt: Attempt) -> bool:
        return any(leaving.element != self.element for leaving in attempt.work.leaving)

    async def _claim(self) -> list[Attempt]:
        seams = self.seams
        try:
            works = await self.store.commit(
                attempts.claim_jobs, self.element, seams.lease, self.throttle.room(seams.pace.batch)
            )
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
            await self.outcomes.all_broke(claimed, error)
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
        plans = {attempt.work.job: plan for attempt, plan in planned}

        async def apply(claimed: Sequence[Attempt]) -> list[Outcome]:
            return await self.driver.apply([plans[attempt.work.job] for attempt in claimed])

        def changes(attempt: Attempt) -> list[str]:
            return [str(change) for change in plans[attempt.work.job].changes]

        return await self._written([attempt for attempt, _ in planned], apply, changes)

    async def _write_each(
        self, claimed: Sequence[Attempt], write: Callable[[list[str]], Awaitable[list[Outcome]]]
    ) -> list[Attempt]:
        """Have the devices written to; the attempts whose element is as it should be now."""

        async def write_all(some: Sequence[Attempt]) -> list[Outcome]:
            return await write([attempt.work.wanted.device for attempt in some])

        return await self._written(claimed, write_all, lambda attempt: [attempt.work.act.value])

    async def _written(
        self,
        claimed: Sequence[Attempt],
        write: Callable[[Sequence[Attempt]], Awaitable[list[Outcome]]],
        changes: Callable[[Attempt], list[str]],
    ) -> list[Attempt]:
        if not claimed:
            return []
        started = self.seams.elapsed()
        try:
            results = await write(claimed)
        except ElementError as error:
            await self.outcomes.all_broke(claimed, error)
            return []
        except Exception as error:
            if len(claimed) == 1:
                await self.outcomes.broke(claimed[0], error)
                return []
            return [attempt for each in claimed for attempt in await self._written([each], write, changes)]
        self.breaker.succeeded()
        self.seams.pass_point("element.applied")
        self._tell_applied(results, self.seams.elapsed() - started)
        kept = await asyncio.gather(
            *(
                self.outcomes.applied(attempt, result, changes(attempt))
                for attempt, result in zip(claimed, results, strict=True)
            )
        )
        return [attempt for attempt, goes_on in zip(claimed, kept, strict=True) if goes_on]

    async def _leave_here(self, claimed: Sequence[Attempt]) -> Sequence[Attempt]:
        """Take away what is in the way of a swap or a move within the element; those that can go on."""
        leaving = {
            each.device: attempt for attempt in claimed for each in attempt.work.leaving if each.element == self.element
        }
        if not leaving:
            return claimed
        try:
            observed = await self.driver.read(list(leaving))
            # After a crash it may be here already in its new place: that stays.
            old = [device for device, attempt in leaving.items() if _is_in_the_way(attempt, observed.get(device))]
            outcomes = await self.driver.remove(old) if old else []
        except ElementError as error:
            await self.outcomes.all_broke(claimed, error)
            return []
        except Exception as error:
            if len(claimed) == 1:
                await self.outcomes.broke(claimed[0], error)
                return []
            return [attempt for each in claimed for attempt in await self._leave_here([each])]
        refused = {leaving[outcome.device].work.job: outcome.error for outcome in outcomes if outcome.error is not None}
        return await self._all_but(claimed, refused)

    async def _leave_elsewhere(self, attempt: Attempt) -> None:
        """Take away what a service left behind on other elements, now that it works here."""
        for leaving in attempt.work.leaving:
            driver = self.seams.drivers.get(leaving.element)
            if driver is None:
                log.warning("left behind on an element that is gone", job=attempt.work.job, left=leaving)
            elif leaving.element != self.element:
                try:
                    error = await _leave(driver, leaving.device, attempt)
                except Exception as raised:
                    error = raised
                if error is not None:
                    await self.outcomes.broke(attempt, error)
                    return
        self.verifying.add([attempt])

    async def _all_but(self, claimed: Sequence[Attempt], refused: Mapping[str, ElementError]) -> list[Attempt]:
        """Those that were not refused; what became of the others is kept."""
        await asyncio.gather(
            *(
                self.outcomes.broke(attempt, refused[attempt.work.job])
                for attempt in claimed
                if attempt.work.job in refused
            )
        )
        return [attempt for attempt in claimed if attempt.work.job not in refused]

    def _tell_applied(self, results: Sequence[Outcome], seconds: float) -> None:
        log.info(
            "applied",
            element=self.element,
            devices=len(results),
            changed=sum(result.changed for result in results),
            refused=sum(result.error is not None for result in results),
            seconds=round(seconds, 3),
        )


def _by_act(claimed: Sequence[Attempt]) -> dict[Act, list[Attempt]]:
    found: dict[Act, list[Attempt]] = {}
    for attempt in claimed:
        found.setdefault(attempt.work.act, []).append(attempt)
    return found


async def _leave(driver: Driver, device: str, attempt: Attempt) -> Exception | None:
    """Take away what a service left behind, unless the device is in another's service there by now."""
    observed = (await driver.read([device])).get(device)
    if observed is not None and not _is_own(attempt, observed):
        return None
    [outcome] = await driver.remove([device])
    return outcome.error


def _is_in_the_way(attempt: Attempt, observed: ObservedAccess | None) -> bool:
    if observed is None or not _is_own(attempt, observed):
        return False
    wanted = attempt.work.wanted
    return (observed.device, observed.port) != (wanted.device, wanted.port)


def _is_own(attempt: Attempt, observed: ObservedAccess) -> bool:
    """Whether it may have been made for the attempt's service: not every element can tell."""
    return observed.service in {None, attempt.work.wanted.service}
