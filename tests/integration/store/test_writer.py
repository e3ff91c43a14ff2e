"""The writer: many intentions share a commit, a bad one fails alone, an engine that fails is said and comes back."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.store.world import ONT, location, order, routes
from ztpd.domain.profile import Profile
from ztpd.store import orders, writer
from ztpd.store.engine import StoreUnavailable, open_engine
from ztpd.store.store import Context, Store, open_store
from ztpd.store.transaction import Refused, Transaction
from ztpd.store.writer import StoreOverloaded


class Points:
    """Counts what passes; may do something at one point."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.groups: list[int] = []
        self.at: dict[str, Callable[[], None]] = {}
        self._run = 0

    def __call__(self, point: str) -> None:
        self.passed[point] += 1
        if point.endswith(".before-commit"):
            self._run += 1
        elif self._run:
            self.groups.append(self._run)
            self._run = 0
        self.at.get(point, lambda: None)()


@asynccontextmanager
async def opened(
    url: str, profile: Profile, points: Callable[[str], None] = lambda point: None
) -> AsyncIterator[Store]:
    ids = iter(range(1_000_000))
    context = Context(lambda: datetime.now(UTC), {profile.name: profile}, routes, lambda: f"event-{next(ids)}")
    async with open_store(url, context, points) as store:
        yield store


def _place(number: int) -> tuple[Any, ...]:
    return orders.put_location, f"LOC-{number}", location()


async def _locations(store: Store) -> list[str]:
    return [row["id"] for row in await store.read(lambda reader: reader.locations("", 1000))]


async def test_intentions_that_arrive_together_share_commits(migrated_url: str, residential: Profile) -> None:
    points = Points()
    async with opened(migrated_url, residential, points) as store:
        assert await asyncio.gather(*(store.commit(*_place(number)) for number in range(200))) == [True] * 200
        assert len(await _locations(store)) == 200
    assert points.passed["put_location.after-commit"] == 200
    assert len(points.groups) <= 3, "one by one it would be 200 commits"


async def test_what_comes_turn_after_turn_of_the_loop_shares_a_commit(migrated_url: str, residential: Profile) -> None:
    points = Points()
    async with opened(migrated_url, residential, points) as store:
        waiting = []
        for number in range(writer.MAX_TURNS):
            waiting.append(asyncio.create_task(store.commit(*_place(number))))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
    assert points.groups == [writer.MAX_TURNS]


async def test_a_bad_intention_in_a_group_fails_alone(migrated_url: str, residential: Profile) -> None:
    def half_done(tx: Transaction) -> None:
        orders.put_location(tx, "LOC-BAD", location())
        orders.put_job(tx, "J-BAD", order(ONT, service="SVC-BAD"))
        raise ZeroDivisionError

    def wrong_statement(tx: Transaction) -> None:
        orders.put_location(tx, "LOC-WORSE", location())
        tx.connection.execute("SELECT * FROM no_such_table")

    async with opened(migrated_url, residential) as store:
        bad = [store.commit(half_done), store.commit(wrong_statement)]
        good = [store.commit(*_place(number)) for number in range(5)]
        answers = await asyncio.gather(*bad, *good, return_exceptions=True)
        assert isinstance(answers[0], ZeroDivisionError)
        assert isinstance(answers[1], Exception)
        assert answers[2:] == [True] * 5
        assert await _locations(store) == [f"LOC-{number}" for number in range(5)]
        assert await store.read(lambda reader: reader.events(0, 10)) == []
        assert await store.read(lambda reader: reader.deliveries(0, 10, None, None)) == []


async def test_an_intention_that_raises_wakes_nobody(migrated_url: str, residential: Profile) -> None:
    async with opened(migrated_url, residential) as store:
        await store.commit(orders.put_job, "J-1", order(ONT))
        with store.nudges.listening("events") as nudge:
            with pytest.raises(Refused):
                await store.commit(orders.put_job, "J-1", order(ONT, account="ACC-2"))
            assert not nudge.is_set()
            await store.commit(orders.put_location, "LOC-1", location())
            assert nudge.is_set()


async def test_a_caller_that_goes_away_loses_nothing(migrated_url: str, residential: Profile) -> None:
    async with opened(migrated_url, residential) as store:
        caller = asyncio.create_task(store.commit(*_place(1)))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        assert caller.cancelled()
        await store.commit(*_place(2))
        assert await _locations(store) == ["LOC-1", "LOC-2"]


