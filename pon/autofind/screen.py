"""A session's output as the lines a reader would see: pagers gone, the cursor's moves done.

Elements align by ``ESC[nC`` (V-SOL, often behind a carriage return), rub out a pager by ``ESC[nD`` and blanks (Huawei)
or by backspaces (ZTE), and turn a wheel while they search (Nokia ISAM). The moves are those of ECMA-48 §8.3.
"""

import re
from typing import NamedTuple

LONGEST_LINE = 1024
_WIDEST_MOVE = 256

# A pager's question, and the moves behind it where a transport took their ESC away.
_PAGER = re.compile(
    r"(?:-{2,4} ?more ?(?:\([^()\n]{0,60}\))? ?-{2,4}|press any key(?: to continue)?(?: ?\([^()\n]{0,40}\))?\.{0,3})"
    r"(?:\[\d{1,3}D {1,200}\[\d{1,3}D)?",
    re.IGNORECASE,
)
_CONTROL = re.compile(
    r"\x1b\[(?P<number>\d{0,4})[\d;?]{0,16}(?P<move>[@-~])"
    r"|\x1b\][^\x07\x1b\n]{0,200}\x07"
    r"|\x1b[()][0-9A-Za-z]"
    r"|\x1b[@-Z\\-_=>]"
    r"|[\x00-\x1f\x7f]"
)


class Line(NamedTuple):
    """A line by its number (from 1); ``cut`` where it was longer than 1,024 characters."""

    number: int
    text: str
    cut: bool = False


class TooMuch(ValueError):
    """What the text would show is longer than is allowed: moves of the cursor make it grow."""


def rendered(text: str, longest: int) -> list[str]:
    """The lines as a terminal would show them, of at most ``longest`` characters together. Raises ``TooMuch``.

    Carriage returns alone end lines where there is no line feed.
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines: list[str] = []
    for raw in _PAGER.sub("", text).split("\n"):
        line = _shown(raw)
        longest -= len(line)
        if longest < 0:
            raise TooMuch
        lines.append(line)
    return lines


def numbered(lines: list[str]) -> list[Line]:
    """The lines that hold anything, each with its number and cut to the longest that is read."""
    return [
        Line(number, line[:LONGEST_LINE], len(line) > LONGEST_LINE)
        for number, line in enumerate(lines, start=1)
        if line and not line.isspace()
    ]


def _shown(raw: str) -> str:
    raw = raw.rstrip("\r")
    if raw.isprintable():
        return raw
    cells: list[str] = []
    column = position = 0
    for control in _CONTROL.finditer(raw):
        column = _write(cells, column, raw[position : control.start()])
        column = _moved(cells, column, control)
        position = control.end()
    _write(cells, column, raw[position:])
    return "".join(cells)


def _write(cells: list[str], column: int, text: str) -> int:
    if text:
        if column > len(cells):
            cells += [" "] * (column - len(cells))
        cells[column : column + len(text)] = text
    return column + len(text)


def _moved(cells: list[str], column: int, control: re.Match[str]) -> int:
    """The cursor's column after a control; moves end at the line's ends, and no move makes a line wider than 256."""
    widest = max(len(cells), _WIDEST_MOVE)
    move = control["move"]
    if move is None:
        return _moved_by_character(column, control.group(), widest)
    number = int(control["number"] or 0)
    match move:
        case "C":
            return min(column + max(number, 1), max(widest, column))
        case "D":
            return max(column - max(number, 1), 0)
        case "G":
            return min(max(number, 1) - 1, widest)
        case "K":
            _erase(cells, column, number)
    return column


def _moved_by_character(column: int, character: str, widest: int) -> int:
    match character:
        case "\r":
            return 0
        case "\b":
            return max(column - 1, 0)
        case "\t":
            return min(column + 8 - column % 8, max(widest, column))
    return column


def _erase(cells: list[str], column: int, part: int) -> None:
    if part == 0:
        del cells[column:]
    elif part == 2:
        cells.clear()
    else:
        erased = min(column + 1, len(cells))
        cells[:erased] = " " * erased
