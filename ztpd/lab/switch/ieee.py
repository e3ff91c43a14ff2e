"""A switch in the IETF's and the IEEE's models, as a bridge of customer VLANs or as a provider's edge bridge.

The former has one component, a trunk by which VLANs leave it, and a VLAN 201 that the operator has put on the trunk.
The latter has a component of S-VLANs, and each port its own of C-VLANs (IEEE 802.1Q §5.10, §15).
"""

from collections.abc import Mapping
from copy import deepcopy

from lxml import etree

from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.netconf.schema import BRIDGE, IEEE_LLDP, INTERFACES, PROVIDER_BRIDGE, path_of
from ztpd.lab.switch.trees import LAST_VLAN, check_known, check_number, into, leaves, node, qualified
from ztpd.lab.switch.wiring import Plugged

Element = etree._Element

_IF_TYPES = "urn:ietf:params:xml:ns:yang:iana-if-type"
_INTERFACES = f"{INTERFACES}?module=ietf-interfaces&revision=2018-02-20"
_BRIDGE = f"{BRIDGE}?module=ieee802-dot1q-bridge&revision=2023-10-26"
_PROVIDER = f"{PROVIDER_BRIDGE}?module=ieee802-dot1q-pb&revision=2023-10-22"
_LLDP = f"{IEEE_LLDP}?module=ieee802-dot1ab-lldp&revision=2022-03-15"
_NEAREST_BRIDGE = "01-80-C2-00-00-0E"
_TRUNK, _TRUNK_NUMBER = "Trunk1", 100
_MOST_PRIORITY = 7
_MANDATORY = (("bridge", "bridge-type"), ("component", "type"), ("vlan-registration-entry", "database-id"))

_KNOWN = (
    qualified(INTERFACES, "interfaces interface name type description enabled")
    | qualified(
        BRIDGE,
        "bridge-port bridge-name component-name port-type pvid default-priority acceptable-frame bridges bridge name "
        "address bridge-type component type filtering-database vlan-registration-entry database-id vids entry-type "
        "port-map port-ref static-vlan-registration-entries registrar-admin-control vlan-transmitted",
    )
    | qualified(PROVIDER_BRIDGE, "cvid-registration cvid svid untagged-pep untagged-cep")
)


class IeeeModels:
    """``models.SwitchModels`` with ``ietf-interfaces``, ``ieee802-dot1q-bridge`` and, if ``provider``, ``-pb``."""

    def __init__(self, *, lldp: bool, provider: bool) -> None:
        self._provider = provider
        extra = ((_LLDP,) if lldp else ()) + ((_PROVIDER,) if provider else ())
        self.capabilities = (_INTERFACES, _BRIDGE, *extra)
        self.top_level = frozenset({f"{{{INTERFACES}}}interfaces", f"{{{BRIDGE}}}bridges"})

    def factory(self, ports: tuple[str, ...]) -> Element:
        """The configuration as it comes: a bridge whose ports are in no VLAN."""
        config = etree.Element("config")
        top = etree.SubElement(
            config,
            f"{{{INTERFACES}}}interfaces",
            nsmap={"if": INTERFACES, "dot1q": BRIDGE, "ianaift": _IF_TYPES},
        )
        kind = "customer-edge-port" if self._provider else "c-vlan-bridge-port"
        for number, port in enumerate(ports, 1):
            component = f"c-vlan-{number}" if self._provider else "c-vlan"
            _add_interface(top, port, "ethernetCsmacd", component, kind)
        trunk = ("s-vlan", "provider-network-port") if self._provider else ("c-vlan", "c-vlan-bridge-port")
        _add_interface(top, _TRUNK, "ieee8023adLag", *trunk)
        config.append(self._bridges(len(ports)))
        return config

    def validate(self, tree: Element, ports: tuple[str, ...]) -> None:
        """Raise ``RpcError`` for the first thing in a configuration that is wrong."""
        check_known(tree, _KNOWN)
        for interface in leaves(tree, INTERFACES, "interface"):
            _check_interface(interface, ports)
        for namespace, tag in ((BRIDGE, "pvid"), (PROVIDER_BRIDGE, "cvid"), (PROVIDER_BRIDGE, "svid")):
            for vlan in leaves(tree, namespace, tag):
                check_number(vlan, 1, LAST_VLAN)
        for priority in leaves(tree, BRIDGE, "default-priority"):
            check_number(priority, 0, _MOST_PRIORITY)
        numbers = {str(number) for number in (*range(1, len(ports) + 1), _TRUNK_NUMBER)}
        for reference in leaves(tree, BRIDGE, "port-ref"):
            if reference.text not in numbers:
                raise RpcError("invalid-value", f"no port number {reference.text}", path=path_of(reference))
        for tag, mandatory in _MANDATORY:
            for found in leaves(tree, BRIDGE, tag):
                if found.find(f"{{{BRIDGE}}}{mandatory}") is None:
                    raise RpcError("missing-element", f"{mandatory} is mandatory", path=path_of(found))

    def ports_in(self, config: Element) -> frozenset[str]:
        """The ports that an edit is about."""
        names = (found.findtext(f"{{{INTERFACES}}}name") for found in leaves(config, INTERFACES, "interface"))
        return frozenset(name.strip() for name in names if name)

    def open_ports(self, running: Element) -> frozenset[str]:
        """The ports that are not shut."""
        return frozenset(
            interface.findtext(f"{{{INTERFACES}}}name") or ""
            for interface in leaves(running, INTERFACES, "interface")
            if interface.findtext(f"{{{INTERFACES}}}enabled") != "false"
        )

    def data(self, running: Element, links: Mapping[str, int], devices: tuple[Plugged, ...]) -> list[Element]:
        """What ``<get>`` reads: the configuration with the state of the links, and the neighbours."""
        tops = [deepcopy(top) for top in running]
        for top in tops:
            for number, interface in enumerate(top.iterfind(f"{{{INTERFACES}}}interface"), 1):
                _tell_state(interface, number, links)
        return [*tops, _lldp(devices)]

    def check_device(self, device: Plugged) -> None:
        """Raise ``ValueError`` for what no XML can hold."""
        _add_neighbour(etree.Element(f"{{{IEEE_LLDP}}}port"), "1", device)

    def _bridges(self, ports: int) -> Element:
        top = etree.Element(f"{{{BRIDGE}}}bridges", nsmap={"dot1q": BRIDGE})
        bridge = node(top, "bridge")
        node(bridge, "name", "bridge")
        node(bridge, "address", "02-00-00-00-00-01")
        node(bridge, "bridge-type", f"dot1q:{'provider-edge-bridge' if self._provider else 'customer-vlan-bridge'}")
        if not self._provider:
            _add_trunk_vlan(_add_component(bridge, "c-vlan", "c-vlan-component"))
            return top
        _add_component(bridge, "s-vlan", "s-vlan-component")
        for number in range(1, ports + 1):
            _add_component(bridge, f"c-vlan-{number}", "c-vlan-component")
        return top


