"""A webhook receiver as dispatch or billing would run it: verifies, dedupes, lists what came, misbehaves when told to.

``POST <path>`` takes events; ``GET /received`` lists them in the order of arrival; ``POST /behaviour`` takes a
``Behaviour``; ``GET /healthz`` says that it is up. Verification follows Standard Webhooks 1.0.0 ("Verifying
signatures"), the checks of the body CloudEvents 1.0.2 §3.1 and its JSON event format §3.
"""

import asyncio
import hmac
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks import Webhook

TOLERANCE_S: Final = 300
_MAX_BODY: Final = 65_536
_SHUTDOWN_S: Final = 1.0
_DRIPS: Final = 100
_MEDIA_TYPE: Final = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """Where to listen (port 0: any free one), which ``whsec_`` secrets to accept, what to remember.

    ``keep`` bounds the events and the ids remembered, the oldest go first; ``ndjson`` gets a line for each event;
    ``now`` gives Unix seconds.
    """

    secrets: tuple[str, ...] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    path: str = "/hooks"
    keep: int = 10_000
    ndjson: Path | None = None
    now: Callable[[], float] = time.time


class Behaviour(BaseModel):
    """How the next ``times`` posts are answered (None: until told otherwise); after them, posts are accepted again.

    ``answer`` gives ``status`` with ``headers``; ``hang`` says nothing for ``seconds``; ``drip`` spreads the head of
    a 200, ``drip-body`` its body, over ``seconds``; ``close`` ends the connection without an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Literal["accept", "answer", "hang", "drip", "drip-body", "close"]
    status: Annotated[int, Field(ge=200, le=599)] = 500
    headers: dict[str, str] = {}
    times: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] = 60


ACCEPT: Final = Behaviour(do="accept")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One POST as it arrived: ``received_at`` in Unix milliseconds, ``problems`` what was wrong with it.

    ``id`` is the webhook-id; ``duplicate`` means that it had been accepted before; ``status`` is the answer, None
    when there was none or never a whole one.
    """

    id: str
    type: str | None
    service: str | None
    sequence: str | None
    received_at: int
    verified: bool
    duplicate: bool
    status: int | None
    problems: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether the sender was told that it need not come again."""
        return self.status is not None and 200 <= self.status <= 299

    def shown(self) -> dict[str, object]:
        """The receipt as ``GET /received`` lists it."""
        return {
            "id": self.id,
            "type": self.type,
            "service": self.service,
            "sequence": self.sequence,
            "received_at": self.received_at,
            "verified": self.verified,
            "duplicate": self.duplicate,
            "status": self.status,
            "problems": self.problems,
        }


class Receiver:
    """What one receiver has heard so far, and how it behaves now."""

    def __init__(self, settings: ReceiverSettings) -> None:
        self.url = ""
        self.received: deque[Receipt] = deque(maxlen=settings.keep)
        self.total = 0
        self.duplicates = 0
        self._settings = settings
        self._keys = tuple(Webhook(secret) for secret in settings.secrets)
        self._accepted_ids: OrderedDict[str, None] = OrderedDict()
        self._behaviour = ACCEPT
        self._remaining: int | None = None
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def accepted(self) -> list[Receipt]:
        """What was accepted, each id once, in the order of arrival."""
        return [receipt for receipt in self.received if receipt.accepted and not receipt.duplicate]

    def behave(self, behaviour: Behaviour) -> None:
        """From now on, behave so."""
        self._behaviour = behaviour
        self._remaining = behaviour.times

    async def until(self, enough: Callable[["Receiver"], bool]) -> None:
        """Wait until ``enough(receiver)`` holds; asked again on every arrival."""
        while not enough(self):
            self._arrived.clear()
            await self._arrived.wait()

    def stop(self) -> None:
        """Let go of everybody who is being kept waiting."""
        self._stopping.set()

    def routes(self) -> list[web.RouteDef]:
        """What the receiver serves."""
        return [
            web.post(self._settings.path, self._on_event),
            web.get("/received", self._on_received),
            web.post("/behaviour", self._on_behaviour),
            web.get("/healthz", self._on_healthz),
        ]

    async def _on_event(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        behaviour = self._next_behaviour()
        receipt = self._receipt(request.headers, body, behaviour)
        self._keep(receipt)
        match behaviour.do:
            case "accept":
                return web.Response(status=receipt.status or 500, text="\n".join(receipt.problems) or None)
            case "answer":
                return web.Response(status=behaviour.status, headers=behaviour.headers)
            case "hang":
                await self._pause(behaviour.seconds)
            case "drip":
                await self._drip_head(request, behaviour.seconds)
            case "drip-body":
                return await self._drip_body(request, behaviour.seconds)
            case "close":
                pass
        return _cut(request)

    async def _on_received(self, _request: web.Request) -> web.Response:
        listing = {
            "total": self.total,
            "duplicates": self.duplicates,
            "received": [receipt.shown() for receipt in self.received],
        }
        return web.Response(body=orjson.dumps(listing), content_type="application/json")

    async def _on_behaviour(self, request: web.Request) -> web.Response:
        try:
            self.behave(Behaviour.model_validate_json(await request.read()))
        except ValidationError as fault:
            return web.Response(status=400, body=fault.json(include_url=False), content_type="application/json")
        return web.Response(status=204)

    async def _on_healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    def _next_behaviour(self) -> Behaviour:
        behaviour = self._behaviour
        if self._remaining is not None:
            self._remaining -= 1
            if self._remaining == 0:
                self.behave(ACCEPT)
        return behaviour

    def _receipt(self, headers: Mapping[str, str], body: bytes, behaviour: Behaviour) -> Receipt:
        now = self._settings.now()
        message_id = headers.get("webhook-id", "")
        unverified = signature_problems(headers, body, self._keys, now)
        event, malformed = read_event(headers, body)
        return Receipt(
            id=message_id,
            type=_text(event, "type"),
            service=_text(event, "service"),
            sequence=_text(event, "sequence"),
            received_at=int(now * 1000),
            verified=not unverified,
            duplicate=message_id in self._accepted_ids,
            status=_status(behaviour, verified=not unverified, well_formed=not malformed),
            problems=(*unverified, *malformed),
            headers=dict(headers),
            body=body,
        )

    def _keep(self, receipt: Receipt) -> None:
        self.received.append(receipt)
        self.total += 1
        self.duplicates += receipt.duplicate
        if receipt.accepted:
            self._accepted_ids[receipt.id] = None
        if len(self._accepted_ids) > self._settings.keep:
            self._accepted_ids.popitem(last=False)
        if self._settings.ndjson is not None:
            with self._settings.ndjson.open("ab") as lines:
                lines.write(orjson.dumps(receipt.shown(), option=orjson.OPT_APPEND_NEWLINE))
        self._arrived.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _drip_head(self, request: web.Request, seconds: float) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Slow: " + b"." * _DRIPS + b"\r\n\r\n"
        for octet in head:
            if request.transport is None or self._stopping.is_set():
                return
            request.transport.write(bytes((octet,)))
            await self._pause(seconds / len(head))

    async def _drip_body(self, request: web.Request, seconds: float) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(_DRIPS)})
        await response.prepare(request)
        for _ in range(_DRIPS):
            await response.write(b".")
            await self._pause(seconds / _DRIPS)
        return response


def signature_problems(headers: Mapping[str, str], body: bytes, keys: tuple[Webhook, ...], now: float) -> list[str]:
    """Why the webhook is not to be trusted; empty when one ``v1`` signature is by one of the keys and ``now`` is near.

    ``headers`` are looked up case-insensitively by their own kind; ``now`` is Unix seconds.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split(" ")
    if not (message_id and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return ["webhook-id or webhook-timestamp is missing or malformed"]
    if abs(now - int(stamp)) > TOLERANCE_S:
        return [f"webhook-timestamp {stamp} is more than {TOLERANCE_S} s from {now:.0f}"]
    try:
        at, text = datetime.fromtimestamp(int(stamp), UTC), body.decode()
    except ValueError:
        return ["the body is not UTF-8, or webhook-timestamp no time"]
    expected = [key.sign(message_id, at, text).encode() for key in keys]
    matches = (hmac.compare_digest(one, given.encode()) for one in expected for given in signatures)
    return [] if any(matches) else ["no signature in webhook-signature is by a known secret"]


def read_event(headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, object], list[str]]:
    """The CloudEvent of a structured-mode request, as far as it can be read, and what is wrong with it."""
    problems = []
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        problems.append(f"Content-Type is not {_MEDIA_TYPE}")
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}, [*problems, "the body is not JSON"]
    if not isinstance(event, dict):
        return {}, [*problems, "the body is not a JSON object"]
    if event.get("specversion") != "1.0":
        problems.append("specversion is not 1.0")
    problems += [f"{name} is missing or empty" for name in ("id", "source", "type") if not _text(event, name)]
    problems += [f"attribute name {name!r} is not lower-case alphanumeric" for name in event if not _is_name(name)]
    if event.get("id") != headers.get("webhook-id"):
        problems.append("id is not the webhook-id")
    return event, problems


