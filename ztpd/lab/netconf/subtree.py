"""Subtree filtering (RFC 6241 §6): which part of a tree a filter selects."""

from collections import defaultdict
from collections.abc import Iterable
from copy import deepcopy

from lxml import etree

from ztpd.lab.netconf.schema import canonical_value, empty_like, identity_of, key_tag

Element = etree._Element


def select(tops: Iterable[Element], subtree: Element) -> list[Element]:
    """What the filter's children select of top-level elements, as copies; an empty filter selects nothing.

    Selections by several children of the filter are joined. Keys of selected list entries always come along
    (RFC 7950 §7.8.5).
    """
    return _chosen_of(tops, list(subtree))


class _Criteria:
    """The criteria for one level, found by tag and, where they name an entry by its key, by that key."""

    def __init__(self, criteria: Iterable[Element]) -> None:
        self._keyed: dict[tuple[str, str], list[Element]] = defaultdict(list)
        self._by_tag: dict[str, list[Element]] = defaultdict(list)
        for criterion in criteria:
            parent = criterion.getparent()
            key = key_tag(None if parent is None else parent.tag, criterion.tag)
            wanted = None if key is None else criterion.find(key)
            if wanted is not None and _is_content_match(wanted):
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


def _selection(node: Element, criteria: Iterable[Element]) -> Element | None:
    """The node with what the criteria select of its children, or None when that is nothing."""
    kept = _chosen_of(node, criteria)
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


def _chosen_of(nodes: Iterable[Element], criteria: Iterable[Element]) -> list[Element]:
    wanted = _Criteria(criteria)
    kept: list[Element] = []
    for node in nodes:
        matching = wanted.matching(node)
        chosen = _chosen(node, matching) if matching else None
        if chosen is not None:
            kept.append(chosen)
    return kept


def _chosen(child: Element, criteria: list[Element]) -> Element | None:
    """What the criteria for this one child select of it, joined."""
    inner: list[Element] = []
    for criterion in criteria:
        parts = list(criterion)
        if not parts:
            if _is_content_match(criterion):
                continue
            return deepcopy(child)
        content = [part for part in parts if _is_content_match(part)]
        if not all(_holds(child, part) for part in content):
            continue
        others = [part for part in parts if not _is_content_match(part)]
        if not others:
            return deepcopy(child)
        inner.extend(others)
        inner.extend(_as_selection(part) for part in content)
    return _selection(child, inner) if inner else None


def _as_selection(content_match: Element) -> Element:
    """A content match node is itself selected, along with what else is asked for (RFC 6241 §6.2.5)."""
    return etree.Element(content_match.tag)


def _is_content_match(criterion: Element) -> bool:
    return len(criterion) == 0 and bool((criterion.text or "").strip())


def _holds(node: Element, content: Element) -> bool:
    wanted = canonical_value(content)
    return any(_same_tag(child, content) and canonical_value(child) == wanted for child in node)


def _same_tag(node: Element, criterion: Element) -> bool:
    """Whether the names agree; a filter without namespace selects in any (RFC 6241 §6.2.1)."""
    wanted = etree.QName(criterion.tag)
    found = etree.QName(node.tag)
    return wanted.localname == found.localname and wanted.namespace in (None, "", found.namespace)
