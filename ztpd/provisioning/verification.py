"""Whether what was done for jobs holds: read back and measured, many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from drivers.access import Levels, ObservedAccess
from drivers.base import Driver
from pon.onu import Presence
from ztpd.domain.acceptance import access_failure, levels_failure, unknown_properties
from ztpd.domain.failures import Code, Failure
from ztpd.domain.kinds import Act
from ztpd.store.attempts import Work


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The element is as it should be, and what it measures is good; ``observed`` is None where nothing is left."""

    observed: ObservedAccess | None
    levels: Levels


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is not as wanted, and whether time alone may mend it."""

    failure: Failure
    may_settle: bool


Found = Confirmed | Shortfall


async def look(driver: Driver, works: Sequence[Work], vouched: frozenset[str] = frozenset()) -> list[Found]:
    """What is found of each now, in order: one reading of all, and one measurement of those that are to work.

    ``vouched`` is what a person answers for on this element, whatever the job. Raises ``ElementError``.
    """
    works = [replace(work, vouched=work.vouched | vouched) for work in works]
    observed = await driver.read([work.wanted.device for work in works])
    found = [_as_read(work, observed.get(work.wanted.device)) for work in works]
    measured = [work.wanted.device for each, work in zip(found, works, strict=True) if _is_measured(each, work)]
    levels = await driver.measure(measured) if measured else {}
    return [_as_measured(work, each, levels) for work, each in zip(works, found, strict=True)]


def _as_read(work: Work, observed: ObservedAccess | None) -> Found:
    """Whether what is read is what the act should have come to; nothing is measured yet."""
    if work.act is Act.REMOVE:
        left = Failure(Code.WRONG_TIER, f"{work.wanted.device} is still configured on the element")
        return Confirmed(None, Levels()) if observed is None else Shortfall(left, may_settle=True)
    if observed is None:
        missing = Failure(Code.WRONG_TIER, "the element has no configuration of the device")
        return Shortfall(missing, may_settle=False)
    failure = _admin_failure(work, observed) if work.act is not Act.PROVISION else _provision_failure(work, observed)
    if failure is None:
        return Confirmed(observed, Levels())
    return Shortfall(failure, may_settle=failure.code is Code.NOT_SEEN)


def _admin_failure(work: Work, observed: ObservedAccess) -> Failure | None:
    """Why the device does not carry or stop traffic as it should; how it is configured was not asked."""
    if observed.enabled is not work.wanted.enabled:
        return Failure(Code.WRONG_TIER, f"enabled: {observed.enabled} → {work.wanted.enabled}")
    if work.wanted.enabled and observed.presence is not Presence.INTENDED:
        return Failure(Code.NOT_SEEN, f"{work.wanted.device} is {observed.presence} on {work.wanted.port}")
    return None


def _provision_failure(work: Work, observed: ObservedAccess) -> Failure | None:
    failure = access_failure(work.wanted, observed)
    return unknown_properties(work.wanted, observed, work.vouched) if failure is None else failure


def _is_measured(found: Found, work: Work) -> bool:
    return isinstance(found, Confirmed) and found.observed is not None and work.wanted.enabled


def _as_measured(work: Work, found: Found, measured: Mapping[str, Levels]) -> Found:
    if not isinstance(found, Confirmed) or work.wanted.device not in measured:
        return found
    levels = measured[work.wanted.device]
    failure = levels_failure(levels, work.limits, work.vouched)
    if failure is None:
        return Confirmed(found.observed, levels)
    # One that has just come up is not measured at once.
    known = {name: limit for name, limit in work.limits.items() if getattr(levels, name) is not None}
    return Shortfall(failure, may_settle=levels_failure(levels, known) is None)
