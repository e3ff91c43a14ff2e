"""Deliveries of events with every attempt, and the endpoints they go to."""

from typing import Final

from ztpd.api.answers import PageOf
from ztpd.api.event_answers import DeliveryShown, EndpointShown
from ztpd.api.inputs import ByName, DeliveriesQuery
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.store import deliveries
from ztpd.store.transaction import Unknown


async def list_deliveries(call: Call[Nothing, DeliveriesQuery, Nothing]) -> Answer:
    """Deliveries in the order of their events, each with its attempts."""
    query = call.query
    rows = await call.context.store.read(
        lambda reader: reader.deliveries(query.after, one_more(query.limit), query.endpoint, query.state)
    )
    return page(rows, query.limit)


async def enable_endpoint(call: Call[ByName, Nothing, Nothing]) -> Answer:
    """Let an endpoint that asked for no more have its deliveries again; one that is enabled stays so."""
    name = call.path.name
    if name not in call.context.endpoints:
        raise Unknown("endpoint", name)
    await call.context.store.commit(deliveries.enable_endpoint, name)
    return Answer({"name": name, "enabled": True})


ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/deliveries", list_deliveries, frozenset({Scope.READ}), PageOf[DeliveryShown]),
    route("POST", "/v1/endpoints/{name}/enable", enable_endpoint, frozenset({Scope.ADMIN}), EndpointShown),
)
