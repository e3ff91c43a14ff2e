"""What became of settings: the CPE's answers compared with what was wanted, told without secrets.

Pure.
"""

from collections.abc import Mapping

from ztpd.acs.datamodel import IntentError, InvalidValue, Setting, UnknownIntent, UnknownModel
from ztpd.acs.messages import Fault
from ztpd.domain.cpe import MASK, CpeFault, CpeOutcome, FaultKind

_KINDS: dict[type[IntentError], FaultKind] = {
    UnknownIntent: FaultKind.UNKNOWN_INTENT,
    InvalidValue: FaultKind.INVALID_VALUE,
    UnknownModel: FaultKind.UNKNOWN_MODEL,
}


def readable_paths(settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """The paths whose values can be verified by reading them back."""
    return tuple(setting.path for setting in settings if not setting.hidden)


def outcome(settings: tuple[Setting, ...], read: Mapping[str, str], status: int) -> CpeOutcome:
    """The outcome of accepted settings: good when every readable one reads back as wanted.

    ``status`` is SetParameterValuesResponse's; a CPE must read back what it committed even where it applies it later.
    """
    applied = {
        setting.path: MASK if setting.hidden else read[setting.path]
        for setting in settings
        if setting.hidden or setting.path in read
    }
    wrong = [setting for setting in settings if not setting.hidden and not _agrees(setting, read)]
    fault = _mismatch(wrong, read, settings) if wrong else None
    return CpeOutcome(ok=not wrong, applied=applied, fault=fault, pending=status == 1)


def refused(settings: tuple[Setting, ...], fault: Fault) -> CpeOutcome:
    """The outcome of a CPE's fault: the first parameter it names is the cause, told by its intent too."""
    if not fault.parameters:
        message = _masked(fault.message, settings) or "the CPE gave no reason"
        return CpeOutcome(ok=False, fault=CpeFault(fault.code or None, message))
    first = fault.parameters[0]
    intent = next((setting.intent for setting in settings if setting.path == first.parameter), None)
    message = (f"{intent}: " if intent else "") + (first.message or fault.message or "refused")
    message += _and_more(len(fault.parameters) - 1)
    parameter = _masked(first.parameter, settings) or None
    return CpeOutcome(ok=False, fault=CpeFault(first.code or fault.code or None, _masked(message, settings), parameter))


def unsuited(error: IntentError) -> CpeOutcome:
    """The outcome of work that has no words on this device: nothing was sent to it."""
    return CpeOutcome(ok=False, fault=CpeFault(None, str(error), error.intent, _KINDS[type(error)]))


def _agrees(setting: Setting, read: Mapping[str, str]) -> bool:
    text = read.get(setting.path)
    return text is not None and setting.agrees(text)


def _mismatch(wrong: list[Setting], read: Mapping[str, str], settings: tuple[Setting, ...]) -> CpeFault:
    first = wrong[0]
    text = read.get(first.path)
    seen = "was not read back" if text is None else f"reads back {text[:64]!r}"
    message = f"{first.intent}: wanted {first.text[:64]!r}, {seen}{_and_more(len(wrong) - 1)}"
    return CpeFault(None, _masked(message, settings), first.path, FaultKind.MISMATCH)


def _and_more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _masked(text: str, settings: tuple[Setting, ...]) -> str:
    """The text without the secrets that were sent: some CPEs quote the value they refuse."""
    for setting in settings:
        if setting.hidden and setting.text:
            text = text.replace(setting.text, MASK)
    return text
