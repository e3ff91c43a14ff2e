"""The sender over real sockets: order, retries, time-outs, duplicates, stopping, and what a broken outbox does."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from standardwebhooks import Webhook

from billing_hooks.contract import Attempt, Delivery, Outbox, Verdict
from billing_hooks.endpoint import Endpoint
from billing_hooks.envelope import cloud_event
from billing_hooks.errors import InvalidEndpoint
from billing_hooks.lane import Pace, Seams
from billing_hooks.schedule import DELAYS
from billing_hooks.sender import Sender
from billing_hooks.signature import Secret
from ztpd.lab.receiver import Behaviour, Receiver, ReceiverSettings, lab_receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldCE="
START = datetime(2025, 3, 1, 12, tzinfo=UTC)
QUICK = Pace(poll_s=0.01, probe_s=0.01, drain_s=1.0, backoff_s=0.001, backoff_most_s=0.01)


def passed(_crash_point: str) -> None:
    """Go on past every crash point."""


class Clock:
    """A wall clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def unix(self) -> float:
        return self.time.timestamp()

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Row:
    """One delivery as the outbox keeps it."""

    id: int
    event_id: str
    service: str
    body: bytes
    due_at: datetime
    attempts: list[Attempt] = field(default_factory=list)
    leased: bool = False
    settled: Verdict | None = None  # None: still to be delivered


