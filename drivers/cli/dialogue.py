"""A conversation with a command line, without the wire: text in, keys to press out, and answers.

What came is looked at character by character as far as that matters (a prompt or a question ends in a character that
few others end in), so that it does not matter how the wire cut it into pieces.
"""

import re
from dataclasses import dataclass, field

from drivers.cli.platform import Dialogue as Script
from drivers.cli.platform import Kind, Question
from drivers.cli.screens import TooLong, answer_lines, shown

_LONGEST_PROMPT = 512
_MOST_QUESTIONS = 8
_SHOWN = 400
_ECHOED = 16
_ECHO_LINES = 64
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f]+")
_ENDS = re.compile(r"[\n#>:$%)\]}?.-]")


class Lost(Exception):
    """The conversation cannot go on: what the element says is not understood, or too much. The message says what."""


class DoorShut(Exception):
    """The element does not let us in: ``full`` when it is only for now."""

    def __init__(self, said: str, *, full: bool) -> None:
        self.said = said
        self.full = full
        super().__init__(said)


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to one command: its lines, the prompt behind it, and what it refused (a kind and the line)."""

    command: str
    lines: tuple[str, ...]
    prompt: str
    refusal: tuple[Kind, str] | None = None

    @property
    def text(self) -> str:
        """The answer as it may stand in a message, at most 400 characters of it."""
        said = " / ".join(line.strip() for line in self.lines if line.strip())
        return said[:_SHOWN] or "no answer"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is typed where the element asks for it."""

    username: str
    password: str = field(repr=False)
    enable_password: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Turn:
    """What follows from text that came: keys to press now, and the answer if it is whole."""

    keys: str = ""
    said: Said | None = None


