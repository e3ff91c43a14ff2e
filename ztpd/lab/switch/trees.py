"""Small things that both families of modules do with trees."""

from collections.abc import Collection, Iterator

from lxml import etree

from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.netconf.schema import path_of

Element = etree._Element

LAST_VLAN = 4094


def node(parent: Element, tag: str, text: str | None = None, namespace: str | None = None) -> Element:
    """A new child, in its parent's namespace unless another is given."""
    made = etree.SubElement(parent, f"{{{namespace or etree.QName(parent.tag).namespace}}}{tag}")
    made.text = text
    return made


def into(parent: Element, tag: str, namespace: str | None = None) -> Element:
    """The child of that tag, made where there is none."""
    qualified = f"{{{namespace or etree.QName(parent.tag).namespace}}}{tag}"
    found = parent.find(qualified)
    return etree.SubElement(parent, qualified) if found is None else found


def prune(tree: Element) -> None:
    """Take out what holds nothing (RFC 7950 §7.5.1: containers without presence)."""
    for child in list(tree):
        prune(child)
        if len(child) == 0 and not (child.text or "").strip():
            tree.remove(child)


def check_known(tree: Element, known: Collection[str]) -> None:
    """Raise ``unknown-element`` for the first node that is in none of the modules."""
    for found in tree.iterdescendants(etree.Element):
        if found.tag not in known:
            name = etree.QName(found.tag)
            info = (("bad-element", name.localname),)
            raise RpcError("unknown-element", f"no {name.localname} here", path=path_of(found), info=info)


def check_number(found: Element, least: int, most: int) -> None:
    """Raise ``invalid-value`` unless the leaf is a number within the bounds."""
    text = (found.text or "").strip()
    if not text.isdigit() or not least <= int(text) <= most:
        raise RpcError("invalid-value", f"{text!r} is not from {least} to {most}", path=path_of(found))


def leaves(tree: Element, namespace: str, tag: str) -> Iterator[Element]:
    """Every element of that tag, wherever it is."""
    return tree.iter(f"{{{namespace}}}{tag}")


def qualified(namespace: str, names: str) -> frozenset[str]:
    """The tags of a module, from their names with blanks between."""
    return frozenset(f"{{{namespace}}}{name}" for name in names.split())
