"""What is needed to reach one RouterOS router, and to configure subscribers on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.rest.settings import RestSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterosSettings(RestSettings):
    """One router; its user needs the policies ``rest-api``, ``read`` and ``write``.

    ``suspended_list`` is the address list that suspended subscribers are put into: what it means to be on it is the
    operator's firewall rule, without which nobody is suspended by it. ``circuit_ids`` names ports behind relays: the
    agent circuit-id of each and the interface at which its DHCP requests arrive. ``ppp_profile`` and ``ppp_service``
    are what new PPP secrets get. A bound lease that was not heard of for ``silent_after_s`` no longer counts as a
    present device; None takes a lease at its word until it expires.
    """

    username: str
    password: str = field(repr=False)
    suspended_list: str = "ztpd-suspended"
    circuit_ids: Mapping[str, str] = field(default_factory=dict)
    ppp_profile: str = "default"
    ppp_service: str = "pppoe"
    silent_after_s: float | None = None
