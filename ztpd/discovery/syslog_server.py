"""Syslog from elements, over UDP and TCP: each line that fits a pattern is a hint."""

import asyncio
import socket
from contextlib import AsyncExitStack

from ztpd.discovery.datagrams import Address, hearing
from ztpd.discovery.hints import Hints, Outcome, plain_address
from ztpd.discovery.line_patterns import LinePatterns
from ztpd.discovery.syslog import LONGEST_LINE, LineRefused, Lines, StreamBroken, parse
from ztpd.discovery.turns import Turns

CONNECTIONS = 1024
CONNECTIONS_EACH = 4
"""How many TCP connections there may be, of all elements and of one address; its oldest makes room for a new one."""

IDLE_S = 3600.0
"""How long a connection may say nothing: an element has hours without an event."""

INSIDE_S = 30.0
"""How long a connection may be silent inside a line."""

_CHUNK = 4096


class SyslogServer:
    """Hears syslog on sockets that are bound (either may be None); it owns them from ``run`` on."""

    def __init__(
        self,
        patterns: LinePatterns,
        hints: Hints,
        *,
        idle_s: float = IDLE_S,
        inside_s: float = INSIDE_S,
    ) -> None:
        self._patterns = patterns
        self._hints = hints
        self._idle_s = idle_s
        self._inside_s = inside_s
        self._lines: Turns[bytes] = Turns()
        self._connections: dict[asyncio.Task[None], str] = {}

    async def run(self, udp: socket.socket | None, tcp: socket.socket | None) -> None:
        """Hear until cancelled."""
        async with AsyncExitStack() as stack:
            if udp is not None:
                await stack.enter_async_context(hearing(udp, self._datagram))
            if tcp is not None:
                server = await asyncio.start_server(self._connected, sock=tcp, limit=_CHUNK)
                stack.push_async_callback(self._hang_up)
                stack.callback(server.close)
            await self._lines.read_each(self._read)

    def _datagram(self, data: bytes, address: Address) -> None:
        sender = plain_address(address[0])
        if self._hints.knows(sender):
            self._wait(sender, data[:LONGEST_LINE])

    def _wait(self, sender: str, line: bytes) -> None:
        if not self._lines.put(sender, line):
            self._hints.refuse(sender, Outcome.REFUSED, "more lines than are read in its turn")

    def _read(self, sender: str, line: bytes) -> None:
        try:
            message = parse(line)
        except LineRefused as refused:
            self._hints.refuse(sender, Outcome.MALFORMED, str(refused))
            return
        if self._patterns.fit(message.said):
            self._hints.nudge(sender)
        else:
            self._hints.ends(Outcome.NO_MATCH)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = plain_address(str((writer.get_extra_info("peername") or ("",))[0]))
        task = asyncio.current_task()
        try:
            if task is not None and self._admits(sender):
                self._connections[task] = sender
                await self._follow(sender, reader)
        except (OSError, TimeoutError, asyncio.CancelledError):
            # Cancelled: at the end, or to make room; the task is nobody's, and asyncio would log it.
            pass
        finally:
            if task is not None:
                self._connections.pop(task, None)
            writer.transport.abort()

    def _admits(self, sender: str) -> bool:
        if not self._hints.knows(sender):
            return False
        if len(self._connections) >= CONNECTIONS:
            self._hints.refuse(sender, Outcome.REFUSED, "too many connections")
            return False
        own = [task for task, address in self._connections.items() if address == sender]
        if len(own) >= CONNECTIONS_EACH:
            self._hints.refuse(sender, Outcome.REFUSED, "too many connections of one address: the oldest is ended")
            self._connections.pop(own[0])
            own[0].cancel()
        return True

    async def _follow(self, sender: str, reader: asyncio.StreamReader) -> None:
        """Read one connection, no further than its lines are read."""
        lines = Lines()
        try:
            while data := await self._more(reader, lines):
                for line in lines.feed(data):
                    self._wait(sender, line)
                await self._lines.none_left(sender)
        except StreamBroken as broken:
            self._hints.refuse(sender, Outcome.MALFORMED, str(broken))
            return
        for line in lines.end():
            self._wait(sender, line)

    async def _more(self, reader: asyncio.StreamReader, lines: Lines) -> bytes:
        async with asyncio.timeout(self._inside_s if lines.inside else self._idle_s):
            return await reader.read(_CHUNK)

    async def _hang_up(self) -> None:
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
