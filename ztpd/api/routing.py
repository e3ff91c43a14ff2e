"""A route as a row: from it follow the checks, the reading, the answer and the description."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

from aiohttp import web
from pydantic import BaseModel

from ztpd.api.bodies import read_json_body
from ztpd.api.contract import ApiContext
from ztpd.api.documents import read_document, read_strings
from ztpd.api.tokens import Scope, Token
from ztpd.domain.model import Strict

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


Handler = Callable[[Call[Any, Any, Any]], Awaitable[Answer | Text]]


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


def endpoint(row: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The aiohttp handler of a row: reads and checks the request, calls the handler, shapes the answer."""

    async def answer_request(request: web.Request) -> web.Response:
        context = request.app[CONTEXT]
        call = Call(
            context,
            request[CALLER].name if CALLER in request else "",
            request.app[CLOSING],
            read_strings(row.path_model, request.match_info.items()),
            read_strings(row.query_model, request.query.items()),
            await _body(row, request),
        )
        return _response(row, await row.handler(call))

    return answer_request


async def _body(row: Route, request: web.Request) -> BaseModel:
    if row.body_model is Nothing:
        return Nothing()
    limits = request.app[CONTEXT].limits
    return read_document(row.body_model, await read_json_body(request, limits.body_bytes, limits.body_s))


def _response(row: Route, answer: Answer | Text) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(answer, Text):
        return web.Response(body=answer.body, headers={**headers, "Content-Type": answer.content_type})
    if isinstance(row.answer, str):
        raise TypeError(f"{row.method} {row.path} answers {row.answer}, not a model")
    body = row.answer.model_validate(answer.payload).model_dump_json().encode()
    return web.Response(body=body, status=answer.status, content_type="application/json", headers=headers)
