"""The OLT's NETCONF server: SSH with the ``netconf`` subsystem, any number of sessions (RFC 6242)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import structlog
from lxml import etree

from ztpd.lab.olt.dialect import DIALECTS, capabilities, library
from ztpd.lab.olt.faults import Moment
from ztpd.lab.olt.framing import Deframer, FramingError, frame
from ztpd.lab.olt.olt import Olt
from ztpd.lab.olt.operations import BASE_11, CAPABILITIES, ClientSession, Operations, operation_name
from ztpd.lab.olt.plant import v_anis
from ztpd.lab.olt.rpc_error import NETCONF
from ztpd.lab.olt.settings import LabOltSettings

Element = etree._Element
_log = structlog.get_logger()

_READ_BYTES = 65536
_CHUNK_BYTES = 65536
_KEY_KIND = "ssh-ed25519"


class NetconfServer:
    """Sessions of one OLT; ``olt`` may be changed at any time, its announcements go to whoever subscribed."""

    def __init__(self, settings: LabOltSettings) -> None:
        self.settings = settings
        dialect = DIALECTS[settings.dialect]
        modules = library(dialect, settings.modules_in)
        self.olt = Olt(settings.ports, self.send_notification, lambda: datetime.now(UTC), dialect, modules)
        self.operations = Operations(self.olt, _schedule)
        self._dialogues: dict[int, _Dialogue] = {}
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._last_session = 0
        self._lock_holder: int | None = None
        self._host_key = _load_or_create(settings.host_key_file)
        self._listener: asyncssh.SSHAcceptor | None = None
        self.port = settings.netconf_port

    @property
    def host_public_key(self) -> str:
        """The host key as an OpenSSH public key line."""
        return self._host_key.export_public_key().decode().strip()

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return len(self.operations.sessions)

    @property
    def subscribers(self) -> int:
        """How many sessions listen to announcements."""
        return sum(session.subscribed for session in self.operations.sessions.values())

    async def start(self) -> None:
        """Listen; with port 0, ``port`` says afterwards where."""
        authorized = self.settings.authorized_key
        self._listener = await asyncssh.listen(
            self.settings.host,
            self.port,
            server_host_keys=[self._host_key],
            server_factory=lambda: _Login(self.settings, self._connections),
            process_factory=self._serve,
            authorized_client_keys=None if authorized is None else asyncssh.import_authorized_keys(authorized),
            encoding=None,
            allow_scp=False,
            reuse_address=True,
        )
        self.port = self._listener.get_port()

    async def stop(self) -> None:
        """Stop listening and end every session."""
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

    def hold_lock(self) -> None:
        """Lock the candidate for a session that nobody is in; raises ``RpcError`` when it is locked."""
        holder = self._next_session()
        self.olt.datastores.lock("candidate", holder)
        self._lock_holder = holder

    def release_lock(self) -> None:
        """Release what ``hold_lock`` took, if it did."""
        if self._lock_holder is not None:
            self.olt.datastores.end_session(self._lock_holder)
            self._lock_holder = None

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.subsystem != "netconf":
            process.exit(1)
            return
        dialogue = _Dialogue(self, process, self._next_session())
        self._dialogues[dialogue.session.id] = dialogue
        self.operations.sessions[dialogue.session.id] = dialogue.session
        try:
            await dialogue.run()
        except (FramingError, asyncssh.Error, OSError) as error:
            _log.info("lab_olt_session_lost", session=dialogue.session.id, reason=str(error))
        finally:
            del self._dialogues[dialogue.session.id]
            self.operations.end_session(dialogue.session)
            process.exit(0)

    def _next_session(self) -> int:
        self._last_session += 1
        return self._last_session

    def send_notification(self, message: Element) -> None:
        """Send a message to every session that is subscribed."""
        for dialogue in self._dialogues.values():
            if dialogue.session.subscribed:
                dialogue.send(message)


class _Dialogue:
    """One client from hello to close-session."""

    def __init__(self, server: NetconfServer, process: asyncssh.SSHServerProcess[bytes], session_id: int) -> None:
        self.session = ClientSession(session_id, self.end)
        self._server = server
        self._process = process
        self._deframer = Deframer()
        self._chunk_bytes: int | None = None

    async def run(self) -> None:
        """Exchange hellos and answer RPCs until the client leaves."""
        self.send(self._hello())
        hello = await self._receive()
        if hello is None:
            return
        if self._server.settings.base_11 and _capability(hello, BASE_11):
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
        olt = self._server.olt
        olt.rpcs[operation_name(rpc)] += 1
        cut = olt.faults.cut()
        if cut is Moment.BEFORE:
            self.end()
            return
        if olt.faults.hangs():
            return
        before = olt.datastores.running
        reply = self._server.operations.answer(self.session, rpc)
        if olt.datastores.running is not before:
            await self._take_time(before, olt.datastores.running)
        if cut is Moment.AFTER:
            self.end()
            return
        self.send(reply)

    async def _take_time(self, before: Element, after: Element) -> None:
        settings = self._server.settings
        onus = abs(len(v_anis(after)) - len(v_anis(before)))
        await asyncio.sleep(settings.commit_seconds + settings.commit_seconds_per_onu * onus)

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
        settings = self._server.settings
        for uri in (*CAPABILITIES, *capabilities(self._server.olt.dialect, settings.modules_in)):
            if uri != BASE_11 or settings.base_11:
                etree.SubElement(offered, f"{{{NETCONF}}}capability").text = uri
        etree.SubElement(hello, f"{{{NETCONF}}}session-id").text = str(self.session.id)
        return hello


class _Login(asyncssh.SSHServer):
    def __init__(self, settings: LabOltSettings, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._settings = settings
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._settings.username, self._settings.password)


def _schedule(seconds: float, call: Callable[[], None]) -> Callable[[], None]:
    return asyncio.get_running_loop().call_later(seconds, call).cancel


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
