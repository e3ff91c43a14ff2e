"""What a configuration must satisfy before it is committed: references lead somewhere, numbers are not given twice."""

from collections.abc import Iterator

from lxml import etree

from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.netconf.schema import (
    ANI,
    FORWARDING,
    GEM_TCONT,
    INTERFACES,
    LINK_TABLE,
    SHAPING,
    SUB_INTERFACES,
    TRAFFIC_MANAGEMENT,
    V_ANI,
    XPON,
    path_of,
)

Element = etree._Element

_INTERFACE = f"{{{INTERFACES}}}interfaces/{{{INTERFACES}}}interface"
_TCONT = f"{{{GEM_TCONT}}}xpongemtcont/{{{GEM_TCONT}}}tconts/{{{GEM_TCONT}}}tcont"
_GEMPORT = f"{{{GEM_TCONT}}}xpongemtcont/{{{GEM_TCONT}}}gemports/{{{GEM_TCONT}}}gemport"
_PROFILE = (
    f"{{{GEM_TCONT}}}xpongemtcont/{{{GEM_TCONT}}}traffic-descriptor-profiles/{{{GEM_TCONT}}}traffic-descriptor-profile"
)
_FORWARDER = f"{{{FORWARDING}}}forwarding/{{{FORWARDING}}}forwarders/{{{FORWARDING}}}forwarder"

_REFERENCES = (
    (f"{_INTERFACE}/{{{XPON}}}channel-partition/{{{XPON}}}channel-group-ref", "interface"),
    (f"{_INTERFACE}/{{{XPON}}}channel-pair/{{{XPON}}}channel-group-ref", "interface"),
    (f"{_INTERFACE}/{{{XPON}}}channel-pair/{{{XPON}}}channel-partition-ref", "interface"),
    (f"{_INTERFACE}/{{{XPON}}}channel-termination/{{{XPON}}}channel-pair-ref", "interface"),
    (f"{_INTERFACE}/{{{V_ANI}}}v-ani/{{{V_ANI}}}channel-partition", "interface"),
    (f"{_INTERFACE}/{{{V_ANI}}}v-ani/{{{V_ANI}}}preferred-channel-pair", "interface"),
    (f"{_INTERFACE}/{{{V_ANI}}}olt-v-enet/{{{V_ANI}}}lower-layer-interface", "interface"),
    (f"{_INTERFACE}/{{{ANI}}}onu-v-enet/{{{ANI}}}ani", "interface"),
    (f"{_INTERFACE}/{{{SUB_INTERFACES}}}subif-lower-layer/{{{SUB_INTERFACES}}}interface", "interface"),
    (f"{_INTERFACE}/{{{TRAFFIC_MANAGEMENT}}}tm-root/{{{SHAPING}}}shaper-name", "shaper-profile"),
    (f"{{{LINK_TABLE}}}link-table/{{{LINK_TABLE}}}link-table/{{{LINK_TABLE}}}from-interface", "interface"),
    (f"{{{LINK_TABLE}}}link-table/{{{LINK_TABLE}}}link-table/{{{LINK_TABLE}}}to-interface", "interface"),
    (f"{_TCONT}/{{{GEM_TCONT}}}interface-reference", "interface"),
    (f"{_TCONT}/{{{GEM_TCONT}}}traffic-descriptor-profile-ref", "traffic-descriptor-profile"),
    (f"{_GEMPORT}/{{{GEM_TCONT}}}interface", "interface"),
    (f"{_GEMPORT}/{{{GEM_TCONT}}}tcont-ref", "tcont"),
    (f"{_FORWARDER}/{{{FORWARDING}}}ports/{{{FORWARDING}}}port/{{{FORWARDING}}}sub-interface", "interface"),
    (f"{_FORWARDER}/{{{FORWARDING}}}mac-learning/{{{FORWARDING}}}forwarding-database", "forwarding-database"),
)
_TARGETS = {
    "interface": f"{_INTERFACE}/{{{INTERFACES}}}name",
    "shaper-profile": f"{{{TRAFFIC_MANAGEMENT}}}tm-profiles/{{{SHAPING}}}shaper-profile/{{{SHAPING}}}name",
    "traffic-descriptor-profile": f"{_PROFILE}/{{{GEM_TCONT}}}name",
    "tcont": f"{_TCONT}/{{{GEM_TCONT}}}name",
    "forwarding-database": (
        f"{{{FORWARDING}}}forwarding/{{{FORWARDING}}}forwarding-databases"
        f"/{{{FORWARDING}}}forwarding-database/{{{FORWARDING}}}name"
    ),
}


