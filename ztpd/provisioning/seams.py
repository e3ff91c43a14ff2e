"""What the lanes share, and how they say that something cannot be done."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import structlog

from drivers.base import Driver
from ztpd.logs import Trouble
from ztpd.provisioning.pace import Pace
from ztpd.store.attempts import Lease
from ztpd.store.engine import StoreUnavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seams:
    """What the lanes share beside the store.

    ``vouched`` is what a person answers for by element, ``elapsed`` a monotonic clock in seconds, ``pass_point`` a
    crash point; ``report_away`` is told when nothing is claimed for an element because it does not answer, and when it
    does again.
    """

    drivers: Mapping[str, Driver]
    vouched: Mapping[str, frozenset[str]]
    lease: Lease
    pace: Pace
    elapsed: Callable[[], float]
    random: Random
    pass_point: Callable[[str], None]
    report_away: Callable[[str, bool], None]


def tell(trouble: Trouble, problem: str, error: Exception, **context: str) -> None:
    """Say it as often as it is worth; a flaw of ours with its trace, a store that is away without."""
    reason = f"{type(error).__name__}: {error}"
    if trouble.is_news(reason):
        trace = None if isinstance(error, StoreUnavailable) else error
        log.error(problem, **context, reason=reason, times=trouble.times, exc_info=trace)


async def wait(nudge: asyncio.Event, seconds: float) -> None:
    """Wait for a nudge, or so long."""
    try:
        async with asyncio.timeout(seconds):
            await nudge.wait()
    except TimeoutError:
        return
