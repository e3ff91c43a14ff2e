"""What became of attempts, kept in the store however long that takes.

What belongs here: the one place where an attempt ends. What does not: deciding how it ended.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import structlog

from drivers.base import Outcome
from drivers.errors import ElementError, Unreachable
from ztpd.domain.failures import Failure
from ztpd.logs import Trouble
from ztpd.provisioning.policy import RetryPolicy, failure_of
from ztpd.provisioning.verification import Confirmed
from ztpd.store import attempts
from ztpd.store.attempts import Lease, Work
from ztpd.store.engine import StoreUnavailable
from ztpd.store.store import Store
from ztpd.store.transaction import Superseded

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claimed job and when the work on it began, on the monotonic clock."""

    work: Work
    started: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Keeps outcomes; ``report`` is told element, ``confirmed`` or the failure's code, and seconds since the claim."""

    store: Store
    lease: Lease
    policy: RetryPolicy
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    random: Random
    store_pause_s: float
    report: Callable[[str, str, float], None]
    silent: Callable[[str], None]
    """Told which element did not answer, once everything that was put off because of that is kept."""
    in_hand: dict[str, int] = field(default_factory=dict)
    """The attempts under way, by job: their leases are renewed, and no other's."""
    _trouble: Trouble = field(default_factory=Trouble)

    def begun(self, attempt: Attempt) -> None:
        """An attempt is in our hands, until one of the outcomes below ends it."""
        self.in_hand[attempt.work.job] = attempt.work.attempt

    def _ended(self, attempt: Attempt) -> None:
        if self.in_hand.get(attempt.work.job) == attempt.work.attempt:
            del self.in_hand[attempt.work.job]

    async def applied(self, attempt: Attempt, outcome: Outcome, changes: list[str]) -> bool:
        """Keep what became of one write; whether the attempt goes on to be verified."""
        if outcome.error is not None:
            await self.failed(attempt, failure_of(outcome.error))
            return False
        made = changes if outcome.changed else []
        kept = await self._commit(attempt, attempts.record_applied, attempt.work, self.lease, made)
        if not kept:
            self._ended(attempt)
        return kept

    async def confirmed(self, attempt: Attempt, found: Confirmed) -> None:
        """The network works."""
        work = attempt.work
        kept = await self._commit(attempt, attempts.confirm_network, work, self.lease, found.observed, found.levels)
        self._ended(attempt)
        if kept:
            self.report(work.element, "confirmed", self.elapsed() - attempt.started)

    async def broke(self, attempt: Attempt, error: Exception) -> None:
        """The attempt ended in an error; one that no driver may raise harms its own job only, and is shown whole."""
        await self.all_broke([attempt], error)

    async def all_broke(self, claimed: Sequence[Attempt], error: Exception) -> None:
        """The element did not do what it was asked, for all of them."""
        if not isinstance(error, ElementError):
            jobs = [attempt.work.job for attempt in claimed]
            log.error("attempt broke", jobs=jobs, element=claimed[0].work.element, exc_info=error)
        failure = failure_of(error)
        await asyncio.gather(*(self.failed(attempt, failure) for attempt in claimed))
        if isinstance(error, Unreachable):
            # Only now: whoever hears that the element is back makes due what is stored as put off.
            self.silent(error.element)

    async def failed(self, attempt: Attempt, failure: Failure) -> None:
        """The attempt is put off, or has failed for good."""
        work = attempt.work
        retry_at = self.policy.retry_at(failure, work.attempt_of_visit, self.now(), self.random)
        log.warning(
            "attempt failed",
            job=work.job,
            element=work.element,
            code=failure.code.value,
            detail=failure.detail,
            retry_at=None if retry_at is None else retry_at.isoformat(),
        )
        kept = await self._commit(attempt, attempts.fail_attempt, work, self.lease, failure, retry_at)
        self._ended(attempt)
        if kept:
            self.report(work.element, failure.code.value, self.elapsed() - attempt.started)

    async def _commit(self, attempt: Attempt, intention: Callable[..., object], *arguments: object) -> bool:
        """Keep an outcome; False when the job went on without this attempt.

        While the store cannot be written the outcome waits: forgetting it would repeat the attempt.
        """
        job = attempt.work.job
        while True:
            try:
                await self.store.commit(intention, *arguments)
            except Superseded as error:
                log.info("outcome dropped", job=job, reason=str(error))
                return False
            except StoreUnavailable as error:
                if self._trouble.is_news(str(error)):
                    log.error("outcomes cannot be kept yet", job=job, reason=str(error), times=self._trouble.times)
                await asyncio.sleep(self.store_pause_s)
            except Exception as error:
                log.exception("an outcome contradicts what is stored", job=job)
                if intention is not attempts.shelve_attempt:
                    await self._commit(attempt, attempts.shelve_attempt, attempt.work, self.lease, error)
                return False
            else:
                self._trouble.over()
                return True
