"""One login at an element: commands typed one after the other, each with its answer, in the view that it needs."""

import asyncio
import codecs
import contextlib
import re
from collections.abc import Awaitable, Callable

from drivers.cli import modes, transport_ssh, transport_telnet
from drivers.cli.dialogue import Credentials, Dialogue, DoorShut, Lost, Said, is_prompt_of, mode_of
from drivers.cli.platform import Dialogue as Script
from drivers.cli.platform import Kind
from drivers.cli.settings import CliSettings
from drivers.cli.wire import ConnectFailed, Reason, Wire
from drivers.errors import Busy, ElementError, HostKeysUnreadable, NotLetIn, NotTheElement, Rejected, Unreachable

_LOGOUT_S = 2.0
Connect = Callable[[CliSettings], Awaitable[Wire]]


class CliSession:
    """Made by ``opened``. A command that is cut short, by whatever, ends the session: its state is unknown."""

    def __init__(self, settings: CliSettings, script: Script, wire: Wire) -> None:
        self.ended = asyncio.Event()
        self._settings = settings
        self._script = script
        self._wire = wire
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._came: asyncio.Queue[str | None] = asyncio.Queue()
        self._dialogue = Dialogue(
            script,
            Credentials(settings.username, settings.password or "", settings.enable_password),
            typed_login=wire.typed_login,
            longest=settings.max_answer_chars,
        )
        self._here = modes.path_to(script, script.start, "")
        self._talking = False
        self._listening = asyncio.create_task(self._listen(), name=f"cli-{settings.name}")

    @property
    def is_usable(self) -> bool:
        """Whether it stands at a prompt that is known."""
        return not self._talking and not self.ended.is_set()

    async def run(
        self, command: str, mode: str, enter: str, *, confirm: bool = False, timeout_s: float | None = None
    ) -> Said:
        """The answer to a command in a mode that is entered with ``enter``; raises ``Unreachable``, ``Rejected``.

        What the command itself was refused with is in the answer.
        """
        await self._go(modes.path_to(self._script, mode, enter))
        said = await self._exchange(command, confirm=confirm, timeout_s=timeout_s)
        self._follow(said.prompt)
        return said

    async def keep_alive(self) -> None:
        """Press enter, so that neither end thinks that the other has gone."""
        await self._exchange("")

    async def begin(self) -> None:
        """Wait for the first prompt and settle how we want to speak; raises as ``opened``."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                said = await self._answer("login")
        except TimeoutError:
            raise self._unreachable("login", f"no prompt within {self._settings.connect_timeout_s:g} s") from None
        landed = mode_of(self._script, said.prompt) or self._script.start
        self._here = modes.path_to(self._script, landed, self._script.modes[landed].enter)
        await self._go(modes.path_to(self._script, self._script.home, self._script.modes[self._script.home].enter))
        for command in self._script.setup:
            await self._exchange(command)

    async def close(self) -> None:
        """Log out, so that the element has a place free at once, and hang up."""
        with contextlib.suppress(ElementError, TimeoutError, OSError):
            async with asyncio.timeout(_LOGOUT_S):
                for command in self._script.logout:
                    await self._exchange(command, confirm=True)
        with contextlib.suppress(TimeoutError, OSError):
            await self._wire.close()
        await self._stop()

    async def abort(self) -> None:
        """Hang up."""
        self._wire.abort()
        await self._stop()

    async def _stop(self) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})
        self.ended.set()

    async def _listen(self) -> None:
        try:
            while data := await self._wire.read():
                text = self._decoder.decode(data)
                if text:
                    self._came.put_nowait(text)
        finally:
            self._came.put_nowait(None)
            self.ended.set()

    async def _go(self, there: modes.Path) -> None:
        """Change to another view, step by step; where the session stands is known after each."""
        for move in modes.moves(self._script, self._here, there):
            mode = move.to[-1].mode
            password = self._script.modes[mode].password
            said = await self._exchange(move.command, password=password)
            if said.refusal is not None:
                kind, line = said.refusal
                error = Busy if kind is Kind.BUSY else Rejected
                raise error(self._settings.name, move.command, line)
            if not is_prompt_of(self._script, mode, said.prompt):
                raise self._unreachable(move.command, f"led to {said.prompt!r}, which is not the view {mode}")
            self._here = move.to

    def _follow(self, prompt: str) -> None:
        """Where a command has led to another view than it was typed in, as its prompt tells."""
        if is_prompt_of(self._script, self._here[-1].mode, prompt):
            return
        mode = mode_of(self._script, prompt)
        if mode is not None:
            self._here = modes.path_to(self._script, mode, "")

    async def _exchange(
        self,
        command: str,
        *,
        confirm: bool = False,
        password: re.Pattern[str] | None = None,
        timeout_s: float | None = None,
    ) -> Said:
        timeout_s = timeout_s or self._settings.command_timeout_s
        while not self._came.empty():  # what came unasked since the last prompt
            if self._came.get_nowait() is None:
                self._talking = True
                raise self._unreachable(command, "the element ended the session")
        self._write(self._dialogue.ask(command, confirm=confirm, password=password))
        try:
            async with asyncio.timeout(timeout_s):
                return await self._answer(command)
        except TimeoutError:
            raise self._unreachable(command, f"no answer within {timeout_s:g} s") from None

    async def _answer(self, command: str) -> Said:
        self._talking = True
        try:
            while True:
                text = await self._came.get()
                if text is None:
                    self._dialogue.end()
                    continue
                turn = self._dialogue.feed(text)
                if turn.keys:
                    self._write(turn.keys)
                if turn.said is not None:
                    self._talking = False
                    return turn.said
        except DoorShut as shut:
            if shut.full:
                raise Busy(self._settings.name, "login", shut.said) from None
            raise _not_let_in(self._settings, shut.said) from None
        except Lost as lost:
            raise self._unreachable(command, str(lost)) from None

    def _write(self, keys: str) -> None:
        self._wire.write(keys.encode())

    def _unreachable(self, operation: str, answer: str) -> Unreachable:
        return Unreachable(self._settings.name, operation, answer)


async def opened(settings: CliSettings, script: Script) -> CliSession:
    """A session that is logged in; raises ``Unreachable``, ``Busy`` (too many of them) or ``Rejected`` (not let in)."""
    connect: Connect = transport_telnet.connect if settings.transport == "telnet" else transport_ssh.connect
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            wire = await connect(settings)
    except TimeoutError:
        raise Unreachable(settings.name, "connect", f"no session within {settings.connect_timeout_s:g} s") from None
    except HostKeysUnreadable as error:
        raise Rejected(settings.name, "connect", str(error)) from error
    except ConnectFailed as failed:
        raise _connect_error(settings, failed) from failed
    session = CliSession(settings, script, wire)
    try:
        await session.begin()
    except BaseException:
        await session.abort()
        raise
    return session


def _connect_error(settings: CliSettings, failed: ConnectFailed) -> ElementError:
    match failed.reason:
        case Reason.CREDENTIALS:
            return _not_let_in(settings, failed.said)
        case Reason.FULL:
            return Busy(settings.name, "connect", failed.said)
        case Reason.IDENTITY:
            return NotTheElement(settings.name, "connect", failed.said)
        case _:
            return Unreachable(settings.name, "connect", failed.said)


def _not_let_in(settings: CliSettings, said: str) -> NotLetIn:
    return NotLetIn(settings.name, "connect", f"authentication refused for user {settings.username}: {said}")
