"""What paths and queries may hold; a name that is not here is refused."""

from typing import Annotated, Final, Literal

from pydantic import Field

from ztpd.domain.comparing import Verdict
from ztpd.domain.imports import Tag
from ztpd.domain.lifecycle import DeviceState, JobState, ServiceState
from ztpd.domain.model import CircuitId, Identifier, Strict

MAX_PAGE: Final = 500

RowId = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""A number that ztpd gave out, and the cursor of lists ordered by it."""


class ById(Strict):
    """The path of a thing that the operator's systems named."""

    id: Identifier


class ByRowId(Strict):
    """The path of a thing that ztpd numbered."""

    id: RowId


class ByTask(Strict):
    """The path of one task of a device."""

    id: RowId
    task: RowId


class ByVisit(Strict):
    """The path of one visit of a job."""

    id: Identifier
    number: Annotated[int, Field(ge=1, le=1000)]


class ByName(Strict):
    """The path of something that the configuration names."""

    name: Identifier


class Page(Strict):
    """How much of a list: at most ``limit`` things."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100


class PageById(Page):
    """The things behind ``after``, the ``next`` of the page before."""

    after: Identifier | Literal[""] = ""


class PageByRowId(Page):
    """The things behind ``after``, the ``next`` of the page before."""

    after: RowId = 0


class LocationsQuery(PageById):
    """Places that relays give one circuit-id (as text or as ``0x`` and hex), or on one element, on one port of it."""

    circuit_id: CircuitId | None = None
    element: Identifier | None = None
    port: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class JobsQuery(PageById):
    """Jobs in one state, or of one service."""

    state: JobState | None = None
    service: Identifier | None = None


class ServicesQuery(PageById):
    """Services in one state."""

    state: ServiceState | None = None


class DevicesQuery(PageByRowId):
    """Devices in one state; ``quarantined`` are those that nothing may be done with. Or those that bear a tag."""

    state: DeviceState | None = None
    tag: Tag | None = None


class SightingsQuery(PageByRowId):
    """Sightings of one device, or only those that belong to no job."""

    device: RowId | None = None
    unmatched: bool = False


class QuarantineQuery(PageByRowId):
    """Quarantined devices; with ``ignored`` also those that somebody silenced."""

    ignored: bool = False


class AuditQuery(PageByRowId):
    """What was done by hand, to one subject (``device/17``) or to all."""

    subject: Annotated[str, Field(max_length=128)] | None = None


class EventsQuery(PageByRowId):
    """Events behind the cursor; with none there yet, wait up to ``wait`` seconds for the first."""

    wait: Annotated[float, Field(ge=0, le=30)] = 0.0


class DeliveriesQuery(PageByRowId):
    """Deliveries to one endpoint, or in one state."""

    endpoint: Identifier | None = None
    state: Literal["pending", "delivered", "dead"] | None = None


class DecisionsQuery(PageByRowId):
    """Decisions that came to one verdict."""

    verdict: Verdict | None = None


class ImportQuery(Strict):
    """With ``dry_run`` the answer says what would be taken in, and nothing is."""

    dry_run: bool = False


class AdoptQuery(Strict):
    """With ``dry_run`` the answer says what would be done, and nothing is."""

    dry_run: bool = False
