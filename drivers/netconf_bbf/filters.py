"""Subtree filters (RFC 6241 §6): how much of an OLT is read for each question, for many ONUs at once.

A list's keys come with every entry that is selected, asked for or not (RFC 7950 §7.8.5). What is asked for by name or
by a value is little however much is configured; only ``everything``, ``numbers`` and ``v_ani_states`` grow with it.
"""

from collections.abc import Iterable, Mapping, Sequence

from drivers.access import WantedAccess
from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Key, Kind
from drivers.netconf_bbf.dialects import Dialect
from drivers.netconf_bbf.xml import Element, element


def everything() -> list[Element]:
    """All that services are made of, for all ONUs."""
    return [
        element(xml.INTERFACES, "interfaces"),
        element(xml.LINK_TABLE, "link-table"),
        element(xml.GEM_TCONT, "xpongemtcont"),
        element(xml.FORWARDING, "forwarding"),
        element(xml.TRAFFIC_MANAGEMENT, "tm-profiles"),
    ]


def plant() -> list[Element]:
    """The channel terminations, pairs and partitions."""
    return [element(xml.INTERFACES, "interfaces", *_plant())]


def claims(serials: Iterable[str]) -> list[Element]:
    """The v-ANIs that expect these serials, whoever made them."""
    return [element(xml.INTERFACES, "interfaces", *(_claimed(serial) for serial in serials))]


def of_onus(serials: Sequence[str], dialect: Dialect | None = None) -> list[Element]:
    """The ONUs' objects under our names and the v-ANIs that claim them; shared ones follow by ``of_forwarders``.

    With a dialect, the state of their v-ANIs too.
    """
    return _around(serials, [], dialect)


def for_writing(wanted: Sequence[WantedAccess], uplink: str) -> list[Element]:
    """What stands where these services are to be: their ONUs' objects, and whoever has their names or VLANs."""
    networks = {names.network_sub_interface(uplink, each.s_vlan, each.c_vlan) for each in wanted}
    own = {
        names.forwarder(each.service, uplink, each.s_vlan, each.c_vlan) for each in wanted if each.c_vlan is not None
    }
    services = {names.user_port(each.service) for each in wanted}
    taken = [
        *(_with_port("name", port) for port in sorted(services)),
        *(_with_port("sub-interface", network) for network in sorted(networks)),
        *(_entry(xml.FORWARDING, "forwarder", name) for name in sorted(own)),
    ]
    return _around([each.device for each in wanted], taken)


def of_forwarders(
    ours: Mapping[str, Iterable[str]], others: Iterable[str], network_sub_interfaces: Iterable[str]
) -> list[Element]:
    """How forwarders lead to the network: of ours these ports and the one that does, of another's all that it has."""
    entries = (
        *(_towards_network(name, ports) for name, ports in ours.items()),
        *(_entry(xml.FORWARDING, "forwarder", name) for name in others),
    )
    return [
        *_interfaces(_named(name) for name in network_sub_interfaces),
        element(xml.FORWARDING, "forwarding", *_forwarders(entries), element(xml.FORWARDING, "forwarding-databases")),
    ]


def sharing(keys: Iterable[Key], forwarders: Iterable[str]) -> list[Element]:
    """Who uses objects that several ONUs may use, and the whole of these forwarders; empty where nothing is asked."""
    used: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for kind, name in keys:
        used[kind].append(name)
    entries = (
        *(_entry(xml.FORWARDING, "forwarder", name) for name in forwarders),
        *(_with_port("sub-interface", name) for name in used[Kind.INTERFACE]),
        *(_with_database(name) for name in used[Kind.DATABASE]),
    )
    return [
        *_interfaces((*map(_named, used[Kind.INTERFACE]), *map(_shaped_by, used[Kind.SHAPER]))),
        *_gem_tcont(_tconts(map(_with_profile, used[Kind.UPSTREAM_PROFILE]))),
        *_some(xml.FORWARDING, "forwarding", _forwarders(entries)),
    ]


def referring(v_anis: Sequence[str]) -> list[Element]:
    """What refers to v-ANIs that another made: their v-ENETs, T-CONTs and links."""
    return [
        *_interfaces(_above(v_ani, xml.V_ANI, "olt-v-enet", "lower-layer-interface") for v_ani in v_anis),
        element(xml.LINK_TABLE, "link-table", *map(_linked_to, v_anis)),
        *_gem_tcont(_tconts(_referring("tcont", "interface-reference", v_ani) for v_ani in v_anis)),
    ]


def above(v_enets: Sequence[str]) -> list[Element]:
    """What refers to v-ENETs that another made: their sub-interfaces, GEM ports and links."""
    return [
        *_interfaces(_above(v_enet, xml.SUB_INTERFACES, "subif-lower-layer", "interface") for v_enet in v_enets),
        element(xml.LINK_TABLE, "link-table", *map(_linked_to, v_enets)),
        *_gem_tcont(_gemports(_referring("gemport", "interface", v_enet) for v_enet in v_enets)),
    ]


