"""The daemon's parts as the configuration describes them; what cannot be made is a ``ConfigError`` with its key."""

from collections.abc import Callable
from functools import partial

from ztpd.config import Configuration, all_of
from ztpd.parts.network import (
    ONLY_LISTENED_TO,
    SHADOWED,
    TECHNOLOGIES,
    drivers,
    elements,
    listened_to,
    modes,
    names_listened_to,
    remarks,
    technologies,
)
from ztpd.parts.services import acs, endpoints, engine, lease, pace, profiles, retry_policy, routes, tokens
from ztpd.parts.sources import broker, circuit_ids, hint_senders, placing, syslog_patterns, traps, trust

__all__ = [
    "ONLY_LISTENED_TO",
    "SHADOWED",
    "TECHNOLOGIES",
    "acs",
    "broker",
    "circuit_ids",
    "drivers",
    "elements",
    "endpoints",
    "engine",
    "hint_senders",
    "lease",
    "listened_to",
    "modes",
    "names_listened_to",
    "pace",
    "placing",
    "profiles",
    "remarks",
    "require",
    "retry_policy",
    "routes",
    "syslog_patterns",
    "technologies",
    "tokens",
    "traps",
    "trust",
]


def require(configuration: Configuration) -> None:
    """Make every part that can be wrong, once; raises one ``ConfigError`` with the problems of all of them."""
    makers: tuple[Callable[[Configuration], object], ...] = (
        engine,
        profiles,
        circuit_ids,
        broker,
        tokens,
        acs,
        endpoints,
        elements,
        syslog_patterns,
        traps,
    )
    all_of([partial(make, configuration) for make in makers])
