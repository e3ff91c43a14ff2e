"""Devices with all their names, what was heard of them, and those in quarantine (``state=quarantined``)."""

from typing import Final

from ztpd.api.answers import DeviceShown, PageOf, SightingShown
from ztpd.api.inputs import ByRowId, DevicesQuery, SightingsQuery
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.store.transaction import Unknown


async def get_device(call: Call[ByRowId, Nothing, Nothing]) -> Answer:
    """One device with every name it has."""
    found = await call.context.store.read(lambda reader: reader.device(call.path.id))
    if found is None:
        raise Unknown("device", str(call.path.id))
    return Answer(found)


async def list_devices(call: Call[Nothing, DevicesQuery, Nothing]) -> Answer:
    """Devices in the order they were first heard of."""
    query = call.query
    rows = await call.context.store.read(
        lambda reader: reader.devices(query.after, one_more(query.limit), query.state, query.tag)
    )
    return page(rows, query.limit)


async def list_sightings(call: Call[Nothing, SightingsQuery, Nothing]) -> Answer:
    """Sightings in the order they were heard."""
    query = call.query
    rows = await call.context.store.read(
        lambda reader: reader.sightings(query.after, one_more(query.limit), query.device, unmatched=query.unmatched)
    )
    return page(rows, query.limit)


READ = frozenset({Scope.READ})
ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/devices/{id}", get_device, READ, DeviceShown),
    route("GET", "/v1/devices", list_devices, READ, PageOf[DeviceShown]),
    route("GET", "/v1/sightings", list_sightings, READ, PageOf[SightingShown]),
)
