"""The hand that plugs and unplugs, over HTTP on loopback: JSON in, JSON out; what every element's control is made of.

What is refused is answered 400 or 404 with ``{"error": ...}``.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

_MAX_BODY_BYTES = 64 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Body(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Control:
    """The HTTP API over one lab element; ``refused`` are errors answered 400, ``absent`` those answered 404."""

    refused: tuple[type[Exception], ...] = ()
    absent: tuple[type[Exception], ...] = ()

    def __init__(self, port: int) -> None:
        self.port = port
        self._runner: web.AppRunner | None = None

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen on loopback; with port 0, ``port`` says afterwards where."""
        app = web.Application(middlewares=[self._answer_errors], client_max_size=_MAX_BODY_BYTES)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except self.absent as error:
            return web.json_response({"error": str(error)}, status=404)
        except ValidationError as error:
            return web.json_response({"error": error.errors(include_url=False, include_input=False)}, status=400)
        except self.refused as error:
            return web.json_response({"error": str(error)}, status=400)
