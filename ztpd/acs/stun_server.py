"""The STUN server on UDP: a thin shell that feeds datagrams to ``ztpd.acs.stun`` and sends what it answers.

Connection requests to CPEs behind NAT leave by the same socket: most NATs let in only who was talked to before.
"""

import asyncio
import errno
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

from ztpd.acs import stun
from ztpd.acs.stun import Endpoint
from ztpd.acs.stun_bindings import Bindings, Rates


@dataclass(frozen=True, slots=True)
class StunSettings:
    """Where the STUN server listens, and its bounds: a binding is forgotten ``binding_ttl_s`` after it was seen."""

    host: str = "127.0.0.1"
    port: int = 3478
    max_bindings: int = 100_000
    binding_ttl_s: float = 3600.0
    per_address_per_s: float = 100.0
    max_addresses: int = 65_536


class StunServer(asyncio.DatagramProtocol):
    """Answers Binding Requests, and keeps what is proven in ``bindings``; nothing that is sent to it can raise.

    ``password_of`` tells the STUN password that we gave to a user, None when we gave none.
    """

    def __init__(
        self,
        settings: StunSettings,
        password_of: Callable[[str], str | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._password_of = password_of
        self._transport: asyncio.DatagramTransport | None = None
        self._rates = Rates(settings.per_address_per_s, settings.max_addresses, monotonic)
        self.bindings = Bindings(settings.max_bindings, settings.binding_ttl_s, monotonic)
        self.counts: Counter[str] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        """Answer one datagram, or not."""
        source = stun.unmapped((addr[0], addr[1]))
        if not self._rates.allows(source[0]):
            self.counts["too-many"] += 1
            return
        try:
            outcome = stun.respond(data, source, self._password_of, self.bindings.of)
        except stun.Malformed:
            self.counts["malformed"] += 1
            return
        self.counts[outcome.verdict.value] += 1
        if outcome.user:
            self.bindings.keep(outcome.user, source)
        if outcome.answer:
            # To the socket's own form of the address, with the port that the CPE may have named.
            self.send(outcome.answer, (addr[0], outcome.to[1]))

    def error_received(self, exc: Exception) -> None:
        """An earlier datagram could not be delivered: whoever needs the answer asks again."""
        self.counts["undelivered"] += 1

    def send(self, data: bytes, to: Endpoint) -> None:
        """Send a datagram from the port that CPEs know; raises ``OSError`` for a family that the socket has not."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        of_both = len(transport.get_extra_info("sockname")) == 4
        if ":" in to[0] and not of_both:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6 on this socket")
        transport.sendto(data, (f"::ffff:{to[0]}", to[1]) if of_both and ":" not in to[0] else to)


@asynccontextmanager
async def stun_server(
    settings: StunSettings, password_of: Callable[[str], str | None]
) -> AsyncIterator[tuple[StunServer, Endpoint]]:
    """The server and its address, listening while the block runs; raises ``OSError`` when it cannot listen."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(settings.host, settings.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    made = socket.socket(found[0][0], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(found[0][4])
    except OSError:
        made.close()
        raise
    transport, server = await loop.create_datagram_endpoint(lambda: StunServer(settings, password_of), sock=made)
    try:
        host, port = transport.get_extra_info("sockname")[:2]
        yield server, (host, port)
    finally:
        transport.abort()


@asynccontextmanager
async def outgoing() -> AsyncIterator[Callable[[bytes, Endpoint], None]]:
    """Sends datagrams while the block runs, where there is no STUN server; to CPEs that are not behind NAT."""
    loop = asyncio.get_running_loop()
    families = {4: socket.AF_INET, 6: socket.AF_INET6}
    transports: dict[int, asyncio.DatagramTransport] = {}
    try:
        for version, family in families.items():
            with suppress(OSError):  # a machine without IPv6
                any_address = ("0.0.0.0", 0) if version == 4 else ("::", 0)  # noqa: S104 # answers are not read
                transports[version], _ = await loop.create_datagram_endpoint(
                    asyncio.DatagramProtocol, local_addr=any_address, family=family
                )

        def send(data: bytes, to: Endpoint) -> None:
            transport = transports.get(6 if ":" in to[0] else 4)
            if transport is None:
                raise OSError(errno.EAFNOSUPPORT, "no socket of this family")
            transport.sendto(data, to)

        yield send
    finally:
        for transport in transports.values():
            transport.abort()
