"""Whose option 82, or DHCPv6 envelope, counts: a client can put one in as well as a relay can."""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_address

from ztpd.discovery.dhcp import Message
from ztpd.discovery.dhcp6_message import Dhcp6Message

Network = IPv4Network | IPv6Network

_NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- an empty field of BOOTP
_REMEMBERED = 4_096  # every frame asks, and relays are few

IsOurs = Callable[[str | bytes], bool]
"""Whether an address, printed or packed, is a relay's of ours."""


def trust(
    interface: str | None, trusted_interfaces: Collection[str], trusted_relays: Collection[Network]
) -> Callable[[Message], bool]:
    """Whether what a message says of its place can only come from a relay of ours: by its interface, else by the relay.

    A DHCPv6 relay wraps whatever a client sends it, an envelope of the client's own making too. Inner envelopes
    count only when the outer relays had them from listed ones, whatever the interface.
    """
    on_trusted_interface = interface is not None and interface in trusted_interfaces
    is_ours = _listed(trusted_relays)

    def trusts(message: Message) -> bool:
        if isinstance(message, Dhcp6Message):
            return all(map(is_ours, message.inner_relays)) and (on_trusted_interface or _from_ours(message, is_ours))
        return on_trusted_interface or _are_ours((message.source_ip, message.giaddr), is_ours)

    return trusts


def relays(trusted_relays: Collection[Network]) -> Callable[[Iterable[str]], bool]:
    """Whether every address given is of a relay of ours, and there is one; empty fields do not count."""
    return partial(_are_ours, is_ours=_listed(trusted_relays))


def _are_ours(addresses: Iterable[str], is_ours: IsOurs) -> bool:
    told = {address for address in addresses if address != _NO_ADDRESS}
    return bool(told) and all(map(is_ours, told))


def _listed(trusted_relays: Collection[Network]) -> IsOurs:
    @lru_cache(maxsize=_REMEMBERED)
    def is_ours(address: str | bytes) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in trusted_relays)

    return is_ours


def _from_ours(message: Dhcp6Message, is_ours: IsOurs) -> bool:
    """Whether a relayed message comes from a relay of ours that knows only links of ours; a relay may have no link."""
    links = {relay.link for relay in message.relays if any(relay.link)}
    return bool(message.relays) and is_ours(message.source) and all(map(is_ours, links))
