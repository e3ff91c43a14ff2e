"""Why a request is not answered as asked, as RFC 9457 problem details.

``type`` stays ``about:blank``, so ``title`` is the phrase of the status (RFC 9457 §4.2.1); ``detail`` says what is
wrong here, ``remedy`` what to do, ``errors`` lists every item of an invalid request.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Final, NotRequired, TypedDict

import orjson
from aiohttp import web

from drivers.errors import Busy, ElementError, Unreachable
from ztpd.domain.lifecycle import TransitionRefused
from ztpd.store.engine import StoreUnavailable
from ztpd.store.transaction import Refused, Unknown

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2


class Item(TypedDict):
    """One thing that is wrong with a request: where, what, the value (never a secret) and what to do."""

    field: str
    problem: str
    value: NotRequired[str | int | float | bool]
    remedy: NotRequired[str]


class Problem(Exception):
    """A request that is refused; each subclass is one status."""

    status: ClassVar[HTTPStatus]

    def __init__(
        self,
        detail: str,
        remedy: str = "",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail
        self.remedy = remedy
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(detail)


class Malformed(Problem):
    """The request cannot be read at all."""

    status = HTTPStatus.BAD_REQUEST


class Unauthenticated(Problem):
    """No token, or one that is not known."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(Problem):
    """The token's scopes do not cover the route."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Problem):
    """There is no such route or thing."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(Problem):
    """The route exists, with other methods."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class TooSlow(Problem):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class Conflict(Problem):
    """The request contradicts what is stored."""

    status = HTTPStatus.CONFLICT


class TooLarge(Problem):
    """The body is over the limit, as sent or inflated."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(Problem):
    """The body is not JSON, or in a content coding that is not taken."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Misdirected(Problem):
    """The Host header names no host that this API answers for."""

    status = HTTPStatus.MISDIRECTED_REQUEST


class Invalid(Problem):
    """The request can be read, but some of its items cannot be accepted; ``errors`` lists each."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        count = "1 item is" if len(errors) == 1 else f"{len(errors)} items are"
        super().__init__(f"{count} not acceptable", "correct what is listed under errors", errors=errors)


class Unavailable(Problem):
    """Nothing is wrong with the request, it cannot be served now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ElementAway(Problem):
    """The element that was asked does not answer; what it did is unknown."""

    status = HTTPStatus.GATEWAY_TIMEOUT


class Broken(Problem):
    """ztpd failed; the log has the id that the answer carries."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, error_id: str) -> None:
        super().__init__(f"ztpd failed to answer; error id {error_id}", "search the log for the error id")


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error of the domain, the store or the router means; None for one nobody foresaw."""
    match error:
        case Problem():
            return error
        case Refused(problem=problem, remedy=remedy):
            return Conflict(problem, remedy)
        case TransitionRefused():
            return Conflict(str(error), "read the job's state; the request does not fit it")
        case Unknown(kind=kind, id=id_):
            return NotFound(f"there is no {kind} {id_}")
        case Busy():
            return Unavailable(_of_element(error), "try again", headers={"Retry-After": f"{RETRY_AFTER_S}"})
        case Unreachable():
            return ElementAway(_of_element(error), "check the element: `ztpd check`")
        case ElementError():
            return Conflict(_of_element(error), "the element's own words say what it does not allow")
        case StoreUnavailable():
            # The driver's words may name hosts and paths: they go to the log only.
            return Unavailable(
                "the database cannot be used now", "try again", headers={"Retry-After": f"{RETRY_AFTER_S}"}
            )
        case web.HTTPException():
            return _of_routing(error)
    return None


def _of_element(error: ElementError) -> str:
    return f"{error.element}, {error.operation}: {error.answer}"


def _of_routing(error: web.HTTPException) -> Problem | None:
    """What aiohttp's router found, without its text, which repeats the request."""
    match error.status:
        case HTTPStatus.NOT_FOUND:
            return NotFound("there is no such route", "GET /openapi.json lists all routes")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = error.headers.get("Allow", "")
            return MethodNotAllowed(f"this route takes {allowed.replace(',', ', ')}", headers={"Allow": allowed})
    return None


def problem_response(problem: Problem, instance: str | None = None) -> web.Response:
    """The answer that tells a problem; ``instance`` is the path it occurred at."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    optional = {"instance": instance, "remedy": problem.remedy, "errors": problem.errors}
    body |= {name: value for name, value in optional.items() if value}
    headers = {**problem.headers, "Cache-Control": "no-store"}
    return web.Response(status=problem.status, body=orjson.dumps(body), content_type=MEDIA_TYPE, headers=headers)
