"""The API as one application: its route table, what every request passes, what runs beside it."""

import asyncio
from functools import cache
from typing import Final

import orjson
from aiohttp import hdrs, web

import ztpd
from ztpd.api import (
    cpes,
    deliveries,
    devices,
    elements,
    events,
    firmware,
    handovers,
    health,
    imports,
    jobs,
    locations,
    openapi,
    quarantine,
    rebootstrap,
    services,
)
from ztpd.api.contract import ApiContext
from ztpd.api.middlewares import TABLE, check_caller, check_host, observe, tell_problems
from ztpd.api.routing import CLOSING, CONTEXT, PUBLIC, Call, Nothing, Route, Text, endpoint, route


async def get_description(call: Call[Nothing, Nothing, Nothing]) -> Text:
    """This API, described in OpenAPI 3.1."""
    return Text(description(), "application/json")


ROUTES: Final[tuple[Route, ...]] = (
    *locations.ROUTES,
    *jobs.ROUTES,
    *services.ROUTES,
    *devices.ROUTES,
    *cpes.ROUTES,
    *imports.ROUTES,
    *handovers.ROUTES,
    *quarantine.ROUTES,
    *rebootstrap.ROUTES,
    *elements.ROUTES,
    *events.ROUTES,
    *firmware.ROUTES,
    *deliveries.ROUTES,
    *health.ROUTES,
    route("GET", "/openapi.json", get_description, PUBLIC, "application/json"),
)


@cache
def description() -> bytes:
    """The route table as an OpenAPI document in JSON."""
    return orjson.dumps(openapi.describe(ROUTES, ztpd.__version__))


def make_app(context: ApiContext) -> web.Application:
    """The API over what the daemon hands it; ``ztpd.api.server.serve`` puts it on a socket."""
    app = web.Application(middlewares=[observe, tell_problems, check_host, check_caller])
    app[CONTEXT] = context
    app[CLOSING] = asyncio.Event()
    app[TABLE] = {(row.method, row.path): row for row in ROUTES}
    for row in ROUTES:
        for method in _methods(row):
            app.router.add_route(method, row.path, endpoint(row), expect_handler=_send_continue)
    app.on_shutdown.append(_end_waiting)
    return app


def _methods(row: Route) -> tuple[str, ...]:
    """What may be sent to a route: whoever may GET may ask for the header alone (RFC 9110 §9.3.2)."""
    return (row.method, hdrs.METH_HEAD) if row.method == hdrs.METH_GET else (row.method,)


async def _send_continue(request: web.Request) -> None:
    """Let a body come that its sender holds back; any other expectation is left unmet (RFC 9110 §10.1.1)."""
    if request.headers[hdrs.EXPECT].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # aiohttp takes what was counted here for the begin of the answer


async def _end_waiting(app: web.Application) -> None:
    """Long polls answer at once when the API stops, with what there is."""
    app[CLOSING].set()
    app[CONTEXT].store.nudges.give({events.TOPIC})
