"""From what UISP has and what is wanted to the requests between them, in an order that any cut leaves safe.

A subscriber's site is there, shaped and if need be suspended, before his radio is let in to it; when he goes, the
radio goes first. A site that a cut left behind is ours by the mark in its note, so that the next apply finds it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.access import WantedAccess
from drivers.places import Occupied
from drivers.rest.marks import Mark, is_mac
from drivers.uisp import tables
from drivers.uisp.reading import Holdings, Register, port_of
from drivers.uisp.settings import UispSettings
from drivers.uisp.tables import Device, Site

NEW_SITE = "{site}"
"""Stands in a request for the id of the site that the request before it made."""

_MAX_BPS = 100_000_000_000  # SiteTrafficShaping.downloadSpeed, maximum


class NotPossible(ValueError):
    """UISP cannot have this, or the value is not one that is ever written."""


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changes something; ``NEW_SITE`` in path and body is replaced once the id is known."""

    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None)

    def at(self, site: str) -> "Write":
        """The request for a site that was just made."""
        body = self.body
        if body is not None:
            body = {name: site if value == NEW_SITE else value for name, value in body.items()}
        return Write(self.method, self.path.replace(NEW_SITE, site), body)


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be there for one subscriber."""

    device: Device
    parent: str
    name: str
    note: str
    shaping: Mapping[str, Any]
    suspended: bool


def target_for(register: Register, held: Holdings, wanted: WantedAccess, settings: UispSettings) -> Target:
    """What a subscriber needs here; raises ``NotPossible``, ``NotMarkable`` or ``Occupied``."""
    access_point = register.ports.get(wanted.port)
    if access_point is None:
        known = ", ".join(sorted(register.ports)) or "none"
        raise NotPossible(f"no access point {wanted.port!r} of that name alone; there are: {known}")
    _check_values(wanted)
    _check_enforced(register, wanted, settings)
    _check_ours(register, held, wanted)
    if held.device is None:
        raise NotPossible(f"{wanted.device} is not known to UISP yet: it appears once it has reached it")
    if access_point.site is None:
        raise NotPossible(f"access point {wanted.port} is assigned to no site that subscribers could be below")
    return Target(
        device=held.device,
        parent=access_point.site,
        name=wanted.service,
        note=str(Mark(wanted.service, wanted.device, access_point.id)),
        shaping=_shaping(wanted, settings),
        suspended=not wanted.enabled,
    )


def writes_for(held: Holdings, target: Target) -> Iterator[Write]:
    """The requests that make the target true, none where it is."""
    site = held.sites[0] if held.sites else None
    at = NEW_SITE if site is None else site.id
    if site is None:
        made = {"name": target.name, "type": "endpoint", "parentSiteId": target.parent, "note": target.note}
        yield Write("POST", tables.SITES, made)
    elif _is_renamed(site, target):
        yield Write("PUT", f"{tables.SITES}/{site.id}", _updated(site, target))
    if site is None or any(site.shaping.get(name) != value for name, value in target.shaping.items()):
        yield Write("PUT", f"{tables.SITES}/{at}/qos", target.shaping)
    suspended = site is not None and site.suspended
    if target.suspended and not suspended:
        yield Write("POST", f"{tables.SITES}/{at}/suspend")
    if site is None or target.device.site != site.id or not target.device.authorized:
        yield Write("POST", tables.AUTHORIZE, {"siteId": at, "deviceIds": [target.device.id]})
    if suspended and not target.suspended:
        yield Write("POST", f"{tables.SITES}/{at}/unsuspend")
    yield from (Write("DELETE", f"{tables.SITES}/{stale.id}") for stale in held.sites[1:])


def writes_to_remove(held: Holdings) -> Iterator[Write]:
    """The requests that take everything away: the radio first, for a site must be empty to be deleted."""
    sites = {site.id for site in held.sites}
    if held.device is not None and held.device.site in sites:
        yield Write("POST", f"{tables.DEVICES}/{held.device.id}/unassign")
    yield from (Write("DELETE", f"{tables.SITES}/{site.id}") for site in held.sites)


def write_to_admin(held: Holdings, enabled: bool) -> Iterator[Write]:
    """The request that suspends or resumes, none where it is so."""
    for site in held.sites:
        if site.suspended == enabled:
            yield Write("POST", f"{tables.SITES}/{site.id}/{'unsuspend' if enabled else 'suspend'}")


def check_ours(held: Holdings) -> None:
    """Raise ``Occupied`` when the device is another's, or his site's billing sets what it gets."""
    if held.foreign is not None:
        raise Occupied(f"{held.mac} is assigned to {held.foreign}, which ztpd did not make")
    bound = next((site for site in held.sites if site.crm_bound), None)
    if bound is not None:
        raise Occupied(f"site {bound.name!r} is bound to a CRM service, which sets its rates and suspends it")


def check_suspends(register: Register) -> None:
    """Raise ``NotPossible`` when nothing would stop a suspended subscriber."""
    if not any(gateway.suspends for gateway in register.gateways):
        raise NotPossible("no gateway of this UISP has suspension enabled: a suspended site would go on working")


def _check_values(wanted: WantedAccess) -> None:
    if not is_mac(wanted.device):
        raise NotPossible(f"device {wanted.device!r} is no MAC address like aa:bb:cc:dd:ee:ff")
    for name, rate in (("downstream", wanted.downstream_bps), ("upstream", wanted.upstream_bps)):
        if not 0 < rate <= _MAX_BPS:
            raise NotPossible(f"{name} rate {rate} bit/s is not one that UISP can have")


def _check_enforced(register: Register, wanted: WantedAccess, settings: UispSettings) -> None:
    if settings.propagation == "gateway" and not any(gateway.shapes for gateway in register.gateways):
        raise NotPossible("no gateway of this UISP has traffic shaping enabled: the rates would hold nowhere")
    if not wanted.enabled:
        check_suspends(register)


def _check_ours(register: Register, held: Holdings, wanted: WantedAccess) -> None:
    check_ours(held)
    port = port_of(register, held)
    if held.sites and port is not None and port != wanted.port:
        raise Occupied(f"{wanted.device} is configured on {port}, not on {wanted.port}")
    for site in register.sites_of(wanted.service):
        if site.mark is not None and site.mark.device != wanted.device:
            raise Occupied(f"service {wanted.service} is configured for {site.mark.device} as site {site.id}")


def _shaping(wanted: WantedAccess, settings: UispSettings) -> dict[str, Any]:
    return {
        "enabled": True,
        "propagation": settings.propagation,
        "downloadSpeed": wanted.downstream_bps,
        "downloadBurstSize": 0,
        "uploadSpeed": wanted.upstream_bps,
        "uploadBurstSize": 0,
        "aggregation": 1,
    }


def _is_renamed(site: Site, target: Target) -> bool:
    note = "" if site.mark is None else str(site.mark)
    return (site.name, note, site.parent) != (target.name, target.note, target.parent)


def _updated(site: Site, target: Target) -> dict[str, Any]:
    """The whole site as an update takes it, but for its name, note and parent as it was."""
    identification = {**site.raw["identification"], "name": target.name, "parent": {"id": target.parent}}
    description = site.raw.get("description")
    kept = description if isinstance(description, dict) else {}
    return {"id": site.id, "identification": identification, "description": {**kept, "note": target.note}}
