"""What every request passes, from the outside in: it is counted, its problems are told, its host and caller checked."""

import asyncio
import re
import traceback
import uuid
from collections.abc import Mapping
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from ztpd.api.problems import Broken, Misdirected, problem_of, problem_response
from ztpd.api.routing import CALLER, CONTEXT, Route
from ztpd.api.tokens import authenticate, authorize
from ztpd.metrics import Metrics

log = structlog.get_logger()

Table = Mapping[tuple[str, str], Route]
"""Routes by method and path template."""

TABLE: Final = web.AppKey[Table]("table")

UNMATCHED: Final = "unmatched"
"""The route label of whatever no route matches."""

_READING: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count and time each request; log each that may have written something."""
    clock = asyncio.get_running_loop().time
    began = clock()
    response = await handler(request)
    response.headers[hdrs.SERVER] = "ztpd"
    label = template(request)
    count_request(request.app[CONTEXT].metrics, request.method, label, response.status)
    request.app[CONTEXT].metrics.http_request_seconds.labels(label).observe(clock() - began)
    if request.method not in _READING:
        caller = request[CALLER].name if CALLER in request else None
        log.info("api_request", method=request.method, path=request.path, status=response.status, token=caller)
    return response


def count_request(metrics: Metrics, method: str, label: str, status: int) -> None:
    """Count one answer; a method of the peer's own invention is counted as ``other``."""
    metrics.http_requests.labels(method if method in hdrs.METH_ALL else "other", label, str(status)).inc()


def template(request: web.Request) -> str:
    """The template of the path that the request matched, or ``UNMATCHED``."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem; one that nobody foresaw goes to the log under an id."""
    try:
        return await handler(request)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            problem = Broken(uuid.uuid4().hex)
            # As text, without local variables: a renderer that shows those would show secrets.
            log.error("api_broken", detail=problem.detail, trace="".join(traceback.format_exception(error)))
        elif problem is not error and problem.status >= 500:
            log.warning("api_unavailable", error=str(error))
        return problem_response(problem, request.path)


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request meant for another host, as a page in a browser sends it after DNS rebinding."""
    given = request.headers.getall(hdrs.HOST, [])
    match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    known = _LOOPBACK | {host.lower() for host in request.app[CONTEXT].hosts}
    if match is None or match["name"].lower() not in known:
        raise Misdirected("this API does not answer for that host", "add the name to the API's hosts, or use localhost")
    return await handler(request)


@web.middleware
async def check_caller(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through to a route only with a token that has one of its scopes."""
    if request.match_info.http_exception is not None:
        return await handler(request)  # no route: there is nothing to guard, and the problem says so
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    row = request.app[TABLE][method, template(request)]
    if row.scopes:
        caller = authenticate(request.headers.get(hdrs.AUTHORIZATION), request.app[CONTEXT].tokens)
        request[CALLER] = caller
        authorize(caller, row.scopes)
    return await handler(request)
