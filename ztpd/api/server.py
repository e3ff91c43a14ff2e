"""The API on its sockets: bound before anybody is told, bounded in connections and time, drained at the end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from ztpd.api.contract import ApiContext
from ztpd.api.middlewares import UNMATCHED, count_request
from ztpd.api.problems import Malformed, problem_response
from ztpd.api.routing import CONTEXT

log = structlog.get_logger()

_LINGER_S = 1.0
_SOCKET_MODE = 0o660


@dataclass(frozen=True, slots=True)
class Address:
    """Where the API listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The base of every route's URL."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class _Connection(web.RequestHandler):
    """One connection; what is no HTTP is answered by a problem too, and one too many is closed at once."""

    def __init__(self, server: web.Server, context: ApiContext) -> None:
        limits = context.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            # aiohttp closes a connection that has no whole header by then, silent or dripping, first request or later.
            keepalive_timeout=limits.header_s,
            lingering_time=_LINGER_S,
            auto_decompress=False,  # inflated where the bound is known
            access_log=None,  # type: ignore[arg-type]  # None switches it off; the annotation forgets that
        )
        self._server = server
        self._context = context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self._server.connections) > self._context.limits.connections:
            log.warning("api_connection_refused", limit=self._context.limits.connections)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser refused; its words repeat the peer's bytes, so they are not passed on."""
        count_request(self._context.metrics, "other", UNMATCHED, Malformed.status)
        log.info("api_unreadable", peer=request.remote, error=type(exc).__name__)
        response = problem_response(Malformed("this is no HTTP request that can be read", "send HTTP/1.1"))
        response.force_close()
        return response


@asynccontextmanager
async def serve(
    app: web.Application, host: str = "127.0.0.1", port: int = 0, socket_path: Path | None = None
) -> AsyncIterator[Address]:
    """Serve an app of ``make_app`` while the block runs, on TCP (port 0: any free one) and on a UNIX socket if given.

    Everything is bound when the block begins; raises ``OSError`` if it cannot be. At its end no connection is accepted
    any more, and requests in progress have ``Limits.drain_s`` twice over: to end by themselves, and once cancelled.
    """
    context = app[CONTEXT]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=context.limits.drain_s)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        server = runner.server
        if server is None:
            raise RuntimeError("the runner was set up and has no server")
        tcp = await asyncio.get_running_loop().create_server(lambda: _Connection(server, context), host, port)
        stack.callback(tcp.close)
        if socket_path is not None:
            bound = _unix_socket(socket_path)
            stack.callback(socket_path.unlink, missing_ok=True)
            unix = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(server, context), sock=bound)
            stack.callback(unix.close)
        address = Address(*tcp.sockets[0].getsockname()[:2])
        log.info("api_listening", host=address.host, port=address.port, socket=socket_path and str(socket_path))
        yield address


def _unix_socket(path: Path) -> socket.socket:
    """A socket bound to the path, for owner and group only; one that a dead process left there is replaced."""
    if path.is_socket():
        path.unlink()
    bound = socket.socket(socket.AF_UNIX)
    try:
        bound.bind(str(path))
        path.chmod(_SOCKET_MODE)  # nobody can have connected: it does not listen yet
    except OSError:
        bound.close()
        raise
    return bound
