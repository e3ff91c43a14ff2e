"""The shape of answers about events and their deliveries."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from ztpd.api.answers import Shown


class EventShown(BaseModel):
    """A CloudEvent (1.0.2, JSON event format) exactly as it is delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: str
    id: str
    type: str
    source: str
    subject: str
    service: str | None = None
    correlationid: str | None = None
    time: str
    sequence: str
    datacontenttype: str
    data: dict[str, Any]


class EventsShown(Shown):
    """Events in the order of their commit; ``next`` is the cursor behind the last one and never null."""

    items: list[EventShown]
    next: str


class TryShown(Shown):
    """One POST of a delivery."""

    number: int
    at: str
    status: int | None
    latency_ms: float
    error: str | None
    answer: str
    verdict: str


class DeliveryShown(Shown):
    """One event on its way to one endpoint."""

    id: int
    event_id: str
    type: str
    endpoint: str
    service: str
    state: str
    attempts: int
    due_at: str | None
    created_at: str
    done_at: str | None
    tries: list[TryShown]


class EndpointShown(Shown):
    """A receiver of events."""

    name: str
    enabled: bool
