"""Namespaces of the modules, and building and reading XML in them."""

from typing import cast

from lxml import etree

Element = etree._Element

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"
NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
INTERFACES = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
HARDWARE = "urn:ietf:params:xml:ns:yang:ietf-hardware"
YANG_LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
XPON = "urn:bbf:yang:bbf-xpon"
XPON_TYPES = "urn:bbf:yang:bbf-xpon-types"
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


class MalformedXml(ValueError):
    """An element answered with something that is no XML, or with XML that is refused (a DOCTYPE)."""


def element(namespace: str, tag: str, *content: Element | str) -> Element:
    """A new element with its children, or its text when the content is a string."""
    made = etree.Element(f"{{{namespace}}}{tag}", nsmap=_default_namespace(namespace))
    for part in content:
        if isinstance(part, str):
            made.text = part
        else:
            made.append(part)
    return made


def identity(tag_namespace: str, tag: str, module: str, name: str) -> Element:
    """A leaf whose value is an identity, written ``module:name`` with the prefix declared (RFC 7950 §9.10.3)."""
    made = etree.Element(
        f"{{{tag_namespace}}}{tag}", nsmap=_default_namespace(tag_namespace) | {module: _IDENTITY_PREFIXES[module]}
    )
    made.text = f"{module}:{name}"
    return made


def parse(text: str | bytes) -> Element:
    """The root of a document; entities are not expanded, nothing is fetched. Raises ``MalformedXml``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode() if isinstance(text, str) else text, parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise MalformedXml(str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedXml("a DOCTYPE is refused")
    return root


def text_at(parent: Element | None, *path: str) -> str | None:
    """The stripped text of the element at ``path`` (qualified tags), or None where there is none or it is empty."""
    found = None if parent is None else parent.find("/".join(path))
    if found is None or found.text is None:
        return None
    return found.text.strip() or None


def integer_at(parent: Element | None, *path: str) -> int | None:
    """The number at ``path``, or None where there is none; raises ``ValueError`` when it is no number."""
    text = text_at(parent, *path)
    return None if text is None else int(text)


def local_name(identity_value: str) -> str:
    """The name of an identity without its prefix."""
    return identity_value.rpartition(":")[2]


def q(namespace: str, tag: str) -> str:
    """The qualified tag, as lxml writes it."""
    return f"{{{namespace}}}{tag}"


def _default_namespace(namespace: str) -> dict[str, str]:
    # lxml takes None for the default prefix, which its stubs do not know.
    return cast("dict[str, str]", {None: namespace})
