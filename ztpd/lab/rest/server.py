"""The HTTPS server of a lab element: it decodes, counts, goes wrong on demand, and leaves the answer to the element."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from ztpd.lab.cuts import Moment
from ztpd.lab.rest.certificate import Certificate, self_signed
from ztpd.lab.rest.faults import RestFaults

_MAX_BODY_BYTES = 1024 * 1024
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: ``body`` is its decoded JSON."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer; ``body`` None is an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RestElement(Protocol):
    """An element behind the server: it keeps the state, and has its own words for what goes wrong."""

    def lets_in(self, asked: Asked) -> bool:
        """Whether the credentials are right."""
        ...

    def writes(self, asked: Asked) -> bool:
        """Whether the request is one that changes the configuration."""
        ...

    def concerned(self, asked: Asked) -> str:
        """Whatever the element holds of that which the request is about, as text: it names the devices."""
        ...

    def answer(self, asked: Asked) -> Answered:
        """Do what is asked."""
        ...

    def error(self, status: int, detail: str) -> Answered:
        """An error in the element's own form."""
        ...


class RestServer:
    """One lab element on a socket. ``requests`` counts what came, ``writes`` what changed or tried to."""

    def __init__(
        self,
        element: RestElement,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: bool = True,
        certificate: Certificate | None = None,
    ) -> None:
        self.faults = RestFaults()
        self.requests = 0
        self.writes = 0
        self.certificate: Certificate = certificate or self_signed()
        self._element = element
        self._host = host
        self._port = port
        self._recovered = asyncio.Event()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        _, port = self._runner.addresses[0][:2]
        return f"{'http' if self._context is None else 'https'}://{self._host}:{port}"

    @property
    def sessions(self) -> int:
        """How many connections are open."""
        return 0 if self._runner.server is None else len(self._runner.server.connections)

    async def start(self) -> None:
        """Listen."""
        if self._context is not None:
            self.certificate.load_into(self._context)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, ssl_context=self._context).start()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        self.clear_faults()
        await self._runner.cleanup()

    def hang(self) -> None:
        """Answer nothing until the faults are cleared."""
        self._recovered.clear()
        self.faults.hangs = True

    def clear_faults(self) -> None:
        """Let nothing more go wrong, and answer what was left hanging."""
        self.faults = RestFaults()
        self._recovered.set()

    def end_sessions(self) -> None:
        """Cut every connection."""
        for connection in () if self._runner.server is None else tuple(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    def change_certificate(self) -> None:
        """Show another certificate from now on; what is connected is cut."""
        self.certificate = self_signed()
        if self._context is not None:
            self.certificate.load_into(self._context)
        self.end_sessions()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        cut = self.faults.cut()
        if cut is Moment.BEFORE:
            return self._cut(request)
        if self.faults.hangs:
            await self._recovered.wait()
        raw = await request.read()
        answered = self._answer(request, raw)
        if cut is Moment.AFTER:
            return self._cut(request)
        body = b"" if answered.body is None else json.dumps(answered.body).encode()
        return web.Response(
            status=answered.status, body=body, content_type="application/json", headers=dict(answered.headers)
        )

    @staticmethod
    def _cut(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answer(self, request: web.Request, raw: bytes) -> Answered:
        try:
            body = json.loads(raw) if raw.strip() else None
        except ValueError:
            return self._element.error(400, "invalid JSON")
        asked = Asked(request.method, request.path, request.query, request.headers, body)
        if not self._element.lets_in(asked):
            return self._element.error(401, "")
        if self.faults.busy_status is not None:
            busy = self._element.error(self.faults.busy_status, "too busy")
            return Answered(busy.status, busy.body, {"Retry-After": str(self.faults.retry_after_s)})
        if request.method not in _SAFE and self._element.writes(asked):
            self.writes += 1
            about = self._element.concerned(asked)
            refusal = self.faults.refusal_of(f"{request.path} {raw.decode(errors='replace')} {about}")
            if refusal is not None:
                return self._element.error(400, refusal)
        return self._element.answer(asked)
