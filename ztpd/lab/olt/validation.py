"""What a configuration must satisfy before it is committed: references lead somewhere, numbers are not given twice."""

from collections.abc import Iterator, Mapping

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
from ztpd.lab.olt.tree import Entry, Path, Tree, tree_of

Element = etree._Element

_IF = f"{{{INTERFACES}}}"
_GEM = f"{{{GEM_TCONT}}}"
_FWD = f"{{{FORWARDING}}}"
_INTERFACES: Path = (f"{_IF}interfaces",)
_LINKS: Path = (f"{{{LINK_TABLE}}}link-table",)
_PROFILES: Path = (f"{_GEM}xpongemtcont", f"{_GEM}traffic-descriptor-profiles")
_TCONTS: Path = (f"{_GEM}xpongemtcont", f"{_GEM}tconts")
_GEMPORTS: Path = (f"{_GEM}xpongemtcont", f"{_GEM}gemports")
_FORWARDERS: Path = (f"{_FWD}forwarding", f"{_FWD}forwarders")
_DATABASES: Path = (f"{_FWD}forwarding", f"{_FWD}forwarding-databases")
_SHAPERS: Path = (f"{{{TRAFFIC_MANAGEMENT}}}tm-profiles",)

_TARGETS = {
    "interface": (_INTERFACES, f"{_IF}interface"),
    "shaper-profile": (_SHAPERS, f"{{{SHAPING}}}shaper-profile"),
    "traffic-descriptor-profile": (_PROFILES, f"{_GEM}traffic-descriptor-profile"),
    "tcont": (_TCONTS, f"{_GEM}tcont"),
    "forwarding-database": (_DATABASES, f"{_FWD}forwarding-database"),
}
_REFERENCES: dict[Path, tuple[tuple[Path, str], ...]] = {
    _INTERFACES: (
        ((f"{{{XPON}}}channel-partition", f"{{{XPON}}}channel-group-ref"), "interface"),
        ((f"{{{XPON}}}channel-pair", f"{{{XPON}}}channel-group-ref"), "interface"),
        ((f"{{{XPON}}}channel-pair", f"{{{XPON}}}channel-partition-ref"), "interface"),
        ((f"{{{XPON}}}channel-termination", f"{{{XPON}}}channel-pair-ref"), "interface"),
        ((f"{{{V_ANI}}}v-ani", f"{{{V_ANI}}}channel-partition"), "interface"),
        ((f"{{{V_ANI}}}v-ani", f"{{{V_ANI}}}preferred-channel-pair"), "interface"),
        ((f"{{{V_ANI}}}olt-v-enet", f"{{{V_ANI}}}lower-layer-interface"), "interface"),
        ((f"{{{ANI}}}onu-v-enet", f"{{{ANI}}}ani"), "interface"),
        ((f"{{{SUB_INTERFACES}}}subif-lower-layer", f"{{{SUB_INTERFACES}}}interface"), "interface"),
        ((f"{{{TRAFFIC_MANAGEMENT}}}tm-root", f"{{{SHAPING}}}shaper-name"), "shaper-profile"),
    ),
    _LINKS: (
        ((f"{{{LINK_TABLE}}}from-interface",), "interface"),
        ((f"{{{LINK_TABLE}}}to-interface",), "interface"),
    ),
    _TCONTS: (
        ((f"{_GEM}interface-reference",), "interface"),
        ((f"{_GEM}traffic-descriptor-profile-ref",), "traffic-descriptor-profile"),
    ),
    _GEMPORTS: (((f"{_GEM}interface",), "interface"), ((f"{_GEM}tcont-ref",), "tcont")),
    _FORWARDERS: (
        ((f"{_FWD}ports", f"{_FWD}port", f"{_FWD}sub-interface"), "interface"),
        ((f"{_FWD}mac-learning", f"{_FWD}forwarding-database"), "forwarding-database"),
    ),
}
_PARTITION = (f"{{{V_ANI}}}v-ani", f"{{{V_ANI}}}channel-partition")
_PAIR = (f"{{{V_ANI}}}v-ani", f"{{{V_ANI}}}preferred-channel-pair")
_ONU_ID = (f"{{{V_ANI}}}v-ani", f"{{{V_ANI}}}onu-id")
_SERIAL = (f"{{{V_ANI}}}v-ani", f"{{{V_ANI}}}expected-serial-number")
_LOWER = (f"{{{V_ANI}}}olt-v-enet", f"{{{V_ANI}}}lower-layer-interface")


