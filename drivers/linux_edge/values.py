"""What a kernel shows, and what can be changed in it, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

VLAN, IFB = "vlan", "ifb"
"""Kinds of links."""


@dataclass(frozen=True, slots=True)
class Link:
    """One network interface. ``kind`` is netlink's (``vlan``, ``ifb`` …); ``parent`` the index of what it is on.

    ``up`` is how it is set, ``carrier`` whether it works (operational state, RFC 2863).
    """

    index: int
    name: str
    kind: str = ""
    parent: int = 0
    protocol: str = ""
    vlan: int = 0
    alias: str = ""
    group: int = 0
    up: bool = False
    carrier: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """How one link handles what goes through it.

    ``root`` is the handle of the queueing discipline that somebody set, 0 for the kernel's own; ``rate_bps`` the rate
    of our htb class; ``redirect`` the index of the link that ingress is redirected to; ``ingress`` whether anything is
    attached there. ``routes`` are our prefixes through the link, ``addresses`` its IPv4 addresses.
    """

    root: int = 0
    rate_bps: int | None = None
    ingress: bool = False
    redirect: int | None = None
    routes: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Firewall:
    """Our nftables table: who is suspended, and the digest of the rules that are in force."""

    suspended: frozenset[str]
    rules: str


@dataclass(frozen=True)
class Snapshot:
    """The kernel at one moment: links by name, the traffic of some of them by name, and the table if there is one."""

    links: Mapping[str, Link]
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    firewall: Firewall | None = None

    def by_index(self, index: int) -> Link | None:
        """The link that has an index."""
        return self._indices.get(index)

    def vlans_on(self, link: Link) -> Sequence[Link]:
        """The VLAN links on a link."""
        return self._vlans.get(link.index, ())

    def traffic_of(self, name: str) -> Traffic:
        """How a link handles traffic, as it comes when it was not asked."""
        return self.traffic.get(name, Traffic())

    @cached_property
    def _indices(self) -> Mapping[int, Link]:
        return {link.index: link for link in self.links.values()}

    @cached_property
    def _vlans(self) -> Mapping[int, Sequence[Link]]:
        found: dict[int, list[Link]] = {}
        for link in self.links.values():
            if link.kind == VLAN:
                found.setdefault(link.parent, []).append(link)
        return found

    @property
    def suspended(self) -> frozenset[str]:
        """The links that reach only the garden."""
        return frozenset() if self.firewall is None else self.firewall.suspended


@dataclass(frozen=True, slots=True)
class AddVlan:
    """Make a VLAN link, down, in our group."""

    link: str
    parent: str
    protocol: str
    vlan: int


@dataclass(frozen=True, slots=True)
class AddIfb:
    """Make an intermediate functional block, down, in our group."""

    link: str


@dataclass(frozen=True, slots=True)
class SetAlias:
    """Mark a link; an empty alias takes the mark away."""

    link: str
    alias: str


@dataclass(frozen=True, slots=True)
class SetUp:
    """Set a link up or down."""

    link: str
    up: bool


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """Take a link away, and with it what is on it."""

    link: str


@dataclass(frozen=True, slots=True)
class SetQueue:
    """Put our htb at the root of a link, in place of what is there."""

    link: str


@dataclass(frozen=True, slots=True)
class SetRate:
    """Set the rate of our class under the root of a link."""

    link: str
    bps: int


@dataclass(frozen=True, slots=True)
class Redirect:
    """Have everything that comes in on a link pass another link's egress first."""

    link: str
    to: str


@dataclass(frozen=True, slots=True)
class ClearTraffic:
    """Take root and ingress queueing away from a link that stays."""

    link: str


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Route a prefix through a link."""

    link: str
    prefix: str


@dataclass(frozen=True, slots=True)
class DeleteRoute:
    """Take one of our routes away."""

    link: str
    prefix: str


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give a link an IPv4 address of its own, without a prefix."""

    link: str
    address: str


@dataclass(frozen=True, slots=True)
class DeleteAddress:
    """Take such an address away."""

    link: str
    address: str


@dataclass(frozen=True, slots=True)
class SetFirewall:
    """One nftables transaction, in JSON (libnftables-json(5))."""

    ruleset: str


Change = (
    AddVlan
    | AddIfb
    | SetAlias
    | SetUp
    | DeleteLink
    | SetQueue
    | SetRate
    | Redirect
    | ClearTraffic
    | AddRoute
    | DeleteRoute
    | AddAddress
    | DeleteAddress
    | SetFirewall
)
