"""Events by cursor: what the webhooks deliver, for whoever would rather ask."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import orjson

from ztpd.api.event_answers import EventsShown
from ztpd.api.inputs import EventsQuery
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.store.deliveries import envelope_of

TOPIC: Final = "events"
"""What the store calls the nudge that is given when events were committed."""

POLL_S: Final = 1.0
"""How long a nudge that was lost can delay an answer."""


async def list_events(call: Call[Nothing, EventsQuery, Nothing]) -> Answer:
    """Events in the order of their commit; waits for the first one if asked to."""
    rows = await _read_or_wait(call)
    items = [orjson.loads(envelope_of(row, call.context.origin)) for row in rows]
    return Answer({"items": items, "next": str(rows[-1]["id"] if rows else call.query.after)})


async def _read_or_wait(call: Call[Nothing, EventsQuery, Nothing]) -> Sequence[Mapping[str, Any]]:
    query, store, clock = call.query, call.context.store, asyncio.get_running_loop().time
    deadline = clock() + query.wait
    with store.nudges.listening(TOPIC) as nudged:
        while True:
            nudged.clear()  # before looking: what is committed from here on sets it again
            rows = await store.read(lambda reader: reader.events(query.after, query.limit))
            left = deadline - clock()
            if rows or left <= 0 or call.closing.is_set():
                return rows
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, POLL_S)):
                    await nudged.wait()


ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/events", list_events, frozenset({Scope.READ, Scope.BILLING}), EventsShown),
)
