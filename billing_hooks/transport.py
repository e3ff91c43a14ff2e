"""One POST to one endpoint: resolve, check the address, connect to that address, keep the beginning of the answer."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from billing_hooks.address import refusal
from billing_hooks.answer import Answer, printable
from billing_hooks.endpoint import Endpoint
from billing_hooks.envelope import CONTENT_TYPE
from billing_hooks.errors import ForbiddenAddress

Post = Callable[[Mapping[str, str], bytes], Awaitable[Answer]]
"""``post(headers, body)``: one attempt. What the network does becomes an ``Answer``; nothing is raised for it."""

Transport = Callable[[Endpoint], AbstractAsyncContextManager[Post]]
"""Opens the way to an endpoint for as long as the context lasts. The seam where a simulation puts its own."""

_HEADERS = {"Content-Type": CONTENT_TYPE, "User-Agent": "ztpd", "Accept-Encoding": "identity"}

# Shorter than any common server's (gunicorn 2 s, Node 5 s): a POST on a connection that the server just closed would
# count as a failed attempt.
_KEEP_ALIVE_S: Final = 1.0

_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the name does not resolve"),
    (aiohttp.ClientConnectorCertificateError, "the certificate is refused"),
    (aiohttp.ClientConnectorSSLError, "TLS failed"),
    (aiohttp.ClientConnectorError, "no connection"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before an answer"),
    (aiohttp.ClientOSError, "the connection broke before an answer"),
    (aiohttp.ClientResponseError, "the answer is no valid HTTP"),
)


@asynccontextmanager
async def http_transport(endpoint: Endpoint, resolver: AbstractResolver | None = None) -> AsyncIterator[Post]:
    """A connection pool of the endpoint's own: no other endpoint can use it up, or get round its address check.

    ``resolver`` replaces the system's; whatever it says, every address is checked as it is connected to.
    """
    connector = aiohttp.TCPConnector(
        limit=endpoint.concurrency,
        resolver=resolver,
        socket_factory=partial(_checked_socket, endpoint),
        keepalive_timeout=_KEEP_ALIVE_S,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=endpoint.timeout_s),
        auto_decompress=False,
    ) as session:
        yield partial(_post, session, endpoint, URL(endpoint.url))


async def _post(
    session: aiohttp.ClientSession, endpoint: Endpoint, url: URL, headers: Mapping[str, str], body: bytes
) -> Answer:
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            text = printable(await _beginning(response, endpoint.max_response))
            return Answer(response.status, response.headers.get("Retry-After"), text)
    except TimeoutError:
        return Answer(error=f"no answer within {endpoint.timeout_s:g} s")
    except (aiohttp.ClientError, OSError) as fault:
        return Answer(error=_in_words(fault))


async def _beginning(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Up to ``limit`` bytes of the body. The status has decided already, so a body that breaks off is only shorter."""
    kept = b""
    # A connection with an unread rest is closed, not used again: aiohttp sees to that.
    with suppress(aiohttp.ClientError, TimeoutError):
        while len(kept) < limit and (chunk := await response.content.read(limit - len(kept))):
            kept += chunk
    return kept


def _checked_socket(endpoint: Endpoint, addr_info: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, sockaddr = addr_info
    address = ip_address(sockaddr[0])
    why = refusal(address, endpoint.allow, endpoint.host)
    if why is not None:
        raise ForbiddenAddress(endpoint.name, str(address), why)
    return socket.socket(family, kind, protocol)


def _in_words(fault: Exception) -> str:
    """What happened, without what the library's own text may quote: the URL with its tokens."""
    words = next((words for kind, words in _FAULTS if isinstance(fault, kind)), "the exchange failed")
    cause = fault.os_error if isinstance(fault, aiohttp.ClientConnectorError) else fault
    detail = cause.strerror if isinstance(cause, OSError) else None
    return f"{words}: {printable(detail.encode())}" if detail else f"{words} ({type(fault).__name__})"
