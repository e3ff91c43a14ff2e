"""What must be done in a kernel, in order, so that a service is as it is wanted, or gone.

Whoever stops half way leaves objects that the same plan completes: a link is known as ours from its birth, is marked
next, and comes up last, when its rates hold and it is suspended if it shall be.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from drivers.access import WantedAccess
from drivers.linux_edge import firewall, names, reading
from drivers.linux_edge.names import Attachment
from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import (
    IFB,
    VLAN,
    AddAddress,
    AddIfb,
    AddRoute,
    AddVlan,
    Change,
    ClearTraffic,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
    Link,
    Redirect,
    SetAlias,
    SetFirewall,
    SetQueue,
    SetRate,
    SetUp,
    Snapshot,
)
from drivers.places import Occupied

QUEUE = 0x7A70
"""The handle of every htb made here (``7a70:``); its one class is ``7a70:1``."""

_MAX_BPS = 10**13


def canonical(wanted: WantedAccess) -> WantedAccess:
    """What is wanted as it will be read back; raises ``ValueError`` for a value that cannot be configured."""
    if wanted.device != wanted.port:
        raise ValueError(f"a port is its own device here: {wanted.device} is not {wanted.port}")
    names.alias(wanted.service, wanted.port)
    for direction, bps in (("downstream", wanted.downstream_bps), ("upstream", wanted.upstream_bps)):
        if not 0 < bps <= _MAX_BPS or bps % 8:
            raise ValueError(f"a {direction} rate of {bps} bit/s is not a positive multiple of 8 up to {_MAX_BPS}")
    if wanted.address is None:
        return wanted
    try:
        return replace(wanted, address=reading.address_of(str(IPv4Network(wanted.address))))
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise ValueError(f"address {wanted.address!r} is no IPv4 address or prefix") from error


def changes_for(
    wanted: WantedAccess, snapshot: Snapshot, settings: LinuxEdgeSettings, adopted: Collection[str]
) -> list[Change]:
    """The changes that make a service as it is wanted, none if it is; raises ``Occupied`` or ``ValueError``."""
    wanted = canonical(wanted)
    attachment = names.attachment_of(wanted.port, wanted.s_vlan, wanted.c_vlan, settings.access_interfaces)
    if attachment.interface not in snapshot.links:
        raise ValueError(f"port {wanted.port}: there is no interface {attachment.interface}")
    services = reading.service_links(snapshot, settings)
    _check_service(wanted, services)
    link = reading.link_at(snapshot, attachment, settings)
    _check_mine(wanted, attachment, link, snapshot, adopted)
    former = services.get(wanted.device)
    moving = former if former is not None and (link is None or former.index != link.index) else None
    leftovers = _leftovers(snapshot, _parts(moving), keep=_targets(attachment, link, snapshot, settings))
    _check_one_kind(wanted, attachment, snapshot, {*_parts(moving), *leftovers})
    steps: list[Change] = []
    if moving is not None:
        _check_removable(wanted.device, moving, adopted)
        suspend = () if wanted.enabled else (names.link_name(attachment) if link is None else link.name,)
        steps += _removal(moving, snapshot, settings, suspend)
        walled = firewall.after(snapshot.firewall, suspend, (moving.name,), settings)
        snapshot = replace(snapshot, firewall=walled)
    steps += map(DeleteLink, leftovers)
    if attachment.c_vlan is not None:
        steps += _outer(attachment, snapshot, settings)
    return steps + list(_service(wanted, attachment, link, snapshot, settings))


def changes_to_remove(
    device: str, snapshot: Snapshot, settings: LinuxEdgeSettings, adopted: Collection[str]
) -> list[Change]:
    """The changes that leave nothing of a device, nor of what was begun here for any; raises ``Occupied``."""
    link = reading.service_links(snapshot, settings).get(device)
    if link is None:
        return [*map(DeleteLink, _leftovers(snapshot, ()))]
    _check_removable(device, link, adopted)
    return [*_removal(link, snapshot, settings), *map(DeleteLink, _leftovers(snapshot, _parts(link)))]


def link_to_set_admin(device: str, snapshot: Snapshot, settings: LinuxEdgeSettings, adopted: Collection[str]) -> str:
    """The link to suspend or resume for a device; raises ``Occupied``, and ``KeyError`` if it is not configured."""
    link = reading.service_links(snapshot, settings)[device]
    _check_removable(device, link, adopted)
    return link.name


def changes_to_set_admin(
    links: Collection[str], enabled: bool, snapshot: Snapshot, settings: LinuxEdgeSettings
) -> list[Change]:
    """The one transaction that suspends links or ends that, none if all is so."""
    suspend, resume = ((), links) if enabled else (links, ())
    return _walled(firewall.transaction(snapshot.firewall, suspend, resume, settings))


def _check_service(wanted: WantedAccess, services: dict[str, Link]) -> None:
    for device, link in services.items():
        marked = names.parse_alias(link.alias)
        if marked is not None and marked[0] == wanted.service and device != wanted.device:
            raise Occupied(f"service {wanted.service} is on port {device}")


def _check_mine(
    wanted: WantedAccess, attachment: Attachment, link: Link | None, snapshot: Snapshot, adopted: Collection[str]
) -> None:
    if link is None:
        name = names.link_name(attachment)
        if name in snapshot.links:
            raise Occupied(f"there is an interface {name}, but it is not {attachment}")
        return
    marked = names.parse_alias(link.alias)
    if marked is not None and marked[1] != wanted.device:
        raise Occupied(f"{link.name} is service {marked[0]} on port {marked[1]}")
    if link.alias == names.OUTER_ALIAS:
        raise Occupied(f"{link.name} carries the services of S-VLAN {attachment.s_vlan}")
    if reading.is_ours(link) or {str(attachment), wanted.device} & set(adopted):
        return
    if attachment.s_vlan:
        raise Occupied(f"{link.name} on port {attachment} was not made by ztpd: adopt it, or take it away")
    traffic = snapshot.traffic_of(link.name)
    if link.alias or traffic.root or traffic.ingress:
        raise Occupied(f"{link.name} has an alias or queueing that ztpd did not set: adopt it, or take them away")


def _check_one_kind(wanted: WantedAccess, attachment: Attachment, snapshot: Snapshot, going: Collection[str]) -> None:
    """An interface has one untagged service or tagged ones: the first one's rate would hold for all."""
    access = snapshot.links[attachment.interface]
    marked = names.parse_alias(access.alias)
    if attachment.s_vlan and marked is not None and marked[1] != wanted.device:
        raise Occupied(f"port {wanted.port}: {access.name} has an untagged service ({access.alias})")
    if attachment.s_vlan == 0 and any(link.name not in going for link in snapshot.vlans_on(access)):
        raise Occupied(f"port {wanted.port}: {access.name} has VLANs on it")


