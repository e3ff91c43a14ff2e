"""Whose option 82 counts: a client can put one in as well as a relay can."""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from ztpd.discovery.dhcp_frame import DhcpMessage

Network = IPv4Network | IPv6Network

_NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- an empty field of BOOTP
_REMEMBERED = 1_024  # every frame asks, and relays are few


def trust(
    interface: str | None, trusted_interfaces: Collection[str], trusted_relays: Collection[Network]
) -> Callable[[DhcpMessage], bool]:
    """Whether option 82 of a message can only come from a relay of ours: by its interface, else by the relay."""
    if interface is not None and interface in trusted_interfaces:
        return lambda message: True
    ours = relays(trusted_relays)
    return lambda message: ours((message.source_ip, message.giaddr))


def relays(trusted_relays: Collection[Network]) -> Callable[[Iterable[str]], bool]:
    """Whether every address given is of a relay of ours, and there is one; empty fields do not count."""

    @lru_cache(maxsize=_REMEMBERED)
    def is_ours(address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in trusted_relays)

    def ours(addresses: Iterable[str]) -> bool:
        told = {address for address in addresses if address != _NO_ADDRESS}
        return bool(told) and all(map(is_ours, told))

    return ours
