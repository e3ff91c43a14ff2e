"""Quarantine: devices that nothing is done with, and the two things a person can do about one; each is audited."""

from typing import Annotated, Final, Literal

from pydantic import Field

from ztpd.api.answers import AuditShown, DeviceShown, JobInContextShown, PageOf, QuarantinedShown
from ztpd.api.inputs import AuditQuery, ByRowId, QuarantineQuery
from ztpd.api.jobs import job_in_context
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.domain.model import Identifier, Strict
from ztpd.store import quarantine


class AllocateBody(Strict):
    """The job that a device is for; without a role an ONT is an ``ont`` and anything else a ``cpe``."""

    job: Identifier
    role: Literal["ont", "cpe"] | None = None


class IgnoreBody(Strict):
    """Why nobody needs to hear of a device."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


async def list_quarantine(call: Call[Nothing, QuarantineQuery, Nothing]) -> Answer:
    """Devices that nothing is done with, why, and the jobs they may belong to."""
    query = call.query
    rows = await call.context.store.read(
        lambda reader: reader.quarantine(query.after, one_more(query.limit), ignored=query.ignored)
    )
    return page(rows, query.limit)


async def allocate(call: Call[ByRowId, Nothing, AllocateBody]) -> Answer:
    """Set a quarantined device aside for a job; the job goes on at once where the device is in its place."""
    body = call.body
    await call.context.store.commit(quarantine.allocate_quarantined, call.path.id, body.job, body.role, call.caller)
    return Answer(await job_in_context(call.context, body.job))


async def ignore(call: Call[ByRowId, Nothing, IgnoreBody]) -> Answer:
    """Hear no more of a quarantined device, until it is held for another reason."""
    store = call.context.store
    await store.commit(quarantine.ignore_device, call.path.id, call.body.reason, call.caller)
    return Answer(await store.read(lambda reader: reader.device(call.path.id)))


async def list_audit(call: Call[Nothing, AuditQuery, Nothing]) -> Answer:
    """What was done by hand, oldest first."""
    query = call.query
    rows = await call.context.store.read(lambda reader: reader.audit(query.after, one_more(query.limit), query.subject))
    return page(rows, query.limit)


READ, DISPATCH = frozenset({Scope.READ}), frozenset({Scope.DISPATCH})
ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/quarantine", list_quarantine, READ, PageOf[QuarantinedShown]),
    route("POST", "/v1/quarantine/{id}/allocate", allocate, DISPATCH, JobInContextShown),
    route("POST", "/v1/quarantine/{id}/ignore", ignore, DISPATCH, DeviceShown),
    route("GET", "/v1/audit", list_audit, READ, PageOf[AuditShown]),
)
