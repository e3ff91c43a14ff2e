"""What a service needs, held against what an element shows that another tool configures.

Stricter than ``drivers.access.differences`` in one way: what could not be read is neither right nor wrong. Looser in
another: by which name the other tool keeps the service is its own affair.
"""

import enum
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from drivers.access import COMPARED, Difference, ObservedAccess, WantedAccess
from ztpd.domain.kinds import Act

_NAMES = ("port", *(name for name in COMPARED if name not in {"service", "port"}))


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs, and the names of what could not be read; neither means that all is as it is wanted."""

    differences: tuple[Difference, ...] = ()
    unread: tuple[str, ...] = ()


def compare(wanted: WantedAccess, observed: ObservedAccess) -> Compared:
    """Hold what is observed against what is wanted, property by property.

    What the element has no word for (``observed.unmodelled``) is left out; ``complete`` is among what could not be
    read where some part of the service was not found, for it may be there by another name.
    """
    differing: list[Difference] = []
    unread: list[str] = []
    for name in _NAMES:
        seen, asked = getattr(observed, name), getattr(wanted, name)
        if name in observed.unmodelled or seen == asked:
            continue
        if seen is None and not _tells_that_it_is_none(name, observed):
            unread.append(name)
        else:
            differing.append(Difference(name, seen, asked))
    if not observed.complete:
        unread.append("complete")
    return Compared(tuple(differing), tuple(unread))


def _tells_that_it_is_none(name: str, observed: ObservedAccess) -> bool:
    """Whether a property that is None was read as such: a line without a C-VLAN, as its S-VLAN is known."""
    return name == "c_vlan" and observed.s_vlan is not None


class Verdict(enum.StrEnum):
    """What a decision of ours came to, where another tool acts."""

    PENDING = "pending"  # nothing was done yet, or not all of it can be read
    AGREED = "agreed"  # the element has become what we wanted
    DIFFERED = "differed"  # it has become something else


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one decision, and how what is there differs from it."""

    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """In words for a table."""
        told = [str(each) for each in self.differences]
        if self.unread:
            told.append(f"not to be read: {', '.join(self.unread)}")
        return "; ".join(told)


def judge(wanted: WantedAccess, observed: ObservedAccess | None, before: Sequence[str] = ()) -> Judgement:
    """What became of a decision on how a device should be configured.

    ``before`` are the differences there were when it was made, as texts: as long as exactly these are left, nobody
    has acted.
    """
    if observed is None:
        return Judgement(Verdict.PENDING, (Difference("device", None, wanted.device),))
    found = compare(wanted, observed)
    if found.differences:
        untouched = [str(each) for each in found.differences] == list(before)
        verdict = Verdict.PENDING if untouched else Verdict.DIFFERED
        return Judgement(verdict, found.differences, found.unread)
    return Judgement(Verdict.PENDING if found.unread else Verdict.AGREED, (), found.unread)


def judge_act(act: Act, wanted: WantedAccess, observed: ObservedAccess | None, before: Sequence[str] = ()) -> Judgement:
    """What became of a decision; a device that is to be stopped, let go on or taken away is so, or not yet."""
    if act is Act.PROVISION:
        return judge(wanted, observed, before)
    left = changes_of(act, wanted, observed)
    return Judgement(Verdict.PENDING if left else Verdict.AGREED, left)


def changes_of(act: Act, wanted: WantedAccess, observed: ObservedAccess | None) -> tuple[Difference, ...]:
    """What is left to do on the element for an act, as far as it can be read."""
    if act is Act.REMOVE:
        return () if observed is None else (Difference("device", wanted.device, None),)
    if observed is None:
        return (Difference("device", None, wanted.device),)
    if act is Act.PROVISION:
        return compare(wanted, observed).differences
    asked = act is Act.RESUME
    return () if observed.enabled is asked else (Difference("enabled", observed.enabled, asked),)


def as_plain(observed: ObservedAccess) -> dict[str, Any]:
    """What is observed as it is kept and sent: names and plain values."""
    return {**asdict(observed), "presence": observed.presence.value, "unmodelled": sorted(observed.unmodelled)}