def joined_by(sub_interfaces: Iterable[str], interfaces: Iterable[str]) -> list[Element]:
    """The whole of interfaces, and the forwarders that sub-interfaces are in."""
    forwarders = _forwarders(_with_port("sub-interface", name) for name in sub_interfaces)
    return [*_interfaces(map(_named, interfaces)), *_some(xml.FORWARDING, "forwarding", forwarders)]


def numbers() -> list[Element]:
    """Every number in use and what it is used on, by anybody."""
    v_ani = element(xml.V_ANI, "v-ani", element(xml.V_ANI, "onu-id"), element(xml.V_ANI, "channel-partition"))
    v_enet = element(xml.V_ANI, "olt-v-enet", element(xml.V_ANI, "lower-layer-interface"))
    tcont = [element(xml.GEM_TCONT, leaf) for leaf in ("name", "alloc-id", "interface-reference")]
    gemport = [element(xml.GEM_TCONT, leaf) for leaf in ("name", "gemport-id", "interface")]
    return [
        *_interfaces(element(xml.INTERFACES, "interface", part) for part in (v_ani, v_enet)),
        *_gem_tcont(
            _tconts([element(xml.GEM_TCONT, "tcont", *tcont)]),
            _gemports([element(xml.GEM_TCONT, "gemport", *gemport)]),
        ),
    ]


def holding(onu_ids: Iterable[tuple[str, int]], alloc_ids: Iterable[int], gemport_ids: Iterable[int]) -> list[Element]:
    """Who has these numbers: ONU-ids by channel partition, the others on any."""
    return [
        *_interfaces(_identified(*each) for each in onu_ids),
        *_gem_tcont(
            _tconts(_numbered("tcont", "alloc-id", number) for number in alloc_ids),
            _gemports(_numbered("gemport", "gemport-id", number) for number in gemport_ids),
        ),
    ]


def presence(dialect: Dialect) -> list[Element]:
    """The ONUs present on every channel termination, and the v-ANIs with the plant that say where they belong."""
    present = element(xml.XPON, "channel-termination", dialect.present)
    return [
        element(xml.INTERFACES, "interfaces", *_plant(), _having(xml.V_ANI, "v-ani")),
        element(xml.INTERFACES, "interfaces-state", element(xml.INTERFACES, "interface", present)),
    ]


def v_ani_states(v_anis: Iterable[str] | None = None) -> Element:
    """The state of these v-ANIs, or of all."""
    wanted = [_having(xml.V_ANI, "v-ani")] if v_anis is None else [_having(xml.V_ANI, "v-ani", name) for name in v_anis]
    return element(xml.INTERFACES, "interfaces-state", *wanted)


def optics(serials: Iterable[str], v_anis: Iterable[str]) -> list[Element]:
    """What the OLT's transceivers receive from ONUs, and which hardware components stand for the ONUs."""
    received = [
        element(xml.TRANSCEIVERS_XPON, "rssi-onu", element(xml.TRANSCEIVERS_XPON, "detected-serial-number", serial))
        for serial in serials
    ]
    diagnostics = element(xml.TRANSCEIVERS, "diagnostics", *received)
    link = element(xml.TRANSCEIVERS, "transceiver-link", diagnostics)
    return [
        element(xml.HARDWARE, "hardware", element(xml.HARDWARE, "component", link)),
        remote_hardware(v_anis),
    ]


def remote_hardware(v_anis: Iterable[str]) -> Element:
    """Which hardware components stand for the ONUs of v-ANIs."""
    named = (_having(xml.REMOTE_HARDWARE, "remote-hardware", v_ani) for v_ani in v_anis)
    return element(xml.INTERFACES, "interfaces-state", *named)


def components_in(parents: Iterable[str]) -> list[Element]:
    """The hardware components that are part of others, with what their transceivers receive."""
    return [
        element(
            xml.HARDWARE,
            "hardware",
            *(element(xml.HARDWARE, "component", element(xml.HARDWARE, "parent", parent)) for parent in parents),
        )
    ]


def _around(serials: Sequence[str], forwarders: Iterable[Element], dialect: Dialect | None = None) -> list[Element]:
    own = [names.of_onu(serial) for serial in serials]
    profiles = element(xml.GEM_TCONT, "traffic-descriptor-profiles")
    return [
        *_interfaces(
            (
                *_plant(),
                *(_claimed(serial) for serial in serials),
                *(_named(name) for onu in own for name in onu.interfaces),
            )
        ),
        *([] if dialect is None else [v_ani_states(onu.v_ani for onu in own)]),
        element(xml.LINK_TABLE, "link-table", *(_link(name) for onu in own for name in (onu.ani, onu.onu_v_enet))),
        *_gem_tcont(
            [profiles],
            _tconts(_entry(xml.GEM_TCONT, "tcont", onu.tcont) for onu in own),
            _gemports(_entry(xml.GEM_TCONT, "gemport", name) for onu in own for name in onu.gemports),
        ),
        element(xml.TRAFFIC_MANAGEMENT, "tm-profiles"),
        element(
            xml.FORWARDING,
            "forwarding",
            *_forwarders((*(_with_port("sub-interface", onu.user_sub_interface) for onu in own), *forwarders)),
        ),
    ]


