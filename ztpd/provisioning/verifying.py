"""What was written to one element is looked at until it is as wanted, will not be, or the time is over."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.base import Driver
from drivers.errors import ElementError
from ztpd.provisioning.outcomes import Attempt, Outcomes
from ztpd.provisioning.seams import Seams, wait
from ztpd.provisioning.verification import Confirmed, Found, Shortfall, look


@dataclass(slots=True)
class _Pending:
    """An attempt that is being verified, and until when it may go on settling."""

    attempt: Attempt
    deadline: float


@dataclass(frozen=True, slots=True)
class Verifying:
    """The attempts on one element whose configuration is written."""

    element: str
    driver: Driver
    seams: Seams
    outcomes: Outcomes
    _pending: list[_Pending] = field(default_factory=list)
    _added: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, done: Sequence[Attempt]) -> None:
        """Look at these too, each for ``verify_timeout_s`` at most."""
        deadline = self.seams.elapsed() + self.seams.pace.verify_timeout_s
        self._pending.extend(_Pending(attempt, deadline) for attempt in done)
        self._added.set()

    async def run(self) -> None:
        """Look until cancelled."""
        pace = self.seams.pace
        while True:
            await self._added.wait()
            self._added.clear()
            while self._pending:
                looking, self._pending[:] = self._pending[:], []
                for start in range(0, len(looking), pace.batch):
                    self._pending.extend(await self._look(looking[start : start + pace.batch]))
                if self._pending:
                    await wait(self._added, pace.verify_poll_s)
                    self._added.clear()

    async def _look(self, pending: Sequence[_Pending]) -> list[_Pending]:
        """Look at each and keep what became of it; those that may settle yet."""
        try:
            works = [each.attempt.work for each in pending]
            found = await look(self.driver, works, self.seams.vouched.get(self.element, frozenset()))
            if any(isinstance(each, Confirmed) for each in found):
                # What is confirmed must outlast a restart of the element; once for all that were looked at.
                await self.driver.save()
        except ElementError as error:
            await self.outcomes.all_broke([each.attempt for each in pending], error)
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
