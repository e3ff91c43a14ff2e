"""What an answer is read into, and what is raised where it is no list."""

from dataclasses import dataclass, field

from pon.onu import PresentOnu

_SHOWN = 160


@dataclass(frozen=True, slots=True)
class FoundOnu:
    """An ONU that is present and not configured; what the element does not print is None.

    ``onu.onu_id`` is always None: the index that some elements print beside an unknown ONU allocates nothing.
    ``onu.registration_id`` is the PLOAM password or registration id in upper-case hex without its NUL padding;
    ``password`` is the same as text where it is text.
    """

    onu: PresentOnu
    model: str | None = None
    loid: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that looked like an ONU and could not be read: line ``number`` (from 1) as printed, and why."""

    number: int
    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Autofind:
    """One answer: the ONUs in the element's order, and what could not be read.

    ``configured`` counts entries that the element itself ties to a configuration (AXOS lists all it ever discovered).
    """

    onus: tuple[FoundOnu, ...] = ()
    unread: tuple[Unread, ...] = ()
    configured: int = 0


class AutofindError(ValueError):
    """The text is no list of ONUs: ``platform``, the ``line`` that shows it, ``problem`` and ``remedy``."""

    def __init__(self, platform: str, line: str, problem: str, remedy: str) -> None:
        self.platform = platform
        self.line = shown(line)
        self.problem = problem
        self.remedy = remedy
        where = f": {self.line!r}" if line else ""
        super().__init__(f"{platform}: {problem}{where}; {remedy}")


class UnknownPlatform(AutofindError):
    """No entry describes this platform."""


class AnswerTooLong(AutofindError):
    """The answer is longer than is ever read."""


class CommandRefused(AutofindError):
    """The element did not run the command: an error, or a prompt to log in. This says nothing about ONUs."""


class UnknownAnswer(AutofindError):
    """Nothing in the text is a list, an empty list or a refusal that this platform is known to print."""


def shown(line: str) -> str:
    """The line as it may stand in a message: without outer blanks and at most 160 characters long."""
    return line.strip()[:_SHOWN]