async def test_closing_commits_what_waits_and_refuses_what_comes_later(migrated_url: str, residential: Profile) -> None:
    async with opened(migrated_url, residential) as store:
        waiting = [asyncio.create_task(store.commit(*_place(number))) for number in range(writer.MAX_GROUP + 10)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [True] * len(waiting)
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.commit(*_place(-1))


async def test_more_than_the_writer_may_hold_is_refused_at_once(
    migrated_url: str, residential: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 10)
    async with opened(migrated_url, residential) as store:
        answers = await asyncio.gather(*(store.commit(*_place(n)) for n in range(15)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [bool] * 10 + [StoreOverloaded] * 5
        assert await store.commit(*_place(99)) is True


async def test_readers_see_only_what_is_committed(migrated_url: str, residential: Profile) -> None:
    points, written, go_on = Points(), threading.Event(), threading.Event()

    def hold() -> None:
        written.set()
        assert go_on.wait(10)

    points.at["put_location.before-commit"] = hold
    async with opened(migrated_url, residential, points) as store:
        caller = asyncio.create_task(store.commit(*_place(1)))
        assert await asyncio.to_thread(written.wait, 10)
        assert await _locations(store) == []
        go_on.set()
        await caller
        assert await _locations(store) == ["LOC-1"]


async def test_a_crash_before_the_commit_leaves_nothing_of_the_group(migrated_url: str, residential: Profile) -> None:
    class Crash(BaseException):
        """As a process that ends there."""

    def crash() -> None:
        raise Crash

    points = Points()
    points.at["put_job.before-commit"] = crash
    async with opened(migrated_url, residential, points) as store:
        place = asyncio.create_task(store.commit(*_place(1)))
        job = asyncio.create_task(store.commit(orders.put_job, "J-1", order(ONT)))
        async with asyncio.timeout(10):
            await asyncio.gather(place, job, return_exceptions=True)
        assert place.cancelled()
        assert job.cancelled()
        assert await _locations(store) == []
        assert await store.read(lambda reader: reader.events(0, 10)) == []


async def test_two_processes_on_one_database_keep_the_order_of_events(migrated_url: str, residential: Profile) -> None:
    async with opened(migrated_url, residential) as one, opened(migrated_url, residential) as other:
        await one.commit(orders.put_job, "J-1", order(ONT))
        visits = [
            store.commit(orders.put_job, "J-1", order(ONT, technician=f"T-{number}"))
            for number in range(10)
            for store in (one, other)
        ]
        await asyncio.gather(*visits)
        rows = await one.read(lambda reader: reader.events(0, 1000))
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))


async def test_a_postgresql_that_ends_the_session_fails_the_group_and_is_used_again(
    postgresql_url: str, migrated_postgresql: str, residential: Profile
) -> None:
    def end_all_sessions() -> None:
        connection = open_engine(postgresql_url).connect()
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'store' AND pid <> pg_backend_pid()"
        )
        connection.close()

    points = Points()
    async with opened(migrated_postgresql, residential, points) as store:
        await store.commit(orders.put_location, "LOC-BEFORE", location())
        points.at["put_location.before-commit"] = end_all_sessions
        answers = await asyncio.gather(*(store.commit(*_place(n)) for n in range(5)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        points.at.clear()
        assert await store.commit(orders.put_location, "LOC-AFTER", location(reason="back")) is not None
        assert not {f"LOC-{n}" for n in range(5)} & set(await _locations(store))


async def test_a_full_sqlite_fails_with_its_place_and_is_used_again(
    migrated_sqlite_url: str, residential: Profile
) -> None:
    def limit(pages: int) -> Callable[[Transaction], None]:
        def set_limit(tx: Transaction) -> None:
            tx.connection.execute(f"PRAGMA max_page_count = {pages}")

        return set_limit

    async with opened(migrated_sqlite_url, residential) as store:
        await store.commit(limit(1))  # no page beyond those it has
        answers = await asyncio.gather(
            *(store.commit(orders.put_location, f"LOC-{n}", location(reason="x" * 400)) for n in range(200)),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, StoreUnavailable)]
        assert refused
        assert "ztpd.db" in str(refused[0])
        assert "full" in str(refused[0])
        kept = await _locations(store)
        assert kept == sorted(f"LOC-{n}" for n, answer in enumerate(answers) if answer is True)
        await store.commit(limit(100_000))
        assert await store.commit(orders.put_location, "LOC-AFTER", location()) is True


async def test_a_sqlite_that_cannot_be_written_fails_the_group_and_is_used_again(
    migrated_sqlite_url: str, residential: Profile
) -> None:
    async with opened(migrated_sqlite_url, residential) as store:
        await store.commit(_refuse_writes, True)
        answers = await asyncio.gather(*(store.commit(*_place(n)) for n in range(3)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        await store.commit(_refuse_writes, False)
        assert await store.commit(*_place(3)) is True


def _refuse_writes(tx: Transaction, on: bool) -> None:
    """Make the writer's connection refuse writes, as a read-only file system does."""
    tx.connection.execute(f"PRAGMA query_only = {int(on)}")
