"""Which addresses an endpoint may be sent to: checked on the address itself, after the name was resolved. Pure.

An operator's billing system often sits on private addresses, so those are fine; what no billing system has, and what a
name in somebody else's DNS could be turned to (cloud metadata, this machine's own services), is not. Source of the
ranges: IANA special-purpose address registries (RFC 6890).
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def refusal(address: Address, allow: Sequence[Network], host: str) -> str | None:
    """Why nothing may be sent to the address that ``host`` (of the endpoint's URL) resolved to; None when it may.

    A non-empty ``allow`` alone decides. Without one, loopback is for a host that says so itself.
    """
    actual = _unmapped(address)
    if allow:
        return None if any(actual in network for network in allow) else "it is in no network of 'allow'"
    if actual.is_loopback:
        return None if _names_loopback(host) else "it is this machine's own, and 'allow' does not list it"
    if actual.is_unspecified or actual.is_multicast or actual.is_link_local or actual.is_reserved:
        return "it is unspecified, multicast, link-local or reserved, and 'allow' does not list it"
    return None


def _unmapped(address: Address) -> Address:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _names_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
