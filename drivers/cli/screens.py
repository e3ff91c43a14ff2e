"""What an element printed, as the lines of an answer: no echo, no pager, wrapped lines joined."""

import re
from collections.abc import Sequence

from pon.autofind.screen import TooMuch, rendered

_GROWTH = 2


class TooLong(ValueError):
    """The answer is longer than is ever read."""


def shown(text: str, longest: int) -> list[str]:
    """The lines as a terminal would show them; raises ``TooLong``."""
    if len(text) > longest:
        raise TooLong
    try:
        return rendered(text, _GROWTH * longest)
    except TooMuch:
        raise TooLong from None


def answer_lines(text: str, command: str, unwrap: re.Pattern[str] | None, longest: int) -> list[str]:
    """The lines of an answer to a command; raises ``TooLong``."""
    lines = _without_echo(shown(text, longest), command)
    return lines if unwrap is None else _joined(lines, unwrap)


def _without_echo(lines: list[str], command: str) -> list[str]:
    """Drop the echo, which a narrow terminal may have broken into several lines."""
    typed = command.replace(" ", "")
    seen = ""
    for number, line in enumerate(lines):
        seen += line.replace(" ", "")
        if seen.endswith(typed):
            return lines[number + 1 :]
        if len(seen) > 2 * len(typed) + 80:
            break
    return lines


def _joined(lines: Sequence[str], continues: re.Pattern[str]) -> list[str]:
    joined: list[str] = []
    for line in lines:
        if joined and line and joined[-1].startswith(" ") and continues.search(line):
            joined[-1] = f"{joined[-1].rstrip()} {line}"
        else:
            joined.append(line)
    return joined
