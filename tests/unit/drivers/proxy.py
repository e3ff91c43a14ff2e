"""A line between a driver and its element that can go silent while both ends believe in it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Line:
    """Connections to ``port`` are passed on, but for those that have gone ``silent``."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._target = port
        self._silent: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Task[None]] = set()

    def go_silent(self) -> None:
        """From now on nothing passes on the connections that there are, and neither end is told."""
        self._silent |= self._running

    async def cut_silent(self) -> None:
        """End the silent connections at both ends."""
        await self._end(self._silent & self._running)

    async def cut(self) -> None:
        """End every connection at both ends."""
        await self._end(self._running)

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        ending = list(tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            # A task of a stream server that ends cancelled is told of as an error.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._pass(reader, far_writer, task), self._pass(far_reader, writer, task), return_exceptions=True
                )
        finally:
            self._running.discard(task)
            for each in (writer, far_writer):
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        while data := await reader.read(65536):
            if task in self._silent:
                break
            writer.write(data)
        if task in self._silent:
            await asyncio.Event().wait()
        writer.close()


@contextlib.asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A line on a port of its own."""
    line = Line(port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.cut()
        await server.wait_closed()
