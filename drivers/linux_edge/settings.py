"""What an operator says of one edge server."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Literal

from drivers.linux_edge.names import is_interface

_NAMESPACE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxEdgeSettings:
    """One element: its interfaces towards subscribers, and what a suspended service may still reach.

    ``state_file`` keeps what is configured over a restart. ``garden`` are addresses and prefixes, ``portal`` the IPv4
    address and port that port 80 of a suspended service leads to, in the garden. ``gateway`` is an IPv4 address that
    every sub-interface has (unnumbered subscribers). ``netns`` names a network namespace (``ip netns``) to work in.
    ``read_only`` keeps what the kernel has lost from being made again.
    """

    name: str
    access_interfaces: tuple[str, ...]
    state_file: Path
    garden: tuple[str, ...] = ()
    portal: tuple[str, int] | None = None
    gateway: str | None = None
    netns: str | None = None
    s_vlan_protocol: Literal["802.1ad", "802.1Q"] = "802.1ad"
    request_timeout_s: float = 30.0
    read_only: bool = False

    def __post_init__(self) -> None:
        if not self.access_interfaces:
            raise ValueError(f"{self.name}: at least one access interface is needed")
        for each in self.access_interfaces:
            if not is_interface(each):
                raise ValueError(f"{self.name}: {each!r} is no name of an interface")
        if self.netns is not None and _NAMESPACE.fullmatch(self.netns) is None:
            raise ValueError(f"{self.name}: {self.netns!r} is no name of a network namespace")
        if self.gateway is not None:
            IPv4Address(self.gateway)
        for prefix in self.garden:
            ip_network(prefix)
        if self.portal is not None:
            _check_portal(self.portal, self.garden)


def _check_portal(portal: tuple[str, int], garden: tuple[str, ...]) -> None:
    address, port = portal
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no TCP port")
    if not any(IPv4Address(address) in ip_network(prefix) for prefix in garden):
        raise ValueError(f"the portal {address} is not in the garden")
