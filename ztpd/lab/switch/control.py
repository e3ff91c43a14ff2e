"""The hand that plugs and unplugs neighbours, over HTTP on loopback, beside what every lab element's control has.

``POST /neighbours`` plugs, ``DELETE /neighbours/{port}`` unplugs, ``GET /state`` reads, ``POST /reset`` starts over.
"""

from dataclasses import asdict

from aiohttp import web

from ztpd.lab.netconf.control import Body, FaultControl
from ztpd.lab.netconf.server import NetconfServer
from ztpd.lab.switch.switch import NoSuchNeighbour, NoSuchPort, Plugged, Switch


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


class ControlServer(FaultControl):
    """The HTTP API over one lab switch."""

    refused = (NoSuchPort, ValueError)
    absent = (NoSuchNeighbour,)

    def __init__(self, server: NetconfServer, switch: Switch, port: int) -> None:
        super().__init__(server, switch, port)
        self._switch = switch

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            *super().routes(),
            web.post("/neighbours", self._plug),
            web.delete("/neighbours/{port}", self._unplug),
            web.get("/state", self._state),
            web.post("/reset", self._reset),
        ]

    async def _plug(self, request: web.Request) -> web.Response:
        body = Plug.model_validate_json(await request.read())
        self._switch.plug(Plugged(**body.model_dump()))
        return self._state_now()

    async def _unplug(self, request: web.Request) -> web.Response:
        self._switch.unplug(request.match_info["port"])
        return self._state_now()

    async def _state(self, request: web.Request) -> web.Response:
        return self._state_now()

    async def _reset(self, request: web.Request) -> web.Response:
        self._switch.reset()
        return self._state_now()

    def _state_now(self) -> web.Response:
        neighbours = [asdict(device) for device in self._switch.plugged]
        return web.json_response({"ports": self._switch.ports, "neighbours": neighbours})
