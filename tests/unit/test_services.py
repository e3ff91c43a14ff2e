"""Services: started in order, stopped in reverse, and none of them ends unnoticed."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest
from structlog.testing import capture_logs

from ztpd.services import Service, ServiceEnded, running

GRACE_S = 5.0


class House:
    """Services that note when they begin and when they have stopped."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def service(self, name: str) -> Service:
        async def run() -> None:
            self.notes.append(f"{name} begins")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                self.notes.append(f"{name} has stopped")

        return Service(name, run)

    async def why_it_ends(self, run: Callable[[], Awaitable[None]]) -> str:
        """What ``ended`` says when a service among others does this."""
        services = [self.service("first"), Service("culprit", run), self.service("last")]
        async with running(services, self.ended, GRACE_S):
            async with asyncio.timeout(GRACE_S):
                with pytest.raises(ServiceEnded) as caught:
                    await self.ended
            assert caught.value.name == "culprit"
            assert self.notes == ["first begins", "last begins"], "the others are left to whoever runs them"
        assert self.notes[2:] == ["last has stopped", "first has stopped"]
        return str(caught.value)


async def test_services_stop_one_by_one_in_reverse_order() -> None:
    house = House()
    async with running([house.service(name) for name in "abc"], house.ended, GRACE_S):
        await asyncio.sleep(0)
        assert house.notes == ["a begins", "b begins", "c begins"]
    assert house.notes[3:] == ["c has stopped", "b has stopped", "a has stopped"]
    assert not house.ended.done()


async def test_services_stop_when_the_block_fails() -> None:
    house = House()

    async def run_and_fail() -> None:
        async with running([house.service("a")], house.ended, GRACE_S):
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        await run_and_fail()
    assert house.notes == ["a begins", "a has stopped"]


async def test_a_service_that_returns_ends_the_group_with_its_name() -> None:
    async def run() -> None:
        return

    assert await House().why_it_ends(run) == "culprit ended: it returned"


async def test_a_service_that_fails_ends_the_group_with_its_name_and_the_reason() -> None:
    async def run() -> None:
        raise LookupError("no such table")

    with capture_logs() as lines:
        assert await House().why_it_ends(run) == "culprit ended: LookupError: no such table"
    (line,) = lines
    assert (line["log_level"], line["service"], line["exc_info"]) == ("error", "culprit", True)


async def test_the_reason_is_what_failed_and_not_the_task_group_around_it() -> None:
    async def fail() -> None:
        raise LookupError("no such table")

    async def nested() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(nested())
            await asyncio.Event().wait()

    with capture_logs():
        assert await House().why_it_ends(run) == "culprit ended: LookupError: no such table"


async def test_a_service_that_somebody_else_cancels_ends_the_group() -> None:
    async def run() -> None:
        waited_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waited_for.cancel()
        await waited_for

    assert await House().why_it_ends(run) == "culprit ended: something that it waited for was cancelled"


async def test_a_service_that_lived_through_a_failed_task_group_is_still_watched() -> None:
    """Python 3.11 leaves the task marked as cancelled when a task group in it has failed."""

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError

    async def run() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        except* LookupError:
            pass

    assert await House().why_it_ends(run) == "culprit ended: it returned"


async def test_only_the_first_end_counts() -> None:
    house = House()

    async def run() -> None:
        raise LookupError

    with capture_logs():
        async with running([Service("one", run), Service("two", run)], house.ended, GRACE_S):
            with pytest.raises(ServiceEnded, match="one ended"):
                await house.ended


async def test_a_service_that_fails_while_it_is_stopped_ends_nothing_but_is_logged() -> None:
    house = House()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("half closed")

    with capture_logs() as lines:
        async with running([house.service("a"), Service("clumsy", run)], house.ended, GRACE_S):
            await asyncio.sleep(0)
    assert not house.ended.done()
    assert [line["service"] for line in lines] == ["clumsy"]
    assert house.notes[-1] == "a has stopped"


async def test_a_service_that_does_not_stop_is_left_behind_after_the_grace_time() -> None:
    house, let_go = House(), asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await let_go.wait()

    with capture_logs() as lines:
        async with running([house.service("a"), Service("stubborn", run)], house.ended, 0.05):
            await asyncio.sleep(0)
            began = monotonic()
    assert 0.05 <= monotonic() - began < GRACE_S
    assert [(line["service"], line["log_level"]) for line in lines] == [("stubborn", "warning")]
    assert house.notes == ["a begins", "a has stopped"]
    assert not house.ended.done()
    let_go.set()
    await asyncio.sleep(0)
