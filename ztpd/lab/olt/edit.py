"""``<edit-config>`` on an OLT's configuration: what its modules are, and that only what is changed is worked on."""

from collections.abc import Iterator

from lxml import etree

from ztpd.lab.netconf import edit
from ztpd.lab.netconf.edit import OPERATION, check_default, check_key, check_tops, clean
from ztpd.lab.netconf.rpc_error import NETCONF
from ztpd.lab.netconf.schema import TOP_LEVEL, identity_of, self_contained
from ztpd.lab.olt.tree import Entry, Identity, Path, Tree, entry_around, is_container_of_lists, tree_of

Element = etree._Element


def edited(running: Element, config: Element, default_operation: str = "merge") -> Element:
    """A new tree: ``running`` with ``config`` applied; all of it or none. Raises ``RpcError``."""
    result = edit.edited(running, config, default_operation, TOP_LEVEL)
    _prune(result)
    return result


def edited_tree(running: Tree, config: Element, default_operation: str = "merge") -> Tree:
    """The same for a tree of entries, at the cost of what is changed."""
    check_default(default_operation)
    check_tops(config, TOP_LEVEL)
    if _is_about_containers(config):
        return tree_of(edited(running.element(), config, default_operation))
    inherits = _declares_prefixes(config)
    changes: dict[tuple[Path, Identity], Entry | None] = {}
    for path, change, operation in _changes(config, default_operation):
        place = (path, identity_of(change))
        existing = changes[place] if place in changes else running.entries(path).get(place[1])
        changes[place] = _changed(path, existing, change, operation, inherits)
    return running.changed(changes)


def _changed(path: Path, existing: Entry | None, change: Element, inherited: str, inherits: bool) -> Entry | None:
    """What becomes of one entry; what is new and whole is taken as it comes, anything else worked out."""
    check_key(change)
    operation = change.get(OPERATION, inherited)
    if (
        operation == "remove"
        or (operation == "replace" and existing is not None)
        or (operation in ("create", "replace", "merge") and existing is None)
    ):
        if operation == "remove":
            return None
        if not inherits:
            change.attrib.pop(OPERATION, "")
        return entry_around(path, clean(self_contained(change) if inherits else change), change)
    before = etree.Element(f"{{{NETCONF}}}config") if existing is None else existing.root
    single = entry_around(path, self_contained(change), change).root
    after = tree_of(edited(before, single, inherited))
    return next((entry for entries in after.units.values() for entry in entries.values()), None)


def _changes(config: Element, default_operation: str) -> Iterator[tuple[Path, Element, str]]:
    """The entries of an edit, each with the operation that it inherits."""
    for top in config.iterchildren(etree.Element):
        operation = top.get(OPERATION, default_operation)
        for node in top.iterchildren(etree.Element):
            if is_container_of_lists(top, node):
                inner = node.get(OPERATION, operation)
                yield from (((top.tag, node.tag), entry, inner) for entry in node.iterchildren(etree.Element))
            else:
                yield (top.tag,), node, operation


def _is_about_containers(config: Element) -> bool:
    """Whether an operation is on a container, and so on all that is in it, or one is there for its own sake."""
    for top in config.iterchildren(etree.Element):
        inner = [node for node in top.iterchildren(etree.Element) if is_container_of_lists(top, node)]
        if any(OPERATION in node.attrib or len(node) == 0 for node in (top, *inner)):
            return True
    return False


def _declares_prefixes(config: Element) -> bool:
    """Whether a container declares a prefix that values below it may use (RFC 7950 §9.10.3)."""
    above = [config, *(top for top in config.iterchildren(etree.Element))]
    above += [node for top in above[1:] for node in top.iterchildren(etree.Element) if is_container_of_lists(top, node)]
    return any(prefix is not None and uri != NETCONF for node in above for prefix, uri in node.nsmap.items())


def _prune(root: Element) -> None:
    """Containers that hold nothing more are not there (RFC 7950 §7.5.1, non-presence containers)."""
    for top in list(root):
        for inner in list(top):
            if _is_list_container(inner) and len(inner) == 0:
                top.remove(inner)
        if len(top) == 0:
            root.remove(top)


def _is_list_container(node: Element) -> bool:
    return etree.QName(node.tag).localname in {
        "traffic-descriptor-profiles",
        "tconts",
        "gemports",
        "forwarders",
        "forwarding-databases",
    }