def _check_removable(device: str, link: Link, adopted: Collection[str]) -> None:
    if not reading.is_ours(link) and device not in adopted:
        raise Occupied(f"{link.name} on port {device} was not made by ztpd")


def _outer(attachment: Attachment, snapshot: Snapshot, settings: LinuxEdgeSettings) -> Iterator[Change]:
    link = reading.outer_at(snapshot, attachment, settings)
    name = names.outer_name(attachment.interface, attachment.s_vlan) if link is None else link.name
    if link is None:
        if name in snapshot.links:
            raise Occupied(f"there is an interface {name}, but it is not S-VLAN {attachment.s_vlan}")
        yield AddVlan(name, attachment.interface, settings.s_vlan_protocol, attachment.s_vlan)
    elif names.parse_alias(link.alias) is not None:
        raise Occupied(f"S-VLAN {attachment.s_vlan} is one service's: {link.alias}")
    elif not reading.is_ours(link):
        return
    if link is None or link.alias != names.OUTER_ALIAS:
        yield SetAlias(name, names.OUTER_ALIAS)
    if link is None or not link.up:
        yield SetUp(name, True)


def _service(
    wanted: WantedAccess, attachment: Attachment, link: Link | None, snapshot: Snapshot, settings: LinuxEdgeSettings
) -> Iterator[Change]:
    name = names.link_name(attachment) if link is None else link.name
    if link is None:
        yield _added(name, attachment, snapshot, settings)
    mark = names.alias(wanted.service, wanted.port)
    if link is None or link.alias != mark:
        yield SetAlias(name, mark)
    yield from _rates(wanted, name, snapshot)
    traffic = snapshot.traffic_of(name)
    if settings.gateway is not None and settings.gateway not in traffic.addresses:
        yield AddAddress(name, settings.gateway)
    yield from changes_to_set_admin([name], wanted.enabled, snapshot, settings)
    if attachment.s_vlan and (link is None or not link.up):
        yield SetUp(name, True)
    routes = set() if wanted.address is None else {str(IPv4Network(wanted.address))}
    yield from (DeleteRoute(name, prefix) for prefix in sorted(traffic.routes - routes))
    yield from (AddRoute(name, prefix) for prefix in sorted(routes - traffic.routes))