class MemoryOutbox:
    """Keeps deliveries in lists, in order per service, and remembers how it was used."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        self.disabled: set[str] = set()
        self.claim_limits: list[int] = []
        self.batches: list[int] = []
        self.faults: list[Exception] = []
        self.record_open = asyncio.Event()
        self.record_open.set()
        self.record_asked = asyncio.Event()
        self._now = now
        self._changed = asyncio.Event()

    def add(self, endpoint: str, service: str, event_id: str | None = None) -> Row:
        rows = self.rows[endpoint]
        row_id = len(rows) + 1
        event_id = event_id or f"evt_{endpoint}_{row_id}"
        body = cloud_event(
            event_id=event_id.strip(),
            event_type="service.activated",
            source="/ztpd/test",
            subject=service,
            time=START,
            service=service,
            sequence=sum(row.service == service for row in rows) + 1,
            correlation=None,
            data={},
        )
        row = Row(row_id, event_id, service, body, self._now())
        rows.append(row)
        return row

    async def claim(self, endpoint: str, limit: int) -> Sequence[Delivery]:
        self.claim_limits.append(limit)
        self._notify()
        self._fail_if_told()
        return [self._lease(row) for row in self._due(endpoint)[:limit]]

    async def record(self, endpoint: str, attempts: Sequence[Attempt]) -> None:
        self.record_asked.set()
        await self.record_open.wait()
        self._fail_if_told()
        self.batches.append(len(attempts))
        for attempt in attempts:
            self._settle(endpoint, self.rows[endpoint][attempt.delivery - 1], attempt)
        self._notify()

    def release(self) -> None:
        """What the end of every lease does."""
        for rows in self.rows.values():
            for row in rows:
                row.leased = False

    def settled(self, endpoint: str, verdict: Verdict = Verdict.DELIVERED) -> list[Row]:
        return [row for row in self.rows[endpoint] if row.settled is verdict]

    def attempts(self, endpoint: str) -> list[Attempt]:
        return [attempt for row in self.rows[endpoint] for attempt in row.attempts]

    async def until(self, enough: Callable[[], bool]) -> None:
        while not enough():
            self._changed.clear()
            await self._changed.wait()

    async def another_claim(self) -> None:
        """Wait until a claim that begins after this call has been answered."""
        seen = len(self.claim_limits)
        await self.until(lambda: len(self.claim_limits) >= seen + 2)

    def next_due(self, endpoint: str) -> datetime:
        return min((row.due_at for row in self._oldest(endpoint)), default=self._now())

    def _due(self, endpoint: str) -> list[Row]:
        if endpoint in self.disabled:
            return []
        return [row for row in self._oldest(endpoint) if not row.leased and row.due_at <= self._now()]

    def _oldest(self, endpoint: str) -> list[Row]:
        """The first undelivered of each service."""
        oldest: dict[str, Row] = {}
        for row in self.rows[endpoint]:
            if row.settled is None:
                oldest.setdefault(row.service, row)
        return list(oldest.values())

    def _lease(self, row: Row) -> Delivery:
        row.leased = True
        return Delivery(row.id, row.event_id, row.service, len(row.attempts) + 1, row.body, START)

    def _settle(self, endpoint: str, row: Row, attempt: Attempt) -> None:
        row.leased = False
        row.attempts.append(attempt)
        if attempt.retry_at is not None:
            row.due_at = attempt.retry_at
        else:
            row.settled = attempt.verdict
        if attempt.verdict is Verdict.DISABLED:
            self.disabled.add(endpoint)

    def _fail_if_told(self) -> None:
        if self.faults:
            raise self.faults.pop(0)

    def _notify(self) -> None:
        self._changed.set()


@dataclass
class World:
    """A clock, an outbox and as many receivers as a test asks for."""

    clock: Clock
    outbox: MemoryOutbox
    stack: AsyncExitStack

    async def receiver(self, *secrets: str) -> Receiver:
        settings = ReceiverSettings(secrets=secrets or (SECRET,), now=self.clock.unix)
        return await self.stack.enter_async_context(lab_receiver(settings))

    def sender(self, *endpoints: Endpoint, pace: Pace = QUICK, crash: Callable[[str], None] = passed) -> Sender:
        outbox = Outbox(self.outbox.claim, self.outbox.record)
        seams = Seams(now=self.clock.now, rng=random.Random(1), crash_point=crash)
        return Sender(endpoints, outbox, seams, pace)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        yield World(clock, MemoryOutbox(clock.now), stack)


@asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[asyncio.Task[None]]:
    """The sender at work for the length of the block, which must end within a deadline."""
    task = asyncio.create_task(sender.run())
    try:
        async with asyncio.timeout(20):
            yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def endpoint(receiver: Receiver, name: str = "billing", **settings: object) -> Endpoint:
    defaults: dict[str, object] = {"name": name, "url": receiver.url, "secrets": (Secret(SECRET),)}
    return Endpoint(**(defaults | settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
async def test_events_of_a_service_arrive_in_order_whatever_fails(world: World, seed: int) -> None:
    rng = random.Random(seed)
    receiver = await world.receiver()
    for number in range(60):
        world.outbox.add("billing", f"SVC-{rng.randrange(5)}", f"evt_{number}")
    pace = Pace(poll_s=0.005, probe_s=0.001)
    async with running(world.sender(endpoint(receiver, concurrency=rng.choice((1, 3, 8))), pace=pace)):
        while waiting := [row for row in world.outbox.rows["billing"] if row.settled is None]:
            exhausted = max(len(row.attempts) for row in waiting) > 6
            fault = rng.choice(("accept", "answer", "close"))
            receiver.behave(Behaviour(do="accept" if exhausted else fault, times=rng.randrange(1, 4)))
            await world.outbox.another_claim()
            world.clock.time = max(world.clock.time, world.outbox.next_due("billing"))
    sequences = defaultdict(list)
    for receipt in receiver.accepted:
        sequences[receipt.service].append(int(receipt.sequence or 0))
    assert sum(len(numbers) for numbers in sequences.values()) == 60
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences.values())


async def test_a_hanging_endpoint_holds_up_no_other(world: World) -> None:
    slow, quick = await world.receiver(), await world.receiver()
    slow.behave(Behaviour(do="hang"))
    for number in range(50):
        world.outbox.add("slow", f"SVC-{number}")
        world.outbox.add("quick", f"SVC-{number}")
    sender = world.sender(endpoint(slow, "slow"), endpoint(quick, "quick"), pace=Pace(drain_s=0.05))
    async with running(sender):
        await world.outbox.until(lambda: len(world.outbox.settled("quick")) == 50)
        await slow.until(lambda receiver: receiver.total == 8)
        assert world.outbox.attempts("slow") == []


async def test_a_failed_delivery_waits_for_its_retry_and_keeps_its_id(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=500, times=1))
    world.outbox.add("billing", "SVC-1")
    world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.until(lambda: len(world.outbox.attempts("billing")) == 1)
        await world.outbox.another_claim()
        assert receiver.total == 1, "nothing is sent before the retry is due, nor the service's next event"
        (failed,) = world.outbox.attempts("billing")
        assert (failed.status, failed.verdict, failed.error) == (500, Verdict.RETRY, "500: the receiver failed")
        assert failed.retry_at is not None
        assert timedelta(seconds=5) <= failed.retry_at - START <= timedelta(seconds=5.5)
        world.clock.advance(5.5)
        await world.outbox.until(lambda: len(world.outbox.settled("billing")) == 2)
    assert [receipt.id for receipt in receiver.received] == ["evt_billing_1", "evt_billing_1", "evt_billing_2"]
    assert receiver.duplicates == 0
    stamps = [receipt.headers["webhook-timestamp"] for receipt in receiver.received]
    assert int(stamps[1]) == int(stamps[0]) + 5, "each attempt is signed at its own time"


async def test_the_receivers_retry_after_is_waited_out(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=429, headers={"Retry-After": "120"}, times=1))
    row = world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.until(lambda: row.due_at > START)
        assert row.due_at == START + timedelta(seconds=120)
        world.clock.advance(120)
        await world.outbox.until(lambda: row.settled is Verdict.DELIVERED)


async def test_gone_disables_the_endpoint_and_nothing_more_is_sent(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=410))
    for _ in range(3):
        world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.until(lambda: len(world.outbox.settled("billing", Verdict.DISABLED)) == 1)
        await world.outbox.another_claim()
    assert receiver.total == 1


async def test_a_redirect_is_not_followed(world: World) -> None:
    receiver, target = await world.receiver(), await world.receiver()
    receiver.behave(Behaviour(do="answer", status=307, headers={"Location": target.url}))
    world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.until(lambda: len(world.outbox.attempts("billing")) == 1)
    (attempt,) = world.outbox.attempts("billing")
    assert (attempt.status, attempt.verdict) == (307, Verdict.RETRY)
    assert "redirects are not followed" in (attempt.error or "")
    assert target.total == 0


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Behaviour(do="hang"), "no answer within 0.1 s"),
        (Behaviour(do="drip", seconds=30), "no answer within 0.1 s"),
        (Behaviour(do="close"), "the connection "),
    ],
    ids=lambda value: value.do if isinstance(value, Behaviour) else "",
)
async def test_no_answer_is_a_failure_with_its_reason(world: World, behaviour: Behaviour, error: str) -> None:
    receiver = await world.receiver()
    receiver.behave(behaviour)
    world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver, timeout_s=0.1))):
        await world.outbox.until(lambda: len(world.outbox.attempts("billing")) == 1)
    (attempt,) = world.outbox.attempts("billing")
    assert (attempt.status, attempt.verdict) == (None, Verdict.RETRY)
    assert (attempt.error or "").startswith(error)


async def test_a_delivery_that_fails_ten_times_is_dead_and_says_why(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=503))
    row = world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))):
        while row.settled is None:
            await world.outbox.another_claim()
            world.clock.advance(27 * 3600)
    assert row.settled is Verdict.DEAD
    assert [attempt.number for attempt in row.attempts] == list(range(1, len(DELAYS) + 1))
    assert row.attempts[-1].error == "given up after 10 attempts; the last: 503: the receiver failed"


async def test_a_crash_before_the_record_repeats_the_same_id(world: World) -> None:
    receiver = await world.receiver()
    for number in range(3):
        world.outbox.add("billing", f"SVC-{number}")

    class Crash(Exception):
        pass

    points: list[str] = []

    def crash(point: str) -> None:
        points.append(point)
        raise Crash

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(5):
            await world.sender(endpoint(receiver), crash=crash).run()
    assert caught.group_contains(Crash, depth=1)
    assert points == ["delivery.posted"]
    assert world.outbox.settled("billing") == []

    world.outbox.release()
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.until(lambda: len(world.outbox.settled("billing")) == 3)
    repeated = [receipt.id for receipt in receiver.received if receipt.duplicate]
    assert repeated, "the answered post was repeated"
    assert len({receipt.id for receipt in receiver.received}) == len(receiver.accepted) == 3
    assert len({receipt.body for receipt in receiver.received}) == 3


async def test_cancelling_lets_posts_in_flight_end_and_records_them(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="drip-body", seconds=0.3))
    for number in range(3):
        world.outbox.add("billing", f"SVC-{number}")
    async with running(world.sender(endpoint(receiver, concurrency=1))) as task:
        await receiver.until(lambda receiver: receiver.total == 1)
        task.cancel()
        claims = len(world.outbox.claim_limits)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [row.id for row in world.outbox.settled("billing")] == [1]
    assert len(world.outbox.claim_limits) == claims, "nothing is claimed while draining"
    assert receiver.total == 1


async def test_cancelling_waits_for_a_record_under_way(world: World) -> None:
    receiver = await world.receiver()
    world.outbox.record_open.clear()
    world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))) as task:
        await world.outbox.record_asked.wait()
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, world.outbox.record_open.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(world.outbox.settled("billing")) == 1


async def test_a_post_that_outlasts_the_drain_is_left_to_its_lease(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="hang"))
    row = world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver), pace=Pace(drain_s=0.05))) as task:
        await receiver.until(lambda receiver: receiver.total == 1)
        task.cancel()
        async with asyncio.timeout(1):
            with suppress(asyncio.CancelledError):
                await task
    assert row.attempts == []
    assert row.leased


async def test_a_failing_outbox_is_asked_again_and_loses_nothing(world: World) -> None:
    receiver = await world.receiver()
    world.outbox.faults = [OSError("disk full") for _ in range(3)]
    for number in range(5):
        world.outbox.add("billing", f"SVC-{number}")
    with structlog.testing.capture_logs() as logs:
        async with running(world.sender(endpoint(receiver))):
            await receiver.until(lambda receiver: receiver.total == 5)
            world.outbox.faults += [OSError("disk full") for _ in range(3)]
            world.outbox.add("billing", "SVC-0")
            await world.outbox.until(lambda: len(world.outbox.settled("billing")) == 6)
    assert len([entry for entry in logs if entry["event"].startswith("outbox cannot")]) == 6
    assert receiver.duplicates == 0


async def test_unrecorded_answers_stop_the_claiming(world: World) -> None:
    receiver = await world.receiver()
    world.outbox.record_open.clear()
    for number in range(50):
        world.outbox.add("billing", f"SVC-{number}")
    async with running(world.sender(endpoint(receiver, concurrency=4))):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await receiver.until(lambda receiver: receiver.total > 8)
        leased = sum(row.leased for row in world.outbox.rows["billing"])
        assert leased == receiver.total == 8, "twice the concurrency is held, no more"
        world.outbox.record_open.set()
        await world.outbox.until(lambda: len(world.outbox.settled("billing")) == 50)
    assert receiver.total == 50
    assert max(world.outbox.batches) > 1, "answers that came meanwhile are recorded together"


async def test_an_endpoint_that_only_fails_is_probed_one_by_one_until_it_is_back(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=500, times=6))
    for number in range(40):
        world.outbox.add("billing", f"SVC-{number}")
    pace = Pace(poll_s=0.01, probe_s=0.01, breaker_after=4)
    with structlog.testing.capture_logs() as logs:
        async with running(world.sender(endpoint(receiver, concurrency=4), pace=pace)):
            await world.outbox.until(lambda: len(world.outbox.settled("billing")) == 34)
    limits = world.outbox.claim_limits
    assert max(limits[limits.index(1) :]) == 4, "a success opens the way again"
    events = [entry["event"] for entry in logs]
    assert events == ["endpoint fails, probing it one delivery at a time", "endpoint is back"]


async def test_while_probing_one_post_is_in_flight_at_a_time(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=500))
    for number in range(12):
        world.outbox.add("billing", f"SVC-{number}")
    pace = Pace(poll_s=0.01, probe_s=0.05, breaker_after=4)
    clock = asyncio.get_running_loop().time
    async with running(world.sender(endpoint(receiver, concurrency=4), pace=pace)):
        await world.outbox.until(lambda: len(world.outbox.attempts("billing")) >= 4)
        opened = clock()
        await world.outbox.until(lambda: len(world.outbox.attempts("billing")) == 12)
    assert sum(world.outbox.batches[-4:]) == 4, "each probe is recorded before the next is sent"
    assert clock() - opened >= 7 * 0.05, "probes keep their distance"


async def test_a_lost_nudge_is_repaired_by_polling_and_a_nudge_needs_no_poll(world: World) -> None:
    receiver = await world.receiver()
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.another_claim()
        world.outbox.add("billing", "SVC-1")
        await receiver.until(lambda receiver: receiver.total == 1)

    sender = world.sender(endpoint(receiver), pace=Pace(poll_s=3600))
    async with running(sender):
        claims = len(world.outbox.claim_limits)
        await world.outbox.until(lambda: len(world.outbox.claim_limits) > claims)
        world.outbox.add("billing", "SVC-1")
        sender.nudge()
        await receiver.until(lambda receiver: receiver.total == 2)


async def test_the_next_event_of_a_service_follows_at_once(world: World) -> None:
    receiver = await world.receiver()
    for _ in range(5):
        world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver), pace=Pace(poll_s=3600))):
        await receiver.until(lambda receiver: receiver.total == 5)


async def test_the_schedule_can_be_scaled(world: World) -> None:
    receiver = await world.receiver()
    receiver.behave(Behaviour(do="answer", status=500, times=1))
    row = world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver, retry_scale=0.01))):
        await world.outbox.until(lambda: len(row.attempts) == 1)
    assert timedelta(seconds=0.05) <= row.due_at - START <= timedelta(seconds=0.055)


async def test_a_delivery_that_cannot_be_sent_harms_only_itself(world: World) -> None:
    receiver = await world.receiver()
    poison = world.outbox.add("billing", "SVC-1", "evt_1\r\n")
    sound = world.outbox.add("billing", "SVC-2")
    async with running(world.sender(endpoint(receiver))):
        await world.outbox.until(lambda: sound.settled is Verdict.DELIVERED and len(poison.attempts) == 1)
    (attempt,) = poison.attempts
    assert attempt.verdict is Verdict.RETRY
    assert (attempt.error or "").startswith("could not be sent")
    assert receiver.total == 1


async def test_both_secrets_verify_during_rotation(world: World) -> None:
    before, after = await world.receiver(OTHER_SECRET), await world.receiver(SECRET)
    both = (Secret(SECRET), Secret(OTHER_SECRET))
    world.outbox.add("before", "SVC-1")
    world.outbox.add("after", "SVC-1")
    sender = world.sender(endpoint(before, "before", secrets=both), endpoint(after, "after", secrets=both))
    async with running(sender):
        await before.until(lambda receiver: len(receiver.accepted) == 1)
        await after.until(lambda receiver: len(receiver.accepted) == 1)


async def test_the_standards_library_verifies_what_arrived(world: World) -> None:
    world.clock.time = datetime.now(UTC)
    receiver = await world.receiver()
    world.outbox.add("billing", "SVC-1")
    async with running(world.sender(endpoint(receiver))):
        await receiver.until(lambda receiver: receiver.total == 1)
    (receipt,) = receiver.received
    event = Webhook(SECRET).verify(receipt.body, dict(receipt.headers))
    assert (event["id"], event["sequence"]) == ("evt_billing_1", "00000000000000000001")
    assert receipt.headers["Content-Type"].startswith("application/cloudevents+json")


async def test_a_wrong_secret_is_refused_and_no_secret_shows_anywhere(world: World) -> None:
    receiver = await world.receiver(OTHER_SECRET)
    settings = endpoint(receiver)
    world.outbox.add("billing", "SVC-1")
    world.outbox.add("billing", "SVC-2", "evt_2\n")
    world.outbox.faults = [OSError("disk full")]
    with structlog.testing.capture_logs() as logs:
        async with running(world.sender(settings)):
            await world.outbox.until(lambda: len(world.outbox.attempts("billing")) == 2)
    refused = world.outbox.rows["billing"][0].attempts[0]
    assert refused.status == 401
    assert "no signature" in refused.answer
    shown = f"{logs} {settings!r} {world.outbox.rows} {receiver.received}"
    assert SECRET.removeprefix("whsec_") not in shown
    assert OTHER_SECRET.removeprefix("whsec_") not in shown


def test_two_endpoints_of_one_name_are_refused() -> None:
    twice = [Endpoint(name="billing", url="https://crm.example/", secrets=(Secret(SECRET),))] * 2

    async def nothing(*_: object) -> list[Delivery]:
        return []

    async def recorded(*_: object) -> None:
        return None

    with pytest.raises(InvalidEndpoint, match="'billing': name"):
        Sender(twice, Outbox(nothing, recorded), Seams(now=lambda: START, rng=random.Random(1)))