def _some(namespace: str, tag: str, entries: Iterable[Element]) -> list[Element]:
    """A container of what is asked, or nothing: an empty one would select all that it holds."""
    asked = tuple(entries)
    return [element(namespace, tag, *asked)] if asked else []


def _interfaces(entries: Iterable[Element]) -> list[Element]:
    return _some(xml.INTERFACES, "interfaces", entries)


def _forwarders(entries: Iterable[Element]) -> list[Element]:
    return _some(xml.FORWARDING, "forwarders", entries)


def _tconts(entries: Iterable[Element]) -> list[Element]:
    return _some(xml.GEM_TCONT, "tconts", entries)


def _gemports(entries: Iterable[Element]) -> list[Element]:
    return _some(xml.GEM_TCONT, "gemports", entries)


def _gem_tcont(*lists: Iterable[Element]) -> list[Element]:
    return _some(xml.GEM_TCONT, "xpongemtcont", (each for some in lists for each in some))


def _claimed(serial: str) -> Element:
    expected = element(xml.V_ANI, "v-ani", element(xml.V_ANI, "expected-serial-number", serial))
    return element(xml.INTERFACES, "interface", expected)


def _plant() -> list[Element]:
    return [_having(xml.XPON, part) for part in ("channel-termination", "channel-pair", "channel-partition")]


def _having(namespace: str, container: str, name: str | None = None) -> Element:
    key = [] if name is None else [element(xml.INTERFACES, "name", name)]
    return element(xml.INTERFACES, "interface", *key, element(namespace, container))


def _named(name: str) -> Element:
    return element(xml.INTERFACES, "interface", element(xml.INTERFACES, "name", name))


def _shaped_by(shaper: str) -> Element:
    root = element(xml.TRAFFIC_MANAGEMENT, "tm-root", element(xml.SHAPING, "shaper-name", shaper))
    return element(xml.INTERFACES, "interface", root)


def _above(lower: str, namespace: str, container: str, leaf: str) -> Element:
    return element(xml.INTERFACES, "interface", element(namespace, container, element(namespace, leaf, lower)))


def _referring(tag: str, leaf: str, name: str) -> Element:
    return element(xml.GEM_TCONT, tag, element(xml.GEM_TCONT, leaf, name))


def _linked_to(to_interface: str) -> Element:
    return element(xml.LINK_TABLE, "link-table", element(xml.LINK_TABLE, "to-interface", to_interface))


def _with_profile(profile: str) -> Element:
    named = element(xml.GEM_TCONT, "traffic-descriptor-profile-ref", profile)
    return element(xml.GEM_TCONT, "tcont", element(xml.GEM_TCONT, "name"), named)


def _numbered(tag: str, leaf: str, number: int) -> Element:
    held = element(xml.GEM_TCONT, leaf, str(number))
    return element(xml.GEM_TCONT, tag, element(xml.GEM_TCONT, "name"), held)


def _entry(namespace: str, tag: str, name: str) -> Element:
    return element(namespace, tag, element(namespace, "name", name))


def _link(from_interface: str) -> Element:
    return element(xml.LINK_TABLE, "link-table", element(xml.LINK_TABLE, "from-interface", from_interface))


def _with_port(leaf: str, value: str) -> Element:
    """The forwarders that have such a port, and that port alone."""
    port = element(xml.FORWARDING, "port", element(xml.FORWARDING, leaf, value))
    return element(xml.FORWARDING, "forwarder", element(xml.FORWARDING, "ports", port))


def _with_database(name: str) -> Element:
    """The forwarders that learn into a MAC table, without their ports."""
    learning = element(xml.FORWARDING, "mac-learning", element(xml.FORWARDING, "forwarding-database", name))
    return element(xml.FORWARDING, "forwarder", learning)


def _towards_network(name: str, ports: Iterable[str]) -> Element:
    return element(
        xml.FORWARDING,
        "forwarder",
        element(xml.FORWARDING, "name", name),
        element(
            xml.FORWARDING,
            "ports",
            *(_entry(xml.FORWARDING, "port", port) for port in (*ports, names.NETWORK_PORT)),
        ),
        element(xml.FORWARDING, "mac-learning"),
    )


def _identified(partition: str, onu_id: int) -> Element:
    v_ani = element(
        xml.V_ANI,
        "v-ani",
        element(xml.V_ANI, "onu-id", str(onu_id)),
        element(xml.V_ANI, "channel-partition", partition),
    )
    return element(xml.INTERFACES, "interface", v_ani)
