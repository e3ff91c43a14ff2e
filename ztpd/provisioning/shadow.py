"""An element that another tool configures: what we would do is decided and kept, and compared with what comes of it.

What belongs here: when it is decided and when it is looked at. What does not: writing, on the element or to its jobs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from drivers.access import Difference, ObservedAccess
from drivers.base import Driver
from drivers.errors import ElementError
from ztpd.domain.comparing import Judgement, changes_of, judge_act
from ztpd.domain.kinds import Act
from ztpd.logs import Trouble
from ztpd.provisioning.pace import Pace
from ztpd.provisioning.seams import tell, wait
from ztpd.store import shadowing
from ztpd.store.shadowing import Case, Decided, Open
from ztpd.store.store import Store

log = structlog.get_logger()

FEW = 16
"""How many devices are read one by one; for more of them the element's whole list is read."""


@dataclass(frozen=True, slots=True)
class ShadowLane:
    """The decisions on one element.

    ``poll_s`` and ``reconnect_s`` say how long to wait until the element is looked at again, anew each time; who knows
    that something changed there sets ``changed``.
    """

    element: str
    driver: Driver
    store: Store
    pace: Pace
    poll_s: Callable[[], float]
    reconnect_s: Callable[[], float]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _undecided: Trouble = field(default_factory=Trouble)
    _unseen: Trouble = field(default_factory=Trouble)

    async def run(self) -> None:
        """Decide and compare until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._decide())
            group.create_task(self._compare())

    async def _decide(self) -> None:
        with self.store.nudges.listening("jobs") as nudge:
            while True:
                nudge.clear()
                if not await self._done("jobs cannot be decided on", self._undecided, self._decide_some):
                    await asyncio.sleep(self.reconnect_s())
                elif not nudge.is_set():
                    await wait(nudge, self.pace.poll_s)

    async def _compare(self) -> None:
        while True:
            self.changed.clear()
            done = await self._done("what became of decisions cannot be seen", self._unseen, self._compare_all)
            await wait(self.changed, self.poll_s() if done else self.reconnect_s())

    async def _done(self, problem: str, trouble: Trouble, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it was done; if not it is said, and comes again: nothing is lost."""
        try:
            await work()
        except ElementError as error:
            if trouble.is_news(str(error)):
                log.warning(problem, element=self.element, reason=str(error), times=trouble.times)
            return False
        except Exception as error:
            # Whatever it is: one element must not end the daemon for all others.
            tell(trouble, problem, error, element=self.element)
            return False
        trouble.over()
        return True

    async def _decide_some(self) -> None:
        """Decide on what is due, a batch at a time, until nothing is."""
        while cases := await self.store.commit(shadowing.undecided, self.element, self.pace.batch):
            decided = [Decided(case) for case in cases if case.wanted is None]
            decided += await self._plan([case for case in cases if case.wanted is not None])
            kept = await self.store.commit(shadowing.keep_decisions, self.element, decided)
            log.info("decided", element=self.element, jobs=len(decided), kept=kept)
            self.changed.set()

    async def _plan(self, cases: Sequence[Case]) -> list[Decided]:
        """What would be done for each; a case that the driver has not foreseen is decided alone."""
        if not cases:
            return []
        try:
            planned = [case for case in cases if case.act is Act.PROVISION and case.leaving is None]
            read = [case for case in cases if case not in planned]
            return [*await self._by_plan(planned), *await self._by_reading(read)]
        except ElementError:
            raise
        except Exception as error:
            if len(cases) == 1:
                log.error("a plan broke", job=cases[0].job, element=self.element, exc_info=error)
                return [Decided(cases[0], refusal=f"unforeseen {type(error).__name__}: {error}")]
            return [decided for case in cases for decided in await self._plan([case])]

    async def _by_plan(self, cases: Sequence[Case]) -> list[Decided]:
        if not cases:
            return []
        plans = await self.driver.plan([case.wanted for case in cases if case.wanted is not None])
        return [
            Decided(case, plan.changes, None if plan.refused is None else str(plan.refused))
            for case, plan in zip(cases, plans, strict=True)
        ]

    async def _by_reading(self, cases: Sequence[Case]) -> list[Decided]:
        """What no plan can tell: what is stopped or taken away, and what comes in the place of another device."""
        if not cases:
            return []
        observed = await self.driver.read([case.wanted.device for case in cases if case.wanted is not None])
        return [_decided(case, observed) for case in cases]

    async def _compare_all(self) -> None:
        after, read = 0, None
        while found := await self.store.commit(shadowing.open_decisions, self.element, after, self.pace.batch):
            if read is None:
                read = await self._read([each.wanted.device for each in found], more=len(found) > FEW)
            await self._keep(found, read)
            if len(found) < self.pace.batch:
                return
            after = found[-1].id

    async def _read(self, devices: Sequence[str], *, more: bool) -> Mapping[str, ObservedAccess]:
        if not more:
            return await self.driver.read(devices)
        return {each.device: each for each in await self.driver.list_provisioned()}

    async def _keep(self, found: Sequence[Open], read: Mapping[str, ObservedAccess]) -> None:
        judged = [(each.id, _judge(each, read.get(each.wanted.device))) for each in found]
        news = set(await self.store.commit(shadowing.keep_judgements, judged))
        for each, (id_, judgement) in zip(found, judged, strict=True):
            if id_ in news:
                log.info(
                    "compared",
                    element=self.element,
                    service=each.wanted.service,
                    device=each.wanted.device,
                    verdict=judgement.verdict.value,
                    how=judgement.how,
                )


def _decided(case: Case, observed: Mapping[str, ObservedAccess]) -> Decided:
    if case.wanted is None:
        return Decided(case)
    shown = observed.get(case.wanted.device)
    left = () if case.leaving in {None, case.wanted.device} else (Difference("device", case.leaving, None),)
    changes = (*left, *changes_of(case.act, case.wanted, shown))
    missing = shown is None and case.act in {Act.SUSPEND, Act.RESUME}
    return Decided(case, changes, f"{case.wanted.device} is not configured there" if missing else None)


def _judge(each: Open, observed: ObservedAccess | None) -> Judgement:
    """An install is right or wrong as soon as there is something; other work begins with what was there before."""
    return judge_act(each.act, each.wanted, observed, () if each.kind == "install" else each.before)
