"""``<edit-config>`` on an OLT's tree: what its modules are, and which of its containers go with their last entry."""

from lxml import etree

from ztpd.lab.netconf import edit
from ztpd.lab.netconf.schema import TOP_LEVEL

Element = etree._Element


def edited(running: Element, config: Element, default_operation: str = "merge") -> Element:
    """A new tree: ``running`` with ``config`` applied; all of it or none. Raises ``RpcError``."""
    result = edit.edited(running, config, default_operation, TOP_LEVEL)
    _prune(result)
    return result


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
