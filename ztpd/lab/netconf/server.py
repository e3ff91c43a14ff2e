"""A lab element's NETCONF server: SSH with the ``netconf`` subsystem, any number of sessions (RFC 6242)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import structlog
from lxml import etree

from ztpd.lab.cuts import Moment
from ztpd.lab.login import Login
from ztpd.lab.netconf.faults import Faults
from ztpd.lab.netconf.framing import Deframer, FramingError, frame
from ztpd.lab.netconf.operations import BASE_11, ClientSession, Operations, operation_name
from ztpd.lab.netconf.rpc_error import NETCONF

Element = etree._Element
_log = structlog.get_logger()

_READ_BYTES = 65536
_CHUNK_BYTES = 65536
_KEY_KIND = "ssh-ed25519"
_CALL_AGAIN_S = 0.02


class Device(Protocol):
    """What a server asks of the element behind it."""

    faults: Faults
    rpcs: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where a server listens and whom it lets in; port 0 takes any free one.

    ``host_key_file`` is created if it is absent (mode 0600); None makes a key that lives as long as the process.
    ``base_11`` is whether chunked framing is offered (RFC 6242). With ``call_home`` (host and port) nobody can connect:
    the element itself connects there, ``calls`` times at once, and again whenever such a connection ends (RFC 8071).
    """

    host: str = "127.0.0.1"
    netconf_port: int = 0
    username: str = "ztpd"
    password: str = field(default="ztpd", repr=False)
    authorized_key: str | None = None
    host_key_file: Path | None = None
    base_11: bool = True
    call_home: tuple[str, int] | None = None
    calls: int = 2


