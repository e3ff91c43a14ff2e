"""The hand that plugs and unplugs, over HTTP on loopback, beside what every lab element's control has.

``POST /neighbours`` plugs a device that speaks LLDP, ``POST /cables`` a silent one, ``DELETE /neighbours/{port}``
unplugs either; ``GET /state`` and ``/config`` read; ``POST /faults/bar`` makes something go wrong;
``POST /restart`` and ``/reset`` start over, the former from what is saved.
"""

from dataclasses import asdict

from aiohttp import web
from lxml import etree

from ztpd.lab.control import Body
from ztpd.lab.netconf.control import FaultControl
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.switch.server import SwitchServer
from ztpd.lab.switch.wiring import GIGABIT, NoSuchNeighbour, NoSuchPort, Plugged


class Plug(Body):
    """A device to plug in: by default one whose chassis is named by its MAC address."""

    port: str
    chassis_id: str
    chassis_id_type: str = "MAC_ADDRESS"
    port_id: str = "eth0"
    port_id_type: str = "INTERFACE_NAME"
    system_name: str | None = None
    system_description: str | None = None
    management_address: str | None = None
    capabilities: tuple[str, ...] = ()


class Cable(Body):
    """A cable to plug in, and the speed that is negotiated over it."""

    port: str
    bps: int = GIGABIT


class Bar(Body):
    """A port that may not be configured."""

    port: str


class ControlServer(FaultControl):
    """The HTTP API over one lab switch."""

    refused = (NoSuchPort, ValueError, RpcError)
    absent = (NoSuchNeighbour,)

    def __init__(self, server: SwitchServer, port: int) -> None:
        super().__init__(server, server.switch, port)
        self._server = server
        self._switch = server.switch

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            *super().routes(),
            web.post("/neighbours", self._plug),
            web.post("/cables", self._connect),
            web.delete("/neighbours/{port}", self._unplug),
            web.get("/state", self._state),
            web.get("/config", self._config),
            web.post("/restart", self._restart),
            web.post("/reset", self._reset),
            web.post("/faults/bar", self._bar),
        ]

    async def _plug(self, request: web.Request) -> web.Response:
        body = Plug.model_validate_json(await request.read())
        self._switch.plug(Plugged(**body.model_dump()))
        return self._state_now()

    async def _connect(self, request: web.Request) -> web.Response:
        body = Cable.model_validate_json(await request.read())
        self._switch.wiring.connect(body.port, body.bps)
        return self._state_now()

    async def _unplug(self, request: web.Request) -> web.Response:
        self._switch.wiring.unplug(request.match_info["port"])
        return self._state_now()

    async def _state(self, request: web.Request) -> web.Response:
        return self._state_now()

    async def _config(self, request: web.Request) -> web.Response:
        text = etree.tostring(self._switch.datastores.running, pretty_print=True)
        return web.Response(body=text, content_type="application/xml")

    async def _restart(self, request: web.Request) -> web.Response:
        self._server.restart()
        return self._state_now()

    async def _reset(self, request: web.Request) -> web.Response:
        self._server.release_lock()
        self._switch.reset()
        return self._state_now()

    async def _bar(self, request: web.Request) -> web.Response:
        body = Bar.model_validate_json(await request.read())
        self._switch.faults.barred_serials.add(body.port)
        return web.json_response({})

    def _state_now(self) -> web.Response:
        neighbours = [asdict(device) for device in self._switch.plugged]
        return web.json_response({"ports": self._switch.ports, "links": self._switch.links, "neighbours": neighbours})
