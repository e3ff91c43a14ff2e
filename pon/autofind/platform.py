"""What one platform's entry says, and what every way of printing a list has in common."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pon.autofind.answer import Unread
from pon.autofind.screen import Line

_SERIAL = re.compile(r"\b(?:[A-Za-z]{4}[:-]?[0-9A-Fa-f]{8}|[0-9A-Fa-f]{16})\b")
_NOT_OF_NAMES = re.compile(r"[^a-z0-9]+")


class Entry(NamedTuple):
    """The fields of one entry as printed, by the names that ``Platform.fields`` gives them."""

    line: Line
    fields: Mapping[str, str]


@dataclass(slots=True)
class Reading:
    """What one form found.

    ``recognised`` when the text is of that form at all, even with no entry in it; ``whole`` when the form shows that
    its end was reached.
    """

    recognised: bool = False
    whole: bool = False
    entries: list[Entry] = field(default_factory=list)
    damaged: list[Unread] = field(default_factory=list)


class Form(Protocol):
    """One way in which a platform prints its list."""

    def read(self, platform: "Platform", lines: Sequence[Line], printed: Sequence[str]) -> Reading:
        """The entries in ``lines`` (no echo, prompt or refusal among them); ``printed`` is all that was printed."""


@dataclass(frozen=True, slots=True)
class Platform:
    """How one platform answers: adding a platform is adding one of these.

    ``command`` finds the echo. ``fields`` maps the names of columns, keys and elements, lower-case and without
    anything but letters and digits, to ``port``, ``serial``, ``vendor``, ``shelf``, ``slot``, ``model``, ``state``,
    ``loid``, ``password`` and ``configured``. ``port_from`` puts the port together, ``port`` is what it must be,
    ``port_name`` (a template of that match) the element's own name of it. ``mark`` shows a line to be about an ONU.
    ``empty`` and ``count`` (its group) find what the element says of the list as a whole. Values in ``absent`` mean
    that there is none. ``short_serials``: leading zeros of the serial's hex digits are not printed.
    """

    command: re.Pattern[str]
    forms: tuple[Form, ...]
    fields: Mapping[str, str]
    port: re.Pattern[str]
    mark: re.Pattern[str]
    empty: re.Pattern[str]
    port_name: str = r"\g<0>"
    port_from: str = "{port}"
    count: re.Pattern[str] | None = None
    absent: frozenset[str] = frozenset()
    short_serials: bool = False

    def field_named(self, name: str) -> str:
        """The field that a column, key or element of this name is, or an empty string."""
        return self.fields.get(_NOT_OF_NAMES.sub("", name.lower()), "")

    def is_about_an_onu(self, text: str) -> bool:
        """Whether a line holds what only an ONU's entry holds."""
        return bool(self.mark.search(text) or _SERIAL.search(text))
