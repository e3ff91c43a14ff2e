"""What requests must and may hold, by the definitions of the specification; anything else is refused."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CreateSite(Body):
    """Definition ``CreateSite``."""

    name: str
    parentSiteId: str | None = None  # noqa: N815 # the specification's name
    type: Literal["site", "endpoint", "client"] = "site"
    note: str | None = None
    address: str | None = None
    location: dict[str, float] | None = None


class TrafficShaping(Body):
    """Definition ``SiteTrafficShaping``; speeds in bit/s, bursts in bytes."""

    enabled: bool
    propagation: Literal["all", "gateway"] = "gateway"
    downloadSpeed: int | None = Field(ge=0, le=100_000_000_000)  # noqa: N815
    downloadBurstSize: int | None = Field(ge=0, le=102_400_000_000)  # noqa: N815
    uploadSpeed: int | None = Field(ge=0, le=100_000_000_000)  # noqa: N815
    uploadBurstSize: int | None = Field(ge=0, le=102_400_000_000)  # noqa: N815
    aggregation: int = Field(ge=1, le=10_000)


class Authorize(Body):
    """The body of ``POST /devices/authorize``."""

    siteId: str  # noqa: N815
    deviceIds: list[str]  # noqa: N815


class UpdateSite(Body):
    """The body of ``PUT /sites/{id}``, as far as the lab takes it over."""

    id: str | None = None
    identification: dict[str, Any]
    description: dict[str, Any]
