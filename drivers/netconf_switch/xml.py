"""Namespaces of the modules, and building edits in them."""

from collections.abc import Sequence

from lxml import etree

from drivers.netconf.xml import (
    NETCONF,
    Element,
    default_namespace,
    element,
    integer_at,
    local_name,
    q,
    text_at,
)

__all__ = [
    "NETCONF",
    "Element",
    "config",
    "element",
    "identity",
    "integer_at",
    "keyed",
    "local_name",
    "marked",
    "q",
    "removed",
    "text_at",
]

OC_INTERFACES = "http://openconfig.net/yang/interfaces"
OC_ETHERNET = "http://openconfig.net/yang/interfaces/ethernet"
OC_VLAN = "http://openconfig.net/yang/vlan"
OC_QOS = "http://openconfig.net/yang/qos"
OC_QOS_TYPES = "http://openconfig.net/yang/qos-types"
IF_TYPES = "urn:ietf:params:xml:ns:yang:iana-if-type"
INTERFACES = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
BRIDGE = "urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge"
PROVIDER_BRIDGE = "urn:ieee:std:802.1Q:yang:ieee802-dot1q-pb"
IEEE_LLDP = "urn:ieee:std:802.1AB:yang:ieee802-dot1ab-lldp"

_OPERATION = q(NETCONF, "operation")


def config(tops: Sequence[Element]) -> Element:
    """The ``<config>`` of an edit-config with its top-level elements."""
    return element(NETCONF, "config", *tops)


def marked(node: Element, operation: str) -> Element:
    """The element, with what is to be done to it (RFC 6241 §7.2)."""
    node.set(_OPERATION, operation)
    return node


def removed(namespace: str, tag: str, *keys: Element) -> Element:
    """An element that shall be gone; no error when it is already (``remove``)."""
    return marked(element(namespace, tag, *keys), "remove")


def identity(namespace: str, tag: str, prefix: str, module_namespace: str, name: str) -> Element:
    """A leaf whose value is an identity, its prefix declared (RFC 7950 §9.10.3)."""
    made = etree.Element(q(namespace, tag), nsmap=default_namespace(namespace) | {prefix: module_namespace})
    made.text = f"{prefix}:{name}"
    return made


def keyed(parent: Element | None, path: str, key: str) -> dict[str, Element]:
    """The entries of a list by the text of their key, both qualified; those without a key are left out."""
    if parent is None:
        return {}
    entries = ((text_at(entry, key), entry) for entry in parent.iterfind(path))
    return {name: entry for name, entry in entries if name is not None}
