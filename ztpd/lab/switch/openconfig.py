"""A switch in OpenConfig's models: what it is configured with, what it refuses, and what it tells."""

from collections.abc import Mapping
from copy import deepcopy

from lxml import etree

from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.netconf.schema import (
    OC_ETHERNET,
    OC_INTERFACES,
    OC_LLDP,
    OC_QOS,
    OC_VLAN,
    path_of,
)
from ztpd.lab.switch.trees import LAST_VLAN, check_known, check_number, into, leaves, node, qualified
from ztpd.lab.switch.wiring import Plugged

Element = etree._Element

_LLDP_TYPES = "http://openconfig.net/yang/lldp/types"
_IF_TYPES = "urn:ietf:params:xml:ns:yang:iana-if-type"
_INTERFACES = f"{OC_INTERFACES}?module=openconfig-interfaces&revision=2022-10-25"
_ETHERNET = f"{OC_ETHERNET}?module=openconfig-if-ethernet&revision=2022-04-20"
_VLAN = f"{OC_VLAN}?module=openconfig-vlan&revision=2023-02-07"
_LLDP = f"{OC_LLDP}?module=openconfig-lldp&revision=2018-11-21"
_QOS = f"{OC_QOS}?module=openconfig-qos&revision=2023-02-17"
_VLAN_INTERFACE = "Vlan1"

_KNOWN = (
    qualified(OC_INTERFACES, "interfaces interface name config type description enabled mtu")
    | qualified(OC_ETHERNET, "ethernet config auto-negotiate port-speed")
    | qualified(OC_VLAN, "switched-vlan config interface-mode access-vlan native-vlan trunk-vlans")
    | qualified(
        OC_QOS,
        "qos interfaces interface interface-id config interface-ref input output scheduler-policy name "
        "scheduler-policies schedulers scheduler sequence type one-rate-two-color cir bc queuing-behavior "
        "exceed-action drop classifiers classifier queues queue",
    )
)
_SPEEDS = {
    10_000_000: "SPEED_10MB",
    100_000_000: "SPEED_100MB",
    1_000_000_000: "SPEED_1GB",
    2_500_000_000: "SPEED_2500MB",
    10_000_000_000: "SPEED_10GB",
}


class OpenConfigModels:
    """``models.SwitchModels`` with ``openconfig-interfaces``, ``-vlan`` and, if ``qos``, ``-qos``."""

    def __init__(self, *, lldp: bool, qos: bool) -> None:
        self.capabilities = (_INTERFACES, _ETHERNET, _VLAN, *((_LLDP,) if lldp else ()), *((_QOS,) if qos else ()))
        self.top_level = frozenset({f"{{{OC_INTERFACES}}}interfaces", *({f"{{{OC_QOS}}}qos"} if qos else set())})

    def factory(self, ports: tuple[str, ...]) -> Element:
        """The configuration as it comes: ports that are there and nothing more."""
        config = etree.Element("config")
        top = etree.SubElement(
            config, f"{{{OC_INTERFACES}}}interfaces", nsmap={"oc-if": OC_INTERFACES, "ianaift": _IF_TYPES}
        )
        for name, kind in (*((port, "ethernetCsmacd") for port in ports), (_VLAN_INTERFACE, "l3ipvlan")):
            interface = node(top, "interface")
            node(interface, "name", name)
            container = node(interface, "config")
            node(container, "name", name)
            node(container, "type", f"ianaift:{kind}")
        return config

    def validate(self, tree: Element, ports: tuple[str, ...]) -> None:
        """Raise ``RpcError`` for the first thing in a configuration that is wrong."""
        check_known(tree, _KNOWN)
        for interface in leaves(tree, OC_INTERFACES, "interface"):
            _check_interface(interface, ports)
        for vlan in (*leaves(tree, OC_VLAN, "access-vlan"), *leaves(tree, OC_VLAN, "native-vlan")):
            check_number(vlan, 1, LAST_VLAN)
        policies = {
            policy.findtext(f"{{{OC_QOS}}}name")
            for policy in tree.iterfind(f"{{{OC_QOS}}}qos/{{{OC_QOS}}}scheduler-policies/{{{OC_QOS}}}scheduler-policy")
        }
        for interface in leaves(tree, OC_QOS, "interface"):
            if interface.findtext(f"{{{OC_QOS}}}interface-id") not in (None, *ports):
                raise RpcError("invalid-value", "no such interface", path=path_of(interface))
            applied = interface.iterfind(f"*/{{{OC_QOS}}}scheduler-policy/{{{OC_QOS}}}config/{{{OC_QOS}}}name")
            for name in applied:
                if name.text not in policies:
                    raise RpcError("data-missing", f"no scheduler policy {name.text!r}", path=path_of(name))

    def ports_in(self, config: Element) -> frozenset[str]:
        """The ports that an edit is about."""
        names = [
            interface.findtext(f"{{{OC_INTERFACES}}}name") for interface in leaves(config, OC_INTERFACES, "interface")
        ]
        names += [interface.findtext(f"{{{OC_QOS}}}interface-id") for interface in leaves(config, OC_QOS, "interface")]
        return frozenset(name.strip() for name in names if name)

    def open_ports(self, running: Element) -> frozenset[str]:
        """The ports that are not shut."""
        return frozenset(
            interface.findtext(f"{{{OC_INTERFACES}}}name") or ""
            for interface in leaves(running, OC_INTERFACES, "interface")
            if interface.findtext(f"{{{OC_INTERFACES}}}config/{{{OC_INTERFACES}}}enabled") != "false"
        )

    def data(self, running: Element, links: Mapping[str, int], devices: tuple[Plugged, ...]) -> list[Element]:
        """What ``<get>`` reads: the configuration with the state of the links, and the neighbours."""
        tops = [deepcopy(top) for top in running]
        for top in tops:
            for interface in top.iterfind(f"{{{OC_INTERFACES}}}interface"):
                _tell_state(interface, links)
        ports = [name for top in tops for name in _ethernet_names(top)]
        return [*tops, _lldp(ports, devices)]

    def check_device(self, device: Plugged) -> None:
        """Raise ``ValueError`` for what no XML can hold."""
        _add_neighbour(etree.Element(f"{{{OC_LLDP}}}neighbors"), "1", device)


