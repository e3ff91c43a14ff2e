"""The addresses that the ACS listens at."""

import asyncio

from ztpd.acs.connections import BoundedServer
from ztpd.acs.settings import Listener


async def listen(server: BoundedServer, listener: Listener, handshake_seconds: float) -> asyncio.Server:
    """Serve at one address; raises ``OSError`` when it cannot be bound.

    Not as a site of aiohttp's, which would wait a minute for the end of a TLS handshake.
    """
    patience = None if listener.tls is None else handshake_seconds
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        server, listener.host, listener.port, ssl=listener.tls, ssl_handshake_timeout=patience, backlog=1024
    )


def url_of(listening: asyncio.Server, path: str, *, tls: bool) -> str:
    """The URL by which CPEs come to an address."""
    host, port = listening.sockets[0].getsockname()[:2]
    return f"{'https' if tls else 'http'}://{authority(host, port)}{path}"


def authority(host: str, port: int) -> str:
    """Host and port as they stand in a URL (RFC 3986 §3.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
