"""Devices that another ACS knows, taken in with their tags; and tags given by hand."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from ztpd.api.answers import DeviceShown
from ztpd.api.inputs import ByRowId, ImportQuery
from ztpd.api.lines import MEDIA_TYPE, LinesOf
from ztpd.api.routing import Answer, Call, Nothing, Route, Stream, route
from ztpd.api.tokens import Scope
from ztpd.domain.imports import MAX_TAGS, ImportedDevice, Tag
from ztpd.domain.model import Strict
from ztpd.store import imports
from ztpd.store.store import Store

GROUP: Final = 32
"""How many devices one transaction takes in: nobody else waits longer for the database than for these."""


class TagsBody(Strict):
    """All tags that a device is to have."""

    tags: Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)]


async def import_devices(call: Call[Nothing, ImportQuery, LinesOf[ImportedDevice]]) -> Stream:
    """Take in devices that another ACS knows, each by itself; answered line by line, the last is the summary."""
    return Stream(_lines(call.context.store, call.body.items, call.caller, dry_run=call.query.dry_run))


async def _lines(
    store: Store, items: Sequence[ImportedDevice], actor: str, *, dry_run: bool
) -> AsyncIterator[Mapping[str, Any]]:
    counts: Counter[str] = Counter()
    numbered = list(enumerate(items, start=1))
    for start in range(0, len(numbered), GROUP):
        for found in await store.commit(imports.take_in, numbered[start : start + GROUP], actor, dry_run=dry_run):
            counts[found.outcome.value] += 1
            yield found.describe()
    yield {"summary": {"dry_run": dry_run, "listed": len(items), "counts": dict(counts)}}


async def set_tags(call: Call[ByRowId, Nothing, TagsBody]) -> Answer:
    """Give a device these tags and no others."""
    await call.context.store.commit(imports.set_tags, call.path.id, call.body.tags, call.caller)
    return Answer(await call.context.store.read(lambda reader: reader.device(call.path.id)))


DISPATCH = frozenset({Scope.DISPATCH})
ROUTES: Final[tuple[Route, ...]] = (
    route("POST", "/v1/devices/import", import_devices, DISPATCH, MEDIA_TYPE),
    route("PUT", "/v1/devices/{id}/tags", set_tags, DISPATCH, DeviceShown),
)