def _check_interface(interface: Element, ports: tuple[str, ...]) -> None:
    name = interface.findtext(f"{{{OC_INTERFACES}}}name")
    config = interface.find(f"{{{OC_INTERFACES}}}config")
    if name not in (*ports, _VLAN_INTERFACE):
        raise RpcError("invalid-value", f"no interface {name!r} in this switch", path=path_of(interface))
    if config is None or config.findtext(f"{{{OC_INTERFACES}}}name") != name:
        raise RpcError("missing-element", "config/name is what the key refers to", path=path_of(interface))
    if config.find(f"{{{OC_INTERFACES}}}type") is None:
        raise RpcError("missing-element", "type is mandatory", path=path_of(config))
    mode = next(leaves(interface, OC_VLAN, "interface-mode"), None)
    vlan = next(leaves(interface, OC_VLAN, "access-vlan"), None)
    if vlan is not None and (mode is None or mode.text != "ACCESS"):
        raise RpcError("invalid-value", "access-vlan is for ports of mode ACCESS", path=path_of(vlan))


def _tell_state(interface: Element, links: Mapping[str, int]) -> None:
    config = interface.find(f"{{{OC_INTERFACES}}}config")
    state = node(interface, "state")
    if config is not None:
        state.extend(deepcopy(leaf) for leaf in config)
    bps = links.get(interface.findtext(f"{{{OC_INTERFACES}}}name") or "")
    enabled = state.findtext(f"{{{OC_INTERFACES}}}enabled") != "false"
    node(state, "admin-status", "UP" if enabled else "DOWN")
    node(state, "oper-status", "DOWN" if bps is None else "UP")
    if bps is not None:
        told = node(into(interface, "ethernet", OC_ETHERNET), "state")
        speed = etree.SubElement(told, f"{{{OC_ETHERNET}}}negotiated-port-speed", nsmap={"oc-eth": OC_ETHERNET})
        speed.text = f"oc-eth:{_SPEEDS[bps]}"


def _ethernet_names(top: Element) -> list[str]:
    return [
        interface.findtext(f"{{{OC_INTERFACES}}}name") or ""
        for interface in top.iterfind(f"{{{OC_INTERFACES}}}interface")
        if (interface.findtext(f"{{{OC_INTERFACES}}}config/{{{OC_INTERFACES}}}type") or "").endswith("ethernetCsmacd")
    ]


def _lldp(ports: list[str], devices: tuple[Plugged, ...]) -> Element:
    top = etree.Element(f"{{{OC_LLDP}}}lldp", nsmap={"types": _LLDP_TYPES})
    interfaces = node(top, "interfaces")
    for port in ports:
        interface = node(interfaces, "interface")
        node(interface, "name", port)
        node(node(interface, "state"), "enabled", "true")
        here = [device for device in devices if device.port == port]
        if here:
            container = node(interface, "neighbors")
            for number, device in enumerate(here, 1):
                _add_neighbour(container, str(number), device)
    return top


def _add_neighbour(neighbours: Element, number: str, device: Plugged) -> None:
    entry = node(neighbours, "neighbor")
    node(entry, "id", number)
    state = node(entry, "state")
    told = {
        "id": number,
        "chassis-id": device.chassis_id,
        "chassis-id-type": device.chassis_id_type,
        "port-id": device.port_id,
        "port-id-type": device.port_id_type,
        "system-name": device.system_name,
        "system-description": device.system_description,
        "management-address": device.management_address,
    }
    for leaf, text in told.items():
        if text is not None:
            node(state, leaf, text)
    capabilities = node(entry, "capabilities")
    for name in device.capabilities:
        capability = node(capabilities, "capability")
        node(capability, "name", f"types:{name}")
        said = node(capability, "state")
        node(said, "name", f"types:{name}")
        node(said, "enabled", "true")
