"""What became of settings: the CPE's answers compared with what was wanted, told without secrets.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ztpd.acs import fault_words
from ztpd.acs.datamodel import (
    Check,
    Instance,
    IntentError,
    InvalidValue,
    Numbers,
    Setting,
    UnknownIntent,
    UnknownModel,
    Wish,
    expand,
)
from ztpd.acs.messages import Fault
from ztpd.domain.cpe import MASK, CpeFault, CpeOutcome, Difference, FaultKind

_KINDS: dict[type[IntentError], FaultKind] = {
    UnknownIntent: FaultKind.UNKNOWN_INTENT,
    InvalidValue: FaultKind.INVALID_VALUE,
    UnknownModel: FaultKind.UNKNOWN_MODEL,
}
_SHOWN = 64
"""How many characters of a value are shown."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A check on one device: the paths that show whether it took what cannot be read back."""

    check: Check
    status: str
    error: str | None

    @property
    def paths(self) -> tuple[str, ...]:
        """What is read for it."""
        return tuple(dict.fromkeys(path for path in (self.status, self.error) if path is not None))


def watch(check: Check, numbers: Numbers) -> Watch:
    """The check with the instances of one device."""
    return Watch(check, expand(check.status, numbers), None if check.error is None else expand(check.error, numbers))


def readable_paths(settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """The paths whose values can be verified by reading them back."""
    return tuple(setting.path for setting in settings if not setting.hidden)


def outcome(
    settings: tuple[Setting, ...], read: Mapping[str, str], watches: tuple[Watch, ...], status: int | None
) -> CpeOutcome:
    """The outcome of accepted settings: good when every readable one reads back as wanted, and what is watched works.

    ``status`` is SetParameterValuesResponse's, None where nothing was set: a CPE must read back what it committed even
    where it applies it later (TR-069 A.3.2.1). What is watched may still show what was before when something has just
    been set: that it works counts, that it fails does not yet.
    """
    watched = {path: read[path] for each in watches for path in each.paths if path in read}
    applied = watched | {
        setting.path: MASK if setting.hidden else read[setting.path]
        for setting in settings
        if setting.hidden or setting.path in read
    }
    wrong = [setting for setting in settings if not setting.hidden and not _agrees(setting, read)]
    if wrong:
        return CpeOutcome(ok=False, applied=applied, fault=_mismatch(wrong, read, settings))
    faults = [fault for each in watches if (fault := _judged(each, read, fresh=status is not None)) is not None]
    # What is refused for good weighs more than what may still come.
    faults.sort(key=lambda fault: fault.kind is FaultKind.UNSETTLED)
    if not faults:
        return CpeOutcome(ok=True, applied=applied, pending=status == 1)
    first = replace(faults[0], message=_masked(faults[0].message, settings))
    return CpeOutcome(False, applied, first, pending=first.kind is FaultKind.UNSETTLED)


def compared(
    outcome: CpeOutcome, settings: tuple[Setting, ...], read: Mapping[str, str], missing: tuple[Wish, ...]
) -> CpeOutcome:
    """The outcome of a look: that something differs is no fault of the CPE's."""
    differences = [
        Difference(setting.intent, setting.said, setting.text[:_SHOWN], read.get(setting.path, "")[:_SHOWN])
        for setting in settings
        if not setting.hidden and not _agrees(setting, read)
    ]
    differences += [Difference(wish.intent, wish.said, "there", "missing") for wish in missing]
    if not differences:
        return outcome
    masked = tuple(replace(each, found=_masked(each.found, settings)) for each in differences)
    return replace(outcome, ok=True, fault=None, pending=False, differences=masked)


def as_difference(outcome: CpeOutcome, wishes: tuple[Wish, ...]) -> CpeOutcome:
    """The outcome of a look where the network refuses what the CPE has: it may have been given another password."""
    fault = outcome.fault
    if fault is None or fault.kind is not FaultKind.REFUSED:
        return outcome
    wish = next((wish for wish in wishes if wish.target.check is not None and wish.target.hidden), None)
    if wish is None:
        return outcome
    return replace(
        outcome, ok=True, fault=None, differences=(Difference(wish.intent, wish.said, "works", fault.message),)
    )


def refused(settings: tuple[Setting, ...], fault: Fault) -> CpeOutcome:
    """The outcome of a CPE's fault: the first parameter it names is the cause, told by what people call it."""
    if not fault.parameters:
        message = _masked(fault_words.told(fault.code, fault.message), settings)
        return CpeOutcome(ok=False, fault=CpeFault(fault.code or None, message))
    first = fault.parameters[0]
    about = next((setting.said or setting.intent for setting in settings if setting.path == first.parameter), "")
    code = first.code or fault.code
    message = fault_words.told(code, first.message or fault.message, about or first.parameter)
    message += _and_more(len(fault.parameters) - 1)
    parameter = _masked(first.parameter, settings) or None
    return CpeOutcome(ok=False, fault=CpeFault(code or None, _masked(message, settings), parameter))


def not_made(instance: Instance, fault: Fault) -> CpeOutcome:
    """The outcome of a CPE that lets no row be added or taken away."""
    message = fault_words.told(fault.code, fault.message, instance.said)
    return CpeOutcome(ok=False, fault=CpeFault(fault.code or None, message, instance.table))


def unsuited(error: IntentError) -> CpeOutcome:
    """The outcome of work that has no words on this device: nothing was sent to it."""
    return CpeOutcome(ok=False, fault=CpeFault(None, str(error), error.intent, _KINDS[type(error)]))


def _judged(watch: Watch, read: Mapping[str, str], *, fresh: bool) -> CpeFault | None:
    """What is wrong with what is watched; nothing where the device does not show it: then it is taken at its word."""
    check, status = watch.check, read.get(watch.status)
    if status is None or _is(status, check.settled):
        return None
    error = "" if watch.error is None else read.get(watch.error, "")
    words = next((words for pattern, words in check.failed.items() if _is(error, pattern)), None)
    if words is not None and not fresh:
        return CpeFault(None, f"{check.said}: {words}", watch.error, FaultKind.REFUSED)
    shown = ", ".join(text[:_SHOWN] for text in dict.fromkeys((status, error)) if text)
    return CpeFault(None, f"{check.said} does not work yet: {shown}", watch.status, FaultKind.UNSETTLED)


def _is(text: str, patterns: str) -> bool:
    return any(fnmatchcase(text.strip().casefold(), pattern) for pattern in patterns.casefold().split("|"))


def _agrees(setting: Setting, read: Mapping[str, str]) -> bool:
    text = read.get(setting.path)
    return text is not None and setting.agrees(text)


def _mismatch(wrong: list[Setting], read: Mapping[str, str], settings: tuple[Setting, ...]) -> CpeFault:
    first = wrong[0]
    text = read.get(first.path)
    seen = "was not read back" if text is None else f"reads back {text[:_SHOWN]!r}"
    message = f"{first.said or first.intent}: wanted {first.text[:_SHOWN]!r}, {seen}{_and_more(len(wrong) - 1)}"
    return CpeFault(None, _masked(message, settings), first.path, FaultKind.MISMATCH)


def _and_more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _masked(text: str, settings: tuple[Setting, ...]) -> str:
    """The text without the secrets that were sent: some CPEs quote the value they refuse."""
    for setting in settings:
        if setting.hidden and setting.text:
            text = text.replace(setting.text, MASK)
    return text
