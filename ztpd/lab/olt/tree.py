"""A configuration or state as its list entries, each a small tree of its own that is never changed.

A new tree shares with the old one every entry that is the same: keeping an old one costs nothing, changing one costs
what is changed, and what was worked out of an entry once need not be worked out again.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from lxml import etree

from ztpd.lab.netconf.rpc_error import NETCONF
from ztpd.lab.netconf.schema import canonical_value, empty_like, identity_of, key_tag

Element = etree._Element
Path = tuple[str, ...]
"""The qualified tags of the containers around an entry, outermost first."""
Identity = tuple[str, str]
"""An entry's qualified tag and key."""

_CONTAINERS_OF_LISTS = frozenset(
    {"traffic-descriptor-profiles", "tconts", "gemports", "forwarders", "forwarding-databases"}
)


class Entry:
    """One list entry (or whatever else is in a container), with its containers around it."""

    __slots__ = ("_facts", "_tags", "_values", "element", "root")

    def __init__(self, root: Element, element: Element) -> None:
        self.root = root
        self.element = element
        self._facts: Any = None
        self._tags: frozenset[str] | None = None
        self._values: dict[Path, tuple[str, ...]] | None = None

    @property
    def tags(self) -> frozenset[str]:
        """The tags of its children."""
        if self._tags is None:
            self._tags = frozenset(child.tag for child in self.element)
        return self._tags

    def values(self, path: Path) -> tuple[str, ...]:
        """The values of the leaves at a path below it."""
        if path[0] not in self.tags:
            return ()
        if self._values is None:
            self._values = {}
        found = self._values.get(path)
        if found is None:
            found = self._values[path] = tuple(map(canonical_value, self.element.iterfind("/".join(path))))
        return found

    def facts(self, work_out: Any) -> Any:
        """What ``work_out`` makes of it, worked out once: there is one way to work it out."""
        if self._facts is None:
            self._facts = work_out(self)
        return self._facts


Units = Mapping[Path, Mapping[Identity, Entry]]


class Tree:
    """Entries by container and identity, in order; made anew by ``changed``, never changed."""

    __slots__ = ("units",)

    def __init__(self, units: Units) -> None:
        self.units = units

    def entries(self, path: Path) -> Mapping[Identity, Entry]:
        """The entries in a container."""
        return self.units.get(path, {})

    def changed(self, changes: Mapping[tuple[Path, Identity], Entry | None]) -> "Tree":
        """A new tree with some entries put in the place of others, added, or (None) left out."""
        fresh: dict[Path, dict[Identity, Entry]] = {}
        for (path, identity), entry in changes.items():
            if path not in fresh:
                fresh[path] = dict(self.entries(path))
            if entry is None:
                fresh[path].pop(identity, None)
            else:
                fresh[path][identity] = entry
        return Tree({**self.units, **fresh})

    def element(self) -> Element:
        """The whole as one ``<config>``, a copy; containers of nothing are not there (RFC 7950 §7.5.1)."""
        config = etree.Element(f"{{{NETCONF}}}config")
        containers: dict[Path, Element] = {(): config}
        for path, entries in self.units.items():
            for entry in entries.values():
                container_in(containers, path, entry).append(deepcopy(entry.element))
        return config


def container_in(containers: dict[Path, Element], path: Path, like: Entry) -> Element:
    """The container at a path of a tree that is being made, made when there is none yet."""
    found = containers.get(path)
    if found is None:
        around = like.element.getparent()
        chain: list[Element] = []
        while around is not None and around.getparent() is not None:
            chain.append(around)
            around = around.getparent()
        for depth, original in enumerate(reversed(chain), start=1):
            if path[:depth] not in containers:
                made = empty_like(original)
                containers[path[: depth - 1]].append(made)
                containers[path[:depth]] = made
        found = containers[path]
    return found


def tree_of(config: Element) -> Tree:
    """A ``<config>`` taken apart; its parts are copied."""
    units: dict[Path, dict[Identity, Entry]] = {}
    for top in config.iterchildren(etree.Element):
        for path, node in _apart((top.tag,), top):
            units.setdefault(path, {})[identity_of(node)] = entry_of(path, node)
    return Tree(units)


def entry_of(path: Path, node: Element) -> Entry:
    """An entry of a larger tree on its own, with empty copies of the containers that it is in."""
    return entry_around(path, deepcopy(node), node)


def entry_around(path: Path, fresh: Element, like: Element) -> Entry:
    """``fresh`` as an entry in the place of ``like``, which is in the containers of ``path``."""
    fresh.tail = None
    inner, around = fresh, like.getparent()
    for _ in path:
        if around is None:
            raise AssertionError("an entry is in its containers")
        made = empty_like(around)
        made.append(inner)
        inner, around = made, around.getparent()
    root = etree.Element(f"{{{NETCONF}}}config")
    root.append(inner)
    return Entry(root, fresh)


def is_container_of_lists(parent: Element, node: Element) -> bool:
    """Whether what is in a container are not its own entries but containers of entries."""
    return key_tag(parent.tag, node.tag) is None and etree.QName(node.tag).localname in _CONTAINERS_OF_LISTS


def _apart(path: Path, container: Element) -> Iterator[tuple[Path, Element]]:
    for node in container.iterchildren(etree.Element):
        if is_container_of_lists(container, node):
            yield from _apart((*path, node.tag), node)
        else:
            yield path, node
