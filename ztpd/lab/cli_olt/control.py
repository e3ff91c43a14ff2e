"""The hand that plugs and unplugs ONUs of an OLT with a command line, over HTTP on loopback.

``POST /onus`` plugs, ``DELETE /onus/{serial}`` unplugs, ``PATCH /onus/{serial}`` sets the light; ``GET /state``,
``/config`` and ``/counters`` read; ``POST /faults/{hang,lock,host-key}`` makes something go wrong, ``DELETE /faults``
mends it; ``POST /restart`` and ``/reset`` start over, the former from what is saved.
"""

from aiohttp import web
from pydantic import Field

from pon.serial import SerialError
from ztpd.lab.cli_olt.server import CliServer
from ztpd.lab.cli_olt.shelf import NoSuchOnu, NoSuchPort, PluggedOnu
from ztpd.lab.control import Body, Control

GOOD_ONU_RX_DBM = -18.5
GOOD_OLT_RX_DBM = -20.3


class Plug(Body):
    """An ONU to plug in; the light is good unless said."""

    serial: str
    port: str
    onu_rx_dbm: float = GOOD_ONU_RX_DBM
    olt_rx_dbm: float = GOOD_OLT_RX_DBM


class Light(Body):
    """The light at both ends, on every port that the ONU is on."""

    onu_rx_dbm: float
    olt_rx_dbm: float


class Hang(Body):
    """How many commands are still answered."""

    after: int = Field(default=0, ge=0)


class CliControl(Control):
    """The HTTP API over one lab OLT with a command line."""

    refused = (NoSuchPort, SerialError)
    absent = (NoSuchOnu,)

    def __init__(self, server: CliServer, port: int) -> None:
        super().__init__(port)
        self._server = server
        self._shelf = server.shelf

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.post("/onus", self._plug),
            web.delete("/onus/{serial}", self._unplug),
            web.patch("/onus/{serial}", self._set_light),
            web.get("/state", self._state),
            web.get("/config", self._config),
            web.get("/counters", self._counters),
            web.post("/faults/hang", self._hang),
            web.post("/faults/lock", self._lock),
            web.post("/faults/host-key", self._change_host_key),
            web.delete("/faults", self._clear_faults),
            web.post("/restart", self._restart),
            web.post("/reset", self._reset),
        ]

    async def _plug(self, request: web.Request) -> web.Response:
        body = Plug.model_validate_json(await request.read())
        self._shelf.plug(PluggedOnu(**body.model_dump()))
        return self._state_now()

    async def _unplug(self, request: web.Request) -> web.Response:
        self._shelf.unplug(request.match_info["serial"], request.query.get("port"))
        return self._state_now()

    async def _set_light(self, request: web.Request) -> web.Response:
        body = Light.model_validate_json(await request.read())
        self._shelf.set_light(request.match_info["serial"], body.onu_rx_dbm, body.olt_rx_dbm)
        return self._state_now()

    async def _state(self, request: web.Request) -> web.Response:
        return self._state_now()

    async def _config(self, request: web.Request) -> web.Response:
        return web.Response(body=self._shelf.configuration(), content_type="application/json")

    async def _counters(self, request: web.Request) -> web.Response:
        shelf = self._shelf
        return web.json_response({"commands": dict(shelf.commands), "writes": shelf.writes, "saves": shelf.saves})

    async def _hang(self, request: web.Request) -> web.Response:
        body = Hang.model_validate_json(await request.read() or b"{}")
        self._shelf.faults.hang_after = body.after
        return web.json_response({})

    async def _lock(self, request: web.Request) -> web.Response:
        self._shelf.faults.locked = True
        return web.json_response({})

    async def _change_host_key(self, request: web.Request) -> web.Response:
        await self._server.change_host_key()
        return web.json_response({"host_public_key": self._server.host_public_key})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._shelf.clear_faults()
        return web.json_response({})

    async def _restart(self, request: web.Request) -> web.Response:
        self._server.end_sessions()
        self._shelf.restart()
        return self._state_now()

    async def _reset(self, request: web.Request) -> web.Response:
        self._shelf.reset()
        self._server.reset_counters()
        return self._state_now()

    def _state_now(self) -> web.Response:
        shelf = self._shelf
        onus = [
            {
                "serial": onu.serial,
                "port": onu.port,
                "onu_rx_dbm": onu.onu_rx_dbm,
                "olt_rx_dbm": onu.olt_rx_dbm,
                "state": "dark" if onu.is_dark else "online" if shelf.is_online(onu.port, onu.serial) else "unknown",
            }
            for onu in shelf.plugged.values()
        ]
        return web.json_response({"ports": shelf.ports, "onus": onus, "configured": len(shelf.objects("onu"))})
