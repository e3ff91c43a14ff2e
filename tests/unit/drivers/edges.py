"""A kernel made of values, for tests of what the edge driver decides: it does every change as the real one would."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from drivers.access import WantedAccess
from drivers.linux_edge import names
from drivers.linux_edge.changes import QUEUE
from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import (
    AddAddress,
    AddIfb,
    AddRoute,
    AddVlan,
    Change,
    ClearTraffic,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
    Firewall,
    Link,
    Redirect,
    SetAlias,
    SetFirewall,
    SetQueue,
    SetRate,
    SetUp,
    Snapshot,
    Traffic,
)

SETTINGS = LinuxEdgeSettings(
    name="edge-1",
    access_interfaces=("eth1", "eth2"),
    state_file=Path("/nowhere"),
    garden=("192.0.2.1", "2001:db8::/64"),
)
WANTED = WantedAccess(
    service="SVC-1",
    port="eth1",
    device="eth1",
    s_vlan=201,
    c_vlan=301,
    downstream_bps=100_000_000,
    upstream_bps=50_000_000,
    address="192.0.2.10",
)


class ValueKernel:
    """Links, traffic and table; ``snapshot`` is what a driver would read."""

    def __init__(self, *interfaces: str) -> None:
        interfaces = interfaces or ("eth1", "eth2", "uplink")
        self.links = {name: Link(n, name, up=True, carrier=True) for n, name in enumerate(interfaces, 2)}
        self.traffic: dict[str, Traffic] = {}
        self.firewall: Firewall | None = None
        self._next = 100

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(dict(self.links), dict(self.traffic), self.firewall)

    def add(self, link: Link) -> None:
        self._next += 1
        self.links[link.name] = replace(link, index=self._next)

    def do(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._do(change)

    def _do(self, change: Change) -> None:
        match change:
            case AddVlan(link, parent, protocol, vlan):
                assert link not in self.links
                on = self.links[parent].index
                self.add(Link(0, link, "vlan", on, protocol, vlan, group=names.GROUP))
            case AddIfb(link):
                assert link not in self.links
                self.add(Link(0, link, "ifb", group=names.GROUP))
            case SetAlias(link, alias):
                self.links[link] = replace(self.links[link], alias=alias)
            case SetUp(link, up):
                self.links[link] = replace(self.links[link], up=up, carrier=up)
            case DeleteLink(link):
                self._delete(link)
            case SetFirewall(ruleset):
                self.firewall = after(self.firewall, ruleset)
            case _:
                self._handle(change)

    def _handle(self, change: Change) -> None:
        match change:
            case SetQueue(link):
                self._set(link, root=QUEUE)
            case SetRate(link, bps):
                assert self.traffic[link].root == QUEUE
                self._set(link, rate_bps=bps)
            case Redirect(link, to):
                self._set(link, ingress=True, redirect=self.links[to].index)
            case ClearTraffic(link):
                self._set(link, root=0, rate_bps=None, ingress=False, redirect=None)
            case AddRoute(link, prefix):
                assert self.links[link].up, "the kernel takes no route through a link that is down"
                self._set(link, routes=self.traffic[link].routes | {prefix})
            case DeleteRoute(link, prefix):
                self._set(link, routes=self.traffic[link].routes - {prefix})
            case AddAddress(link, address):
                self._set(link, addresses=self.traffic[link].addresses | {address})
            case DeleteAddress(link, address):
                self._set(link, addresses=self.traffic[link].addresses - {address})

    def _set(self, link: str, **values: object) -> None:
        assert link in self.links
        self.traffic[link] = replace(self.traffic.get(link, Traffic()), **values)  # type: ignore[arg-type]

    def _delete(self, name: str) -> None:
        gone = self.links.pop(name)
        self.traffic.pop(name, None)
        for child in [link.name for link in self.links.values() if link.kind == "vlan" and link.parent == gone.index]:
            self._delete(child)


def after(current: Firewall | None, ruleset: str) -> Firewall | None:
    """What a transaction makes of our table, by carrying out its commands on sets and chains."""

    suspended = set() if current is None else set(current.suspended)
    rules, there = ("" if current is None else current.rules), current is not None
    for statement in json.loads(ruleset)["nftables"]:
        [(verb, thing)] = statement.items()
        [(kind, body)] = thing.items()
        if kind == "table":
            there = verb == "add"
            suspended, rules = (suspended, rules) if there else (set(), "")
        elif kind == "chain" and body["name"].startswith("rules_"):
            rules = body["name"].removeprefix("rules_")
        elif kind == "element":
            members = set(body["elem"])
            suspended = suspended | members if verb == "add" else suspended - members
    return Firewall(frozenset(suspended), rules) if there else None
