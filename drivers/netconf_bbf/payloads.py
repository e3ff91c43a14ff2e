"""What is written to the OLT: a wanted ONU and its numbers become the objects of an ``<edit-config>``.

The downstream rate is a single-token-bucket shaper profile (``bbf-qos-shaping``, kbit/s) on the OLT's v-ENET; the
upstream rate is the T-CONT's traffic descriptor profile (``bbf-xpongemtcont``, bit/s). The priority is written as the
p-bits of every tag that is pushed (``bbf-frame-editing``; feature ``write-pbit-value-in-vlan-tag``). A service with a
C-VLAN has a forwarder of its own (1:1, TR-101 §2.5.1.1); one without shares its S-VLAN's forwarder and MAC table (N:1).
"""

from drivers.access import WantedAccess
from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.allocation import Numbers
from drivers.netconf_bbf.configuration import Kind
from drivers.netconf_bbf.editing import Object
from drivers.netconf_bbf.plant import Port
from drivers.netconf_bbf.xml import Element, element, identity
from pon.tcont import Bandwidth, BandwidthError, Sharing

_ELIGIBILITY = {
    Sharing.NONE: "none",
    Sharing.NON_ASSURED: "non-assured-sharing",
    Sharing.BEST_EFFORT: "best-effort-sharing",
}
KBIT = 1000


class NotRepresentable(ValueError):
    """The wanted ONU cannot be said in these modules; the message says which value and what would do."""


def check_representable(wanted: WantedAccess) -> None:
    """Raise ``NotRepresentable`` for a value the modules have no place for."""
    if wanted.downstream_bps % KBIT:
        raise NotRepresentable(
            f"downstream_bps {wanted.downstream_bps} is no whole kbit/s, which is what a shaper profile takes"
        )
    if wanted.priority not in range(8):
        raise NotRepresentable(f"priority {wanted.priority} is no code point of IEEE 802.1p, 0 to 7")
    try:
        bandwidth_of(wanted).check()
    except BandwidthError as error:
        raise NotRepresentable(str(error)) from error
    longest = max(len(names.user_port(wanted.service)), len(f"fwd-{wanted.service}"))
    if longest > names.MAX_NAME:
        raise NotRepresentable(f"service {wanted.service!r} makes names longer than {names.MAX_NAME} characters")


def bandwidth_of(wanted: WantedAccess) -> Bandwidth:
    """The upstream bandwidth of a wanted service."""
    return Bandwidth(wanted.upstream_bps, wanted.assured_upstream_bps, wanted.fixed_upstream_bps)


def service_objects(wanted: WantedAccess, numbers: Numbers, port: Port, uplink: str) -> list[Object]:
    """Every object that makes up the service, in an order in which each refers only to those before it."""
    own = names.of_onu(wanted.device)
    return [
        upstream_profile(wanted),
        downstream_shaper(wanted),
        _v_ani(wanted, numbers, port, own),
        _interface(own.ani, "ani", element(xml.ANI, "ani", element(xml.ANI, "upstream-fec", "true"))),
        _interface(own.onu_v_enet, "onu-v-enet", element(xml.ANI, "onu-v-enet", element(xml.ANI, "ani", own.ani))),
        _olt_v_enet(wanted, own),
        _user_sub_interface(wanted, own),
        network_sub_interface(wanted, uplink),
        _link(own.ani, own.v_ani),
        _link(own.onu_v_enet, own.olt_v_enet),
        _tcont(wanted, numbers, own),
        *_gemports(numbers, own),
        *forwarding(wanted, own.user_sub_interface, uplink),
    ]


def _interface(name: str, xpon_type: str, *content: Element) -> Object:
    return Object(
        Kind.INTERFACE,
        name,
        element(
            xml.INTERFACES,
            "interface",
            element(xml.INTERFACES, "name", name),
            identity(xml.INTERFACES, "type", "bbf-xpon-if-type", xpon_type),
            *content,
        ),
    )


def _v_ani(wanted: WantedAccess, numbers: Numbers, port: Port, own: names.OnuNames) -> Object:
    description = f"svc={wanted.service} {wanted.description}".strip()
    return _interface(
        own.v_ani,
        "v-ani",
        element(xml.INTERFACES, "description", description),
        element(xml.INTERFACES, "enabled", "true" if wanted.enabled else "false"),
        element(
            xml.V_ANI,
            "v-ani",
            element(xml.V_ANI, "onu-id", str(numbers.onu_id)),
            element(xml.V_ANI, "channel-partition", port.channel_partition),
            element(xml.V_ANI, "expected-serial-number", wanted.device),
            element(xml.V_ANI, "preferred-channel-pair", port.channel_pair),
        ),
    )


