"""What one vendor's command line is to the server: what is said at the door, its pager, and the answer to a line.

A vendor's module gives a factory ``Language`` for each session; the shelf behind it is shared by all of them.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that is asked in the middle of an answer; what is typed up to the line's end is sent in.

    ``secret`` answers are not echoed.
    """

    question: str
    secret: bool = False


Answer = Generator["str | Ask", str, None]
"""Yields text as it is printed (lines end with a line feed), and questions, for which it is sent what was typed."""


@dataclass(frozen=True, slots=True)
class Pager:
    """After ``lines`` lines ``question`` is shown; any key turns the page, ``quit_key`` ends the answer.

    ``erase`` is what the element sends to rub the question out.
    """

    question: str
    erase: str
    lines: int = 24
    quit_key: str = "q"


@dataclass(frozen=True, slots=True)
class Door:
    """What a telnet server asks and says before the first prompt, and what an SSH one says to one too many."""

    username: str
    password: str
    refused: str
    full: str
    banner: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What does not change during a session."""

    door: Door
    pager: Pager | None = None
    newline: str = "\r\n"
    busy: str = "busy"  # the line that says that the element cannot do it now
    refused: str = "refused"  # the line that says that it will not
    writes: frozenset[str] = field(default_factory=frozenset)


class Language(Protocol):
    """One session of one vendor's command line.

    A command that writes asks the shelf first (``Shelf.begin_write``), which counts it and may raise ``Refused`` or
    ``Busy``: the server prints the dialect's words for those that the module does not catch.
    """

    dialect: Dialect
    closed: bool
    """Whether the user has left."""

    paging: bool
    """Whether long answers are shown in pages."""

    def prompt(self) -> str:
        """What is printed when a command may be typed, without a line end."""
        ...

    def run(self, line: str) -> Answer:
        """The answer to a line that was typed, without its echo."""
        ...
