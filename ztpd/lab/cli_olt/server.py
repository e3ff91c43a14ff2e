"""The door of a simulated OLT: an SSH and a telnet server on loopback, and how many may be in at once."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import structlog

from ztpd.lab.cli_olt.conversation import Conversation, Gone, Line, Terminal
from ztpd.lab.cli_olt.language import Language
from ztpd.lab.cli_olt.shelf import Shelf
from ztpd.lab.login import Login

_log = structlog.get_logger()

_READ_BYTES = 65536
_IAC, _DONT, _SB, _SE = 255, 254, 250, 240
_HELLO = bytes([_IAC, 251, 1, _IAC, 251, 3])  # WILL ECHO, WILL SUPPRESS-GO-AHEAD (RFC 857, RFC 858)
_TRIES = 3
_LEGACY_KEX = ("diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1")
_LEGACY_CIPHERS = ("aes128-cbc", "3des-cbc")


@dataclass(frozen=True, slots=True, kw_only=True)
class CliServerSettings:
    """Where the OLT listens and whom it lets in; port 0 takes any free one.

    ``legacy`` offers only what SSH servers of the 2000s did. ``host_key_file`` is created if it is absent.
    """

    host: str = "127.0.0.1"
    ssh_port: int = 0
    telnet_port: int = 0
    username: str = "ztpd"
    password: str = field(default="ztpd", repr=False)
    legacy: bool = False
    host_key_file: Path | None = None


class CliServer:
    """Lets users in to a shelf; ``language`` makes the command line of each session.

    ``sessions`` are logged in now, ``most_sessions`` were at the same time since the last ``reset_counters``, which
    also sets ``logins`` and ``empty_lines`` (enter was pressed at a prompt) to nought.
    """

    def __init__(self, settings: CliServerSettings, shelf: Shelf, language: Callable[[Shelf], Language]) -> None:
        self.shelf = shelf
        self.sessions = 0
        self.most_sessions = 0
        self.logins = 0
        self.empty_lines = 0
        self.ssh_port = settings.ssh_port
        self.telnet_port = settings.telnet_port
        self._settings = settings
        self.language = language
        self._host_key = self._load_or_create()
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._telnets: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._ssh: asyncssh.SSHAcceptor | None = None
        self._telnet: asyncio.Server | None = None

    @property
    def host_public_key(self) -> str:
        """The host key as an OpenSSH public key line."""
        return self._host_key.export_public_key().decode().strip()

    async def start(self) -> None:
        """Listen; with port 0, ``ssh_port`` and ``telnet_port`` say afterwards where."""
        legacy = self._settings.legacy
        self._ssh = await asyncssh.listen(
            self._settings.host,
            self.ssh_port,
            server_host_keys=[self._host_key],
            server_factory=lambda: Login(self._settings, self._connections),
            process_factory=self._serve_ssh,
            kex_algs=_LEGACY_KEX if legacy else (),
            encryption_algs=_LEGACY_CIPHERS if legacy else (),
            encoding=None,
            line_editor=False,
            allow_scp=False,
            reuse_address=True,
        )
        self.ssh_port = self._ssh.get_port()
        self._telnet = await asyncio.start_server(self._serve_telnet, self._settings.host, self.telnet_port)
        self.telnet_port = self._telnet.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end every session."""
        if self._ssh is not None:
            self._ssh.close()
            await self._ssh.wait_closed()
            self._ssh = None
        if self._telnet is not None:
            self._telnet.close()
            await self._telnet.wait_closed()
            self._telnet = None
        connections, telnets = list(self._connections), list(self._telnets)
        self.end_sessions()
        await asyncio.gather(*(connection.wait_closed() for connection in connections))
        await asyncio.gather(*telnets, return_exceptions=True)

    async def change_host_key(self) -> None:
        """Show another host key from now on."""
        await self.stop()
        self._host_key = asyncssh.generate_private_key(self._key_kind)
        await self.start()

    def end_sessions(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            connection.abort()
        for writer in self._telnets.values():
            writer.transport.abort()

    def reset_counters(self) -> None:
        """Count sessions and logins from now."""
        self.most_sessions = self.sessions
        self.logins = 0
        self.empty_lines = 0

    async def _serve_ssh(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        line = _SshLine(process)
        try:
            await self._session(line)
        except (asyncssh.Error, OSError) as error:
            _log.info("lab_session_lost", reason=str(error))
        finally:
            process.exit(0)

    async def _serve_telnet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._telnets[task] = writer
        line = _TelnetLine(reader, writer)
        try:
            writer.write(_HELLO)
            if await self._door(line):
                await self._session(line)
        except (Gone, OSError) as error:
            _log.info("lab_session_lost", reason=str(error))
        finally:
            del self._telnets[task]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _door(self, line: Line) -> bool:
        """Ask for name and password; false when they were wrong too often. Raises ``Gone``."""
        door = self.language(self.shelf).dialect.door
        terminal = Terminal(line, "\r\n")
        terminal.write(door.banner)
        for _ in range(_TRIES):
            terminal.write(door.username)
            username = await terminal.text()
            terminal.write(door.password)
            password = await terminal.text(echo=False)
            if (username, password) == (self._settings.username, self._settings.password):
                return True
            terminal.write(f"\n{door.refused}\n")
        return False

    async def _session(self, line: Line) -> None:
        language = self.language(self.shelf)
        terminal = Terminal(line, language.dialect.newline)
        if self.sessions >= self.shelf.faults.slots:
            terminal.write(f"\n{language.dialect.door.full}\n")
            return
        self.sessions += 1
        self.logins += 1
        self.most_sessions = max(self.most_sessions, self.sessions)
        try:
            terminal.write(language.dialect.door.banner)
            await Conversation(terminal, language, self.shelf, self._count_empty_line).run()
        except Gone:
            pass
        finally:
            self.sessions -= 1

    def _count_empty_line(self) -> None:
        self.empty_lines += 1

    @property
    def _key_kind(self) -> str:
        return "ssh-rsa" if self._settings.legacy else "ssh-ed25519"

    def _load_or_create(self) -> asyncssh.SSHKey:
        path = self._settings.host_key_file
        if path is not None and path.exists():
            return asyncssh.read_private_key(path)
        key = asyncssh.generate_private_key(self._key_kind)
        if path is not None:
            path.touch(mode=0o600)
            path.write_bytes(key.export_private_key())
        return key


class _SshLine:
    def __init__(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._process = process

    async def read(self) -> bytes:
        while True:
            try:
                return await self._process.stdin.read(_READ_BYTES)
            except asyncssh.TerminalSizeChanged:
                continue
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                return b""

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._process.stdout.write(data)

    def cut(self) -> None:
        connection = self._process.get_extra_info("connection")
        if connection is not None:
            connection.abort()


class _TelnetLine:
    """Options are neither wanted nor understood: commands are skipped (RFC 854)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pending = bytearray()

    async def read(self) -> bytes:
        while True:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                return b""
            self._pending += data
            typed = self._typed()
            if typed:
                return typed

    def write(self, data: bytes) -> None:
        self._writer.write(data.replace(b"\xff", b"\xff\xff"))

    def cut(self) -> None:
        self._writer.transport.abort()

    def _typed(self) -> bytes:
        typed = bytearray()
        while self._pending:
            if self._pending[0] != _IAC:
                byte = self._pending.pop(0)
                if byte:  # a carriage return alone is sent as CR NUL
                    typed.append(byte)
                continue
            length = self._command_length()
            if length > len(self._pending):
                break
            if self._pending[1] == _IAC:
                typed.append(_IAC)
            del self._pending[:length]
        return bytes(typed)

    def _command_length(self) -> int:
        if len(self._pending) < 2:
            return 2
        if self._pending[1] == _SB:
            end = self._pending.find(bytes([_IAC, _SE]))
            return len(self._pending) + 1 if end < 0 else end + 2
        return 3 if _SB < self._pending[1] <= _DONT else 2
