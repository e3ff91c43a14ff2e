"""The hand that connects and disconnects subscribers of a lab element with a JSON API, over HTTP on loopback.

``POST /stations`` connects a device or connects it elsewhere, ``DELETE /stations/{mac}`` lets it go; ``GET /state``,
``/config`` and ``/counters`` read; ``POST /faults/{hang,busy,certificate}`` makes something go wrong, ``DELETE
/faults`` mends it; ``POST /restart`` and ``/reset`` start over, the former from what is configured.
"""

from typing import Annotated, Protocol

from aiohttp import web
from pydantic import Field

from ztpd.lab.control import Body, Control
from ztpd.lab.rest.server import RestServer

GOOD_SIGNAL_DBM = -62


class NoSuchPlace(ValueError):
    """The element has no port of that name."""


class NoSuchStation(ValueError):
    """No such device is connected, or none that the element could know."""


class Station(Body):
    """A subscriber's device, where it connects, how loud, and the PPP user that it dials in as, if it does."""

    mac: Annotated[str, Field(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
    port: str
    signal_dbm: int = GOOD_SIGNAL_DBM
    user: str | None = None


class LabStations(Protocol):
    """A lab element to which subscribers' devices connect."""

    server: RestServer

    @property
    def ports(self) -> tuple[str, ...]:
        """Where they can connect."""
        ...

    def stations(self) -> list[Station]:
        """Who is connected."""
        ...

    def connect(self, station: Station) -> None:
        """Let a device connect; raises ``NoSuchPlace`` or ``NoSuchStation``."""
        ...

    def disconnect(self, mac: str) -> None:
        """Let it go."""
        ...

    def configuration(self) -> bytes:
        """What is configured, a JSON text a line."""
        ...

    def restart(self) -> None:
        """Come back with what is configured."""
        ...

    def reset(self) -> None:
        """As it comes."""
        ...


class StationControl(Control):
    """The HTTP API over one lab element with a JSON API."""

    refused = (NoSuchPlace, NoSuchStation)

    def __init__(self, lab: LabStations, port: int) -> None:
        super().__init__(port)
        self._lab = lab

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.post("/stations", self._connect),
            web.delete("/stations/{mac}", self._disconnect),
            web.get("/state", self._state),
            web.get("/config", self._config),
            web.get("/counters", self._counters),
            web.post("/faults/hang", self._hang),
            web.post("/faults/busy", self._busy),
            web.post("/faults/certificate", self._change_certificate),
            web.delete("/faults", self._clear_faults),
            web.post("/restart", self._restart),
            web.post("/reset", self._reset),
        ]

    async def _connect(self, request: web.Request) -> web.Response:
        self._lab.connect(Station.model_validate_json(await request.read()))
        return self._state_now()

    async def _disconnect(self, request: web.Request) -> web.Response:
        mac = request.match_info["mac"]
        if mac not in {station.mac for station in self._lab.stations()}:
            return web.json_response({"error": f"{mac} is not connected"}, status=404)
        self._lab.disconnect(mac)
        return self._state_now()

    async def _state(self, request: web.Request) -> web.Response:
        return self._state_now()

    async def _config(self, request: web.Request) -> web.Response:
        return web.Response(body=self._lab.configuration(), content_type="application/x-ndjson")

    async def _counters(self, request: web.Request) -> web.Response:
        server = self._lab.server
        return web.json_response({"requests": server.requests, "writes": server.writes})

    async def _hang(self, request: web.Request) -> web.Response:
        self._lab.server.hang()
        return web.json_response({})

    async def _busy(self, request: web.Request) -> web.Response:
        self._lab.server.faults.busy_status = 503
        return web.json_response({})

    async def _change_certificate(self, request: web.Request) -> web.Response:
        self._lab.server.change_certificate()
        return web.json_response({"certificate_sha256": self._lab.server.certificate.sha256})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._lab.server.clear_faults()
        return web.json_response({})

    async def _restart(self, request: web.Request) -> web.Response:
        self._lab.restart()
        return self._state_now()

    async def _reset(self, request: web.Request) -> web.Response:
        self._lab.reset()
        return self._state_now()

    def _state_now(self) -> web.Response:
        stations = [station.model_dump() for station in self._lab.stations()]
        return web.json_response({"ports": self._lab.ports, "stations": stations})
