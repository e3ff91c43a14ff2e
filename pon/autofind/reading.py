"""One answer of one platform: a list, an empty list, or the error that says why it is neither."""

import re
from collections.abc import Sequence
from contextlib import suppress

from pon.autofind.answer import (
    AnswerTooLong,
    Autofind,
    AutofindError,
    CommandRefused,
    FoundOnu,
    UnknownAnswer,
    UnknownPlatform,
    Unread,
    shown,
)
from pon.autofind.entries import Unreadable, found, present_only
from pon.autofind.platform import Platform, Reading
from pon.autofind.platforms import PLATFORMS
from pon.autofind.screen import LONGEST_LINE, Line, TooMuch, numbered, rendered

LONGEST = 4 * 1024 * 1024
"""Characters of an answer that are read at most."""

_PROMPT = re.compile(r"\s*\S{0,80}[#>$]\s*")
# What a CLI says instead of an answer, and the questions of a login; all of these only where no list is.
_REFUSED = re.compile(
    r"^\s*%\s?(?:error|code|unknown|incomplete|ambiguous|invalid|parameter|bad|too many)\b"
    r"|^\s*(?:failure|error|syntax error|aborted)\s?:"
    r"|\b(?:unknown|unrecogni[sz]ed|invalid|incomplete|ambiguous|bad) (?:command|input|token|parameter|password)\b"
    r"|\bcommand (?:not found|incomplete|fail)"
    r"|\b(?:permission|access) denied\b|\bnot authori[sz]ed\b|\bno permission\b"
    r"|\blogin (?:incorrect|failed|invalid)\b|\bauthentication fail|\bupper limit\b"
    r"|\b(?:connection|session) (?:closed|refused|reset|timed out|expired)\b|\btoo many (?:users|sessions)\b"
    r"|(?:\buser ?name|\blogin|\bpassword):\s*$",
    re.IGNORECASE,
)


def parse(platform: str, text: str) -> Autofind:
    """What the answer of an element of this platform (a key of ``PLATFORMS``) to its autofind command says.

    ``text`` is what the session gave: echo, prompts, pagers and escape sequences may be in it. The work grows with
    its length alone. Raises ``UnknownPlatform``, ``AnswerTooLong``, ``CommandRefused`` or ``UnknownAnswer``.
    """
    known = PLATFORMS.get(platform)
    if known is None:
        raise UnknownPlatform(platform[:40], "", "is no known platform", f"use one of {', '.join(sorted(PLATFORMS))}")
    printed = _printed(platform, text)
    lines = _without_echo(known, numbered(printed))
    empty = any(known.empty.search(line.text) for line in lines)
    refused = [line for line in lines if _REFUSED.search(line.text) and not known.empty.search(line.text)]
    numbers = {line.number for line in refused}
    reading = _reading(known, [line for line in lines if line.number not in numbers], printed)
    if not reading.entries and not empty and (refused or not _shows_none(known, reading)):
        raise _no_list(platform, lines, refused, reading)
    return _answer(known, reading, lines, refused)


def _printed(platform: str, text: str) -> list[str]:
    if len(text) <= LONGEST:
        with suppress(TooMuch):
            return rendered(text, LONGEST)
    problem = f"the answer is longer than the {LONGEST} characters that are read"
    raise AnswerTooLong(platform, text[:80], problem, "ask for one port at a time")


def _without_echo(platform: Platform, lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if not _PROMPT.fullmatch(line.text) and not platform.command.search(line.text)]


def _reading(platform: Platform, lines: Sequence[Line], printed: Sequence[str]) -> Reading:
    for form in platform.forms:
        reading = form.read(platform, lines, printed)
        if reading.recognised:
            return reading
    return Reading()


def _shows_none(platform: Platform, reading: Reading) -> bool:
    """Whether a list without entries is an empty one, not one that was cut off before its first entry."""
    return reading.recognised and not reading.damaged and (reading.whole or platform.count is None)


def _no_list(platform: str, lines: Sequence[Line], refused: Sequence[Line], reading: Reading) -> AutofindError:
    if refused:
        remedy = "check the user's rights, the command's mode and the platform"
        return CommandRefused(platform, refused[0].text, "the element refused the command", remedy)
    if reading.recognised:
        problem = reading.damaged[0].reason if reading.damaged else "the list ends before its first entry"
        line = reading.damaged[0].line if reading.damaged else lines[-1].text
        return UnknownAnswer(platform, line, problem, "read the answer up to its end, and ask again")
    if lines:
        problem = "the answer is neither a list of ONUs nor one of the known others"
        return UnknownAnswer(platform, lines[0].text, problem, "check the platform and the command")
    return UnknownAnswer(platform, "", "there is no answer", "wait for the prompt before the answer is read")


def _answer(platform: Platform, reading: Reading, lines: Sequence[Line], refused: Sequence[Line]) -> Autofind:
    onus: list[FoundOnu] = []
    unread = list(reading.damaged)
    configured = 0
    for line, printed_fields in reading.entries:
        fields = present_only(platform, printed_fields)
        if "configured" in fields:
            configured += 1
            continue
        try:
            onus.append(found(platform, fields))
        except Unreadable as error:
            unread.append(Unread(line.number, shown(line.text), str(error)))
    unread += _doubts(lines, refused)
    unread += _missing(platform, lines, len(reading.entries))
    return Autofind(tuple(onus), tuple(sorted(unread, key=lambda each: each.number)), configured)


def _doubts(lines: Sequence[Line], refused: Sequence[Line]) -> list[Unread]:
    cut = f"the line is longer than {LONGEST_LINE} characters"
    error = "an error stands in the list, which may not be whole"
    return [Unread(line.number, shown(line.text), cut) for line in lines if line.cut] + [
        Unread(line.number, shown(line.text), error) for line in refused
    ]


def _missing(platform: Platform, lines: Sequence[Line], entries: int) -> list[Unread]:
    """The element's own count where it is higher than what was seen: part of the answer was lost."""
    if platform.count is None:
        return []
    counts = [(line, match) for line in lines if (match := platform.count.search(line.text))]
    if sum(int(match[1]) for _, match in counts) <= entries:
        return []
    line = counts[-1][0]
    return [Unread(line.number, shown(line.text), f"the element counts more than the {entries} that were printed")]
