"""A route as a row: from it follow the checks, the reading, the answer and the description."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import orjson
import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel

from ztpd.api import lines
from ztpd.api.bodies import read_json_body
from ztpd.api.contract import ApiContext
from ztpd.api.documents import read_document, read_strings
from ztpd.api.problems import problem_of
from ztpd.api.tokens import Scope, Token
from ztpd.domain.model import Strict

log = structlog.get_logger()

CONTEXT: Final = web.AppKey("context", ApiContext)
CLOSING: Final = web.AppKey("closing", asyncio.Event)
CALLER: Final = web.RequestKey("caller", Token)

Path = TypeVar("Path", bound=BaseModel)
Query = TypeVar("Query", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)

PUBLIC: Final = frozenset[Scope]()
"""The scopes of a route that needs no token."""


class Nothing(Strict):
    """A path, query or body without members; a body is then not read at all."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Path, Query, Body]):
    """One request, read and checked: what it was sent with, and what it is answered from.

    ``caller`` is the name of the token it came with, empty on a public route. ``closing`` is set when the API stops:
    who waits for something then answers with what there is.
    """

    context: ApiContext
    caller: str
    closing: asyncio.Event
    path: Path
    query: Query
    body: Body


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: plain values that the route's model selects from."""

    payload: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no resource of the API: its bytes and their whole Content-Type."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer of lines of JSON, sent as they come; what breaks after the first of them is told in the last."""

    lines: AsyncIterator[Mapping[str, Any]]


Handler = Callable[[Call[Any, Any, Any]], Awaitable[Answer | Text | Stream]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the route table.

    Any one of ``scopes`` lets a token pass. ``answer`` is the model of the answer, or the media type of one that has
    none; ``statuses`` are those of success.
    """

    method: str
    path: str
    handler: Handler
    scopes: frozenset[Scope]
    answer: type[BaseModel] | str
    statuses: tuple[int, ...]
    path_model: type[BaseModel]
    query_model: type[BaseModel]
    body_model: type[BaseModel]

    @property
    def summary(self) -> str:
        """What the route does, as its handler says it."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0].removesuffix(".")


def route(
    method: str,
    path: str,
    handler: Handler,
    scopes: frozenset[Scope],
    answer: type[BaseModel] | str,
    statuses: tuple[int, ...] = (200,),
) -> Route:
    """A row; what path, query and body must be stands in the type of the handler's ``call``."""
    models = get_args(get_type_hints(handler)["call"])
    return Route(method, path, handler, scopes, answer, statuses, *models)


def endpoint(row: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a row: reads and checks the request, calls the handler, shapes the answer."""

    async def answer_request(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        call = Call(
            context,
            request[CALLER].name if CALLER in request else "",
            request.app[CLOSING],
            read_strings(row.path_model, request.match_info.items()),
            read_strings(row.query_model, request.query.items()),
            await _body(row, request),
        )
        answer = await row.handler(call)
        return await _stream(request, answer) if isinstance(answer, Stream) else _response(row, answer)

    return answer_request


async def _body(row: Route, request: web.Request) -> BaseModel:
    if row.body_model is Nothing:
        return Nothing()
    limits = request.app[CONTEXT].limits
    if lines.item_of(row.body_model) is not None:
        body = await read_json_body(request, limits.list_bytes, limits.list_s, lines.MEDIA_TYPE)
        return await lines.read_lines(row.body_model, body)
    return read_document(row.body_model, await read_json_body(request, limits.body_bytes, limits.body_s))


def _response(row: Route, answer: Answer | Text) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(answer, Text):
        return web.Response(body=answer.body, headers={**headers, "Content-Type": answer.content_type})
    if isinstance(row.answer, str):
        raise TypeError(f"{row.method} {row.path} answers {row.answer}, not a model")
    body = row.answer.model_validate(answer.payload).model_dump_json().encode()
    return web.Response(body=body, status=answer.status, content_type="application/json", headers=headers)


async def _stream(request: web.Request, answer: Stream) -> web.StreamResponse:
    """Send lines as they come; their reader may go away, and what was done for them stays done."""
    response = web.StreamResponse(headers={hdrs.CACHE_CONTROL: "no-store", hdrs.SERVER: "ztpd"})
    response.content_type = lines.MEDIA_TYPE
    await response.prepare(request)
    try:
        async for line in answer.lines:
            await response.write(orjson.dumps(line) + b"\n")
    except ConnectionError:
        log.info("api_reader_left", path=request.path)
        return response
    except Exception as error:
        problem = problem_of(error)
        log.error("api_stream_broken", path=request.path, exc_info=None if problem is not None else error)
        told = "ztpd failed to go on; its log says why" if problem is None else problem.detail
        await response.write(orjson.dumps({"error": told}) + b"\n")
    await response.write_eof()
    return response
