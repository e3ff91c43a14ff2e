"""Subtree filtering (RFC 6241 §6): which part of a tree a filter selects."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from ztpd.lab.netconf.schema import canonical_value, empty_like, identity_of, key_tag

Element = etree._Element


def select(tops: Iterable[Element], subtree: Element) -> list[Element]:
    """What the filter's children select of top-level elements, as copies; an empty filter selects nothing.

    Selections by several children of the filter are joined. Keys of selected list entries always come along
    (RFC 7950 §7.8.5).
    """
    return Chooser().chosen_of(tops, list(subtree.iterchildren(etree.Element)))


class _Criteria:
    """The criteria for one level, found by tag and, where they name an entry by its key, by that key."""

    def __init__(self, criteria: Iterable[Element]) -> None:
        self._keyed: dict[tuple[str, str], list[Element]] = defaultdict(list)
        self._by_tag: dict[str, list[Element]] = defaultdict(list)
        for criterion in criteria:
            parent = criterion.getparent()
            key = key_tag(None if parent is None else parent.tag, criterion.tag)
            wanted = None if key is None else criterion.find(key)
            if wanted is not None and is_content_match(wanted):
                self._keyed[(criterion.tag, canonical_value(wanted))].append(criterion)
            else:
                self._by_tag[criterion.tag].append(criterion)

    def matching(self, node: Element) -> list[Element]:
        """Those that are about this node; one without namespace is about any (RFC 6241 §6.2.1)."""
        found = list(self._by_tag.get(node.tag, ()))
        if self._keyed:
            found += self._keyed.get(identity_of(node), ())
        if self._by_tag:
            found += self._by_tag.get(etree.QName(node.tag).localname, ())
        return found


@dataclass(frozen=True, slots=True)
class _Within:
    """What criteria ask of the one node that they are about: the whole, values that must hold, and what is inside."""

    content: tuple[Element, ...]
    others: tuple[Element, ...]
    selects_all: bool


class Chooser:
    """Chooses parts of many nodes by the same criteria, which are worked out once."""

    def __init__(self) -> None:
        self._within: dict[Element, _Within] = {}
        self._levels: dict[tuple[Element, ...], _Criteria] = {}

    def chosen_of(self, nodes: Iterable[Element], criteria: Sequence[Element]) -> list[Element]:
        """What the criteria choose of several nodes, as copies."""
        level = tuple(criteria)
        wanted = self._levels.get(level)
        if wanted is None:
            wanted = self._levels[level] = _Criteria(level)
        kept: list[Element] = []
        for node in nodes:
            matching = wanted.matching(node)
            part = self.chosen(node, matching) if matching else None
            if part is not None:
                kept.append(part)
        return kept

    def chosen(self, node: Element, criteria: Sequence[Element]) -> Element | None:
        """What the criteria for this one node choose of it, joined, or None when that is nothing."""
        inner: list[Element] = []
        for criterion in criteria:
            within = self._asked_within(criterion)
            if not all(_holds(node, part) for part in within.content):
                continue
            if within.selects_all:
                return deepcopy(node)
            inner.extend(within.others)
        return self._selection(node, inner) if inner else None

    def _asked_within(self, criterion: Element) -> _Within:
        known = self._within.get(criterion)
        if known is None:
            parts = list(criterion.iterchildren(etree.Element))
            content = tuple(part for part in parts if is_content_match(part))
            others = tuple(part for part in parts if not is_content_match(part))
            is_leaf_with_value = not parts and is_content_match(criterion)
            # A content match node is itself selected, along with what else is asked for (RFC 6241 §6.2.5).
            along = tuple(etree.Element(part.tag) for part in content) if others else ()
            known = _Within(content, (*others, *along), selects_all=not others and not is_leaf_with_value)
            self._within[criterion] = known
        return known

    def _selection(self, node: Element, criteria: Sequence[Element]) -> Element | None:
        """The node with what the criteria select of its children, or None when that is nothing."""
        kept = self.chosen_of(node, criteria)
        if not kept:
            return None
        result = empty_like(node)
        present = {child.tag for child in kept}
        parent = node.getparent()
        key = key_tag(None if parent is None else parent.tag, node.tag)
        if key is not None and key not in present:
            result.extend(deepcopy(node.findall(key)))
        result.extend(kept)
        return result


def is_content_match(criterion: Element) -> bool:
    """Whether a criterion is a leaf that must have a value (RFC 6241 §6.2.5)."""
    return len(criterion) == 0 and bool((criterion.text or "").strip())


def _holds(node: Element, content: Element) -> bool:
    wanted = canonical_value(content)
    return any(_same_tag(child, content) and canonical_value(child) == wanted for child in node)


def _same_tag(node: Element, criterion: Element) -> bool:
    """Whether the names agree; a filter without namespace selects in any (RFC 6241 §6.2.1)."""
    wanted = etree.QName(criterion.tag)
    found = etree.QName(node.tag)
    return wanted.localname == found.localname and wanted.namespace in (None, "", found.namespace)