class Dialogue:
    """One session's conversation. It begins before the first prompt; ``ask`` begins each command after that.

    ``typed_login``: the element asks for name and password in the conversation itself (telnet).
    """

    def __init__(self, script: Script, credentials: Credentials, *, typed_login: bool, longest: int) -> None:
        self._script = script
        self._credentials = credentials
        self._longest = longest
        self._typed_login = typed_login
        self._prompts = _prompt_pattern(script, script.name)
        self._text: list[str] = []
        self._size = 0
        self._line = ""
        self._command = ""
        self._confirm = False
        self._password: re.Pattern[str] | None = None
        self._refused_question: str | None = None
        self._pages = self._questions = 0
        self._waiting = True
        self._at_door = True
        self._logins = 0

    def ask(self, command: str, *, confirm: bool = False, password: re.Pattern[str] | None = None) -> str:
        """Begin a command: the keys to press. ``confirm`` if it is expected to ask whether it is meant.

        ``password`` is what it asks for the enable password with. Raises ``ValueError`` for what is no single line.
        """
        if not command.isascii() or not command.isprintable():
            raise ValueError("a command is one line of printable ASCII characters")
        self._text, self._size, self._line = [], 0, ""
        self._command, self._confirm, self._password = command, confirm, password
        self._refused_question = None
        self._pages = self._questions = 0
        self._waiting = True
        return command + self._script.newline

    def feed(self, text: str) -> Turn:
        """Take text that came; raises ``Lost`` and ``DoorShut``."""
        turn = Turn()
        self._size += len(text)
        if self._size > self._longest:
            raise Lost(f"the answer to {self._command!r} is longer than the {self._longest} characters that are read")
        position = 0
        for end in _ENDS.finditer(text):
            self._line += text[position : end.end()]
            position = end.end()
            if end[0] == "\n":
                self._line = self._line[:-1]
                self._end_line()
            elif self._waiting:
                turn.keys += self._at_line_end(turn)
        self._line += text[position:]
        return turn

    def end(self) -> None:
        """The element hung up: raises ``DoorShut`` when it said why, ``Lost`` otherwise."""
        self._look_at_door("".join(self._text) + self._line)
        raise Lost("the element ended the session")

    def _end_line(self) -> None:
        self._text.append(self._line + "\n")
        self._line = ""

    def _at_line_end(self, turn: Turn) -> str:
        """The keys to press if what stands in the last line is a question; notes the answer if it is a prompt."""
        if len(self._line) > _LONGEST_PROMPT or not self._line.strip(" -"):
            return ""
        line = _tail(self._line)
        if self._at_door and self._logging_in(line) is not None:
            return self._log_in(line)
        if self._prompts.fullmatch(line) and self._is_echoed():
            turn.said = self._whole(line)
            return ""
        if self._password is not None and self._password.search(line):
            return self._answer(self._credentials.enable_password or "") + self._script.newline
        for question in self._script.questions:
            match = question.pattern.search(line)
            if match is not None and match.end() == len(line):
                return self._keys_for(question, line)
        return ""

    def _is_echoed(self) -> bool:
        """Whether the end of the command was seen: the beginning of a long one may scroll out of sight."""
        if not (self._script.echoes and self._command):
            return True
        typed = "".join(self._command.split())[-_ECHOED:]
        seen = _UNSEEN.sub("", "".join(self._text[:_ECHO_LINES]))
        return typed in seen

    def _logging_in(self, line: str) -> str | None:
        """What is to be typed if the element asks for a name or password before the first prompt."""
        login = self._script.login
        if not self._typed_login or login.username is None or login.password is None:
            return None
        if _ends_with(login.password, line):
            return self._credentials.password
        return self._credentials.username if _ends_with(login.username, line) else None

    def _log_in(self, line: str) -> str:
        self._look_at_door("".join(self._text))
        typed = self._logging_in(line) or ""
        self._logins += 1
        if self._logins > 2:
            raise DoorShut("the element asks for name and password again", full=False)
        self._end_line()
        return typed + self._script.newline

    def _look_at_door(self, text: str) -> None:
        """Raise ``DoorShut`` if the element said that it does not let us in."""
        if not self._at_door:
            return
        for pattern, full in ((self._script.login.full, True), (self._script.login.refused, False)):
            match = pattern.search(text)
            if match is not None:
                raise DoorShut(match[0].strip(), full=full)

    def _keys_for(self, question: Question, line: str) -> str:
        if question.confirms:
            self._count_question(line)
            if not self._confirm:
                self._refused_question = line.strip()
            return self._answer(question.keys if self._confirm else question.otherwise)
        self._pages += 1
        if self._pages > self._script.most_pages:
            raise Lost(f"the answer to {self._command!r} has too many pages")
        return self._answer(question.keys)

    def _count_question(self, line: str) -> None:
        self._questions += 1
        if self._questions > _MOST_QUESTIONS:
            raise Lost(f"{self._command!r} asks again and again: {line.strip()[:80]}")

    def _answer(self, keys: str) -> str:
        self._end_line()
        return keys

    def _whole(self, prompt: str) -> Said:
        """The answer is complete: what stands before the prompt, and whether it is a refusal."""
        self._waiting = False
        text = "".join(self._text)
        if self._at_door:
            self._look_at_door(text)
            self._at_door = False
            self._prompts = _prompt_pattern(self._script, re.escape(_name_in(self._script, prompt)))
        try:
            lines = answer_lines(text, self._command, self._script.unwrap, self._longest)
        except TooLong:
            raise Lost(f"the answer to {self._command!r} is too long") from None
        refusal = self._refusal(lines)
        return Said(self._command, tuple(lines), prompt.strip(), refusal)

    def _refusal(self, lines: list[str]) -> tuple[Kind, str] | None:
        if self._refused_question is not None:
            return Kind.REJECTED, self._refused_question
        for failure in self._script.failures:
            for line in lines:
                if failure.pattern.search(line):
                    return failure.kind, line.strip()
        return None


def mode_of(script: Script, prompt: str) -> str | None:
    """The first mode whose prompt this is."""
    return next((name for name in script.modes if is_prompt_of(script, name, prompt)), None)


def is_prompt_of(script: Script, mode: str, prompt: str) -> bool:
    """Whether a prompt may be that mode's; several modes may have the same."""
    return re.fullmatch(f"{script.name}(?:{script.modes[mode].prompt})", prompt.strip()) is not None


def _prompt_pattern(script: Script, name: str) -> re.Pattern[str]:
    return re.compile(rf"\s*{name}(?:{'|'.join(mode.prompt for mode in script.modes.values())})")


def _name_in(script: Script, prompt: str) -> str:
    """The element's own name in front of a prompt, by which prompts are known from then on."""
    for mode in script.modes.values():
        match = re.fullmatch(rf"\s*({script.name}){mode.prompt}", prompt)
        if match is not None:
            return match[1]
    raise Lost(f"unknown prompt {prompt.strip()[:80]!r}")


def _ends_with(pattern: re.Pattern[str], line: str) -> bool:
    match = pattern.search(line)
    return match is not None and match.end() == len(line)


def _tail(line: str) -> str:
    """The last line as a terminal would show it."""
    if line.isprintable():
        return line
    return shown(line + "\n", 4 * _LONGEST_PROMPT)[0].rstrip(" ")
