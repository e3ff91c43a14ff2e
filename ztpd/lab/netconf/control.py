"""The hand that makes a lab element go wrong, over HTTP on loopback: JSON in, JSON out.

``GET /counters`` reads, ``POST /faults/{hang,cut,refuse,lock,host-key}`` makes something go wrong, ``DELETE
/faults/lock`` and ``DELETE /faults`` mend it. Each kind of element adds what is plugged into it.
"""

from collections import Counter
from typing import Any, Protocol

from aiohttp import web
from pydantic import Field

from ztpd.lab.control import Body, Control
from ztpd.lab.cuts import Moment
from ztpd.lab.netconf.edit_server import EditServer
from ztpd.lab.netconf.faults import Faults, Refusal


class Hang(Body):
    """How many RPCs are still answered."""

    after: int = Field(default=0, ge=0)


class Cut(Body):
    """At which RPC from now the connection breaks, and whether the RPC still has its effect."""

    at: int = Field(default=1, ge=1)
    moment: Moment = Moment.BEFORE


class Refuse(Body):
    """Which RPC is refused, and how."""

    operation: str
    nth: int = Field(default=1, ge=1)
    tag: str = "operation-failed"
    message: str = "refused by the operator of the lab"


class Faulty(Protocol):
    """An element that can be made to go wrong."""

    faults: Faults
    rpcs: Counter[str]

    @property
    def writes(self) -> int:
        """How many RPCs changed or tried to change the configuration."""
        ...

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        ...


class FaultControl(Control):
    """The HTTP API over one lab element that speaks NETCONF."""

    def __init__(self, server: EditServer[Any], element: Faulty, port: int) -> None:
        super().__init__(port)
        self._faulty = element
        self._netconf = server

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.get("/counters", self._counters),
            web.post("/faults/hang", self._hang),
            web.post("/faults/cut", self._cut),
            web.post("/faults/refuse", self._refuse),
            web.post("/faults/lock", self._lock),
            web.delete("/faults/lock", self._unlock),
            web.post("/faults/host-key", self._change_host_key),
            web.delete("/faults", self._clear_faults),
        ]

    async def _counters(self, request: web.Request) -> web.Response:
        return web.json_response({"rpcs": dict(self._faulty.rpcs), "writes": self._faulty.writes})

    async def _hang(self, request: web.Request) -> web.Response:
        body = Hang.model_validate_json(await request.read() or b"{}")
        self._faulty.faults.hang_after = body.after
        return web.json_response({})

    async def _cut(self, request: web.Request) -> web.Response:
        body = Cut.model_validate_json(await request.read() or b"{}")
        faults = self._faulty.faults
        faults.cut_at, faults.cut_moment = body.at, body.moment
        return web.json_response({})

    async def _refuse(self, request: web.Request) -> web.Response:
        body = Refuse.model_validate_json(await request.read())
        self._faulty.faults.refuse(body.operation, body.nth, Refusal(body.tag, body.message))
        return web.json_response({})

    async def _lock(self, request: web.Request) -> web.Response:
        self._netconf.hold_lock()
        return web.json_response({})

    async def _unlock(self, request: web.Request) -> web.Response:
        self._netconf.release_lock()
        return web.json_response({})

    async def _change_host_key(self, request: web.Request) -> web.Response:
        await self._netconf.change_host_key()
        return web.json_response({"host_public_key": self._netconf.host_public_key})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faulty.clear_faults()
        return web.json_response({})