def validate(config: Element) -> None:
    """Raise ``RpcError`` for the first thing that is wrong (RFC 7950 §15 for the tags)."""
    validate_tree(tree_of(config))


def validate_tree(tree: Tree) -> None:
    """The same for a tree of entries."""
    _check_references(tree)
    _check_channel_pairs(tree)
    for entry in tree.entries(_PROFILES).values():
        _check_bandwidths(entry)
    for what, occurrences in _numbers(tree).items():
        _check_unique(what, occurrences)


def _check_references(tree: Tree) -> None:
    for path, references in _REFERENCES.items():
        for entry in tree.entries(path).values():
            for leaf_path, target in references:
                for name in entry.values(leaf_path):
                    container, tag = _TARGETS[target]
                    if (tag, name) not in tree.entries(container):
                        leaf = next(leaf for leaf in _leaves(entry, leaf_path) if (leaf.text or "").strip() == name)
                        raise RpcError("data-missing", f"there is no {target} {name!r}", path=path_of(leaf))


def _check_channel_pairs(tree: Tree) -> None:
    """The preferred channel pair of a v-ANI belongs to its channel partition (a ``must`` of the v-ANI's module)."""
    interfaces = tree.entries(_INTERFACES)
    partition_ref = (f"{{{XPON}}}channel-pair", f"{{{XPON}}}channel-partition-ref")
    for entry in interfaces.values():
        for pair in entry.values(_PAIR):
            if interfaces[(f"{_IF}interface", pair)].values(partition_ref) != entry.values(_PARTITION):
                message = "Must reference a channel pair which belongs to the same channel partition."
                raise RpcError("operation-failed", message, path=path_of(_leaves(entry, _PAIR)[0]))


def _check_bandwidths(profile: Entry) -> None:
    fixed, assured, maximum = (
        int(next(iter(profile.values((f"{_GEM}{name}-bandwidth",))), "0")) for name in ("fixed", "assured", "maximum")
    )
    if maximum < fixed + assured:
        message = "The maximum bandwidth must be greater than or equal to the sum of the others."
        raise RpcError("operation-failed", message, path=path_of(profile.element))


Occurrence = tuple[str, str, Entry, Path]
"""Where a number must be unique, the number, and the entry and leaf that hold it."""


def _numbers(tree: Tree) -> dict[str, list[Occurrence]]:
    partitions: dict[str, str] = {}
    onu_ids: list[Occurrence] = []
    serials: list[Occurrence] = []
    lower: list[tuple[str, str]] = []
    for (_, name), entry in tree.entries(_INTERFACES).items():
        for partition in entry.values(_PARTITION):
            partitions[name] = partition
            onu_ids.extend((partition, number, entry, _ONU_ID) for number in entry.values(_ONU_ID))
        serials.extend(("", serial.upper(), entry, _SERIAL) for serial in entry.values(_SERIAL))
        lower.extend((name, below) for below in entry.values(_LOWER))
    partitions |= {name: partitions.get(below, "") for name, below in lower}
    return {
        "onu-id": onu_ids,
        "expected-serial-number": serials,
        "alloc-id": list(_on_partitions(tree, _TCONTS, "interface-reference", "alloc-id", partitions)),
        "gemport-id": list(_on_partitions(tree, _GEMPORTS, "interface", "gemport-id", partitions)),
    }


def _on_partitions(
    tree: Tree, path: Path, reference: str, number: str, partitions: Mapping[str, str]
) -> Iterator[Occurrence]:
    leaf = (f"{_GEM}{number}",)
    for entry in tree.entries(path).values():
        for below in entry.values((f"{_GEM}{reference}",)):
            for value in entry.values(leaf):
                yield partitions.get(below, ""), value, entry, leaf


def _check_unique(what: str, occurrences: list[Occurrence]) -> None:
    seen: set[tuple[str, str]] = set()
    for scope, number, entry, leaf in occurrences:
        if (scope, number) in seen:
            where = f" on {scope}" if scope else ""
            raise RpcError(
                "operation-failed", f"{what} {number} is in use{where}", path=path_of(_leaves(entry, leaf)[0])
            )
        seen.add((scope, number))


def _leaves(entry: Entry, path: Path) -> list[Element]:
    return entry.element.findall("/".join(path))
