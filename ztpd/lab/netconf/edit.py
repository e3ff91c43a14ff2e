"""``<edit-config>`` (RFC 6241 §7.2): merge, replace, create, delete, remove and none, on a copy of a tree."""

from collections.abc import Collection
from copy import deepcopy

from lxml import etree

from ztpd.lab.netconf.rpc_error import NETCONF, RpcError
from ztpd.lab.netconf.schema import empty_like, identity_of, key_tag, key_tags, path_of, self_contained

Element = etree._Element
OPERATION = f"{{{NETCONF}}}operation"
"""The attribute that says what is done with a node."""
_OPERATIONS = frozenset({"merge", "replace", "create", "delete", "remove"})
_DEFAULT_OPERATIONS = frozenset({"merge", "replace", "none"})


def edited(running: Element, config: Element, default_operation: str, top_level: Collection[str]) -> Element:
    """A new tree: ``running`` with ``config`` applied; all of it or none. Raises ``RpcError``.

    ``top_level`` are the qualified tags that there are modules for. What holds nothing more is not pruned.
    """
    check_default(default_operation)
    check_tops(config, top_level)
    result = deepcopy(running)
    edit = _Edit()
    for child in self_contained(config).iterchildren(etree.Element):
        edit.apply(result, child, default_operation)
    return result


def check_default(operation: str) -> None:
    """Raise ``RpcError`` for a default operation that there is not."""
    if operation not in _DEFAULT_OPERATIONS:
        raise RpcError("invalid-value", f"no default-operation {operation!r}", error_type="protocol")


def check_tops(config: Element, top_level: Collection[str]) -> None:
    """Raise ``RpcError`` for data that there is no module for."""
    for child in config.iterchildren(etree.Element):
        if child.tag not in top_level:
            raise _unknown(child)


class _Edit:
    """One edit in progress; children are found by key through an index, for lists may be long."""

    def __init__(self) -> None:
        self._children: dict[Element, dict[tuple[str, str], Element]] = {}

    def apply(self, parent: Element, change: Element, inherited: str) -> None:
        operation = change.get(OPERATION, inherited)
        if OPERATION in change.attrib and operation not in _OPERATIONS:
            message = f"no operation {operation!r}"
            raise RpcError("bad-attribute", message, error_type="protocol", path=path_of(change))
        check_key(change)
        existing = self._index(parent).get(identity_of(change))
        match operation:
            case "create" if existing is not None:
                raise RpcError("data-exists", "exists already", path=path_of(existing))
            case "delete" if existing is None:
                raise RpcError("data-missing", "does not exist", path=path_of(change))
            case "delete" | "remove":
                self._remove(parent, existing)
            case "create" | "replace":
                self._put(parent, existing, change)
            case "merge":
                self._merge(parent, existing, change)
            case _:
                self._descend(parent, existing, change)

    def _merge(self, parent: Element, existing: Element | None, change: Element) -> None:
        if _is_leaf(change):
            self._put(parent, existing, change)
            return
        existing = self._or_new(parent, existing, change)
        for child in change.iterchildren(etree.Element):
            self.apply(existing, child, "merge")

    def _descend(self, parent: Element, existing: Element | None, change: Element) -> None:
        """Operation none: the node must exist unless something below it says what to do."""
        if _is_leaf(change):
            return
        if existing is None and not any(OPERATION in node.attrib for node in change.iter(etree.Element)):
            raise RpcError("data-missing", "does not exist", path=path_of(change))
        existing = self._or_new(parent, existing, change)
        for child in change.iterchildren(etree.Element):
            self.apply(existing, child, "none")

    def _or_new(self, parent: Element, existing: Element | None, change: Element) -> Element:
        """What exists, or a new instance that holds no more than its key."""
        if existing is not None:
            return existing
        made = empty_like(change)
        for key in key_tags(parent.tag, change.tag):
            made.extend(clean(found) for found in change.findall(key))
        self._append(parent, made)
        return made

    def _put(self, parent: Element, existing: Element | None, change: Element) -> None:
        fresh = clean(change)
        if existing is None:
            self._append(parent, fresh)
            return
        parent.replace(existing, fresh)
        self._index(parent)[identity_of(fresh)] = fresh

    def _append(self, parent: Element, child: Element) -> None:
        parent.append(child)
        self._index(parent)[identity_of(child)] = child

    def _remove(self, parent: Element, existing: Element | None) -> None:
        if existing is not None:
            del self._index(parent)[identity_of(existing)]
            parent.remove(existing)

    def _index(self, parent: Element) -> dict[tuple[str, str], Element]:
        known = self._children.get(parent)
        if known is None:
            known = {identity_of(child): child for child in parent.iterchildren(etree.Element)}
            self._children[parent] = known
        return known


def clean(change: Element) -> Element:
    """A copy without operation attributes, and without what is marked for removal."""
    fresh = deepcopy(change)
    fresh.tail = None
    for node in list(fresh.iter(etree.Element)):
        operation = node.attrib.pop(OPERATION, "")
        if operation in ("remove", "delete") and node is not fresh:
            _parent(node).remove(node)
    return fresh


def check_key(change: Element) -> None:
    parent = change.getparent()
    key = key_tag(None if parent is None else parent.tag, change.tag)
    if key is not None and not (change.findtext(key) or "").strip():
        missing = etree.QName(key).localname
        raise RpcError(
            "missing-element",
            f"the key {missing} is missing",
            error_type="protocol",
            path=path_of(change),
            info=(("bad-element", missing),),
        )


def _is_leaf(node: Element) -> bool:
    return next(node.iterchildren(etree.Element), None) is None and bool((node.text or "").strip())


def _parent(node: Element) -> Element:
    parent = node.getparent()
    if parent is None:
        raise AssertionError("only the root has no parent")
    return parent


def _unknown(node: Element) -> RpcError:
    name = etree.QName(node.tag)
    return RpcError(
        "unknown-namespace",
        f"no module for {name.localname} in {name.namespace}",
        error_type="protocol",
        path=f"/{name.localname}",
        info=(("bad-element", name.localname), ("bad-namespace", name.namespace or "")),
    )
