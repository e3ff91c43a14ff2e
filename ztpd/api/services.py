"""Services: what each customer has, and whether the network confirmed it."""

from dataclasses import asdict
from typing import Final

from ztpd.api.answers import MeasuredShown, PageOf, ServiceShown
from ztpd.api.inputs import ById, ServicesQuery
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.domain.comparing import as_plain
from ztpd.store.times import to_text
from ztpd.store.transaction import Unknown


async def get_service(call: Call[ById, Nothing, Nothing]) -> Answer:
    """One service."""
    found = await call.context.store.read(lambda reader: reader.service(call.path.id))
    if found is None:
        raise Unknown("service", call.path.id)
    return Answer(found)


async def list_services(call: Call[Nothing, ServicesQuery, Nothing]) -> Answer:
    """Services by id."""
    query = call.query
    rows = await call.context.store.read(
        lambda reader: reader.services(query.after, one_more(query.limit), query.state)
    )
    return page(rows, query.limit)


async def measure(call: Call[ById, Nothing, Nothing]) -> Answer:
    """Ask the element now what it has configured for a service and what it measures of it."""
    observed, levels = await call.context.hands.measure(call.path.id)
    return Answer(
        {
            "service": call.path.id,
            "measured_at": to_text(call.context.now()),
            "configured": None if observed is None else as_plain(observed),
            "levels": asdict(levels),
        }
    )


async def reboot(call: Call[ById, Nothing, Nothing]) -> Answer:
    """Have the element restart the device that a service ends in, now."""
    await call.context.hands.reboot(call.path.id, call.caller)
    return Answer(await call.context.store.read(lambda reader: reader.service(call.path.id)), 202)


READ, FIELD = frozenset({Scope.READ}), frozenset({Scope.DISPATCH, Scope.FIELD})
ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/services/{id}", get_service, READ, ServiceShown),
    route("POST", "/v1/services/{id}/measure", measure, READ, MeasuredShown),
    route("POST", "/v1/services/{id}/reboot", reboot, FIELD, ServiceShown, (202,)),
    route("GET", "/v1/services", list_services, READ, PageOf[ServiceShown]),
)
