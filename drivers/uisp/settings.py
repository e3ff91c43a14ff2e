"""What is needed to reach one UISP instance, and to configure subscribers in it."""

from dataclasses import dataclass, field
from typing import Literal

from drivers.rest.settings import RestSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class UispSettings(RestSettings):
    """One UISP instance, by a token of one of its users that may read and write (Settings, Users, API tokens).

    ``account`` is how errors name that user. ``propagation`` is where UISP shapes: at its gateway alone, or at the
    subscriber's radio too (``SiteTrafficShaping.propagation``).
    """

    token: str = field(repr=False)
    account: str = "ztpd"
    propagation: Literal["all", "gateway"] = "all"
