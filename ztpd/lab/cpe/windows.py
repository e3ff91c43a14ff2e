"""The time windows of ScheduleDownload (TR-069 Amendment 6, A.4.1.8). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ztpd.lab.cpe.faults import CwmpFault

_CONFIRMED = "4"
_MODES = ("1", "2", "3", "4", "X")
_CPE_DECIDES, _DEFAULT_RETRIES, _MOST_RETRIES = -1, 3, 100


@dataclass(frozen=True, slots=True)
class Window:
    """One window: its bounds in seconds since the request; whether somebody must agree; how often it is tried again."""

    start: int
    end: int
    needs_consent: bool
    retries: int


def windows_of(structs: Sequence[Mapping[str, str]]) -> list[Window]:
    """The windows that the structs say; raises ``CwmpFault`` 9003."""
    return [
        Window(
            start=_seconds(struct, "WindowStart"),
            end=_seconds(struct, "WindowEnd"),
            needs_consent=_mode(struct) == _CONFIRMED,
            retries=_retries(struct),
        )
        for struct in structs
    ]


def _seconds(struct: Mapping[str, str], name: str) -> int:
    text = struct.get(name, "").strip()
    if not text.isascii() or not text.isdigit():
        raise CwmpFault(9003, "Invalid arguments")
    return int(text)


def _mode(struct: Mapping[str, str]) -> str:
    """``1 At Any Time``, ``2 Immediately``, ``3 When Idle`` or ``4 Confirmation Needed``, by its number."""
    mode = struct.get("WindowMode", "1").strip()[:1]
    if mode not in _MODES:
        raise CwmpFault(9003, "Invalid arguments")
    return mode


def _retries(struct: Mapping[str, str]) -> int:
    text = struct.get("MaxRetries", "").strip() or str(_CPE_DECIDES)
    if not text.lstrip("-").isdigit() or int(text) < _CPE_DECIDES:
        raise CwmpFault(9003, "Invalid arguments")
    return _DEFAULT_RETRIES if int(text) == _CPE_DECIDES else min(int(text), _MOST_RETRIES)
