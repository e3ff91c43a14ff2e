"""What a TCP connection may cost before it has said anything: how many there may be, and how long they may be silent.

aiohttp bounds none of this by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from ztpd.acs.kept_alive import KeptAlive


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """``header_seconds`` bounds the wait for the first request's header, ``idle_seconds`` that for each later one."""

    total: int = 4096
    per_address: int = 256
    header_seconds: float = 10.0
    idle_seconds: float = 60.0


class BoundedServer(web.Server):
    """An aiohttp server that closes connections over the limits; ``refused`` and ``silent`` count them.

    Bodies arrive as they were sent: inflating is up to the handler, which knows the bound. ``speaks_for_many`` tells
    the address of a proxy, which may have as many connections as there may be in all.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        limits: ConnectionLimits,
        speaks_for_many: Callable[[str], bool] = lambda address: False,
    ) -> None:
        super().__init__(
            handler,
            keepalive_timeout=limits.idle_seconds,
            lingering_time=1.0,
            auto_decompress=False,
            access_log=None,
        )
        self._limits = limits
        self._speaks_for_many = speaks_for_many
        self._addresses: dict[web.RequestHandler, str] = {}
        self._per_address: Counter[str] = Counter()
        self._deadlines: dict[web.RequestHandler, asyncio.TimerHandle] = {}
        self.kept_alive = KeptAlive()
        self.refused = 0
        self.silent = 0

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Admit a connection, or close it at once."""
        super().connection_made(handler, transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        self._addresses[handler] = address
        self._per_address[address] += 1
        crowded = self._per_address[address] > self._limits.per_address and not self._speaks_for_many(address)
        if crowded or len(self._addresses) > self._limits.total:
            self.refused += 1
            transport.abort()
            return
        self.kept_alive.began(handler)
        loop = asyncio.get_running_loop()
        self._deadlines[handler] = loop.call_later(self._limits.header_seconds, self._close_silent, handler)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        self.has_spoken(handler)
        self.kept_alive.forget(handler)
        address = self._addresses.pop(handler, None)
        if address is not None:
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]

    def has_spoken(self, handler: web.RequestHandler) -> None:
        """The connection's first header is complete: its deadline is met."""
        deadline = self._deadlines.pop(handler, None)
        if deadline is not None:
            deadline.cancel()

    def _close_silent(self, handler: web.RequestHandler) -> None:
        self._deadlines.pop(handler, None)
        self.silent += 1
        handler.force_close()
