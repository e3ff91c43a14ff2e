"""Where the connection to an element comes from: dialled by us, or called by the element (``call_home``)."""

import asyncio
import os
import socket
from dataclasses import dataclass
from typing import Protocol

import paramiko  # type: ignore[import-untyped]

from drivers.errors import Unreachable
from drivers.netconf.settings import NetconfSettings

DEAD_AFTER_S = 30
"""Within this time a session whose peer is gone without a word ends, idle or not: TCP asks after 15 s, three times."""

_SOCKET_OPTIONS = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 15,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 5,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
    # What was sent and is not acknowledged is not asked after: it has a limit of its own, in ms.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): DEAD_AFTER_S * 1000,
    # A request is several small segments: each would wait for the acknowledgement of the one before.
    (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A blocking TCP connection to an element; ``transport`` where SSH has been begun on it."""

    sock: socket.socket
    transport: paramiko.Transport | None = None


class Source(Protocol):
    """Where connections to one element come from."""

    where: str

    async def line(self) -> Line:
        """A connection; raises ``Unreachable``. May take as long as the caller waits."""
        ...


class Dialled:
    """Connections that we open to the element's host and port."""

    def __init__(self, settings: NetconfSettings) -> None:
        self._settings = settings
        self.where = f"{settings.host} port {settings.port}"

    async def line(self) -> Line:
        """Connect to the first of the element's addresses that answers."""
        settings, loop = self._settings, asyncio.get_running_loop()
        refused: OSError = OSError("no address")
        try:
            addresses = await loop.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(settings.name, "connect", f"{self.where}: {error.strerror}") from error
        for family, kind, protocol, _, address in addresses:
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, address)
            except OSError as error:
                refused = error
                sock.close()
            except BaseException:
                sock.close()
                raise
            else:
                watch_over(sock)
                return Line(sock)
        reason = os.strerror(refused.errno) if refused.errno else str(refused)
        raise Unreachable(settings.name, "connect", f"{self.where}: {reason}") from refused


def watch_over(sock: socket.socket) -> None:
    """Have a connected socket block, notice within ``DEAD_AFTER_S`` that its peer is gone, and send without waiting."""
    sock.setblocking(True)
    for (level, option), value in _SOCKET_OPTIONS.items():
        sock.setsockopt(level, option, value)
