"""UDP ports of a CPE on loopback: one that everybody reaches, and one behind a simulated NAT."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from ztpd.lab.cpe.stun import Endpoint

Heard = Callable[[bytes, Endpoint], None]


class Port(Protocol):
    """A UDP port; ``local`` is what the CPE takes for its own address."""

    local: Endpoint

    async def open(self, heard: Heard) -> None:
        """Open it: whatever arrives is handed to ``heard``."""

    def send(self, data: bytes, to: Endpoint) -> None:
        """Send a datagram."""

    def close(self) -> None:
        """Close it."""


class _Hears(asyncio.DatagramProtocol):
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        self._heard(data, (addr[0], addr[1]))


class OpenPort:
    """A port at an address of this machine."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._transport: asyncio.DatagramTransport | None = None
        self.local: Endpoint = (host, 0)

    async def open(self, heard: Heard) -> None:
        """Open it at any free number; raises ``OSError``."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Hears(heard), local_addr=(self._host, 0), family=socket.AF_INET
        )
        self._transport = transport
        self.local = cast(Endpoint, transport.get_extra_info("sockname"))

    def send(self, data: bytes, to: Endpoint) -> None:
        """Send a datagram."""
        if self._transport is not None:
            self._transport.sendto(data, to)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


class NatPort:
    """A port behind a NAT that maps it to one of this machine's, and lets in only who was sent something lately.

    RFC 4787 calls that endpoint-independent mapping with filtering by address and port. ``now`` is monotonic; a NAT
    that heard nothing from within for ``lifetime_s`` seconds forgets.
    """

    def __init__(self, host: str, local: Endpoint, lifetime_s: float, now: Callable[[], float]) -> None:
        self.local = local
        self.mapped = OpenPort(host)
        self._lifetime_s = lifetime_s
        self._now = now
        self._sent: dict[Endpoint, float] = {}
        self._heard: Heard = lambda data, source: None
        self.kept_out = 0

    async def open(self, heard: Heard) -> None:
        """Open the mapping; raises ``OSError``."""
        self._heard = heard
        await self.mapped.open(self._let_in)

    def send(self, data: bytes, to: Endpoint) -> None:
        """Send a datagram: its answer will be let in."""
        self._sent[to] = self._now()
        self.mapped.send(data, to)

    def close(self) -> None:
        """Forget the mapping."""
        self._sent.clear()
        self.mapped.close()

    async def move(self) -> None:
        """Be given another mapping, as after the NAT restarted."""
        self.close()
        await self.mapped.open(self._let_in)

    def _let_in(self, data: bytes, source: Endpoint) -> None:
        if self._now() - self._sent.get(source, float("-inf")) > self._lifetime_s:
            self.kept_out += 1
            return
        self._heard(data, source)
