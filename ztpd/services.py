"""Services: functions that run until they are cancelled, started in groups that stop in reverse order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Service:
    """One long-running part of the daemon, by the name it has in logs."""

    name: str
    run: Callable[[], Awaitable[None]]


class ServiceEnded(Exception):
    """A service returned or failed though nobody had stopped it; carries its name."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"{name} ended: {why}")


@asynccontextmanager
async def running(services: Sequence[Service], ended: asyncio.Future[None], grace_s: float) -> AsyncIterator[None]:
    """Run the services while the block does; on leaving it they stop one by one, the last started first.

    A service that ends by itself fails ``ended`` with ``ServiceEnded``; one that takes longer than ``grace_s`` to stop
    is left behind.
    """
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(_Running(service, ended).stop, grace_s)
        yield


async def until_or_ended(event: asyncio.Event, ended: asyncio.Future[None]) -> None:
    """Wait for the event; raises ``ServiceEnded`` when a service ends first."""
    waiting = asyncio.create_task(event.wait())
    awaited: set[asyncio.Future[Any]] = {waiting, ended}
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if ended.done():
        ended.result()


class _Running:
    """One service at work."""

    def __init__(self, service: Service, ended: asyncio.Future[None]) -> None:
        self._name = service.name
        self._ended = ended
        # The task's own count of cancellations says nothing: on Python 3.11 a task group that failed adds to it.
        self._stopping = False
        self._task = asyncio.create_task(self._run(service.run), name=service.name)

    async def stop(self, grace_s: float) -> None:
        """Cancel it and wait for its end, at most ``grace_s``."""
        self._stopping = True
        self._task.cancel()
        _, pending = await asyncio.wait({self._task}, timeout=grace_s)
        if pending:
            log.warning("service did not stop in time", service=self._name, grace_s=grace_s)

    async def _run(self, run: Callable[[], Awaitable[None]]) -> None:
        why = "it returned"
        try:
            await run()
        except asyncio.CancelledError:
            if self._stopping:
                raise
            why = "something that it waited for was cancelled"
        except Exception as error:
            log.exception("service failed", service=self._name)
            cause = _first_cause(error)
            why = f"{type(cause).__name__}: {cause}"
        if not self._stopping and not self._ended.done():
            self._ended.set_exception(ServiceEnded(self._name, why))


def _first_cause(error: BaseException) -> BaseException:
    """What a task group wraps, for "unhandled errors in a TaskGroup" tells nobody anything."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
