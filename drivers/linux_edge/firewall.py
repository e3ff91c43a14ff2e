"""The nftables table of suspended links, as libnftables-json(5) has it. Only ``inet ztpd`` is ever named.

A suspended link may send to the garden and receive from it. Of the edge server itself it reaches what the garden holds,
DNS (53), DHCP (67; DHCPv6 547), and ICMP, by which addresses are resolved in IPv6. Other tables judge as well: what
these chains accept may still be dropped there.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import Firewall

TABLE = "ztpd"
_PLACE = {"family": "inet", "table": TABLE}
_SUSPENDED = "suspended"
_RULES = "rules_"  # a chain without rules, whose name tells which rules are in force
_BEFORE_OTHERS = -5  # just ahead of "filter" (0)
_DSTNAT = -100

Statement = Mapping[str, Any]


def transaction(
    current: Firewall | None, suspend: Iterable[str], resume: Iterable[str], settings: LinuxEdgeSettings
) -> str | None:
    """What makes links suspended or not, in one transaction; None when all is so already.

    The table is made whole when it is missing or has other rules, and taken away with its last link.
    """
    ending = after(current, suspend, resume, settings)
    if ending == current:
        return None
    if ending is None:
        return _dumped([{"delete": {"table": {"family": "inet", "name": TABLE}}}])
    if current is None or current.rules != ending.rules:
        return _dumped(_whole(ending.suspended, settings))
    pairs = (("add", ending.suspended - current.suspended), ("delete", current.suspended - ending.suspended))
    return _dumped([{verb: _elements(links)} for verb, links in pairs if links])


def after(
    current: Firewall | None, suspend: Iterable[str], resume: Iterable[str], settings: LinuxEdgeSettings
) -> Firewall | None:
    """The table behind a transaction; a link that would be both is resumed."""
    before = frozenset() if current is None else current.suspended
    suspended = (before | frozenset(suspend)) - frozenset(resume)
    return Firewall(suspended, digest(settings)) if suspended else None


def parse(listing: str) -> Firewall:
    """What ``nft -j list table inet ztpd`` printed; raises ``ValueError`` if that is not understood."""
    try:
        objects = json.loads(listing)["nftables"]
        sets = [each["set"] for each in objects if "set" in each]
        chains = [each["chain"]["name"] for each in objects if "chain" in each]
        suspended = [link for each in sets if each["name"] == _SUSPENDED for link in each.get("elem", [])]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a ruleset: {error!r}") from error
    if not all(isinstance(link, str) for link in (*suspended, *chains)):
        raise ValueError("the suspended set does not hold names of links")
    rules = [name.removeprefix(_RULES) for name in chains if name.startswith(_RULES)]
    return Firewall(frozenset(suspended), rules[0] if rules else "")


def digest(settings: LinuxEdgeSettings) -> str:
    """Which rules the settings ask for."""
    rules = json.dumps([_sets(settings), _chains(settings)], sort_keys=True)
    return hashlib.blake2s(rules.encode(), digest_size=6).hexdigest()


def _whole(suspended: Iterable[str], settings: LinuxEdgeSettings) -> list[Statement]:
    table = {"table": {"family": "inet", "name": TABLE}}
    return [
        {"add": table},
        {"delete": table},
        {"add": table},
        *_sets(settings),
        *_chains(settings),
        {"add": {"chain": {**_PLACE, "name": _RULES + digest(settings)}}},
        {"add": _elements(suspended)},
    ]


def _sets(settings: LinuxEdgeSettings) -> list[Statement]:
    found: list[Statement] = [{"add": {"set": {**_PLACE, "name": _SUSPENDED, "type": "ifname"}}}]
    networks = [ip_network(prefix) for prefix in settings.garden]
    for name, kind, version in (("garden4", "ipv4_addr", 4), ("garden6", "ipv6_addr", 6)):
        members = [_prefix(network) for network in networks if network.version == version]
        interval = {**_PLACE, "name": name, "type": kind, "flags": ["interval"], "auto-merge": True}
        found.append({"add": {"set": {**interval, "elem": members} if members else interval}})
    return found


def _prefix(network: IPv4Network | IPv6Network) -> object:
    return {"prefix": {"addr": str(network.network_address), "len": network.prefixlen}}


def _chains(settings: LinuxEdgeSettings) -> list[Statement]:
    leaving, entering = _match("iifname", f"@{_SUSPENDED}"), _match("oifname", f"@{_SUSPENDED}")
    found = [
        _base("forward", "filter", "forward", _BEFORE_OTHERS),
        _base("input", "filter", "input", _BEFORE_OTHERS),
        *(
            {"add": {"chain": {**_PLACE, "name": name}}}
            for name in ("garden_only_out", "garden_only_in", "edge_services_only")
        ),
        _rule("forward", leaving, {"goto": {"target": "garden_only_out"}}),
        _rule("forward", entering, {"goto": {"target": "garden_only_in"}}),
        _rule("input", leaving, {"goto": {"target": "edge_services_only"}}),
        *_garden("garden_only_out", "daddr"),
        *_garden("garden_only_in", "saddr"),
        *_garden("edge_services_only", "daddr"),
        _rule("edge_services_only", _port("udp", {"set": [53, 67, 547]}), _ACCEPT),
        _rule("edge_services_only", _port("tcp", 53), _ACCEPT),
        _rule("edge_services_only", _equal({"meta": {"key": "l4proto"}}, {"set": ["icmp", "ipv6-icmp"]}), _ACCEPT),
        *(_rule(name, _DROP) for name in ("garden_only_out", "garden_only_in", "edge_services_only")),
    ]
    if settings.portal is not None:
        found += _portal(*settings.portal, leaving)
    return found


def _portal(address: str, port: int, leaving: Statement) -> list[Statement]:
    elsewhere = {"match": {"op": "!=", "left": _field("ip", "daddr"), "right": "@garden4"}}
    to_portal = {"dnat": {"family": "ip", "addr": address, "port": port}}
    return [
        _base("prerouting", "nat", "prerouting", _DSTNAT),
        _rule("prerouting", leaving, elsewhere, _port("tcp", 80), to_portal),
    ]


def _garden(chain: str, side: str) -> list[Statement]:
    pairs = (("ip", "@garden4"), ("ip6", "@garden6"))
    return [_rule(chain, _equal(_field(protocol, side), members), _ACCEPT) for protocol, members in pairs]


_ACCEPT: Statement = {"accept": None}
_DROP: Statement = {"drop": None}


def _base(name: str, kind: str, hook: str, priority: int) -> Statement:
    chain = {**_PLACE, "name": name, "type": kind, "hook": hook, "prio": priority, "policy": "accept"}
    return {"add": {"chain": chain}}


def _rule(chain: str, *expressions: Statement) -> Statement:
    return {"add": {"rule": {**_PLACE, "chain": chain, "expr": list(expressions)}}}


def _match(key: str, value: str) -> Statement:
    return _equal({"meta": {"key": key}}, value)


def _port(protocol: str, value: object) -> Statement:
    return _equal(_field(protocol, "dport"), value)


def _field(protocol: str, name: str) -> Statement:
    return {"payload": {"protocol": protocol, "field": name}}


def _equal(left: Statement, right: object) -> Statement:
    return {"match": {"op": "==", "left": left, "right": right}}


def _elements(links: Iterable[str]) -> Statement:
    return {"element": {**_PLACE, "name": _SUSPENDED, "elem": sorted(links)}}


def _dumped(statements: Sequence[Statement]) -> str:
    return json.dumps({"nftables": statements})
