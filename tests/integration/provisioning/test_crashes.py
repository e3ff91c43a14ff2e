"""A node that is killed anywhere, and a store that is away at any moment: every kind of job ends the same."""

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, cast

import pytest

from drivers.base import Driver
from tests.integration.provisioning.network import DEADLINE_S, LEASE, Network, at_work
from tests.integration.provisioning.playing import KINDS, Kind, OnlyWhenBack, Stage, let_go
from tests.integration.provisioning.test_cuts import SAMPLE, SEED
from ztpd.domain.lifecycle import JobState

Moment = tuple[str, int]
"""What is passed (``claim_jobs.after-commit``, ``olt-1.apply.before``) and for which time."""

CALLS = frozenset({"read", "plan", "apply", "set_admin", "measure", "remove", "save"})
WORK = ("claim_jobs", "record_applied", "confirm_network", "fail_attempt")


class Passings:
    """Counts what is passed, in whichever thread, and calls ``strike`` when it is the moment."""

    def __init__(self, moment: Moment | None = None, strike: Callable[[], None] = lambda: None) -> None:
        self.passed: list[Moment] = []
        self._times: Counter[str] = Counter()
        self._moment = moment
        self._strike = strike

    def __call__(self, point: str) -> None:
        self._times[point] += 1
        here = (point, self._times[point])
        self.passed.append(here)
        if here == self._moment:
            self._strike()


class Watched:
    """A driver whose calls are passings."""

    def __init__(self, inner: Driver, passing: Callable[[str], None]) -> None:
        self._inner, self._passing = inner, passing

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._watched(name, found) if name in CALLS else found

    def _watched(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(*arguments: Any, **named: Any) -> Any:
            self._passing(f"{self._inner.name}.{name}.before")
            answer = await call(*arguments, **named)
            self._passing(f"{self._inner.name}.{name}.after")
            return answer

        return watched


def watched(stage: Stage, passings: Passings) -> list[Driver]:
    """The stage's drivers, their calls and the store's commits watched."""

    def commit(point: str) -> None:
        if point.startswith(WORK):
            passings(point)

    stage.pass_point = commit
    return [cast(Driver, Watched(driver, passings)) for driver in stage.drivers]


async def moments_of(stage: Stage, kind: Kind) -> tuple[Any, list[Moment]]:
    """How a job ends undisturbed, and everything that it passes."""
    async with stage.played(kind) as net:
        passings = Passings()
        drivers = watched(stage, passings)
        async with at_work(stage.provisioner(net, *drivers, pass_point=passings).run):
            end = await stage.ends(net)
        stage.pass_point = lambda point: None
    # Each lane claims once before it polls; how often it polls is a matter of time.
    return end, [each for each in passings.passed if not each[0].startswith("claim_jobs") or each[1] <= len(drivers)]


def some(moments: list[Moment], kind: str, sample: int) -> list[Moment]:
    return sorted(Random(f"{SEED} {kind}").sample(moments, min(sample, len(moments))), key=moments.index)


class Killed(Exception):
    """What a transaction that the kill cut short ends with."""


class Kill:
    """Ends a provisioner where it stands, as ``kill -9`` does: nothing more of it runs or is committed."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.loop = asyncio.get_running_loop()
        self.done = asyncio.Event()
        self.over = threading.Event()

    def __call__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._end()
            raise asyncio.CancelledError
        self.loop.call_soon_threadsafe(self._end)
        self.over.wait(DEADLINE_S)
        raise Killed

    def _end(self) -> None:
        assert self.task is not None
        self.task.cancel()
        self.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.over.set()
        self.done.set()


async def killed_at(stage: Stage, net: Network, moment: Moment) -> None:
    """A provisioner works until it is killed; its sessions end with it, without a word."""
    kill = Kill()
    passings = Passings(moment, kill)
    async with at_work(stage.provisioner(net, *watched(stage, passings), pass_point=passings).run) as task:
        kill.task = task
        async with asyncio.timeout(DEADLINE_S):
            await kill.done.wait()
    stage.pass_point = lambda point: None
    for element in stage.elements:
        element.end_sessions()
    await stage.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_node_killed_anywhere_ends_the_job_when_it_is_started_anew(stage: Stage, kind: str) -> None:
    undisturbed, moments = await moments_of(stage, KINDS[kind])
    applied = ("element.applied", 1)
    where = KINDS[kind].on
    for moment in {applied: None, **dict.fromkeys(some(moments, kind, SAMPLE))}:
        async with stage.played(KINDS[kind]) as net:
            await killed_at(stage, net, moment)
            writes = stage.elements[where].writes()
            await let_go(net)
            async with at_work(stage.provisioner(net, policy=OnlyWhenBack()).run):
                end = await stage.ends(net)
        assert end == undisturbed, f"{kind}, killed at {moment}, seed {SEED}"
        if moments.index(moment) >= moments.index(applied) and not moment[0].startswith("claim_jobs"):
            assert stage.elements[where].writes() == writes, f"{kind}, {moment}: what is done is not done again"


@pytest.mark.parametrize("kind", ["install", "suspend", "terminate", "move-element"])
async def test_a_store_that_is_away_at_any_moment_costs_only_time(stage: Stage, kind: str) -> None:
    undisturbed, moments = await moments_of(stage, KINDS[kind])
    commits = [moment for moment in moments if moment[0].endswith("-commit")]

    def away() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    for moment in some(commits, kind, 6):
        async with stage.played(KINDS[kind]) as net:
            passings = Passings(moment, away)
            async with at_work(stage.provisioner(net, *watched(stage, passings), policy=OnlyWhenBack()).run):
                if moment[0] == "claim_jobs.after-commit":
                    await _claim_is_lost(net)
                end = await stage.ends(net)
            stage.pass_point = lambda point: None
        assert end == undisturbed, f"{kind}, no store at {moment}, seed {SEED}"


async def _claim_is_lost(net: Network) -> None:
    """Nobody heard that a job was claimed: it is claimed again when the lease is over."""
    await net.reaches(JobState.APPLYING, "J")
    net.clock.skip(seconds=LEASE.duration.total_seconds() + 1)
