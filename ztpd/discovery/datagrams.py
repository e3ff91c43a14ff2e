"""Sockets for hints: bound before the daemon is ready, then listened on."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Address = tuple[str, int] | tuple[str, int, int, int]


async def bound(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    """A socket bound to the address, and listening; ``::`` takes IPv4 too. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    family, _, protocol, _, address = found[0]
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
    try:
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
    except OSError:
        made.close()
        raise
    return made


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._heard(data, addr)


@asynccontextmanager
async def hearing(
    sock: socket.socket, heard: Callable[[bytes, Address], None]
) -> AsyncIterator[asyncio.DatagramTransport]:
    """Give every datagram to ``heard`` while the block runs; the transport answers. The socket is closed at the end."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(heard), sock=sock)
    try:
        yield transport
    finally:
        transport.abort()