def _add_interface(top: Element, name: str, kind: str, component: str, port_type: str) -> None:
    interface = node(top, "interface")
    node(interface, "name", name)
    node(interface, "type", f"ianaift:{kind}")
    port = node(interface, "bridge-port", namespace=BRIDGE)
    node(port, "bridge-name", "bridge")
    node(port, "component-name", component)
    node(port, "port-type", f"dot1q:{port_type}")


def _add_component(bridge: Element, name: str, kind: str) -> Element:
    component = node(bridge, "component")
    node(component, "name", name)
    node(component, "type", f"dot1q:{kind}")
    return component


def _add_trunk_vlan(component: Element) -> None:
    entry = node(node(component, "filtering-database"), "vlan-registration-entry")
    node(entry, "database-id", "0")
    node(entry, "vids", "201")
    port = node(entry, "port-map")
    node(port, "port-ref", str(_TRUNK_NUMBER))
    node(node(port, "static-vlan-registration-entries"), "vlan-transmitted", "tagged")


def _check_interface(interface: Element, ports: tuple[str, ...]) -> None:
    name = interface.findtext(f"{{{INTERFACES}}}name")
    if name not in (*ports, _TRUNK):
        raise RpcError("invalid-value", f"no interface {name!r} in this switch", path=path_of(interface))
    if interface.find(f"{{{INTERFACES}}}type") is None:
        raise RpcError("missing-element", "type is mandatory", path=path_of(interface))
    port = interface.find(f"{{{BRIDGE}}}bridge-port")
    registered = None if port is None else port.find(f"{{{PROVIDER_BRIDGE}}}cvid-registration")
    if port is not None and registered is not None:
        kind = port.findtext(f"{{{BRIDGE}}}port-type") or ""
        if not kind.endswith("customer-edge-port"):
            raise RpcError("unknown-element", "only a customer edge port has C-VIDs", path=path_of(registered))


def _tell_state(interface: Element, number: int, links: Mapping[str, int]) -> None:
    name = interface.findtext(f"{{{INTERFACES}}}name") or ""
    enabled = interface.findtext(f"{{{INTERFACES}}}enabled") != "false"
    node(interface, "admin-status", "up" if enabled else "down")
    up = name == _TRUNK or name in links
    node(interface, "oper-status", "up" if up else "down")
    if name in links:
        node(interface, "speed", str(links[name]))
    port = into(interface, "bridge-port", BRIDGE)
    node(port, "port-number", str(_TRUNK_NUMBER if name == _TRUNK else number))


def _lldp(devices: tuple[Plugged, ...]) -> Element:
    top = etree.Element(f"{{{IEEE_LLDP}}}lldp")
    for port in dict.fromkeys(device.port for device in devices):
        listed = node(top, "port")
        node(listed, "name", port)
        node(listed, "dest-mac-address", _NEAREST_BRIDGE)
        for number, device in enumerate((each for each in devices if each.port == port), 1):
            _add_neighbour(listed, str(number), device)
    return top


def _add_neighbour(port: Element, number: str, device: Plugged) -> None:
    entry = node(port, "remote-systems-data")
    told = {
        "time-mark": "0",
        "remote-index": number,
        "chassis-id-subtype": device.chassis_id_type.lower().replace("_", "-"),
        "chassis-id": device.chassis_id,
        "port-id-subtype": device.port_id_type.lower().replace("_", "-"),
        "port-id": device.port_id,
        "system-name": device.system_name,
        "system-description": device.system_description,
        "system-capabilities-enabled": " ".join(name.lower().replace("_", "-") for name in device.capabilities),
    }
    for leaf, text in told.items():
        if text:
            node(entry, leaf, text)
    if device.management_address is not None:
        address = node(entry, "management-address")
        node(address, "address", device.management_address)
