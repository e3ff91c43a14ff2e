"""Whether an ONU that was configured works: read back, measured, and given time to come up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drivers.base import Driver
from pon.onu import ObservedOnu, Optics
from ztpd.domain.acceptance import onu_failure, optics_failure
from ztpd.domain.failures import Code, Failure
from ztpd.domain.profile import OpticalLimits
from ztpd.store.attempts import Work


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The ONU works as wanted and its light is good."""

    observed: ObservedOnu
    optics: Optics


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is not as wanted, and whether time alone may mend it."""

    failure: Failure
    may_settle: bool


async def verify(
    driver: Driver, work: Work, timeout_s: float, poll_s: float, elapsed: Callable[[], float]
) -> Confirmed | Failure:
    """Look until the ONU is as wanted, is not and will not be, or the time is over; raises ``ElementError``."""
    deadline = elapsed() + timeout_s
    while True:
        found = await _look(driver, work)
        if isinstance(found, Confirmed):
            return found
        if not found.may_settle or elapsed() >= deadline:
            return found.failure
        await asyncio.sleep(poll_s)


async def _look(driver: Driver, work: Work) -> Confirmed | Shortfall:
    observed = await driver.read(work.wanted.serial)
    if observed is None:
        return Shortfall(Failure(Code.WRONG_TIER, "the element has no configuration of the ONU"), may_settle=False)
    failure = onu_failure(work.wanted, observed)
    if failure is not None:
        return Shortfall(failure, may_settle=failure.code is Code.NOT_SEEN)
    optics = await driver.measure(work.wanted.serial)
    limits = work.profile.optics
    failure = None if limits is None else optics_failure(optics, limits)
    if failure is None or limits is None:
        return Confirmed(observed, optics)
    return Shortfall(failure, may_settle=_is_only_unknown(optics, limits))


def _is_only_unknown(optics: Optics, limits: OpticalLimits) -> bool:
    """Whether every level that is known is good: an ONU that has just come up is not measured at once."""
    levels = ((optics.onu_rx_dbm, limits.onu_rx_dbm), (optics.olt_rx_dbm, limits.olt_rx_dbm))
    return all(level is None or limit.holds(level) for level, limit in levels)