def _olt_v_enet(wanted: WantedAccess, own: names.OnuNames) -> Object:
    return _interface(
        own.olt_v_enet,
        "olt-v-enet",
        element(xml.V_ANI, "olt-v-enet", element(xml.V_ANI, "lower-layer-interface", own.v_ani)),
        element(
            xml.TRAFFIC_MANAGEMENT,
            "tm-root",
            element(xml.SHAPING, "shaper-name", names.downstream_shaper(wanted.downstream_bps)),
        ),
    )


def _link(from_interface: str, to_interface: str) -> Object:
    entry = element(
        xml.LINK_TABLE,
        "link-table",
        element(xml.LINK_TABLE, "from-interface", from_interface),
        element(xml.LINK_TABLE, "to-interface", to_interface),
    )
    return Object(Kind.LINK, from_interface, entry)


def upstream_profile(wanted: WantedAccess) -> Object:
    """The traffic descriptor profile of the upstream rates, shared by all that have the same."""
    bandwidth = bandwidth_of(wanted)
    name = _upstream_profile_name(bandwidth)
    entry = element(
        xml.GEM_TCONT,
        "traffic-descriptor-profile",
        element(xml.GEM_TCONT, "name", name),
        element(xml.GEM_TCONT, "fixed-bandwidth", str(bandwidth.fixed_bps)),
        element(xml.GEM_TCONT, "assured-bandwidth", str(bandwidth.assured_bps)),
        element(xml.GEM_TCONT, "maximum-bandwidth", str(bandwidth.maximum_bps)),
        element(xml.GEM_TCONT, "additional-bw-eligibility-indicator", _ELIGIBILITY[bandwidth.sharing]),
    )
    return Object(Kind.UPSTREAM_PROFILE, name, entry, shared=True)


def _upstream_profile_name(bandwidth: Bandwidth) -> str:
    return names.upstream_profile(bandwidth.maximum_bps, bandwidth.assured_bps, bandwidth.fixed_bps)


