"""Whose attempt it is: what a crash, another node, a conflict or a store that is away does to an outcome."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from structlog.testing import capture_logs

from tests.integration.provisioning.network import (
    DEADLINE_S,
    LEASE,
    OTHER_PORT,
    PATIENT,
    Network,
    at_work,
    happens,
    until,
)
from ztpd.domain.lifecycle import JobState
from ztpd.store import attempts
from ztpd.store.attempts import Lease

OTHER_NODE = Lease("node-2", LEASE.duration)


async def test_an_outcome_is_dropped_when_the_job_was_held_meanwhile(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt), pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        await net.announce(1, port=OTHER_PORT)  # the same serial is alive in two places
        held = await net.reaches(JobState.HELD)
        with capture_logs() as lines:
            olt.plug()
            await happens(lambda: [line for line in lines if line["event"] == "outcome dropped"], "it is dropped")
    assert await net.job() == held
    assert held["failures"][0]["code"] == "duplicate-serial"
    assert (await net.events("job.network-confirmed"), await net.evidence()) == ([], [])


class _Killed:
    """Ends a provisioner at a crash point, as a kill does: nothing of its own code runs on."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.done = asyncio.Event()

    def __call__(self, point: str) -> None:
        if point == "element.applied" and self.task is not None:
            self.task.cancel()
            self.done.set()
            raise asyncio.CancelledError


async def _killed_after_apply(net: Network) -> int:
    """A provisioner that was ended when the element had the configuration and the store did not know; the writes."""
    olt = await net.olt()
    olt.plug()
    await net.due(1)
    kill = _Killed()
    async with at_work(net.provisioner(await net.driver(olt), pass_point=kill).run) as task:
        kill.task = task
        async with asyncio.timeout(DEADLINE_S):
            await kill.done.wait()
            await asyncio.wait({task})
    assert (await net.job())["state"] == JobState.APPLYING
    return olt.writes


async def test_a_node_that_was_killed_after_it_applied_repeats_the_attempt_and_writes_nothing(
    net_on_each: Network,
) -> None:
    net = net_on_each
    writes = await _killed_after_apply(net)
    await net.start_anew()
    async with at_work(net.provisioner(await net.driver(net.olts["olt-1"])).run):
        await net.confirmed(1)
    assert await net.confirmed_once()
    assert net.olts["olt-1"].writes == writes
    assert (await net.job())["attempt"] == 2


async def test_another_node_takes_over_when_the_lease_has_ended_and_not_before(net: Network) -> None:
    writes = await _killed_after_apply(net)
    driver = await net.driver(net.olts["olt-1"])
    async with at_work(net.provisioner(driver, lease=OTHER_NODE).run):
        net.clock.skip(seconds=50)
        await net.due(2)  # the other node is at work: it takes this one up
        await net.reaches(JobState.VERIFYING, "J-2")
        assert (await net.job())["state"] == JobState.APPLYING
        assert (await net.job())["attempt"] == 1
        net.clock.skip(seconds=10)
        await net.confirmed(1)
    assert await net.confirmed_once()
    assert net.olts["olt-1"].rpcs["edit-config"] == 2, "one for each ONU, none for the repeated attempt"
    assert writes > 0


async def test_leases_are_renewed_while_an_attempt_is_long(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    short = Lease("node-1", timedelta(seconds=0.3))
    net.clock.stop()
    async with at_work(net.provisioner(await net.driver(olt), lease=short, pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        for _ in range(5):
            net.clock.skip(seconds=0.25)
            await until(
                lambda: net.lease_left("J-1"), lambda left: left == short.duration, "the lease should be whole again"
            )
            assert await net.store.commit(attempts.claim_jobs, "olt-1", OTHER_NODE, 10) == []
        olt.plug()
        await net.confirmed(1)
    assert (await net.job())["attempt"] == 1


@contextmanager
def _outage(url: str) -> Iterator[None]:
    """Nothing can be written to the database while the block runs."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite://"), timeout=10) as connection:
            connection.execute("ALTER TABLE job RENAME TO job_away")
            connection.commit()
            yield
            connection.execute("ALTER TABLE job_away RENAME TO job")
        connection.close()
        return
    import psycopg

    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


async def test_an_outcome_that_cannot_be_kept_waits_until_the_store_is_back(
    net_on_each: Network, store_url: str
) -> None:
    net = net_on_each
    olt = await net.olt()
    olt.plug()
    await net.due(1)
    with ExitStack() as outage, capture_logs() as lines:

        def pass_point(point: str) -> None:
            outage.enter_context(_outage(store_url))

        async with at_work(net.provisioner(await net.driver(olt), pass_point=pass_point).run):
            await happens(lambda: "outcomes cannot be kept yet" in [line["event"] for line in lines], "it waits")
            writes = olt.writes
            outage.close()
            await net.confirmed(1)
    assert await net.confirmed_once()
    assert (await net.job())["attempt"] == 1, "nothing was forgotten and repeated"
    assert olt.writes == writes


async def test_a_store_that_is_away_while_jobs_are_claimed_ends_nothing(net: Network) -> None:
    olt = await net.olt()
    olt.plug()
    await net.due(1)
    with ExitStack() as outage, capture_logs() as lines:
        outage.enter_context(_outage(f"sqlite://{net.folder}/ztpd.db"))
        async with at_work(net.provisioner(await net.driver(olt)).run):
            for problem in ("jobs cannot be claimed", "chore put off"):
                await happens(lambda what=problem: what in [line["event"] for line in lines], problem)  # type: ignore[misc]
            outage.close()
            await net.confirmed(1)
    assert await net.confirmed_once()
