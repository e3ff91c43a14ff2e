"""Whether the process lives, whether the daemon can work, and what it counts."""

from typing import Final

import structlog

from ztpd.api.answers import HealthShown, ReadinessShown
from ztpd.api.contract import READY
from ztpd.api.problems import Item, Unavailable
from ztpd.api.routing import PUBLIC, Answer, Call, Nothing, Route, Text, route
from ztpd.api.tokens import Scope
from ztpd.metrics import CONTENT_TYPE
from ztpd.store.engine import StoreUnavailable
from ztpd.store.times import to_text

log = structlog.get_logger()


async def get_health(call: Call[Nothing, Nothing, Nothing]) -> Answer:
    """The process lives and answers."""
    return Answer({"status": "ok", "now": to_text(call.context.now())})


async def get_readiness(call: Call[Nothing, Nothing, Nothing]) -> Answer:
    """Every part of the daemon works; 503 with those that do not."""
    parts = call.context.readiness()
    broken = [Item(field=part, problem=why) for part, why in sorted(parts.items()) if why != READY]
    if broken:
        raise Unavailable(f"{len(broken)} of {len(parts)} parts are not ready", errors=broken)
    return Answer({"status": "ready", "parts": parts})


async def get_metrics(call: Call[Nothing, Nothing, Nothing]) -> Text:
    """Everything that is counted and measured, for Prometheus."""
    metrics, store = call.context.metrics, call.context.store
    try:
        stored = await store.read(
            lambda reader: (
                reader.job_counts(),
                reader.quarantine_counts(),
                reader.delivery_counts(),
                reader.decision_counts(),
            )
        )
    except StoreUnavailable as error:
        # What is counted in memory tells most when the database is down.
        log.warning("metrics_without_store", error=str(error))
        metrics.forget_stored()
    else:
        metrics.show_stored(*stored)
    return Text(metrics.exposition(), CONTENT_TYPE)


ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/healthz", get_health, PUBLIC, HealthShown),
    route("GET", "/readyz", get_readiness, PUBLIC, ReadinessShown),
    route("GET", "/metrics", get_metrics, frozenset({Scope.READ}), "text/plain"),
)
