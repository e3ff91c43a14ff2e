"""Where CPEs that run hear that the ACS wants them to inform: over HTTP, over UDP, or behind NAT over UDP only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import quote

from aiohttp import web

from ztpd.lab.cpe.binding import UdpSide, stun_settings
from ztpd.lab.cpe.ports import NatPort, OpenPort, Port
from ztpd.lab.cpe.requests import Challenges
from ztpd.lab.cpe.settings import CpeSettings, Reach
from ztpd.lab.cpe.state import CpeState

PRIVATE = ("192.168.1.10", 7547)
"""What a CPE behind NAT takes for its address, and where nobody reaches it."""

_URL = "ManagementServer.ConnectionRequestURL"


class Askable(Protocol):
    """A CPE, as far as somebody who asks it to inform needs to know."""

    settings: CpeSettings
    state: CpeState
    power: asyncio.Event
    session_over: asyncio.Event
    nat: NatPort | None

    def ask_to_inform(self) -> bool:
        """Have it inform; False where it is in a session, or off, and takes no notice."""

    def device_sets(self, name: str, text: str) -> None:
        """Give a parameter a value, and tell who wants to be told."""


class ConnectionRequestServer:
    """The HTTP endpoints of any number of CPEs, each at a path of its own (TR-069 §3.2.2)."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._cpes: dict[str, Askable] = {}
        self._challenges = Challenges()
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen; raises ``OSError``."""
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None))
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def admit(self, cpe: Askable) -> str:
        """Hear requests to this CPE; returns its ConnectionRequestURL."""
        path = f"/{quote(cpe.settings.serial, safe='')}"
        self._cpes[path] = cpe
        return f"http://{self._host}:{self._port}{path}"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        cpe = self._cpes.get(request.rel_url.raw_path)
        if cpe is None:
            return web.Response(status=404)
        if not cpe.power.is_set():
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        username = cpe.state.text("ManagementServer.ConnectionRequestUsername")
        password = cpe.state.text("ManagementServer.ConnectionRequestPassword")
        shown = request.headers.get("Authorization", "")
        # A CPE that was given neither user nor password lets everybody ask, as most do.
        if (username or password) and not self._challenges.proves(shown, request.method, username, password):
            return web.Response(status=401, headers={"WWW-Authenticate": self._challenges.ask()})
        if request.method != "GET":
            return web.Response(status=405, headers={"Allow": "GET"})
        return web.Response(status=200 if cpe.ask_to_inform() else 503)


@asynccontextmanager
async def reachable(cpe: Askable, shared: ConnectionRequestServer | None) -> AsyncIterator[None]:
    """While the block runs the CPE hears connection requests in the way of its settings, over HTTP by the shared server
    where there is one; raises ``OSError`` when an address cannot be had.
    """
    match cpe.settings.reach:
        case Reach.SHUT:
            yield
        case Reach.NAT:
            cpe.state.listens_at(f"http://{PRIVATE[0]}:{PRIVATE[1]}/")
            clock = asyncio.get_running_loop().time
            cpe.nat = NatPort(_host(cpe.settings), PRIVATE, cpe.settings.nat_seconds, clock)
            async with _udp(cpe, cpe.nat):
                yield
        case Reach.OPEN if shared is not None:
            async with _open(cpe, shared):
                yield
        case Reach.OPEN:
            async with ConnectionRequestServer(_host(cpe.settings)) as own, _open(cpe, own):
                yield


def _host(settings: CpeSettings) -> str:
    return settings.source_ip or "127.0.0.1"


@asynccontextmanager
async def _open(cpe: Askable, server: ConnectionRequestServer) -> AsyncIterator[None]:
    if cpe.state.root + _URL not in cpe.settings.parameters:  # else it was told to show another
        cpe.state.listens_at(server.admit(cpe))
    async with _udp(cpe, OpenPort(_host(cpe.settings)), only_with_stun=True):
        yield


@asynccontextmanager
async def _udp(cpe: Askable, port: Port, *, only_with_stun: bool = False) -> AsyncIterator[None]:
    """Hear datagrams; a CPE that anybody reaches over HTTP opens the port only once STUN is on."""
    side = UdpSide(cpe.state, port, cpe.ask_to_inform, cpe.device_sets, cpe.session_over)

    async def hear() -> None:
        while stun_settings(cpe.state) is None:
            await cpe.session_over.wait()
            cpe.session_over.clear()
        await side.open()
        await side.keep()

    if not only_with_stun:
        await side.open()
    hearing = asyncio.create_task(hear() if only_with_stun else side.keep())
    try:
        yield
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
