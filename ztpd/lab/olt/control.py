"""The hand that plugs and unplugs, over HTTP on loopback: JSON in, JSON out.

``POST /onus`` plugs, ``DELETE /onus/{serial}`` unplugs, ``PATCH /onus/{serial}`` sets the light, ``POST
/onus/{serial}/clone`` plugs a second one; ``POST /crowd`` plugs thousands, ``POST /storm`` announces everything again;
``GET /state``, ``/config`` and ``/counters`` read; ``POST
/faults/{hang,cut,refuse,bar,lock,host-key}`` makes something go wrong; ``POST /reset`` starts over. What is refused is
answered 400 or 404 with ``{"error": ...}``.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pon.serial import SerialError, normalise
from ztpd.lab.netconf.faults import Moment, Refusal
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.olt.fibre import PluggedOnu
from ztpd.lab.olt.olt import NoSuchOnu, NoSuchPort
from ztpd.lab.olt.server import OltServer

_MAX_BODY_BYTES = 64 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Plug(_Body):
    """An ONU to plug in; the light is good unless said."""

    serial: str
    port: str
    onu_rx_dbm: float = -18.5
    olt_rx_dbm: float = -20.3
    registration_id: str | None = None


class Crowd(_Body):
    """How many ONUs to plug in, spread over the ports: ``ZTPD00000000`` and so on."""

    onus: int = Field(ge=1, le=100_000)


class Storm(_Body):
    """How long it takes to announce every ONU once."""

    seconds: float = Field(default=10.0, gt=0, le=600)


class Light(_Body):
    """The light at both ends, on one port or on all that the ONU is on."""

    onu_rx_dbm: float
    olt_rx_dbm: float
    port: str | None = None


class Clone(_Body):
    """Where the second ONU of the same serial goes."""

    port: str


class Hang(_Body):
    """How many RPCs are still answered."""

    after: int = Field(default=0, ge=0)


class Cut(_Body):
    """At which RPC from now the connection breaks, and whether the RPC still has its effect."""

    at: int = Field(default=1, ge=1)
    moment: Moment = Moment.BEFORE


class Refuse(_Body):
    """Which RPC is refused, and how."""

    operation: str
    nth: int = Field(default=1, ge=1)
    tag: str = "operation-failed"
    message: str = "refused by the operator of the lab"


class Bar(_Body):
    """An ONU that may not be configured."""

    serial: str


class ControlServer:
    """The HTTP API over one lab OLT."""

    def __init__(self, server: OltServer) -> None:
        self._server = server
        self._runner: web.AppRunner | None = None
        self.port = server.settings.control_port

    async def start(self) -> None:
        """Listen on loopback; with port 0, ``port`` says afterwards where."""
        app = web.Application(middlewares=[_answer_errors], client_max_size=_MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/onus", self._plug),
                web.delete("/onus/{serial}", self._unplug),
                web.patch("/onus/{serial}", self._set_light),
                web.post("/onus/{serial}/clone", self._clone),
                web.post("/crowd", self._crowd),
                web.post("/storm", self._storm),
                web.get("/state", self._state),
                web.get("/config", self._config),
                web.get("/counters", self._counters),
                web.post("/reset", self._reset),
                web.post("/faults/hang", self._hang),
                web.post("/faults/cut", self._cut),
                web.post("/faults/refuse", self._refuse),
                web.post("/faults/bar", self._bar),
                web.post("/faults/lock", self._lock),
                web.delete("/faults/lock", self._unlock),
                web.post("/faults/host-key", self._change_host_key),
                web.delete("/faults", self._clear_faults),
            ]
        )
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
        crowd = (Plug(serial=f"ZTPD{number:08X}", port=ports[number % len(ports)]) for number in range(body.onus))
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
        text = etree.tostring(self._server.olt.datastores.running, pretty_print=True)
        return web.Response(body=text, content_type="application/xml")

    async def _counters(self, request: web.Request) -> web.Response:
        olt = self._server.olt
        return web.json_response({"rpcs": dict(olt.rpcs), "writes": olt.writes})

    async def _reset(self, request: web.Request) -> web.Response:
        self._server.release_lock()
        self._server.olt.reset()
        return self._state_now()

    async def _hang(self, request: web.Request) -> web.Response:
        body = Hang.model_validate_json(await request.read() or b"{}")
        self._server.olt.faults.hang_after = body.after
        return web.json_response({})

    async def _cut(self, request: web.Request) -> web.Response:
        body = Cut.model_validate_json(await request.read() or b"{}")
        faults = self._server.olt.faults
        faults.cut_at, faults.cut_moment = body.at, body.moment
        return web.json_response({})

    async def _refuse(self, request: web.Request) -> web.Response:
        body = Refuse.model_validate_json(await request.read())
        self._server.olt.faults.refuse(body.operation, body.nth, Refusal(body.tag, body.message))
        return web.json_response({})

    async def _bar(self, request: web.Request) -> web.Response:
        body = Bar.model_validate_json(await request.read())
        self._server.olt.faults.barred_serials.add(normalise(body.serial))
        return web.json_response({})

    async def _lock(self, request: web.Request) -> web.Response:
        self._server.hold_lock()
        return web.json_response({})

    async def _unlock(self, request: web.Request) -> web.Response:
        self._server.release_lock()
        return web.json_response({})

    async def _change_host_key(self, request: web.Request) -> web.Response:
        await self._server.change_host_key()
        return web.json_response({"host_public_key": self._server.host_public_key})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._server.olt.clear_faults()
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


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except NoSuchOnu as error:
        return web.json_response({"error": str(error)}, status=404)
    except ValidationError as error:
        return web.json_response({"error": error.errors(include_url=False, include_input=False)}, status=400)
    except (NoSuchPort, SerialError, RpcError) as error:
        return web.json_response({"error": str(error)}, status=400)
