"""The capture process: hears every interface of its plan and hands over to the core what devices say."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import structlog

from ztpd import logs
from ztpd.capture.plan import Plan
from ztpd.discovery.capture import CaptureCounts
from ztpd.discovery.dhcp import DhcpEar, Repeats
from ztpd.discovery.hearing import hear, or_forgotten
from ztpd.discovery.lanes import Lane, Lanes
from ztpd.discovery.trust import trust
from ztpd.notify import notify
from ztpd.services import Service, ServiceEnded, running, until_or_ended

COUNTS_S = 60.0
"""How often the counts are logged, if they changed."""

DRAIN_S = 1.0
"""How long what waits may take on its way to the core at the end."""

_GRACE_S = 0.5

log = structlog.get_logger()


def main(descriptor: int) -> int:
    """Capture as the plan in the descriptor says until SIGTERM or SIGINT; the exit code."""
    with os.fdopen(descriptor, "rb") as memory:
        plan = Plan.loaded(memory.read())
    logs.configure(plan.log_level, plan.log_format)
    try:
        asyncio.run(_run(plan))
    except ServiceEnded as error:
        log.error("ended", reason=str(error))
        return 1
    return 0


@dataclass(slots=True)
class Source:
    """One interface that is heard."""

    interface: str
    ear: DhcpEar
    lane: Lane
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    counts: CaptureCounts = field(default_factory=CaptureCounts)

    async def hear(self) -> None:
        """Hear it for ever."""
        await hear(self.interface, self.ear.hear, tried=self.tried, counts=self.counts)

    def told(self) -> dict[str, Any]:
        """What came of it so far, for the log."""
        return {**asdict(self.counts), **asdict(self.ear.counts), "queue_drops": self.lane.dropped}


def sources_of(plan: Plan, lanes: Lanes) -> list[Source]:
    """Every interface of the plan; repeats are dropped over all of them."""
    table, repeats = plan.table, Repeats(plan.repeat_window_s, time.monotonic)
    made = []
    for interface in plan.interfaces:
        lane = lanes.lane()
        trusts = trust(interface, plan.trusted_interfaces, plan.relays)
        accept = or_forgotten(lane.offer, repeats)
        ear = DhcpEar(table, trusts, repeats, lambda: datetime.now(UTC), accept, interface)
        made.append(Source(interface, ear, lane))
    return made


async def _run(plan: Plan) -> None:
    lanes = Lanes(plan.path, Random())  # noqa: S311 -- jitter only
    sources = sources_of(plan, lanes)
    counts = _Counts(sources, lanes)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, counts.tell)
    ended: asyncio.Future[None] = loop.create_future()
    async with AsyncExitStack() as stack:
        services = [Service("intake client", lanes.run), Service("counts", counts.tell_now_and_then)]
        await stack.enter_async_context(running(services, ended, _GRACE_S))
        stack.callback(counts.tell)
        stack.push_async_callback(_drain, lanes)
        await stack.enter_async_context(_hearing(sources, ended))
        for source in sources:
            await until_or_ended(source.tried, ended)
        log.info("ready", interfaces=list(plan.interfaces), intake=plan.intake)
        notify("READY=1", os.environ)
        try:
            await until_or_ended(stop, ended)
        finally:
            notify("STOPPING=1", os.environ)
            log.info("stopping")
    log.info("stopped", lost=lanes.waiting)


@asynccontextmanager
async def _hearing(sources: list[Source], ended: asyncio.Future[None]) -> AsyncIterator[None]:
    services = [Service(f"dhcp {source.interface}", source.hear) for source in sources]
    async with running(services, ended, _GRACE_S):
        yield


async def _drain(lanes: Lanes) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            await lanes.emptied()


class _Counts:
    """Logs what came of every source and at the core, each when it changed since it was logged."""

    def __init__(self, sources: list[Source], lanes: Lanes) -> None:
        self._sources = sources
        self._lanes = lanes
        self._told: dict[str, dict[str, Any]] = {}

    def tell(self) -> None:
        """Log what changed."""
        for source in self._sources:
            self._tell("heard", source.interface, interface=source.interface, **source.told())
        self._tell("handed over", "", **asdict(self._lanes.counts), waiting=self._lanes.waiting)

    def _tell(self, event: str, key: str, **counts: Any) -> None:
        if self._told.get(key) != counts:
            self._told[key] = counts
            log.info(event, **counts)

    async def tell_now_and_then(self) -> None:
        """Log what changed, every minute."""
        while True:
            await asyncio.sleep(COUNTS_S)
            self.tell()
