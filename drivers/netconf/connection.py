"""A NETCONF session over SSH by ncclient, in whatever thread calls: blocking, no event loop.

Every failure leaves as ``Unreachable``, ``Busy`` or ``Rejected``. ncclient and paramiko write payloads and stack
traces to the log on their own account; they are silenced here, and what matters is raised.
"""

import logging
import socket
from collections.abc import Callable

import paramiko  # type: ignore[import-untyped]
from ncclient import NCClientError
from ncclient.manager import Manager
from ncclient.operations import RaiseMode
from ncclient.operations.errors import MissingCapabilityError, TimeoutExpiredError
from ncclient.transport import SessionListener
from ncclient.transport.errors import AuthenticationError, SSHUnknownHostError
from ncclient.transport.session import NotificationHandler

from drivers.errors import ElementError, HostKeysUnreadable, NotLetIn, NotTheElement, Rejected, Unreachable
from drivers.netconf import refusal, xml
from drivers.netconf.framing import MalformedFraming
from drivers.netconf.modules import Module
from drivers.netconf.settings import NetconfSettings
from drivers.netconf.sources import Line
from drivers.netconf.transport import Handler, Reply, SilentManager, WakingSession
from drivers.netconf.xml import Element

for _name in ("ncclient", "paramiko"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

_JOIN_S = 5.0
_REFUSALS = ("AuthenticationException(", "BadAuthenticationType(")
_ENDED = "transport shut down"  # paramiko has no class of its own for it
_TRANSPORT_ERRORS = (
    NCClientError,
    paramiko.SSHException,
    OSError,
    EOFError,
    xml.MalformedXml,
    MalformedFraming,
    UnicodeDecodeError,
)


class Connection:
    """One open session. All methods block and belong to one thread, but for ``abort``."""

    def __init__(self, settings: NetconfSettings, line: Line) -> None:
        """Open the session over a connection; raises ``Unreachable`` or ``Rejected``."""
        self._settings = settings
        self._line = line
        self._sock = line.sock
        handler = Handler()
        try:
            self._session = WakingSession(handler, settings)
        except HostKeysUnreadable as error:
            self._sock.close()
            raise Rejected(settings.name, "connect", str(error)) from error
        try:
            self._connect()
        except BaseException:
            self.close()
            raise
        self._manager = SilentManager(self._session, handler, raise_mode=RaiseMode.NONE)
        self.module: Module | None = None  # not asked yet
        # Nobody takes notifications from ncclient's own queue, which has no bound.
        unread = self._session.get_listener_instance(NotificationHandler)
        if unread is not None:
            self._session.remove_listener(unread)

    @property
    def capabilities(self) -> frozenset[str]:
        """The capability URIs of the server's hello."""
        return frozenset(self._session.server_capabilities)

    def request(self, operation: str, send: Callable[[Manager], Reply], timeout_s: float) -> Element:
        """Send one RPC and return its ``<rpc-reply>``; raises by ``refusal`` when the element refuses."""
        self._manager.timeout = timeout_s
        try:
            root = send(self._manager).root
        except TimeoutExpiredError as error:
            raise Unreachable(self._settings.name, operation, f"no answer within {timeout_s:g} s") from error
        except MissingCapabilityError as error:
            raise Rejected(self._settings.name, operation, str(error)) from error
        except _TRANSPORT_ERRORS as error:
            raise Unreachable(self._settings.name, operation, f"session lost: {_said(error)}") from error
        refusal.raise_for(root, self._settings.name, operation)
        return root

    def listen(self, listener: SessionListener) -> None:
        """Have every incoming message and the end of the session told to a listener, in ncclient's own thread."""
        self._session.add_listener(listener)

    def abort(self) -> None:
        """End the session from any thread without waiting: what blocks on it fails at once."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._sock.close()

    def close(self) -> None:
        """End the session and its threads."""
        self.abort()
        transport = self._session.transport
        if transport is not None:
            self._session.close()
            # ncclient does not wait for paramiko's thread, and paramiko's does not stop the timer that bounds its
            # handshake when the handshake fails before its time.
            transport.join(_JOIN_S)
            transport.packetizer.complete_handshake()
        self._session.forget_wakings()
        self._sock.close()

    def _connect(self) -> None:
        settings = self._settings
        try:
            if self._line.transport is not None:
                self._session.connect_over(self._line.transport, settings)
                return
            self._session.connect(
                host=settings.host,
                port=settings.port,
                sock=self._sock,
                username=settings.username,
                password=settings.password,
                key_filename=None if settings.key_file is None else str(settings.key_file),
                timeout=settings.connect_timeout_s,
                allow_agent=False,
                look_for_keys=False,
                hostkey_verify=True,
            )
        except Exception as error:
            raise self._connect_failure(error) from error

    def _connect_failure(self, error: Exception) -> ElementError:
        name = self._settings.name
        if isinstance(error, SSHUnknownHostError) or _no_common_host_key(error):
            return NotTheElement(
                name,
                "connect",
                "host key changed: the element shows none of the keys that are configured for it; nothing was sent. "
                "If the change is meant, configure the new key",
            )
        if isinstance(error, AuthenticationError) and self._was_refused(error):
            user = self._settings.username
            return NotLetIn(name, "connect", f"authentication refused for user {user}: {_said(error)}")
        if isinstance(error, _TRANSPORT_ERRORS):
            return Unreachable(name, "connect", _said(error))
        # ncclient lets through whatever paramiko's threads raise while a session is being torn down.
        return Unreachable(name, "connect", f"{type(error).__name__}: {_said(error)}")

    def _was_refused(self, error: AuthenticationError) -> bool:
        """Whether the element said no, rather than going away: ncclient keeps only the text of what it caught."""
        return self._session.transport.is_active() or (str(error).startswith(_REFUSALS) and _ENDED not in str(error))


def _no_common_host_key(error: Exception) -> bool:
    """Whether the element offers no host key of a kind that is configured (ncclient wraps paramiko's class)."""
    return isinstance(error.__context__, paramiko.ssh_exception.IncompatiblePeer) and "host key" in str(error)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