def validate(config: Element) -> None:
    """Raise ``RpcError`` for the first thing that is wrong (RFC 7950 §15 for the tags)."""
    _check_references(config)
    _check_channel_pairs(config)
    _check_bandwidths(config)
    for what, occurrences in _numbers(config).items():
        _check_unique(what, occurrences)


def _check_references(config: Element) -> None:
    targets = {name: {found.text for found in config.iterfind(path)} for name, path in _TARGETS.items()}
    for path, target in _REFERENCES:
        for leaf in config.iterfind(path):
            if leaf.text not in targets[target]:
                raise RpcError("data-missing", f"there is no {target} {leaf.text!r}", path=path_of(leaf))


def _check_channel_pairs(config: Element) -> None:
    """The preferred channel pair of a v-ANI belongs to its channel partition (a ``must`` of the v-ANI's module)."""
    partition_of_pair = {
        name: pair.findtext(f"{{{XPON}}}channel-partition-ref")
        for name, pair in _parts(config, f"{{{XPON}}}channel-pair")
    }
    for _, v_ani in _parts(config, f"{{{V_ANI}}}v-ani"):
        pair = v_ani.find(f"{{{V_ANI}}}preferred-channel-pair")
        partition = v_ani.findtext(f"{{{V_ANI}}}channel-partition")
        if pair is not None and partition_of_pair.get(pair.text or "") != partition:
            message = "Must reference a channel pair which belongs to the same channel partition."
            raise RpcError("operation-failed", message, path=path_of(pair))


def _check_bandwidths(config: Element) -> None:
    for profile in config.iterfind(_PROFILE):
        fixed, assured, maximum = (
            int(profile.findtext(f"{{{GEM_TCONT}}}{name}-bandwidth") or 0) for name in ("fixed", "assured", "maximum")
        )
        if maximum < fixed + assured:
            message = "The maximum bandwidth must be greater than or equal to the sum of the others."
            raise RpcError("operation-failed", message, path=path_of(profile))


Occurrence = tuple[tuple[str, str], Element]
"""Where a number must be unique and the number, and the leaf that holds it."""


def _numbers(config: Element) -> dict[str, list[Occurrence]]:
    partitions: dict[str, str] = {}
    onu_ids: list[Occurrence] = []
    serials: list[Occurrence] = []
    for name, v_ani in _parts(config, f"{{{V_ANI}}}v-ani"):
        partition = v_ani.findtext(f"{{{V_ANI}}}channel-partition") or ""
        partitions[name] = partition
        onu_ids.extend(_occurrence(partition, v_ani.find(f"{{{V_ANI}}}onu-id")))
        serials.extend(_occurrence("", v_ani.find(f"{{{V_ANI}}}expected-serial-number")))
    for name, v_enet in _parts(config, f"{{{V_ANI}}}olt-v-enet"):
        partitions[name] = partitions.get(v_enet.findtext(f"{{{V_ANI}}}lower-layer-interface") or "", "")
    return {
        "onu-id": onu_ids,
        "expected-serial-number": serials,
        "alloc-id": [
            found
            for tcont in config.iterfind(_TCONT)
            for found in _occurrence(
                partitions.get(tcont.findtext(f"{{{GEM_TCONT}}}interface-reference") or "", ""),
                tcont.find(f"{{{GEM_TCONT}}}alloc-id"),
            )
        ],
        "gemport-id": [
            found
            for gemport in config.iterfind(_GEMPORT)
            for found in _occurrence(
                partitions.get(gemport.findtext(f"{{{GEM_TCONT}}}interface") or "", ""),
                gemport.find(f"{{{GEM_TCONT}}}gemport-id"),
            )
        ],
    }


def _occurrence(scope: str, leaf: Element | None) -> Iterator[Occurrence]:
    if leaf is not None and leaf.text:
        yield (scope, leaf.text.upper()), leaf


def _check_unique(what: str, occurrences: list[Occurrence]) -> None:
    seen: set[tuple[str, str]] = set()
    for (scope, number), leaf in occurrences:
        if (scope, number) in seen:
            where = f" on {scope}" if scope else ""
            raise RpcError("operation-failed", f"{what} {number} is in use{where}", path=path_of(leaf))
        seen.add((scope, number))


def _parts(config: Element, container: str) -> Iterator[tuple[str, Element]]:
    for interface in config.iterfind(_INTERFACE):
        part = interface.find(container)
        if part is not None:
            yield interface.findtext(f"{{{INTERFACES}}}name") or "", part