class NetconfServer:
    """Sessions of one element, whose ``operations`` answer their RPCs; ``capabilities`` are those of each hello."""

    def __init__(
        self,
        settings: ServerSettings,
        device: Device,
        operations: Operations,
        capabilities: Callable[[], tuple[str, ...]],
    ) -> None:
        self.capabilities = capabilities
        self._settings = settings
        self._device = device
        self._operations = operations
        self._dialogues: dict[int, _Dialogue] = {}
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._last_session = 0
        self._host_key = _load_or_create(settings.host_key_file)
        self._listener: asyncssh.SSHAcceptor | None = None
        self._calling: list[asyncio.Task[None]] = []
        self.port = settings.netconf_port

    @property
    def host_public_key(self) -> str:
        """The host key as an OpenSSH public key line."""
        return self._host_key.export_public_key().decode().strip()

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return len(self._operations.sessions)

    @property
    def subscribers(self) -> int:
        """How many sessions listen to announcements."""
        return sum(session.subscribed for session in self._operations.sessions.values())

    async def start(self) -> None:
        """Listen, and ``port`` says afterwards where; or call home."""
        if self._settings.call_home is not None:
            host, port = self._settings.call_home
            self._calling = [asyncio.create_task(self._call(host, port)) for _ in range(self._settings.calls)]
            return
        self._listener = await asyncssh.listen(self._settings.host, self.port, reuse_address=True, **self._serving())
        self.port = self._listener.get_port()

    def _serving(self) -> dict[str, Any]:
        """How a connection is served, whoever opened it."""
        authorized = self._settings.authorized_key
        return {
            "server_host_keys": [self._host_key],
            "server_factory": lambda: Login(self._settings, self._connections),
            "process_factory": self._serve,
            "authorized_client_keys": None if authorized is None else asyncssh.import_authorized_keys(authorized),
            "encoding": None,
            "allow_scp": False,
        }

    async def _call(self, host: str, port: int) -> None:
        """Connect to the management system and be its server there, again and again (RFC 8071 §4.1 S1)."""
        while True:
            try:
                connection = await asyncssh.connect_reverse(host, port, **self._serving())
                await connection.wait_closed()
            except (OSError, asyncssh.Error) as error:
                _log.info("lab_call_failed", reason=str(error))
            await asyncio.sleep(_CALL_AGAIN_S)

    async def stop(self) -> None:
        """Stop listening or calling, and end every session."""
        for task in self._calling:
            task.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)
        self._calling = []
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    async def change_host_key(self) -> None:
        """Show another host key from now on, as an OLT does that was exchanged or reinstalled."""
        await self.stop()
        self._host_key = asyncssh.generate_private_key(_KEY_KIND)
        await self.start()

    def end_sessions(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            connection.abort()

    async def answer(self, session: ClientSession, rpc: Element) -> Element:
        """The reply to an RPC, once it is due."""
        return self._operations.answer(session, rpc)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.subsystem != "netconf":
            process.exit(1)
            return
        dialogue = _Dialogue(self, self._device, process, self.next_session(), self._settings.base_11)
        self._dialogues[dialogue.session.id] = dialogue
        self._operations.sessions[dialogue.session.id] = dialogue.session
        try:
            await dialogue.run()
        except (FramingError, asyncssh.Error, OSError) as error:
            _log.info("lab_session_lost", session=dialogue.session.id, reason=str(error))
        finally:
            del self._dialogues[dialogue.session.id]
            self._operations.end_session(dialogue.session)
            process.exit(0)

    def next_session(self) -> int:
        """An id that no session had."""
        self._last_session += 1
        return self._last_session

    def send_notification(self, message: Element) -> None:
        """Send a message to every session that is subscribed."""
        for dialogue in self._dialogues.values():
            if dialogue.session.subscribed:
                dialogue.send(message)


class _Dialogue:
    """One client from hello to close-session."""

    def __init__(
        self,
        server: NetconfServer,
        device: Device,
        process: asyncssh.SSHServerProcess[bytes],
        session_id: int,
        base_11: bool,
    ) -> None:
        self.session = ClientSession(session_id, self.end)
        self._server = server
        self._device = device
        self._base_11 = base_11
        self._process = process
        self._deframer = Deframer()
        self._chunk_bytes: int | None = None

    async def run(self) -> None:
        """Exchange hellos and answer RPCs until the client leaves."""
        self.send(self._hello())
        hello = await self._receive()
        if hello is None:
            return
        if self._base_11 and _capability(hello, BASE_11):
            self._deframer.use_chunks()
            self._chunk_bytes = _CHUNK_BYTES
        while not self.session.closing:
            rpc = await self._receive()
            if rpc is None:
                return
            await self._answer(rpc)

    def send(self, message: Element) -> None:
        """Write one message."""
        text = etree.tostring(message, xml_declaration=True, encoding="UTF-8")
        self._process.stdout.write(frame(text, chunk_bytes=self._chunk_bytes))

    def end(self) -> None:
        """Cut the connection as a broken line does."""
        connection = self._process.get_extra_info("connection")
        if connection is not None:
            connection.abort()

    async def _answer(self, rpc: Element) -> None:
        device = self._device
        device.rpcs[operation_name(rpc)] += 1
        cut = device.faults.cut()
        if cut is Moment.BEFORE:
            self.end()
            return
        if device.faults.hangs():
            return
        reply = await self._server.answer(self.session, rpc)
        if cut is Moment.AFTER:
            self.end()
            return
        self.send(reply)

    async def _receive(self) -> Element | None:
        while True:
            message = self._deframer.next_message()
            if message is not None:
                return _parse(message)
            data = await self._process.stdin.read(_READ_BYTES)
            if not data:
                return None
            self._deframer.feed(data)

    def _hello(self) -> Element:
        hello = etree.Element(f"{{{NETCONF}}}hello")
        offered = etree.SubElement(hello, f"{{{NETCONF}}}capabilities")
        for uri in self._server.capabilities():
            if uri != BASE_11 or self._base_11:
                etree.SubElement(offered, f"{{{NETCONF}}}capability").text = uri
        etree.SubElement(hello, f"{{{NETCONF}}}session-id").text = str(self.session.id)
        return hello


def _parse(message: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
    try:
        return etree.fromstring(message.strip(), parser)
    except etree.XMLSyntaxError as error:
        raise FramingError(f"no XML: {error}") from error


def _capability(hello: Element, uri: str) -> bool:
    return any((found.text or "").strip() == uri for found in hello.iter(f"{{{NETCONF}}}capability"))


def _load_or_create(path: Path | None) -> asyncssh.SSHKey:
    if path is not None and path.exists():
        return asyncssh.read_private_key(path)
    key = asyncssh.generate_private_key(_KEY_KIND)
    if path is not None:
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
    return key
