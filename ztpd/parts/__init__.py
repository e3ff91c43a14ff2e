"""The daemon's parts as the configuration describes them; what cannot be made is a ``ConfigError`` with its key."""

from collections.abc import Callable
from functools import partial

from ztpd.config import Configuration, all_of
from ztpd.parts.acs import acs, device_secrets
from ztpd.parts.files import files, stocked_profiles
from ztpd.parts.handover import handover
from ztpd.parts.models import intents, models
from ztpd.parts.network import (
    OBSERVED,
    SHADOWED,
    TECHNOLOGIES,
    access_interfaces,
    call_home,
    drivers,
    listing_neighbours,
    modes,
    names_calling_home,
    names_listened_to,
    own_interfaces,
    per_minute,
    remarks,
    technologies,
    vouched,
)
from ztpd.parts.services import endpoints, engine, lease, pace, profiles, retry_policy, routes, tokens
from ztpd.parts.sources import broker, circuit_ids, hint_senders, placing, syslog_patterns, traps, trust
from ztpd.parts.waking import connection_requests, stun

__all__ = [
    "OBSERVED",
    "SHADOWED",
    "TECHNOLOGIES",
    "access_interfaces",
    "acs",
    "broker",
    "call_home",
    "circuit_ids",
    "connection_requests",
    "device_secrets",
    "drivers",
    "endpoints",
    "engine",
    "files",
    "handover",
    "hint_senders",
    "intents",
    "lease",
    "listing_neighbours",
    "models",
    "modes",
    "names_calling_home",
    "names_listened_to",
    "own_interfaces",
    "pace",
    "per_minute",
    "placing",
    "profiles",
    "remarks",
    "require",
    "retry_policy",
    "routes",
    "stocked_profiles",
    "stun",
    "syslog_patterns",
    "technologies",
    "tokens",
    "traps",
    "trust",
    "vouched",
]


def require(configuration: Configuration) -> None:
    """Make every part that can be wrong, once; raises one ``ConfigError`` with the problems of all of them."""
    makers: tuple[Callable[[Configuration], object], ...] = (
        engine,
        stocked_profiles,
        circuit_ids,
        broker,
        tokens,
        acs,
        connection_requests,
        handover,
        endpoints,
        drivers,
        syslog_patterns,
        traps,
    )
    all_of([partial(make, configuration) for make in makers])
