"""The hand that plugs and unplugs ONUs, over HTTP on loopback, beside what every lab element's control has.

``POST /onus`` plugs, ``DELETE /onus/{serial}`` unplugs, ``PATCH /onus/{serial}`` sets the light, ``POST
/onus/{serial}/clone`` plugs a second one; ``POST /crowd`` plugs thousands, ``POST /storm`` announces everything again;
``GET /state`` and ``/config`` read; ``POST /faults/bar`` makes something go wrong; ``POST /reset`` starts over.
"""

import asyncio

from aiohttp import web
from lxml import etree
from pydantic import Field

from pon.serial import SerialError, normalise
from ztpd.lab.control import Body
from ztpd.lab.netconf.control import FaultControl
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.olt.fibre import PluggedOnu
from ztpd.lab.olt.olt import NoSuchOnu, NoSuchPort
from ztpd.lab.olt.server import OltServer


class Plug(Body):
    """An ONU to plug in; the light is good unless said."""

    serial: str
    port: str
    onu_rx_dbm: float = -18.5
    olt_rx_dbm: float = -20.3
    registration_id: str | None = None


class Crowd(Body):
    """How many ONUs to plug in, spread over the ports: ``ZTPD00000000`` and so on, or from another number on."""

    onus: int = Field(ge=1, le=100_000)
    first: int = Field(default=0, ge=0, le=0xF000_0000)


class Storm(Body):
    """How long it takes to announce every ONU once."""

    seconds: float = Field(default=10.0, gt=0, le=600)


class Light(Body):
    """The light at both ends, on one port or on all that the ONU is on."""

    onu_rx_dbm: float
    olt_rx_dbm: float
    port: str | None = None


class Clone(Body):
    """Where the second ONU of the same serial goes."""

    port: str


class Bar(Body):
    """An ONU that may not be configured."""

    serial: str


class ControlServer(FaultControl):
    """The HTTP API over one lab OLT."""

    refused = (NoSuchPort, SerialError, RpcError)
    absent = (NoSuchOnu,)

    def __init__(self, server: OltServer) -> None:
        super().__init__(server, server.olt, server.settings.control_port)
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            *super().routes(),
            web.post("/onus", self._plug),
            web.delete("/onus/{serial}", self._unplug),
            web.patch("/onus/{serial}", self._set_light),
            web.post("/onus/{serial}/clone", self._clone),
            web.post("/crowd", self._crowd),
            web.post("/storm", self._storm),
            web.get("/state", self._state),
            web.get("/config", self._config),
            web.post("/reset", self._reset),
            web.post("/faults/bar", self._bar),
        ]

    async def _plug(self, request: web.Request) -> web.Response:
        body = Plug.model_validate_json(await request.read())
        self._server.olt.plug(PluggedOnu(**body.model_dump()))
        return self._state_now()

    async def _unplug(self, request: web.Request) -> web.Response:
        self._server.olt.unplug(request.match_info["serial"], request.query.get("port"))
        return self._state_now()

    async def _set_light(self, request: web.Request) -> web.Response:
        body = Light.model_validate_json(await request.read())
        self._server.olt.set_light(request.match_info["serial"], body.onu_rx_dbm, body.olt_rx_dbm, body.port)
        return self._state_now()

    async def _clone(self, request: web.Request) -> web.Response:
        body = Clone.model_validate_json(await request.read())
        self._server.olt.clone(request.match_info["serial"], body.port)
        return self._state_now()

    async def _crowd(self, request: web.Request) -> web.Response:
        body, ports = Crowd.model_validate_json(await request.read()), self._server.olt.ports
        numbers = range(body.first, body.first + body.onus)
        crowd = (Plug(serial=f"ZTPD{number:08X}", port=ports[number % len(ports)]) for number in numbers)
        self._server.olt.plug(*(PluggedOnu(**plug.model_dump()) for plug in crowd))
        return self._state_now()

    async def _storm(self, request: web.Request) -> web.Response:
        """Answers once the last one is announced."""
        body, sights = Storm.model_validate_json(await request.read() or b"{}"), self._server.olt.sights()
        clock = asyncio.get_running_loop().time
        began = clock()
        for number, sight in enumerate(sights):
            await asyncio.sleep(began + number * body.seconds / len(sights) - clock())
            self._server.olt.announce_again(sight)
        return web.json_response({"announced": len(sights)})

    async def _state(self, request: web.Request) -> web.Response:
        return self._state_now()

    async def _config(self, request: web.Request) -> web.Response:
        text = etree.tostring(self._server.olt.datastores.config, pretty_print=True)
        return web.Response(body=text, content_type="application/xml")

    async def _reset(self, request: web.Request) -> web.Response:
        self._server.release_lock()
        self._server.olt.reset()
        return self._state_now()

    async def _bar(self, request: web.Request) -> web.Response:
        body = Bar.model_validate_json(await request.read())
        self._server.olt.faults.barred_serials.add(normalise(body.serial))
        return web.json_response({})

    def _state_now(self) -> web.Response:
        olt = self._server.olt
        seen = {(sight.onu.port, sight.onu.serial): sight for sight in olt.sights()}
        onus = [
            {
                "serial": onu.serial,
                "port": onu.port,
                "onu_rx_dbm": onu.onu_rx_dbm,
                "olt_rx_dbm": onu.olt_rx_dbm,
                "state": sight.state if (sight := seen.get((onu.port, onu.serial))) else "dark",
            }
            for onu in olt.plugged()
        ]
        return web.json_response({"ports": olt.ports, "onus": onus, "configured": olt.configured_onus})