def _added(name: str, attachment: Attachment, snapshot: Snapshot, settings: LinuxEdgeSettings) -> AddVlan:
    if attachment.c_vlan is None:
        return AddVlan(name, attachment.interface, "802.1Q", attachment.s_vlan)
    outer = reading.outer_at(snapshot, attachment, settings)
    parent = names.outer_name(attachment.interface, attachment.s_vlan) if outer is None else outer.name
    return AddVlan(name, parent, "802.1Q", attachment.c_vlan)


def _rates(wanted: WantedAccess, name: str, snapshot: Snapshot) -> Iterator[Change]:
    upstream = names.upstream_name(name)
    shaper = snapshot.links.get(upstream)
    if shaper is None:
        yield AddIfb(upstream)
    elif shaper.group != names.GROUP or shaper.kind != IFB:
        raise Occupied(f"there is an interface {upstream} that ztpd did not make")
    yield from _rate(upstream, wanted.upstream_bps, snapshot)
    if shaper is None or not shaper.up:
        yield SetUp(upstream, True)
    yield from _rate(name, wanted.downstream_bps, snapshot)
    if shaper is None or snapshot.traffic_of(name).redirect != shaper.index:
        yield Redirect(name, upstream)


def _rate(name: str, bps: int, snapshot: Snapshot) -> Iterator[Change]:
    traffic = snapshot.traffic_of(name)
    if traffic.root != QUEUE:
        yield SetQueue(name)
    if traffic.rate_bps != bps:
        yield SetRate(name, bps)


def _walled(ruleset: str | None) -> list[Change]:
    return [] if ruleset is None else [SetFirewall(ruleset)]


def _removal(
    link: Link, snapshot: Snapshot, settings: LinuxEdgeSettings, suspend: Collection[str] = ()
) -> Iterator[Change]:
    """Take a service away; the mark goes last, so that whoever is stopped half way finds it again.

    ``suspend`` are links that are walled in by the same transaction.
    """
    made = link.kind == VLAN and link.name not in settings.access_interfaces
    traffic, upstream = snapshot.traffic_of(link.name), names.upstream_name(link.name)
    if made and link.up:
        yield SetUp(link.name, False)
    if not made and (traffic.root == QUEUE or traffic.ingress):
        yield ClearTraffic(link.name)
    if upstream in snapshot.links:
        yield DeleteLink(upstream)
    yield from _walled(firewall.transaction(snapshot.firewall, suspend, (link.name,), settings))
    if made:
        yield DeleteLink(link.name)
        return
    yield from (DeleteRoute(link.name, prefix) for prefix in sorted(traffic.routes))
    if settings.gateway is not None and settings.gateway in traffic.addresses:
        yield DeleteAddress(link.name, settings.gateway)
    yield SetAlias(link.name, "")


def _parts(link: Link | None) -> tuple[str, ...]:
    """The links that a service consists of and shares with none."""
    return () if link is None else (link.name, names.upstream_name(link.name))


def _targets(
    attachment: Attachment, link: Link | None, snapshot: Snapshot, settings: LinuxEdgeSettings
) -> frozenset[str]:
    """The links that a service will consist of, which may have been begun already."""
    name = names.link_name(attachment) if link is None else link.name
    outer = None if attachment.c_vlan is None else reading.outer_at(snapshot, attachment, settings)
    return frozenset({name, names.upstream_name(name), "" if outer is None else outer.name})


def _leftovers(snapshot: Snapshot, going: Collection[str], keep: Collection[str] = ()) -> list[str]:
    """What was begun or half removed here: links without a mark, ifbs without a link, S-VLANs without services."""
    there = [link for link in snapshot.links.values() if link.name not in going]
    ours = [link for link in there if link.group == names.GROUP and link.name not in keep]
    begun = [link.name for link in ours if link.kind == VLAN and not link.alias]
    shapers = {names.upstream_name(link.name) for link in there if link.name not in begun}
    alone = [link.name for link in ours if link.kind == IFB and link.name not in shapers]
    gone, outer = {*begun, *going}, [link for link in ours if link.alias == names.OUTER_ALIAS]
    empty = [link.name for link in outer if all(each.name in gone for each in snapshot.vlans_on(link))]
    # A begun link goes before what it is on: the kernel would take it along.
    return [*sorted(begun, key=lambda name: -snapshot.links[name].index), *alone, *empty]
