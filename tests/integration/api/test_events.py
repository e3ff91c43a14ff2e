"""Events by cursor, and waiting for the next."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.api.world import JOB, LOCATION, World
from ztpd.api.tokens import Scope
from ztpd.store.store import Nudges


async def test_events_are_read_by_cursor_each_once(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.bring_up()
    whole = (await stored_world.get("/v1/events?limit=500")).json
    read: list[dict[str, Any]] = []
    after = "0"
    while True:
        answer = (await stored_world.get(f"/v1/events?after={after}&limit=2")).json
        read, after = read + answer["items"], answer["next"]
        if not answer["items"]:
            break
    assert read == whole["items"]
    assert after == whole["next"]
    assert [int(event["sequence"]) for event in read] == list(range(1, len(read) + 1))


async def test_an_event_is_the_cloud_event_that_is_delivered(world: World) -> None:
    await world.order()
    event = (await world.get("/v1/events?limit=1")).json["items"][0]
    assert event["specversion"] == "1.0"
    assert (event["type"], event["source"], event["subject"]) == ("job.ordered", "ztpd/node-1", "J-1")
    [delivery] = await world.claim("dispatch")
    assert (await world.send("GET", "/v1/events?limit=1", scope=Scope.BILLING)).body.count(delivery.body) == 1


async def test_without_events_the_cursor_stays(world: World) -> None:
    assert (await world.get("/v1/events?after=41")).json == {"items": [], "next": "41"}


@pytest.mark.parametrize("waiters", [1, 5])
async def test_all_who_wait_are_woken_by_one_commit(world: World, waiters: int) -> None:
    clock = asyncio.get_running_loop().time
    waiting = [asyncio.create_task(world.get("/v1/events?after=0&wait=30")) for _ in range(waiters)]
    await world.until_waiting(waiters)
    began = clock()
    await world.send("PUT", "/v1/jobs/J-1", JOB)
    replies = await asyncio.gather(*waiting)
    assert clock() - began < 0.9  # less than the poll that repairs a lost nudge: they were woken
    for reply in replies:
        assert reply.json["items"][0]["type"] == "job.ordered"


async def test_an_event_whose_nudge_was_lost_comes_with_the_next_poll(world: World) -> None:
    waiting = asyncio.create_task(world.get("/v1/events?after=0&wait=30"))
    await world.until_waiting(1)
    world.store.nudges = Nudges()  # nobody listens to these
    await world.send("PUT", "/v1/jobs/J-1", JOB)
    async with asyncio.timeout(5):
        assert (await waiting).json["items"]


async def test_what_is_there_is_answered_without_waiting(world: World) -> None:
    await world.order()
    async with asyncio.timeout(5):
        assert (await world.get("/v1/events?wait=30")).json["items"]


async def test_waiting_ends_with_nothing_when_the_time_is_over(world: World) -> None:
    async with asyncio.timeout(5):
        assert (await world.get("/v1/events?wait=0.05")).json == {"items": [], "next": "0"}


async def test_commits_while_somebody_waits_are_neither_lost_nor_doubled(world: World) -> None:
    async def follow() -> list[str]:
        seen: list[str] = []
        after = "0"
        while len(seen) < 20:
            answer = (await world.get(f"/v1/events?after={after}&limit=3&wait=5")).json
            seen += [event["id"] for event in answer["items"]]
            after = answer["next"]
        return seen[:20]

    async def order() -> None:
        await world.send("PUT", "/v1/locations/LOC-1", LOCATION)
        for number in range(10):
            await world.send("PUT", f"/v1/jobs/J-{number}", {**JOB, "service": f"SVC-{number}", "devices": []})

    async with asyncio.timeout(30):
        one, other, _ = await asyncio.gather(follow(), follow(), order())
    assert one == other
    assert len(set(one)) == 20


async def test_a_commit_that_a_waiter_has_no_use_for_costs_it_one_look(world: World) -> None:
    run, looks = world.store.read_runner, 0

    def counting(work: Callable[[], Any]) -> Awaitable[Any]:
        nonlocal looks
        looks += 1
        return run(work)

    waiting = asyncio.create_task(world.get("/v1/events?after=1000&wait=0.5"))
    await world.until_waiting(1)
    await world.send("PUT", "/v1/jobs/J-1", JOB)
    world.store.read_runner = counting
    assert (await waiting).json == {"items": [], "next": "1000"}
    assert looks <= 2
