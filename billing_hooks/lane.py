"""One endpoint's way out: claims what is due, keeps posts in flight, records the answers in batches.

Three things overlap, so that none waits for another: claiming (``_feed``), posting (one task each) and recording
(``_record``). The outbox is the truth; a nudge only makes the next claim come sooner.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from billing_hooks.answer import Answer
from billing_hooks.breaker import Breaker
from billing_hooks.contract import Attempt, Delivery, Outbox, Verdict
from billing_hooks.endpoint import Endpoint
from billing_hooks.schedule import next_attempt
from billing_hooks.signature import signed_headers
from billing_hooks.transport import Post, Transport, http_transport

log = structlog.get_logger()

T = TypeVar("T")


def _no_crash(_point: str) -> None:
    """Go on: nothing tests a crash here."""


@dataclass(frozen=True, slots=True)
class Seams:
    """What a simulation or a crash test replaces: the clock (aware UTC), the random, the network, the crash point.

    ``crash_point("delivery.posted")`` is called between an answer's arrival and its record.
    """

    now: Callable[[], datetime]
    rng: random.Random
    transport: Transport = http_transport
    crash_point: Callable[[str], None] = _no_crash


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long, in seconds; ``breaker_after`` counts failures of one endpoint in a row.

    ``drain_s`` is given twice at most on cancellation: to posts in flight, then to recording their answers.
    """

    poll_s: float = 1.0
    probe_s: float = 1.0
    drain_s: float = 1.5
    backoff_s: float = 0.1
    backoff_most_s: float = 10.0
    breaker_after: int = 10


class Lane:
    """Delivers to one endpoint until cancelled; holds at most twice the endpoint's ``concurrency`` in memory."""

    def __init__(self, endpoint: Endpoint, outbox: Outbox, seams: Seams, pace: Pace) -> None:
        self._endpoint = endpoint
        self._outbox = outbox
        self._seams = seams
        self._pace = pace
        self._breaker = Breaker(pace.breaker_after)
        self._posting: set[asyncio.Task[Attempt]] = set()
        self._unrecorded: list[Attempt] = []
        self._due = asyncio.Event()
        self._room_made = asyncio.Event()
        self._answered = asyncio.Event()
        self._draining = False
        self._log = log.bind(endpoint=endpoint.name)

    def nudge(self) -> None:
        """Something may be due: claim now rather than at the next poll. Call it on the event loop."""
        self._due.set()

    async def run(self) -> None:
        """Deliver until cancelled; then let posts in flight end within ``drain_s``, record them, and stop.

        A post cut off has an unknown outcome: it stays unrecorded and is repeated under the same id when its lease
        ends. A second cancellation stops at once.
        """
        async with self._seams.transport(self._endpoint) as post:
            feeder = asyncio.create_task(self._feed(post), name=f"feed {self._endpoint.name}")
            recorder = asyncio.create_task(self._record(), name=f"record {self._endpoint.name}")
            try:
                await _until_one_fails(feeder, recorder)
            except asyncio.CancelledError:
                feeder.cancel()
                await self._drain(recorder)
                raise
            finally:
                await _stop((feeder, recorder, *self._posting))

    async def _feed(self, post: Post) -> None:
        while True:
            await self._wait_for_room()
            # Cleared before the claim, so that a nudge during it leads to another.
            self._due.clear()
            room = self._room()
            deliveries = await self._insist("claim", partial(self._outbox.claim, self._endpoint.name, room))
            for delivery in deliveries:
                self._start(post, delivery)
            if len(deliveries) < room:
                await _set_within(self._due, self._pace.poll_s)

    async def _wait_for_room(self) -> None:
        while self._room() < 1:
            self._room_made.clear()
            await self._room_made.wait()
        if self._breaker.is_open:
            await asyncio.sleep(self._pace.probe_s)

    def _room(self) -> int:
        """How many more may be claimed: bounded also by what waits to be recorded, should recording fail."""
        allowed = self._breaker.concurrency(self._endpoint.concurrency)
        held = len(self._posting) + len(self._unrecorded)
        return min(allowed - len(self._posting), 2 * allowed - held)

    def _start(self, post: Post, delivery: Delivery) -> None:
        task = asyncio.create_task(self._attempt(post, delivery), name=f"post {delivery.event_id}")
        self._posting.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Attempt]) -> None:
        self._posting.discard(task)
        self._room_made.set()
        if task.cancelled():
            return
        attempt = task.result()
        self._unrecorded.append(attempt)
        self._answered.set()
        self._trip(delivered=attempt.verdict is Verdict.DELIVERED)

    def _trip(self, *, delivered: bool) -> None:
        before, self._breaker = self._breaker, self._breaker.after(delivered=delivered)
        if self._breaker.is_open and not before.is_open:
            self._log.warning("endpoint fails, probing it one delivery at a time", failures=self._breaker.failures)
        elif before.is_open and not self._breaker.is_open:
            self._log.info("endpoint is back", failures=before.failures)

    async def _attempt(self, post: Post, delivery: Delivery) -> Attempt:
        clock = asyncio.get_running_loop().time
        sent_at, started = self._seams.now(), clock()
        answer = await self._post(post, delivery, sent_at)
        decision = next_attempt(
            delivery.attempt, answer, self._seams.now(), self._seams.rng, self._endpoint.retry_scale
        )
        return Attempt(
            delivery=delivery.id,
            number=delivery.attempt,
            at=sent_at,
            status=answer.status,
            latency_ms=(clock() - started) * 1000,
            error=decision.reason,
            answer=answer.text,
            verdict=decision.verdict,
            retry_at=decision.retry_at,
        )

    async def _post(self, post: Post, delivery: Delivery, at: datetime) -> Answer:
        try:
            headers = signed_headers(self._endpoint.secrets, delivery.event_id, at, delivery.body)
            return await post(headers, delivery.body)
        except Exception as fault:  # a delivery that cannot even be sent must harm only itself
            self._log.exception("delivery could not be sent", event_id=delivery.event_id)
            return Answer(error=f"could not be sent: {type(fault).__name__}")

    async def _record(self) -> None:
        while not (self._draining and not self._unrecorded):
            await self._answered.wait()
            self._answered.clear()
            batch = tuple(self._unrecorded)
            if not batch:
                continue
            self._seams.crash_point("delivery.posted")
            await self._insist("record", partial(self._outbox.record, self._endpoint.name, batch))
            del self._unrecorded[: len(batch)]
            self._room_made.set()
            # The next event of each recorded service may be due now.
            self._due.set()

    async def _drain(self, recorder: asyncio.Task[None]) -> None:
        if self._posting:
            await asyncio.wait(self._posting, timeout=self._pace.drain_s)
        self._draining = True
        self._answered.set()
        await asyncio.wait({recorder}, timeout=self._pace.drain_s)
        if self._unrecorded:
            self._log.error("answers left unrecorded, they will be sent again", count=len(self._unrecorded))

    async def _insist(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """What the outbox returns, however often it has to be asked."""
        delay = self._pace.backoff_s
        while True:
            try:
                return await call()
            except Exception:
                self._log.exception(f"outbox cannot {what}, trying again", delay_s=delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._pace.backoff_most_s)


async def _until_one_fails(*tasks: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _stop(tasks: Collection[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
