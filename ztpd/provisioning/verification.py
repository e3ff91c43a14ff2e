"""Whether what was configured works: read back and measured, many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drivers.access import Levels, ObservedAccess
from drivers.base import Driver
from ztpd.domain.acceptance import access_failure, optics_failure
from ztpd.domain.failures import Code, Failure
from ztpd.domain.profile import OpticalLimits
from ztpd.store.attempts import Work


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The device works as wanted and its levels are good."""

    observed: ObservedAccess
    levels: Levels


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is not as wanted, and whether time alone may mend it."""

    failure: Failure
    may_settle: bool


Found = Confirmed | Shortfall


async def look(driver: Driver, works: Sequence[Work]) -> list[Found]:
    """What is found of each now, in order: one reading of all, and one measurement of those that are as wanted.

    Raises ``ElementError``.
    """
    observed = await driver.read([work.wanted.device for work in works])
    found = {work.wanted.device: _as_configured(work, observed) for work in works}
    right = [device for device, state in found.items() if isinstance(state, ObservedAccess)]
    levels = await driver.measure(right) if right else {}
    return [_as_measured(work, found[work.wanted.device], levels) for work in works]


def _as_configured(work: Work, observed: Mapping[str, ObservedAccess]) -> ObservedAccess | Shortfall:
    access = observed.get(work.wanted.device)
    if access is None:
        return Shortfall(Failure(Code.WRONG_TIER, "the element has no configuration of the device"), may_settle=False)
    failure = access_failure(work.wanted, access)
    return access if failure is None else Shortfall(failure, may_settle=failure.code is Code.NOT_SEEN)


def _as_measured(work: Work, found: ObservedAccess | Shortfall, measured: Mapping[str, Levels]) -> Found:
    if isinstance(found, Shortfall):
        return found
    levels, limits = measured.get(work.wanted.device, Levels()), work.profile.optics
    failure = None if limits is None else optics_failure(levels, limits)
    if failure is None or limits is None:
        return Confirmed(found, levels)
    return Shortfall(failure, may_settle=_is_only_unknown(levels, limits))


def _is_only_unknown(levels: Levels, limits: OpticalLimits) -> bool:
    """Whether every level that is known is good: an ONU that has just come up is not measured at once."""
    judged = ((levels.onu_rx_dbm, limits.onu_rx_dbm), (levels.olt_rx_dbm, limits.olt_rx_dbm))
    return all(level is None or limit.holds(level) for level, limit in judged)
