"""Jobs: ordered, amended, visited, tried again, reported as done; and everything that happened to them."""

from typing import Annotated, Any, Final

from pydantic import Field

from ztpd.api.answers import EvidenceListShown, JobInContextShown, JobShown, PageOf, TraceShown
from ztpd.api.contract import ApiContext
from ztpd.api.inputs import ById, ByVisit, JobsQuery
from ztpd.api.masking import mask_problems, masked
from ztpd.api.paging import one_more, page
from ztpd.api.problems import Invalid
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.domain.model import CompletionBody, JobBody, Strict, VisitBody, Vouchable, VouchableTest
from ztpd.store import cancelling, completion, orders, vouching
from ztpd.store.transaction import Unknown


async def put_job(call: Call[ById, Nothing, JobBody]) -> Answer:
    """Order work, or amend what may still be amended; the same order again changes nothing."""
    problems = mask_problems(call.body)
    if problems:
        raise Invalid(problems)
    _, new = await call.context.store.commit(orders.put_job, call.path.id, call.body)
    return Answer(await job_in_context(call.context, call.path.id), 201 if new else 200)


async def get_job(call: Call[ById, Nothing, Nothing]) -> Answer:
    """One job with what the network knows of it."""
    return Answer(await job_in_context(call.context, call.path.id))


async def list_jobs(call: Call[Nothing, JobsQuery, Nothing]) -> Answer:
    """Jobs by id."""
    query, context = call.query, call.context
    rows = await context.store.read(
        lambda reader: reader.jobs(query.after, one_more(query.limit), query.state, query.service)
    )
    return page([masked(row, context.store.context.profiles) for row in rows], query.limit)


async def get_trace(call: Call[ById, Nothing, Nothing]) -> Answer:
    """Everything that happened to a job, in the order of time."""
    entries = await call.context.store.read(lambda reader: reader.trace(call.path.id))
    if entries is None:
        raise Unknown("job", call.path.id)
    return Answer({"items": entries})


async def get_evidence(call: Call[ById, Nothing, Nothing]) -> Answer:
    """All evidence of a job, oldest first."""
    await job_in_context(call.context, call.path.id)
    records = await call.context.store.read(lambda reader: reader.evidence(call.path.id))
    return Answer({"items": records})


async def complete_job(call: Call[ById, Nothing, CompletionBody]) -> Answer:
    """Report a visit; accepted, or refused with every item that is missing or failed."""
    answer = await call.context.store.commit(completion.accept_completion, call.path.id, call.body)
    if answer.problems:
        raise Invalid([problem.describe() for problem in answer.problems])
    return Answer(await job_in_context(call.context, call.path.id))


async def put_visit(call: Call[ByVisit, Nothing, VisitBody]) -> Answer:
    """Open the next visit of a job."""
    before = await job_in_context(call.context, call.path.id)
    await call.context.store.commit(orders.open_visit, call.path.id, call.path.number, call.body)
    new = before["visit"] < call.path.number
    return Answer(await job_in_context(call.context, call.path.id), 201 if new else 200)


async def retry_job(call: Call[ById, Nothing, Nothing]) -> Answer:
    """Try a failed job again now, with what is present."""
    await call.context.store.commit(orders.ask_retry, call.path.id)
    return Answer(await job_in_context(call.context, call.path.id))


class VouchBody(Strict):
    """What a person answers for: properties (``downstream_bps``), levels (``onu_rx_dbm``) or tests (``test.ping``)."""

    names: Annotated[tuple[Vouchable | VouchableTest, ...], Field(min_length=1, max_length=32)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


async def vouch_for_job(call: Call[ById, Nothing, VouchBody]) -> Answer:
    """Answer for what the element cannot show of a job; one that failed is tried again at once."""
    body = call.body
    await call.context.store.commit(vouching.vouch, call.path.id, body.names, body.reason, call.caller)
    return Answer(await job_in_context(call.context, call.path.id))


class CancelBody(Strict):
    """Why a job is given up."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


async def cancel(call: Call[ById, Nothing, CancelBody]) -> Answer:
    """Give a job up that is not at work; its devices are free, and other work can be ordered on its service."""
    await call.context.store.commit(cancelling.cancel_job, call.path.id, call.body.reason, call.caller)
    return Answer(await job_in_context(call.context, call.path.id))


async def job_in_context(context: ApiContext, id_: str) -> dict[str, Any]:
    """A job as it is shown, with what the network knows of it; raises ``Unknown``."""
    found = await context.store.read(lambda reader: reader.job(id_))
    if found is None:
        raise Unknown("job", id_)
    return masked(found, context.store.context.profiles)


READ, DISPATCH, FIELD = (frozenset({scope}) for scope in (Scope.READ, Scope.DISPATCH, Scope.FIELD))
ROUTES: Final[tuple[Route, ...]] = (
    route("PUT", "/v1/jobs/{id}", put_job, DISPATCH, JobInContextShown, (200, 201)),
    route("GET", "/v1/jobs/{id}", get_job, READ, JobInContextShown),
    route("GET", "/v1/jobs", list_jobs, READ, PageOf[JobShown]),
    route("GET", "/v1/jobs/{id}/trace", get_trace, READ, TraceShown),
    route("GET", "/v1/jobs/{id}/evidence", get_evidence, READ, EvidenceListShown),
    route("POST", "/v1/jobs/{id}/completion", complete_job, FIELD, JobInContextShown),
    route("PUT", "/v1/jobs/{id}/visits/{number}", put_visit, DISPATCH, JobInContextShown, (200, 201)),
    route("POST", "/v1/jobs/{id}/vouch", vouch_for_job, DISPATCH, JobInContextShown),
    route("POST", "/v1/jobs/{id}/cancel", cancel, DISPATCH, JobInContextShown),
    route("POST", "/v1/jobs/{id}/retry", retry_job, DISPATCH, JobInContextShown),
)
