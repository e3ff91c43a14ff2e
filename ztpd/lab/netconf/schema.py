"""What a server must know of its modules to edit data: which elements are list entries, and by what key."""

from typing import cast

from lxml import etree

Element = etree._Element

INTERFACES = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
XPON = "urn:bbf:yang:bbf-xpon"
V_ANI = "urn:bbf:yang:bbf-xponvani"
ANI = "urn:bbf:yang:bbf-xponani"
GEM_TCONT = "urn:bbf:yang:bbf-xpongemtcont"
ONU_STATE = "urn:bbf:yang:bbf-xpon-onu-state"
ONU_STATES = "urn:bbf:yang:bbf-xpon-onu-states"
V_ANI_ONU_STATES = "urn:bbf:yang:bbf-xponvani-onu-states"
ONU_TYPES = "urn:bbf:yang:bbf-xpon-onu-types"
MORE_TYPES = "urn:bbf:yang:bbf-xpon-more-types"  # of bbf-xpon-onu-types too, in 2019
SUB_INTERFACES = "urn:bbf:yang:bbf-sub-interfaces"
TAGGING = "urn:bbf:yang:bbf-sub-interface-tagging"
LINK_TABLE = "urn:bbf:yang:bbf-link-table"
FORWARDING = "urn:bbf:yang:bbf-l2-forwarding"
TRAFFIC_MANAGEMENT = "urn:bbf:yang:bbf-qos-traffic-mngt"
SHAPING = "urn:bbf:yang:bbf-qos-shaping"
HARDWARE = "urn:ietf:params:xml:ns:yang:ietf-hardware"
TRANSCEIVERS = "urn:bbf:yang:bbf-hardware-transceivers"
TRANSCEIVERS_XPON = "urn:bbf:yang:bbf-hardware-transceivers-xpon"
REMOTE_HARDWARE = "urn:bbf:yang:bbf-interfaces-remote-hardware-state"
YANG_LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"

OC_INTERFACES = "http://openconfig.net/yang/interfaces"
OC_ETHERNET = "http://openconfig.net/yang/interfaces/ethernet"
OC_VLAN = "http://openconfig.net/yang/vlan"
OC_QOS = "http://openconfig.net/yang/qos"
OC_LLDP = "http://openconfig.net/yang/lldp"
BRIDGE = "urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge"
PROVIDER_BRIDGE = "urn:ieee:std:802.1Q:yang:ieee802-dot1q-pb"
IEEE_LLDP = "urn:ieee:std:802.1AB:yang:ieee802-dot1ab-lldp"

TOP_LEVEL = frozenset(
    {
        f"{{{INTERFACES}}}interfaces",
        f"{{{LINK_TABLE}}}link-table",
        f"{{{GEM_TCONT}}}xpongemtcont",
        f"{{{FORWARDING}}}forwarding",
        f"{{{TRAFFIC_MANAGEMENT}}}tm-profiles",
    }
)
"""The configuration that this server has modules for."""

_LISTS = {
    (f"{{{INTERFACES}}}interfaces", f"{{{INTERFACES}}}interface"): "name",
    (f"{{{INTERFACES}}}interfaces-state", f"{{{INTERFACES}}}interface"): "name",
    (f"{{{LINK_TABLE}}}link-table", f"{{{LINK_TABLE}}}link-table"): "from-interface",
    (f"{{{GEM_TCONT}}}traffic-descriptor-profiles", f"{{{GEM_TCONT}}}traffic-descriptor-profile"): "name",
    (f"{{{GEM_TCONT}}}tconts", f"{{{GEM_TCONT}}}tcont"): "name",
    (f"{{{GEM_TCONT}}}gemports", f"{{{GEM_TCONT}}}gemport"): "name",
    (f"{{{FORWARDING}}}forwarders", f"{{{FORWARDING}}}forwarder"): "name",
    (f"{{{FORWARDING}}}ports", f"{{{FORWARDING}}}port"): "name",
    (f"{{{FORWARDING}}}forwarding-databases", f"{{{FORWARDING}}}forwarding-database"): "name",
    (f"{{{TRAFFIC_MANAGEMENT}}}tm-profiles", f"{{{SHAPING}}}shaper-profile"): "name",
    (f"{{{SUB_INTERFACES}}}ingress-rule", f"{{{SUB_INTERFACES}}}rule"): "name",
    (f"{{{SUB_INTERFACES}}}ingress-rewrite", f"{{{TAGGING}}}push-tag"): "index",
    (f"{{{TAGGING}}}match-criteria", f"{{{TAGGING}}}tag"): "index",
    (f"{{{XPON}}}pon-pools", f"{{{XPON}}}pon-pool"): "name",
    (f"{{{HARDWARE}}}hardware", f"{{{HARDWARE}}}component"): "name",
    (f"{{{TRANSCEIVERS}}}diagnostics", f"{{{TRANSCEIVERS_XPON}}}rssi-onu"): "detected-serial-number",
    (
        f"{{{ONU_STATE}}}onus-present-on-local-channel-termination",
        f"{{{ONU_STATE}}}onu",
    ): "detected-serial-number",
    (
        f"{{{ONU_STATES}}}onus-present-on-local-channel-termination",
        f"{{{ONU_STATES}}}onu",
    ): "detected-serial-number",
    (f"{{{YANG_LIBRARY}}}modules-state", f"{{{YANG_LIBRARY}}}module"): "name",
    (f"{{{YANG_LIBRARY}}}yang-library", f"{{{YANG_LIBRARY}}}module-set"): "name",
    (f"{{{YANG_LIBRARY}}}module-set", f"{{{YANG_LIBRARY}}}module"): "name",
    (f"{{{OC_INTERFACES}}}interfaces", f"{{{OC_INTERFACES}}}interface"): "name",
    (f"{{{OC_QOS}}}interfaces", f"{{{OC_QOS}}}interface"): "interface-id",
    (f"{{{OC_QOS}}}scheduler-policies", f"{{{OC_QOS}}}scheduler-policy"): "name",
    (f"{{{OC_QOS}}}schedulers", f"{{{OC_QOS}}}scheduler"): "sequence",
    (f"{{{BRIDGE}}}bridges", f"{{{BRIDGE}}}bridge"): "name",
    (f"{{{BRIDGE}}}bridge", f"{{{BRIDGE}}}component"): "name",
    (f"{{{BRIDGE}}}filtering-database", f"{{{BRIDGE}}}vlan-registration-entry"): "database-id vids",
    (f"{{{IEEE_LLDP}}}lldp", f"{{{IEEE_LLDP}}}port"): "dest-mac-address name",
    (f"{{{IEEE_LLDP}}}port", f"{{{IEEE_LLDP}}}remote-systems-data"): "time-mark remote-index",
    (f"{{{BRIDGE}}}vlan-registration-entry", f"{{{BRIDGE}}}port-map"): "port-ref",
    (f"{{{BRIDGE}}}bridge-port", f"{{{PROVIDER_BRIDGE}}}cvid-registration"): "cvid",
    (f"{{{OC_LLDP}}}interfaces", f"{{{OC_LLDP}}}interface"): "name",
    (f"{{{OC_LLDP}}}neighbors", f"{{{OC_LLDP}}}neighbor"): "id",
    (f"{{{OC_LLDP}}}capabilities", f"{{{OC_LLDP}}}capability"): "name",
}

