"""What the tables of the configuration file are made of."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, IPvAnyNetwork

if TYPE_CHECKING:
    Network = IPv4Network | IPv6Network
    Address = IPv4Address | IPv6Address
else:
    Address = IPvAnyAddress
    Network = IPvAnyNetwork

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
