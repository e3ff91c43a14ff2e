"""One user at the OLT's terminal: echo, line ends, pages, questions, and the faults of the shelf."""

import re
from collections.abc import Callable
from typing import Protocol

from ztpd.lab.cli_olt.language import Ask, Language
from ztpd.lab.cli_olt.shelf import Busy, Refused, Shelf
from ztpd.lab.cuts import Moment


class Line(Protocol):
    """The wire to one user."""

    async def read(self) -> bytes:
        """What was typed since, or nothing when the user has gone."""
        ...

    def write(self, data: bytes) -> None:
        """Print."""
        ...

    def cut(self) -> None:
        """Break the connection as a cable does."""
        ...


class Gone(Exception):
    """The user is not there any more."""


class Terminal:
    """Reads keys and prints text."""

    def __init__(self, line: Line, newline: str) -> None:
        self._line = line
        self._newline = newline
        self._typed = bytearray()
        self._after_return = False

    def write(self, text: str) -> None:
        """Print text whose lines end with a line feed."""
        self._line.write(text.replace("\n", self._newline).encode())

    def cut(self) -> None:
        """Break the connection."""
        self._line.cut()

    async def key(self) -> str:
        """One key; raises ``Gone``."""
        while True:
            while not self._typed:
                data = await self._line.read()
                if not data:
                    raise Gone
                self._typed += data
            key = chr(self._typed.pop(0))
            lone_feed = key == "\n" and self._after_return
            self._after_return = key == "\r"
            if not lone_feed:
                return "\n" if key == "\r" else key

    async def text(self, *, echo: bool = True) -> str:
        """A line as it is typed, without its end; raises ``Gone``."""
        typed: list[str] = []
        echoed = ""
        while (key := await self.key()) != "\n":
            if key in ("\x08", "\x7f"):
                typed = typed[:-1]
            elif key.isprintable():
                typed.append(key)
                echoed += key if echo else ""
            if echoed and not self._typed:
                self.write(echoed)
                echoed = ""
        self.write(echoed + "\n")
        return "".join(typed)


class Conversation:
    """Lets one user type commands until he leaves."""

    def __init__(self, terminal: Terminal, language: Language, shelf: Shelf, pressed_enter: Callable[[], None]) -> None:
        self._terminal = terminal
        self._language = language
        self._shelf = shelf
        self._pressed_enter = pressed_enter
        self._lines = 0
        self._quit = False

    async def run(self) -> None:
        """Answer commands until the user leaves; raises ``Gone``."""
        while not self._language.closed:
            self._terminal.write(self._language.prompt())
            if self._shelf.faults.chatter:
                self._terminal.write(f"\n{self._shelf.faults.chatter}\n{self._language.prompt()}")
            line = (await self._terminal.text()).strip()
            if not line:
                self._pressed_enter()
            elif not await self._command(line):
                return

    async def _command(self, line: str) -> bool:
        """Answer one command; false when the connection was cut over it."""
        faults = self._shelf.faults
        self._shelf.commands[line.split()[0]] += 1
        cut = faults.cut()
        if cut is Moment.BEFORE:
            self._terminal.cut()
            return False
        if faults.hangs():
            await self._hang()
        printed = await self._answer(line, silent=cut is Moment.AFTER)
        if cut is Moment.AFTER:
            self._terminal.cut()
            return False
        return printed

    async def _hang(self) -> None:
        """Answer nothing any more; raises ``Gone`` when the user has had enough."""
        while True:
            await self._terminal.key()

    async def _answer(self, line: str, *, silent: bool) -> bool:
        """Print the answer; when the connection is about to break, nothing is printed and questions are confirmed."""
        self._lines = 0
        self._quit = False
        answer = self._language.run(line)
        typed = ""
        try:
            while True:
                said = answer.send(typed) if typed else next(answer)
                typed = ""
                if isinstance(said, Ask):
                    typed = "y" if silent else await self._ask(said)
                    typed = typed or "\n"
                elif not silent:
                    await self._print(said)
        except StopIteration:
            pass
        except Refused as refused:
            self._terminal.write(self._language.dialect.refused.format(reason=refused) + "\n")
        except Busy:
            self._terminal.write(self._language.dialect.busy + "\n")
        return True

    async def _ask(self, question: Ask) -> str:
        self._terminal.write(question.question)
        self._lines = 0
        return await self._terminal.text(echo=not question.secret)

    async def _print(self, text: str) -> None:
        pager = self._language.dialect.pager if self._language.paging else None
        if pager is None:
            self._terminal.write(text)
            return
        for line in re.findall(r"[^\n]*\n|[^\n]+$", text):
            if self._quit:
                return
            if self._lines >= pager.lines:
                self._lines = 0
                self._terminal.write(pager.question)
                self._quit = (await self._terminal.key()).lower() == pager.quit_key
                self._terminal.write(pager.erase)
            if not self._quit:
                self._terminal.write(line)
            self._lines += 1
