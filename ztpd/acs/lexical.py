"""Values as texts of a data model: which fit a type, how a device wants them, when two are the same.

Pure. The types are those of TR-106 §3.2.3 that are XML Schema's; ``list`` is a comma-separated list (TR-106 §3.2.2).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ztpd.domain.profile import Value

TYPES = frozenset({"string", "int", "unsignedInt", "boolean", "dateTime", "list"})

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_UNPRINTABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Literals:
    """How a device wants booleans and times; ``time`` is a pattern of strftime, None is ISO 8601 as given."""

    true: str = "true"
    false: str = "false"
    time: str | None = None


def text_of(value: Value) -> str:
    """A value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def fits(type_: str, value: Value) -> bool:
    """Whether the value is one of the type."""
    text = text_of(value)
    if type_ == "boolean":
        return isinstance(value, bool) or text in _BOOLEANS
    if isinstance(value, bool):
        return False
    if type_ == "unsignedInt":
        return text.isascii() and text.isdigit() and len(text) <= 10
    if type_ == "int":
        return _INTEGER.fullmatch(text) is not None
    if type_ == "dateTime":
        return moment_of(text) is not None
    return _UNPRINTABLE.search(text) is None


def as_sent(text: str, type_: str, literals: Literals) -> str:
    """A text as the device wants it."""
    if type_ == "boolean" and text in _BOOLEANS:
        if (literals.true, literals.false) == ("true", "false"):
            return text
        return literals.true if _BOOLEANS[text] else literals.false
    moment = moment_of(text) if type_ == "dateTime" and literals.time is not None else None
    return text if moment is None or literals.time is None else moment.strftime(literals.time)


def same(type_: str, wanted: str, read: str) -> bool:
    """Whether a text read back is the value wanted, compared as its type."""
    if type_ == "boolean":
        return _BOOLEANS.get(read.strip().lower()) is _BOOLEANS[wanted]
    if type_ in {"int", "unsignedInt"}:
        return _INTEGER.fullmatch(read.strip()) is not None and int(read) == int(wanted)
    if type_ == "list":
        return _items(read) == _items(wanted)
    if type_ == "dateTime":
        moments = (moment_of(read.strip()), moment_of(wanted))
        return None not in moments and moments[0] == moments[1]
    return read.strip() == wanted.strip()


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def moment_of(text: str) -> datetime | None:
    """A dateTime; one without a zone is in UTC (TR-106 §3.2.3)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
