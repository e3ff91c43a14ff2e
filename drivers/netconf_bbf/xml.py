"""Namespaces of the modules, and building and reading XML in them."""

from lxml import etree

from drivers.netconf.xml import (
    NETCONF,
    Element,
    MalformedXml,
    default_namespace,
    element,
    integer_at,
    local_name,
    parse,
    q,
    text_at,
)

__all__ = [
    "NETCONF",
    "Element",
    "MalformedXml",
    "element",
    "identity",
    "integer_at",
    "local_name",
    "parse",
    "q",
    "text_at",
]

INTERFACES = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
HARDWARE = "urn:ietf:params:xml:ns:yang:ietf-hardware"
XPON = "urn:bbf:yang:bbf-xpon"
XPON_IF_TYPE = "urn:bbf:yang:bbf-xpon-if-type"
V_ANI = "urn:bbf:yang:bbf-xponvani"
ANI = "urn:bbf:yang:bbf-xponani"
GEM_TCONT = "urn:bbf:yang:bbf-xpongemtcont"
ONU_STATE = "urn:bbf:yang:bbf-xpon-onu-state"
ONU_STATES = "urn:bbf:yang:bbf-xpon-onu-states"
V_ANI_ONU_STATES = "urn:bbf:yang:bbf-xponvani-onu-states"
ONU_TYPES = "urn:bbf:yang:bbf-xpon-onu-types"
BBF_IF_TYPE = "urn:bbf:yang:bbf-if-type"
SUB_INTERFACES = "urn:bbf:yang:bbf-sub-interfaces"
TAGGING = "urn:bbf:yang:bbf-sub-interface-tagging"
DOT1Q_TYPES = "urn:bbf:yang:bbf-dot1q-types"
USAGE = "urn:bbf:yang:bbf-interface-usage"
LINK_TABLE = "urn:bbf:yang:bbf-link-table"
FORWARDING = "urn:bbf:yang:bbf-l2-forwarding"
TRAFFIC_MANAGEMENT = "urn:bbf:yang:bbf-qos-traffic-mngt"
SHAPING = "urn:bbf:yang:bbf-qos-shaping"
TRANSCEIVERS = "urn:bbf:yang:bbf-hardware-transceivers"
TRANSCEIVERS_XPON = "urn:bbf:yang:bbf-hardware-transceivers-xpon"
REMOTE_HARDWARE = "urn:bbf:yang:bbf-interfaces-remote-hardware-state"

_IDENTITY_PREFIXES = {
    "bbf-xpon-if-type": XPON_IF_TYPE,
    "bbf-if-type": BBF_IF_TYPE,
    "bbf-dot1q-types": DOT1Q_TYPES,
    "bbf-xpon-onu-types": ONU_TYPES,
}


def identity(tag_namespace: str, tag: str, module: str, name: str) -> Element:
    """A leaf whose value is an identity, written ``module:name`` with the prefix declared (RFC 7950 §9.10.3)."""
    made = etree.Element(
        f"{{{tag_namespace}}}{tag}", nsmap=default_namespace(tag_namespace) | {module: _IDENTITY_PREFIXES[module]}
    )
    made.text = f"{module}:{name}"
    return made
