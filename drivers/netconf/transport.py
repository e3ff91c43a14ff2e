"""ncclient's SSH session and manager, with what they cost taken out.

As shipped, a session looks ten times a second whether there is something to send (10 RPC/s, and a wake-up of every idle
session), its parser decodes all that it holds again for every chunk, and a reply is parsed without our hardening before
we see it. Here a session sleeps until there is something to send or to read, and a reply is parsed once.
"""

import contextlib
import selectors
import socket
from typing import Any

import paramiko  # type: ignore[import-untyped]
from ncclient.devices.default import DefaultDeviceHandler
from ncclient.manager import Manager
from ncclient.operations import RPCReply
from ncclient.transport import SSHSession
from ncclient.transport.errors import SessionCloseError, SSHUnknownHostError
from ncclient.transport.session import NetconfBase

from drivers.netconf import host_keys, xml
from drivers.netconf.framing import END_OF_CHUNKS, END_OF_MESSAGE, Deframer
from drivers.netconf.settings import NetconfSettings
from drivers.netconf.xml import Element

_READ_BYTES = 1 << 20


class Reply(RPCReply):  # type: ignore[misc] # ncclient has no types
    """An ``<rpc-reply>`` that is parsed once, hardened; what it says is not judged here."""

    root: Element
    _parsed: bool

    def parse(self) -> None:
        """Parse, once; raises ``MalformedXml``."""
        if not self._parsed:
            self.root = xml.parse(self._raw)
            self._parsed = True


class SilentManager(Manager):  # type: ignore[misc] # ncclient has no types
    """A manager whose operations are answered with a ``Reply``."""

    def execute(self, cls: type[Any], *args: Any, **kwds: Any) -> Any:
        """Make one operation and send it."""
        operation = cls(
            self._session, device_handler=self._device_handler, timeout=self._timeout, raise_mode=self._raise_mode
        )
        operation.REPLY_CLS = Reply
        return operation.request(*args, **kwds)


class Handler(DefaultDeviceHandler):  # type: ignore[misc] # ncclient has no types
    """ncclient's idea of any device, but for how its messages are taken apart."""

    def get_xml_parser(self, session: "WakingSession") -> "_Messages":
        """Called after the hellos; until then the session uses the same one."""
        return session.parser


class WakingSession(SSHSession):  # type: ignore[misc] # ncclient has no types
    """ncclient's SSH session that trusts our host keys only and sleeps until something is to be done."""

    parser: "_Messages"

    def __init__(self, handler: Handler, settings: NetconfSettings) -> None:
        super().__init__(handler)
        self._pinned = host_keys.pinned(settings)
        self.parser = _Messages(self, settings.max_reply_bytes)
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)

    def load_known_hosts(self, filename: str | None = None) -> None:
        """The keys that are pinned, never a user's own."""
        self._host_keys = self._pinned

    def connect_over(self, transport: paramiko.Transport, settings: NetconfSettings) -> None:
        """Open the session over a connection on which keys have been exchanged; raises as ``connect`` does."""
        self._host = settings.host
        self._transport = transport
        transport.name = f"netconf-{settings.name}-ssh"
        key = transport.get_remote_server_key()
        if not self._pinned.check(settings.host, key):
            raise SSHUnknownHostError(settings.host, key.fingerprint)
        key_files = [] if settings.key_file is None else [str(settings.key_file)]
        self._auth(settings.username, settings.password, key_files, False, False)
        self._connected = True
        self._closing.clear()
        self._channel = transport.open_session(timeout=settings.connect_timeout_s)
        self._channel_id = self._channel.get_id()
        self._channel.invoke_subsystem("netconf")
        self._post_connect(settings.connect_timeout_s)

    def send(self, message: str) -> None:
        """Queue a message and wake whoever sends."""
        super().send(message)
        with contextlib.suppress(OSError):
            self._waking.send(b"!")

    def run(self) -> None:
        """Send and read until the session ends, in a thread of its own."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._channel, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while self._is_going_on(selector):
                    pass
        except Exception as error:
            # Before anybody is told: who asks after that would be told nothing, and wait for an answer in vain.
            self._connected = False
            self._dispatch_error(error)
            self.close()
        finally:
            self.forget_wakings()

    def forget_wakings(self) -> None:
        """Close what wakes the session: it runs no more, or never did."""
        self._waking.close()
        self._woken.close()

    def _is_going_on(self, selector: selectors.BaseSelector) -> bool:
        ready = {key.fileobj for key, _ in selector.select()}
        if self._woken in ready:
            self._woken.recv(4096)
            self._send_all()
        if self._channel not in ready:
            return True
        data = self._channel.recv(_READ_BYTES)
        if data:
            self.parser.parse(data)
            return True
        if self._closing.is_set():
            return False
        raise SessionCloseError(b"")

    def _send_all(self) -> None:
        while not self._q.empty():
            message = self._q.get().encode()
            chunked = self._base == NetconfBase.BASE_11
            framed = b"\n#%d\n%s%s" % (len(message), message, END_OF_CHUNKS) if chunked else message + END_OF_MESSAGE
            self._channel.sendall(framed)


class _Messages:
    """What ncclient calls a parser: bytes in, whole messages out to the session's listeners."""

    def __init__(self, session: WakingSession, max_message_bytes: int) -> None:
        self._session = session
        self._deframer = Deframer(max_message_bytes)
        self._chunked = False

    def parse(self, data: bytes) -> None:
        """Take bytes as they come."""
        self._deframer.feed(data)
        while True:
            if not self._chunked and self._session._base == NetconfBase.BASE_11:
                self._deframer.use_chunks()
                self._chunked = True
            message = self._deframer.next_message()
            if message is None:
                return
            self._session._dispatch_message(message.decode())
