"""Services: what each customer has, and whether the network confirmed it."""

from typing import Final

from ztpd.api.answers import PageOf, ServiceShown
from ztpd.api.inputs import ById, ServicesQuery
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
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


READ = frozenset({Scope.READ})
ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/services/{id}", get_service, READ, ServiceShown),
    route("GET", "/v1/services", list_services, READ, PageOf[ServiceShown]),
)
