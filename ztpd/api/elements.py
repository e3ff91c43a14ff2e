"""Elements: what may be done on each, what was decided where another tool acts, and taking over from that tool."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from ztpd.api.answers import DecisionShown, ElementShown, ElementsShown, PageOf
from ztpd.api.contract import Element
from ztpd.api.inputs import AdoptQuery, ByName, DecisionsQuery
from ztpd.api.lines import MEDIA_TYPE, LinesOf
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, Stream, route
from ztpd.api.tokens import Scope
from ztpd.domain.adoption import Finding, ListedService
from ztpd.store.transaction import Unknown


async def list_elements(call: Call[Nothing, Nothing, Nothing]) -> Answer:
    """Every configured element, and what may be done there."""
    return Answer({"items": [_shown(name, each) for name, each in sorted(call.context.elements.items())]})


async def get_element(call: Call[ByName, Nothing, Nothing]) -> Answer:
    """One configured element."""
    return Answer(_shown(call.path.name, _element(call.context.elements, call.path.name)))


async def list_decisions(call: Call[ByName, DecisionsQuery, Nothing]) -> Answer:
    """What was decided for the jobs of an element in shadow, and what became of it."""
    name, query = call.path.name, call.query
    _element(call.context.elements, name)
    rows = await call.context.store.read(
        lambda reader: reader.decisions(name, query.after, one_more(query.limit), query.verdict)
    )
    return page(rows, query.limit)


async def adopt(call: Call[ByName, AdoptQuery, LinesOf[ListedService]]) -> Stream:
    """Take over listed services as they are provisioned; nothing is written on the element.

    Answered line by line as it is done; the last line is the summary.
    """
    name, listed, dry_run = call.path.name, call.body.items, call.query.dry_run
    findings = await call.context.adopter.adopt(name, listed, call.caller, dry_run=dry_run)
    return Stream(_lines(name, findings, len(listed), dry_run=dry_run))


async def _lines(
    element: str, findings: AsyncIterator[Finding], listed: int, *, dry_run: bool
) -> AsyncIterator[Mapping[str, Any]]:
    counts: Counter[str] = Counter()
    async for finding in findings:
        counts[finding.outcome.value] += 1
        yield finding.describe()
    yield {"summary": {"element": element, "dry_run": dry_run, "listed": listed, "counts": dict(counts)}}


def _element(elements: Mapping[str, Element], name: str) -> Element:
    if name not in elements:
        raise Unknown("element", name)
    return elements[name]


def _shown(name: str, each: Element) -> dict[str, Any]:
    return {
        "name": name,
        "driver": each.driver,
        "up": each.up,
        "mode": each.mode,
        "remark": each.remark,
        "technologies": sorted(each.technologies),
        "ports": None if each.ports is None else sorted(each.ports),
    }


READ, DISPATCH = frozenset({Scope.READ}), frozenset({Scope.DISPATCH})
ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/elements", list_elements, READ, ElementsShown),
    route("GET", "/v1/elements/{name}", get_element, READ, ElementShown),
    route("GET", "/v1/elements/{name}/decisions", list_decisions, READ, PageOf[DecisionShown]),
    route("POST", "/v1/elements/{name}/adopt", adopt, DISPATCH, MEDIA_TYPE),
)
