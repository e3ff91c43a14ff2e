"""What an edge server shall be again after a restart, as the text of its state file.

The kernel is right where it has something whole: the file only fills in what the kernel has lost.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

from drivers.access import ObservedAccess, WantedAccess

VERSION = 1
_FIELDS: Mapping[str, tuple[type, ...]] = {
    "service": (str,),
    "port": (str,),
    "s_vlan": (int,),
    "c_vlan": (int, NoneType),
    "downstream_bps": (int,),
    "upstream_bps": (int,),
    "address": (str, NoneType),
    "enabled": (bool,),
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Services by their device, and the suspended links that are none of these (adopted ones, as others made them)."""

    services: Mapping[str, WantedAccess] = field(default_factory=dict)
    suspended: frozenset[str] = frozenset()


def entry_of(observed: ObservedAccess) -> WantedAccess | None:
    """What must be wanted to have a service again as it is; None if it is not whole, or not ours."""
    whole = observed.complete and observed.service is not None and observed.port is not None
    rates = (observed.downstream_bps, observed.upstream_bps)
    if not whole or None in rates:
        return None
    return WantedAccess(**{"device": observed.device, **{name: getattr(observed, name) for name in _FIELDS}})


def has_all(observed: ObservedAccess, kept: WantedAccess) -> bool:
    """Whether nothing of a service that is kept is missing; what is there but differs was changed since, and stays.

    An address comes last when a service is made, so that one that is missing may be what a restart broke off.
    """
    return entry_of(observed) is not None and (kept.address is None or observed.address is not None)


def updated(ledger: Ledger, whole: Iterable[WantedAccess], gone: Iterable[str], suspended: frozenset[str]) -> Ledger:
    """The ledger after some services were made and others removed."""
    services = {**ledger.services, **{each.device: each for each in whole}}
    for device in gone:
        services.pop(device, None)
    return Ledger(services, suspended)


def dump(ledger: Ledger) -> str:
    """The text of a ledger: the same for equal ledgers."""
    services = [{name: getattr(each, name) for name in _FIELDS} for _, each in sorted(ledger.services.items())]
    body = {"version": VERSION, "services": services, "suspended": sorted(ledger.suspended)}
    return json.dumps(body, indent=1) + "\n"


def parse(text: str) -> Ledger:
    """The ledger of a text; raises ``ValueError`` if it is damaged or of another version."""
    try:
        body = json.loads(text)
        if body["version"] != VERSION:
            raise ValueError(f"version {body['version']!r} is not known")
        services, suspended = [_entry(each) for each in body["services"]], body["suspended"]
        if not all(isinstance(link, str) for link in suspended):
            raise ValueError("a suspended link has no name")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a state file: {error!r}") from error
    return Ledger({each.device: each for each in services}, frozenset(suspended))


def _entry(body: Mapping[str, Any]) -> WantedAccess:
    values = {name: body[name] for name in _FIELDS}
    for name, kinds in _FIELDS.items():
        if type(values[name]) not in kinds:
            raise ValueError(f"{name} cannot be {values[name]!r}")
    return WantedAccess(device=values["port"], **values)
