"""Subtree filtering (RFC 6241 §6) over entries, found by key or by a value they must have instead of one by one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from lxml import etree

from ztpd.lab.netconf.schema import canonical_value, key_tag
from ztpd.lab.netconf.subtree import Chooser, is_content_match, select
from ztpd.lab.olt.tree import Entry, Identity, Path, Tree, container_in

Element = etree._Element


def selected(trees: Sequence[Tree], subtree: Element) -> list[Element]:
    """What the filter's children select of several trees, as copies; an empty filter selects nothing."""
    criteria = list(subtree.iterchildren(etree.Element))
    if any(etree.QName(node.tag).namespace is None for node in subtree.iterdescendants(etree.Element)):
        # A filter without namespaces selects in any (RFC 6241 §6.2.1): seldom, so it may take its time.
        return select((top for tree in trees for top in tree.element()), subtree)
    return [top for tree in trees for top in _selected_of(tree, criteria)]


def _selected_of(tree: Tree, criteria: Sequence[Element]) -> list[Element]:
    root = etree.Element("selected")
    containers: dict[Path, Element] = {(): root}
    wanted = _by_tag(criteria)
    for path, entries in tree.units.items():
        inside = _inside(wanted, path)
        if inside is None:
            found: Iterable[tuple[Entry, Element | None]] = ((entry, None) for entry in entries.values())
        else:
            found = _matching(entries, inside)
        for entry, part in found:
            container_in(containers, path, entry).append(deepcopy(entry.element) if part is None else part)
    return list(root)


def _inside(wanted: Mapping[str, list[Element]], path: Path) -> list[Element] | None:
    """The criteria for the entries of a container; None when it is wanted whole."""
    for depth, tag in enumerate(path):
        here = wanted.get(tag, [])
        if any(len(criterion) == 0 for criterion in here):
            return None
        inner = [child for criterion in here for child in criterion.iterchildren(etree.Element)]
        if depth == len(path) - 1:
            return inner
        wanted = _by_tag(inner)
    return []


def _matching(entries: Mapping[Identity, Entry], criteria: Sequence[Element]) -> list[tuple[Entry, Element]]:
    asked = _Asked(criteria)
    candidates = asked.named(entries) if asked.is_by_name else asked.all_of(entries)
    chooser = Chooser()
    found = ((entry, chooser.chosen(entry.element, matching)) for entry, matching in candidates if matching)
    return [(entry, part) for entry, part in found if part is not None]


class _Asked:
    """The criteria for the entries of one container, by what an entry must have for each."""

    def __init__(self, criteria: Sequence[Element]) -> None:
        self._keyed: dict[Identity, list[Element]] = defaultdict(list)
        self._valued: dict[Path, dict[str, list[Element]]] = defaultdict(lambda: defaultdict(list))
        self._having: dict[str, list[Element]] = defaultdict(list)
        self._any: list[Element] = []
        for criterion in criteria:
            self._sort_in(criterion)

    @property
    def is_by_name(self) -> bool:
        return not (self._valued or self._having or self._any)

    def named(self, entries: Mapping[Identity, Entry]) -> list[tuple[Entry, list[Element]]]:
        return [(entries[identity], matching) for identity, matching in self._keyed.items() if identity in entries]

    def all_of(self, entries: Mapping[Identity, Entry]) -> list[tuple[Entry, list[Element]]]:
        needed = {path[0] for path in self._valued} | self._having.keys()
        return [
            (entry, self._matching(identity, entry))
            for identity, entry in entries.items()
            if self._any or identity in self._keyed or not needed.isdisjoint(entry.tags)
        ]

    def _matching(self, identity: Identity, entry: Entry) -> list[Element]:
        found = [*self._keyed.get(identity, ()), *self._any]
        for tag in self._having.keys() & entry.tags:
            found += self._having[tag]
        for path, by_value in self._valued.items():
            for value in entry.values(path):
                found += by_value.get(value, ())
        if not found:
            return found
        # One port may be asked for by two values: once is enough.
        return [criterion for criterion in dict.fromkeys(found) if criterion.tag == identity[0]]

    def _sort_in(self, criterion: Element) -> None:
        parent = criterion.getparent()
        key = key_tag(None if parent is None else parent.tag, criterion.tag)
        named = None if key is None else criterion.find(key)
        if named is not None and is_content_match(named):
            self._keyed[(criterion.tag, canonical_value(named))].append(criterion)
            return
        path, value = _needed(criterion)
        if value is not None:
            self._valued[path][value].append(criterion)
        elif path:
            self._having[path[0]].append(criterion)
        else:
            self._any.append(criterion)


def _needed(criterion: Element) -> tuple[Path, str | None]:
    """The path and value of a leaf without which the criterion selects nothing, as far as that can be told."""
    path: list[str] = []
    node = criterion
    while True:
        parts = list(node.iterchildren(etree.Element))
        content = next((part for part in parts if is_content_match(part)), None)
        if content is not None:
            return (*path, content.tag), canonical_value(content)
        if len(parts) != 1:
            return tuple(path), None
        node = parts[0]
        path.append(node.tag)


def _by_tag(criteria: Iterable[Element]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = defaultdict(list)
    for criterion in criteria:
        found[criterion.tag].append(criterion)
    return found