_LEAF_LISTS = frozenset({f"{{{ONU_STATE}}}notifiable-onu-presence-states", f"{{{LINK_TABLE}}}to-interface"})


def key_tags(parent_tag: str | None, tag: str) -> tuple[str, ...]:
    """The qualified tags of the keys of a list whose entries have this tag; none when it is no list."""
    keys = _LISTS.get((parent_tag or "", tag), "")
    return tuple(f"{{{etree.QName(tag).namespace}}}{key}" for key in keys.split())


def key_tag(parent_tag: str | None, tag: str) -> str | None:
    """The key that tells the entries of such a list apart, or None when it is no list.

    Of several keys it is the last: there is one database in a lab's switch, one address and one time in its LLDP.
    """
    return next(reversed(key_tags(parent_tag, tag)), None)


def is_leaf_list(tag: str) -> bool:
    """Whether the elements of this tag are values of a leaf-list."""
    return tag in _LEAF_LISTS


def identity_of(node: Element) -> tuple[str, str]:
    """What makes an instance of a node the same one among its siblings: its tag and its key, or its value."""
    parent = node.getparent()
    key = key_tag(None if parent is None else parent.tag, node.tag)
    if key is not None:
        return node.tag, (node.findtext(key) or "").strip()
    if is_leaf_list(node.tag):
        return node.tag, canonical_value(node)
    return node.tag, ""


def canonical_value(node: Element) -> str:
    """A leaf's value with an identity's prefix replaced by its namespace, so that prefixes do not matter."""
    text = (node.text or "").strip()
    prefix, colon, name = text.partition(":")
    namespace = node.nsmap.get(prefix) if colon else None
    return text if namespace is None else f"{{{namespace}}}{name}"


def path_of(node: Element) -> str:
    """Where a node is, as an error-path: local names and keys."""
    steps: list[str] = []
    current: Element | None = node
    while current is not None and current.getparent() is not None:
        tag, key = identity_of(current)
        name = etree.QName(tag).localname
        steps.append(f"{name}['{key}']" if key else name)
        current = current.getparent()
    return "/" + "/".join(reversed(steps))


def self_contained(node: Element) -> Element:
    """A copy in which every value that has a prefix declares it itself, so that any part may be moved anywhere.

    A client may declare the prefixes of identities on any ancestor (RFC 7950 §9.10.3); copying a part of such a tree
    would lose them.
    """
    made = etree.Element(node.tag, nsmap=_own_prefixes(node))
    made.attrib.update(node.attrib)
    made.text = node.text
    made.extend(self_contained(child) for child in node.iterchildren(etree.Element))
    return made


def _own_prefixes(node: Element) -> dict[str, str]:
    prefix, colon, _ = (node.text or "").strip().partition(":")
    value_namespace = node.nsmap.get(prefix) if colon and len(node) == 0 else None
    declared: dict[str | None, str] = {None: etree.QName(node.tag).namespace or ""}
    if value_namespace is not None:
        declared[prefix] = value_namespace
    return cast("dict[str, str]", declared)


def empty_like(node: Element) -> Element:
    """An element of the same tag and namespace prefixes, with nothing in it."""
    # The stubs do not know that a default namespace's prefix is None, although ``nsmap`` gives it so.
    return etree.Element(node.tag, nsmap=node.nsmap)  # type: ignore[arg-type]
