"""Places: described by whoever knows the plant, held against the configured elements."""

from collections.abc import Iterator, Mapping
from typing import Final

from ztpd.api.answers import LocationShown, PageOf
from ztpd.api.contract import Element
from ztpd.api.inputs import ById, LocationsQuery
from ztpd.api.paging import one_more, page
from ztpd.api.problems import Invalid, Item
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.domain.model import Access, LocationBody, circuit_id_octets
from ztpd.store import orders
from ztpd.store.transaction import Unknown

_MAX_NAMED: Final = 10


async def put_location(call: Call[ById, Nothing, LocationBody]) -> Answer:
    """Describe a place; jobs that wait for it go on."""
    problems = list(access_problems(call.body.access, call.context.elements))
    if problems:
        raise Invalid(problems)
    store = call.context.store
    new = await store.commit(orders.put_location, call.path.id, call.body)
    return Answer(await store.read(lambda reader: reader.location(call.path.id)), 201 if new else 200)


async def get_location(call: Call[ById, Nothing, Nothing]) -> Answer:
    """One place."""
    found = await call.context.store.read(lambda reader: reader.location(call.path.id))
    if found is None:
        raise Unknown("location", call.path.id)
    return Answer(found)


async def list_locations(call: Call[Nothing, LocationsQuery, Nothing]) -> Answer:
    """Places by id."""
    query = call.query
    circuit_id = None if query.circuit_id is None else circuit_id_octets(query.circuit_id).hex()
    rows = await call.context.store.read(
        lambda reader: reader.locations(query.after, one_more(query.limit), circuit_id, query.element, query.port)
    )
    return page(rows, query.limit)


def access_problems(access: Access | None, elements: Mapping[str, Element]) -> Iterator[Item]:
    """What of an access contradicts the configuration: its element, else its technology and its port."""
    if access is None:
        return
    element = elements.get(access.element)
    if element is None:
        remedy = f"configured are {_named(elements)}"
        yield Item(field="access.element", problem="is not a configured element", value=access.element, remedy=remedy)
        return
    if access.technology not in element.technologies:
        problem = f"is not served by element {access.element}"
        remedy = f"it serves {_named(element.technologies)}"
        yield Item(field="access.technology", problem=problem, value=access.technology, remedy=remedy)
    if element.ports is not None and not element.has(access.port):
        problem = f"is not a port of element {access.element}"
        behind = ", alone or with one or two VLAN ids behind (eth1.201.301)" if element.vlans_behind else ""
        remedy = f"it has {_named(element.ports)}{behind}"
        yield Item(field="access.port", problem=problem, value=access.port, remedy=remedy)


def _named(names: Mapping[str, Element] | frozenset[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - _MAX_NAMED} more" if len(known) > _MAX_NAMED else ""
    return (", ".join(known[:_MAX_NAMED]) or "none") + more


READ, DISPATCH = frozenset({Scope.READ}), frozenset({Scope.DISPATCH})
ROUTES: tuple[Route, ...] = (
    route("PUT", "/v1/locations/{id}", put_location, DISPATCH, LocationShown, (200, 201)),
    route("GET", "/v1/locations/{id}", get_location, READ, LocationShown),
    route("GET", "/v1/locations", list_locations, READ, PageOf[LocationShown]),
)