def downstream_shaper(wanted: WantedAccess) -> Object:
    """The shaper profile of the downstream rate, shared by all that have the same."""
    name = names.downstream_shaper(wanted.downstream_bps)
    rate = element(xml.SHAPING, "pir", str(wanted.downstream_bps // KBIT))
    entry = element(
        xml.SHAPING,
        "shaper-profile",
        element(xml.SHAPING, "name", name),
        element(xml.SHAPING, "single-token-bucket", rate),
    )
    return Object(Kind.SHAPER, name, entry, shared=True)


def _tcont(wanted: WantedAccess, numbers: Numbers, own: names.OnuNames) -> Object:
    profile = _upstream_profile_name(bandwidth_of(wanted))
    entry = element(
        xml.GEM_TCONT,
        "tcont",
        element(xml.GEM_TCONT, "name", own.tcont),
        element(xml.GEM_TCONT, "alloc-id", str(numbers.alloc_id)),
        element(xml.GEM_TCONT, "interface-reference", own.v_ani),
        element(xml.GEM_TCONT, "traffic-descriptor-profile-ref", profile),
    )
    return Object(Kind.TCONT, own.tcont, entry)


def _gemports(numbers: Numbers, own: names.OnuNames) -> list[Object]:
    return [
        Object(
            Kind.GEMPORT,
            name,
            element(
                xml.GEM_TCONT,
                "gemport",
                element(xml.GEM_TCONT, "name", name),
                element(xml.GEM_TCONT, "gemport-id", str(gemport_id)),
                element(xml.GEM_TCONT, "interface", own.olt_v_enet),
                element(xml.GEM_TCONT, "traffic-class", str(traffic_class)),
                element(xml.GEM_TCONT, "downstream-aes-indicator", "true"),
                element(xml.GEM_TCONT, "upstream-aes-indicator", "true"),
                element(xml.GEM_TCONT, "tcont-ref", own.tcont),
            ),
        )
        for name, gemport_id, traffic_class in zip(
            own.gemports, numbers.gemport_ids, names.TRAFFIC_CLASSES, strict=True
        )
    ]


def _tags(wanted: WantedAccess) -> list[tuple[int, str, int]]:
    """Index, identity and VLAN-id of each tag towards the network, outermost first."""
    outer = (0, "s-vlan", wanted.s_vlan)
    return [outer] if wanted.c_vlan is None else [outer, (1, "c-vlan", wanted.c_vlan)]


def _dot1q_tag(tag_type: str, vlan_id: int, *marking: Element) -> Element:
    return element(
        xml.TAGGING,
        "dot1q-tag",
        identity(xml.TAGGING, "tag-type", "bbf-dot1q-types", tag_type),
        element(xml.TAGGING, "vlan-id", str(vlan_id)),
        *marking,
    )


def _rule(name: str, match: Element, *rewrite: Element) -> Element:
    rule = element(
        xml.SUB_INTERFACES,
        "rule",
        element(xml.SUB_INTERFACES, "name", name),
        element(xml.SUB_INTERFACES, "priority", "100"),
        element(xml.SUB_INTERFACES, "flexible-match", match),
        *rewrite,
    )
    return element(xml.SUB_INTERFACES, "ingress-rule", rule)


def _inline(*processing: Element) -> Element:
    return element(xml.SUB_INTERFACES, "inline-frame-processing", *processing)


def _sub_interface(name: str, usage: str, lower: str, processing: Element) -> Element:
    return element(
        xml.INTERFACES,
        "interface",
        element(xml.INTERFACES, "name", name),
        identity(xml.INTERFACES, "type", "bbf-if-type", "vlan-sub-interface"),
        element(xml.USAGE, "interface-usage", element(xml.USAGE, "interface-usage", usage)),
        element(xml.SUB_INTERFACES, "subif-lower-layer", element(xml.SUB_INTERFACES, "interface", lower)),
        processing,
    )


def _user_sub_interface(wanted: WantedAccess, own: names.OnuNames) -> Object:
    entry = _sub_interface(own.user_sub_interface, "user-port", own.olt_v_enet, frame_processing(wanted))
    return Object(Kind.INTERFACE, own.user_sub_interface, entry)


def frame_processing(wanted: WantedAccess) -> Element:
    """What a user sub-interface does with frames: tags and p-bits on the way in, none on the way out."""
    tags = _tags(wanted)
    pbit = "write-pbit" if wanted.priority else "write-pbit-0"
    marking = (str(wanted.priority),) if wanted.priority else ()
    pushed = [
        element(
            xml.TAGGING,
            "push-tag",
            element(xml.TAGGING, "index", str(position)),
            _dot1q_tag(tag_type, vlan_id, element(xml.TAGGING, pbit, *marking), element(xml.TAGGING, "write-dei-0")),
        )
        for position, tag_type, vlan_id in tags
    ]
    untagged = element(xml.TAGGING, "match-criteria", element(xml.TAGGING, "untagged"))
    rewrite = element(xml.SUB_INTERFACES, "ingress-rewrite", element(xml.TAGGING, "pop-tags", "0"), *pushed)
    egress = element(xml.SUB_INTERFACES, "egress-rewrite", element(xml.TAGGING, "pop-tags", str(len(tags))))
    return _inline(_rule("untagged", untagged, rewrite), egress)


def network_sub_interface(wanted: WantedAccess, uplink: str) -> Object:
    """The sub-interface that takes the service's VLAN off the uplink."""
    name = names.network_sub_interface(uplink, wanted.s_vlan, wanted.c_vlan)
    matched = [
        element(
            xml.TAGGING,
            "tag",
            element(xml.TAGGING, "index", str(position)),
            _dot1q_tag(tag_type, vlan_id, element(xml.TAGGING, "pbit", "any"), element(xml.TAGGING, "dei", "any")),
        )
        for position, tag_type, vlan_id in _tags(wanted)
    ]
    match = element(xml.TAGGING, "match-criteria", *matched)
    entry = _sub_interface(name, "network-port", uplink, _inline(_rule("tagged", match)))
    return Object(Kind.INTERFACE, name, entry, shared=True)


def forwarding(wanted: WantedAccess, user_sub_interface: str, uplink: str) -> list[Object]:
    """The forwarder that joins a user sub-interface with its VLAN, and the MAC table of a shared one."""
    name = names.forwarder(wanted.service, uplink, wanted.s_vlan, wanted.c_vlan)
    network = names.network_sub_interface(uplink, wanted.s_vlan, wanted.c_vlan)
    ports = element(
        xml.FORWARDING,
        "ports",
        _forwarder_port(names.user_port(wanted.service), user_sub_interface),
        _forwarder_port(names.NETWORK_PORT, network),
    )
    entry = element(xml.FORWARDING, "forwarder", element(xml.FORWARDING, "name", name), ports)
    forwarder = Object(Kind.FORWARDER, name, entry, shared=True)
    if wanted.c_vlan is not None:
        return [forwarder]
    database = names.forwarding_database(uplink, wanted.s_vlan)
    entry.append(element(xml.FORWARDING, "mac-learning", element(xml.FORWARDING, "forwarding-database", database)))
    database_entry = element(xml.FORWARDING, "forwarding-database", element(xml.FORWARDING, "name", database))
    return [Object(Kind.DATABASE, database, database_entry, shared=True), forwarder]


def _forwarder_port(name: str, sub_interface: str) -> Element:
    return element(
        xml.FORWARDING,
        "port",
        element(xml.FORWARDING, "name", name),
        element(xml.FORWARDING, "sub-interface", sub_interface),
    )
