"""NETCONF call home (RFC 8071): elements connect to us, and we are the SSH client on the connection they opened.

One listener serves many elements. A caller is known by the host key that it shows, never by its word or its address
alone (RFC 8071 §3.1 C5): who shows a key that no element is expected to have is sent away, and counted.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor

import paramiko  # type: ignore[import-untyped]
import structlog

from drivers.errors import Unreachable
from drivers.netconf import host_keys
from drivers.netconf.settings import NetconfSettings
from drivers.netconf.sources import Line, watch_over

IANA_PORT = 4334
"""For NETCONF over SSH (RFC 8071 §5.1)."""

HANDSHAKES = 8
"""How many callers may be asked who they are at once; more are sent away, and call again."""

KEPT = 2
"""How many connections of one element wait for a session at once: one is for listening, one for the rest."""

_HANDSHAKE_S = 10.0
_REST_S = 1.0
_BACKLOG = 64
_log = structlog.get_logger()


class Called:
    """The connections that one element opens to us: a ``drivers.netconf.sources.Source``."""

    def __init__(self, settings: NetconfSettings) -> None:
        self.settings = settings
        self.where = f"a call from {settings.host or 'anywhere'}"
        self.keys = host_keys.pinned(settings)
        self._waiting: deque[Line] = deque()
        self._news = asyncio.Event()
        self._stranger = ""

    async def line(self) -> Line:
        """The next connection that is still there, once there is one.

        Raises ``Unreachable`` at once when whoever calls from the element's address shows another key.
        """
        while True:
            while self._waiting:
                line = self._waiting.popleft()
                if line.transport is not None and line.transport.is_active():
                    return line
                _end(line)
            if self._stranger:
                told, self._stranger = self._stranger, ""
                raise Unreachable(self.settings.name, "connect", told)
            self._news.clear()
            await self._news.wait()

    def may_call_from(self, address: str) -> bool:
        """Whether the element may be at an address: its ``host``, where that is an address or network."""
        try:
            return ipaddress.ip_address(address) in ipaddress.ip_network(self.settings.host)
        except ValueError:
            return True  # a name or nothing: the key alone tells

    def offer(self, line: Line) -> None:
        """A connection for the next session; the oldest is ended when too many wait."""
        self._stranger = ""
        self._waiting.append(line)
        while len(self._waiting) > KEPT:
            _end(self._waiting.popleft())
        self._news.set()

    def warn(self, address: str) -> None:
        """Somebody called from where the element may be, with a key that nobody is expected to show."""
        self._stranger = (
            f"host key changed: a caller from {address} shows none of the keys that are configured; nothing was sent. "
            "If the change is meant, configure the new key"
        )
        self._news.set()

    def close(self) -> None:
        """End what waits."""
        while self._waiting:
            _end(self._waiting.popleft())


class CallHome:
    """The listener.

    ``refused`` counts who was sent away, and why: ``unknown-address``, ``unknown-key``, ``no-ssh`` or ``busy``.
    """

    def __init__(self, host: str, port: int = IANA_PORT) -> None:
        self.port = port
        self.refused: Counter[str] = Counter()
        self._host = host
        self._elements: dict[str, Called] = {}
        self._listening: socket.socket | None = None
        self._asking: dict[asyncio.Task[None], socket.socket] = {}
        self._executor = ThreadPoolExecutor(HANDSHAKES, thread_name_prefix="call-home")

    def expect(self, settings: NetconfSettings) -> Called:
        """The connections of one element, for its sessions to take; raises ``HostKeysUnreadable``."""
        known = self._elements.get(settings.name)
        if known is None or known.settings != settings:
            self._elements[settings.name] = known = Called(settings)
        return known

    async def start(self) -> None:
        """Listen; with port 0, ``port`` says afterwards where. Raises ``OSError`` when the port is taken."""
        self._listening = socket.create_server(
            (self._host, self.port), family=socket.AF_INET6 if ":" in self._host else socket.AF_INET, backlog=_BACKLOG
        )
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)

    async def stop(self) -> None:
        """Listen no more, and end every connection that no session has taken."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        tasks = list(self._asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for element in self._elements.values():
            element.close()
        await asyncio.to_thread(self._executor.shutdown)

    def _accept(self, listening: socket.socket) -> None:
        """Take one caller; what is accepted is owned at once, which an awaited accept that is cancelled does not do."""
        loop = asyncio.get_running_loop()
        try:
            sock, address = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # it has gone again
        except OSError as error:
            _log.warning("call_home_not_accepted", reason=str(error))
            loop.remove_reader(listening)
            loop.call_later(_REST_S, self._listen_again, listening)
            return
        if len(self._asking) >= HANDSHAKES:
            self._send_away(sock, address[0], "busy")
            return
        task = asyncio.create_task(self._ask(sock, address[0]))
        self._asking[task] = sock
        task.add_done_callback(self._asked)

    def _listen_again(self, listening: socket.socket) -> None:
        if listening is self._listening:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _asked(self, task: asyncio.Task[None]) -> None:
        """Close what nobody has: a task that is cancelled before its first step has not even begun to."""
        sock = self._asking.pop(task)
        if task.cancelled():
            _shut(sock)
            sock.close()

    async def _ask(self, sock: socket.socket, address: str) -> None:
        """Learn who calls, and hand the connection to the session that waits for it."""
        expected = [element for element in self._elements.values() if element.may_call_from(address)]
        if not expected:
            self._send_away(sock, address, "unknown-address")
            return
        watch_over(sock)
        asking = asyncio.get_running_loop().run_in_executor(self._executor, _begin_ssh, sock)
        try:
            transport = await asyncio.shield(asking)
        except asyncio.CancelledError:
            _shut(sock)
            with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
                _end(Line(sock, await asking))
            raise
        except (paramiko.SSHException, OSError, EOFError):
            self._send_away(sock, address, "no-ssh")
            return
        key = transport.get_remote_server_key()
        element = next((each for each in expected if each.keys.check(address, key)), None)
        if element is None:
            for each in expected:
                each.warn(address)
            self._count(address, "unknown-key")
            _end(Line(sock, transport))
            return
        element.offer(Line(sock, transport))

    def _send_away(self, sock: socket.socket, address: str, why: str) -> None:
        self._count(address, why)
        _shut(sock)
        sock.close()

    def _count(self, address: str, why: str) -> None:
        self.refused[why] += 1
        if self.refused[why] == 1:
            _log.warning("caller_refused", address=address, why=why)


def _begin_ssh(sock: socket.socket) -> paramiko.Transport:
    """Exchange keys as the client; raises ``SSHException``, ``OSError`` or ``EOFError``. Blocks."""
    transport = paramiko.Transport(sock)
    transport.name = "call-home-ssh"
    transport.set_log_channel("paramiko.call-home")
    try:
        transport.start_client(timeout=_HANDSHAKE_S)
    except BaseException:
        _shut(sock)
        transport.close()
        transport.join(_HANDSHAKE_S)
        transport.packetizer.complete_handshake()
        raise
    return transport


def _end(line: Line) -> None:
    _shut(line.sock)
    if line.transport is not None:
        line.transport.close()
        line.transport.packetizer.complete_handshake()
    line.sock.close()


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