def _is_name(name: str) -> bool:
    return name.isascii() and name.isalnum() and name == name.lower()


def _text(event: Mapping[str, object], name: str) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) else None


def _status(behaviour: Behaviour, *, verified: bool, well_formed: bool) -> int | None:
    match behaviour.do:
        case "accept":
            return 401 if not verified else 204 if well_formed else 400
        case "answer":
            return behaviour.status
        case "drip-body":
            return 200
        case "hang" | "drip" | "close":
            return None


def _cut(request: web.Request) -> web.Response:
    """End the connection now; the response returned for the framework's sake goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def lab_receiver(settings: ReceiverSettings) -> AsyncIterator[Receiver]:
    """A receiver listening on ``settings.host``; its ``url`` is where events are to be posted."""
    receiver = Receiver(settings)
    application = web.Application(client_max_size=_MAX_BODY)
    application.add_routes(receiver.routes())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        port = runner.addresses[0][1]
        receiver.url = f"http://{settings.host}:{port}{settings.path}"
        yield receiver
    finally:
        receiver.stop()
        await runner.cleanup()


async def run(settings: ReceiverSettings, ready: Callable[[str], None]) -> None:
    """Receive until cancelled; ``ready`` is called with the URL to post events to, once it is bound."""
    async with lab_receiver(settings) as receiver:
        ready(receiver.url)
        await asyncio.Event().wait()
