"""Lists printed as a table, or as comma-separated values: the header says which column is what."""

import csv
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pon.autofind.platform import Entry, Platform, Reading
from pon.autofind.screen import Line

_WORD = re.compile(r"[^\s|]+")
_DECORATION = re.compile(r"[\s\-=+_*|~]*")
_STACKED = 4
_MOST_HEADERS = 1_000
_NEEDED = frozenset({"port", "serial"})


@dataclass(frozen=True, slots=True)
class _Columns:
    """The fields in their order, and where each column starts (None for comma-separated values)."""

    fields: tuple[str, ...]
    starts: tuple[int, ...] | None

    def cells(self, text: str) -> dict[str, str]:
        values = self._values(text)
        return {name: value for name, value in zip(self.fields, values, strict=False) if name}

    def _values(self, text: str) -> list[str]:
        if self.starts is None:
            return _separated(text)
        words = list(_WORD.finditer(text))
        if len(words) == len(self.fields) + 1 and words[-1].group().endswith(("#", ">")):
            words.pop()  # a prompt that followed without a line end
        if len(words) == len(self.fields):
            return [word.group() for word in words]
        return self._by_place(words)

    def _by_place(self, words: Sequence[re.Match[str]]) -> list[str]:
        """A cell is empty or has blanks in it: each word goes to the column it stands under."""
        assert self.starts is not None
        values = [""] * len(self.fields)
        for word in words:
            column = max(bisect_right(self.starts, word.start() + 1) - 1, 0)
            values[column] = f"{values[column]} {word.group()}".strip()
        return values


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a header.

    ``header`` finds the header's last line; names may be stacked over up to four lines. ``bare`` tells, by the number
    of words, what the words of a row are when no header was printed (an empty name: not used). An answer has one
    header for each port at most: after a thousand lines that may end one, no more is looked for.
    """

    header: re.Pattern[str]
    bare: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def read(self, platform: Platform, lines: Sequence[Line], printed: Sequence[str]) -> Reading:
        """Every line that is about an ONU becomes an entry, under whatever header stands above it."""
        reading = Reading()
        columns: _Columns | None = None
        headers = 0
        for place, line in enumerate(lines):
            header = None
            if headers < _MOST_HEADERS and self.header.search(line.text):
                headers += 1
                header = self._columns_at(platform, lines, place)
            if header is not None:
                columns = header
                reading.recognised = True
            elif platform.is_about_an_onu(line.text):
                cells = self._bare_cells(line.text) if columns is None else columns.cells(line.text)
                reading.entries.append(Entry(line, cells))
                reading.recognised = True
        return reading

    def _bare_cells(self, text: str) -> dict[str, str]:
        words = text.split()
        return {name: word for name, word in zip(self.bare.get(len(words), ()), words, strict=False) if name}

    def _columns_at(self, platform: Platform, lines: Sequence[Line], place: int) -> _Columns | None:
        """The columns that the header ending at this line names, or None where none ends."""
        for height in range(1, min(_STACKED, place + 1) + 1):
            stack = [line.text for line in lines[place - height + 1 : place + 1]]
            columns = _named(platform, stack)
            if _NEEDED.issubset(columns.fields):
                return columns
            if _DECORATION.fullmatch(stack[0]):
                break
        return None


def _named(platform: Platform, stack: Sequence[str]) -> _Columns:
    if stack[-1].count(",") > 1:
        return _Columns(tuple(platform.field_named(name) for name in _separated(stack[-1])), None)
    names: dict[int, str] = {}
    for text in stack:
        for word in _WORD.finditer(text):
            names[word.start()] = names.get(word.start(), "") + word.group()
    starts = tuple(sorted(names))
    return _Columns(tuple(platform.field_named(names[start]) for start in starts), starts)


def _separated(text: str) -> list[str]:
    try:
        return [value.strip() for value in next(csv.reader([text]), [])]
    except csv.Error:
        return []
