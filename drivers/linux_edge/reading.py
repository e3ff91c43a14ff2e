"""Services out of what a kernel shows."""

from collections.abc import Collection
from ipaddress import IPv4Network

from drivers.access import ObservedAccess, PresentDevice
from drivers.linux_edge import names
from drivers.linux_edge.names import Attachment
from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import VLAN, Link, Snapshot
from pon.onu import Presence

UNMODELLED = frozenset({"assured_upstream_bps", "fixed_upstream_bps", "priority", "ppp_user"})
"""One service has one class a direction: nothing to assure against others; frames are not marked."""

_INNER = "802.1Q"


def is_ours(link: Link) -> bool:
    """Whether a link was made or marked here."""
    return link.group == names.GROUP or link.alias == names.OUTER_ALIAS or names.parse_alias(link.alias) is not None


def service_links(snapshot: Snapshot, settings: LinuxEdgeSettings) -> dict[str, Link]:
    """The link of each service by its device: the port it is marked with, or what its VLANs spell if another made it.

    Links that carry others (an S-VLAN's) are no service's, nor is what was only begun here.
    """
    found: dict[str, Link] = {}
    for link in snapshot.links.values():
        attachment = attachment_of(snapshot, link, settings)
        if attachment is None:
            continue
        marked = names.parse_alias(link.alias)
        if marked is not None:
            found[marked[1]] = link
        elif attachment.s_vlan and not is_ours(link) and not snapshot.vlans_on(link):
            found.setdefault(str(attachment), link)
    return found


def attachment_of(snapshot: Snapshot, link: Link, settings: LinuxEdgeSettings) -> Attachment | None:
    """Where a link attaches subscribers, by its VLANs; None if it is not behind an access interface."""
    if link.name in settings.access_interfaces:
        return Attachment(link.name, 0)
    parent = snapshot.by_index(link.parent)
    if link.kind != VLAN or link.protocol != _INNER or parent is None:
        return None
    if parent.name in settings.access_interfaces:
        return Attachment(parent.name, link.vlan)
    outermost = snapshot.by_index(parent.parent)
    if parent.kind != VLAN or parent.protocol != settings.s_vlan_protocol or outermost is None:
        return None
    if outermost.name not in settings.access_interfaces:
        return None
    return Attachment(outermost.name, parent.vlan, link.vlan)


def link_at(snapshot: Snapshot, attachment: Attachment, settings: LinuxEdgeSettings) -> Link | None:
    """The link that has an attachment's VLANs, whoever made it."""
    access = snapshot.links.get(attachment.interface)
    if access is None or attachment.s_vlan == 0:
        return access
    if attachment.c_vlan is None:
        return _tagged(snapshot, access, _INNER, attachment.s_vlan)
    outer = _tagged(snapshot, access, settings.s_vlan_protocol, attachment.s_vlan)
    return None if outer is None else _tagged(snapshot, outer, _INNER, attachment.c_vlan)


def outer_at(snapshot: Snapshot, attachment: Attachment, settings: LinuxEdgeSettings) -> Link | None:
    """The link of an attachment's S-VLAN, whoever made it."""
    access = snapshot.links.get(attachment.interface)
    return None if access is None else _tagged(snapshot, access, settings.s_vlan_protocol, attachment.s_vlan)


def asked_for(snapshot: Snapshot, devices: Collection[str] | None, settings: LinuxEdgeSettings) -> list[str]:
    """The links whose traffic must be read to tell the services on some devices, or on all."""
    found = service_links(snapshot, settings)
    links = [link.name for device, link in found.items() if devices is None or device in devices]
    return [name for link in links for name in (link, names.upstream_name(link)) if name in snapshot.links]


def observed(snapshot: Snapshot, device: str, settings: LinuxEdgeSettings) -> ObservedAccess | None:
    """What is configured for a device; None if nothing is. Which service another's link is for cannot be told."""
    link = service_links(snapshot, settings).get(device)
    attachment = None if link is None else attachment_of(snapshot, link, settings)
    if link is None or attachment is None:
        return None
    marked, traffic = names.parse_alias(link.alias), snapshot.traffic_of(link.name)
    routes = sorted(traffic.routes)
    return ObservedAccess(
        device=device,
        port=device,
        service=None if marked is None else marked[0],
        s_vlan=attachment.s_vlan,
        c_vlan=attachment.c_vlan,
        downstream_bps=traffic.rate_bps,
        upstream_bps=_upstream_bps(snapshot, link),
        address=address_of(routes[0]) if routes else None,
        enabled=link.name not in snapshot.suspended,
        presence=Presence.INTENDED if link.carrier else Presence.ABSENT,
        complete=len(routes) < 2 and _is_complete(snapshot, link, attachment, settings),
        unmodelled=UNMODELLED if marked is not None else UNMODELLED | {"service"},
    )


def present(snapshot: Snapshot, settings: LinuxEdgeSettings) -> list[PresentDevice]:
    """The ports that have a carrier: those of services, and access interfaces that no service uses."""
    services = service_links(snapshot, settings)
    used = {(attachment_of(snapshot, link, settings) or Attachment("", 0)).interface for link in services.values()}
    found = [PresentDevice(port, port, Presence.INTENDED, "up") for port, link in services.items() if link.carrier]
    for name in settings.access_interfaces:
        link = snapshot.links.get(name)
        if link is not None and link.carrier and name not in used:
            found.append(PresentDevice(name, name, Presence.UNKNOWN, "up"))
    return sorted(found, key=lambda each: each.port)


def interface_of(port: str, settings: LinuxEdgeSettings) -> str | None:
    """The access interface of a port."""
    found = (each for each in settings.access_interfaces if port == each or port.startswith(f"{each}."))
    return max(found, key=len, default=None)


def address_of(prefix: str) -> str:
    """A prefix as an address where it is one."""
    network = IPv4Network(prefix)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _tagged(snapshot: Snapshot, parent: Link, protocol: str, vlan: int) -> Link | None:
    on_it = (each for each in snapshot.vlans_on(parent) if (each.protocol, each.vlan) == (protocol, vlan))
    return next(on_it, None)


def _upstream_bps(snapshot: Snapshot, link: Link) -> int | None:
    shaper = snapshot.links.get(names.upstream_name(link.name))
    if shaper is None or snapshot.traffic_of(link.name).redirect != shaper.index:
        return None
    return snapshot.traffic_of(shaper.name).rate_bps


def _is_complete(snapshot: Snapshot, link: Link, attachment: Attachment, settings: LinuxEdgeSettings) -> bool:
    """Whether all that makes up a service works, but for what is told as a value."""
    needed = [snapshot.links.get(names.upstream_name(link.name))]
    if attachment.s_vlan:
        needed.append(link)
    if attachment.c_vlan is not None:
        outer = outer_at(snapshot, attachment, settings)
        needed += [outer] if outer is not None and is_ours(outer) else []
    has_gateway = settings.gateway is None or settings.gateway in snapshot.traffic_of(link.name).addresses
    return has_gateway and all(each is not None and each.up for each in needed)
