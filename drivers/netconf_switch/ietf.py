"""Ports in the IETF's and the IEEE's models.

``ietf-interfaces`` (RFC 8343; the state of RFC 7223, ``interfaces-state``, where there is no other), with the VLANs of
``bridge``. No standard module has a rate for a port: rates are not modelled. The service's priority is the port's
``default-priority`` (IEEE 802.1Q §12.6.2.1).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drivers.access import WantedAccess
from drivers.base import Neighbour
from drivers.netconf.malformed import Malformed
from drivers.netconf.modules import Module
from drivers.netconf_switch import ieee_lldp, ietf_edits, xml
from drivers.netconf_switch.bridge import BridgePort, bridge_port
from drivers.netconf_switch.names import NotRepresentable
from drivers.netconf_switch.port import Change, Free, Port, Ports
from drivers.netconf_switch.xml import Element, element, integer_at, keyed, local_name, q, text_at

INTERFACES = Module("ietf-interfaces", xml.INTERFACES)
BRIDGE = Module("ieee802-dot1q-bridge", xml.BRIDGE)
PROVIDER_BRIDGE = Module("ieee802-dot1q-pb", xml.PROVIDER_BRIDGE)
LLDP = ieee_lldp.LLDP

_ETHERNET = frozenset({"ethernetCsmacd", "gigabitEthernet", "fastEther", "fastEtherFX"})  # iana-if-type
_MOST_PRIORITY = 7
_UP = "up"


def _if(tag: str) -> str:
    return q(xml.INTERFACES, tag)


_INTERFACE = f"{_if('interfaces')}/{_if('interface')}"
_OLD_STATE = f"{_if('interfaces-state')}/{_if('interface')}"


@dataclass(frozen=True, slots=True)
class _Link:
    """Whether a port's link is up, in the element's word, and its speed."""

    state: str
    bps: int | None


class Ietf:
    """``port.Dialect``; ``provider`` is whether the element has ``ieee802-dot1q-pb``."""

    unmodelled = frozenset(
        {"downstream_bps", "upstream_bps", "assured_upstream_bps", "fixed_upstream_bps", "address", "ppp_user"}
    )

    def __init__(self, *, provider: bool, free: Free) -> None:
        self._provider = provider
        self._free = free

    def configuration_filter(self) -> list[Element]:
        """The filter for all configuration that concerns ports."""
        leaves = [element(xml.INTERFACES, leaf) for leaf in ("type", "description", "enabled")]
        database = element(xml.BRIDGE, "filtering-database", element(xml.BRIDGE, "vlan-registration-entry"))
        component = element(xml.BRIDGE, "component", element(xml.BRIDGE, "name"), database)
        bridge = element(xml.BRIDGE, "bridge", element(xml.BRIDGE, "name"), component)
        return [
            _filter("interfaces", *leaves, element(xml.BRIDGE, "bridge-port")),
            element(xml.BRIDGE, "bridges", bridge),
        ]

    def state_filter(self) -> list[Element]:
        """The filter for the state of ports."""
        number = element(xml.BRIDGE, "bridge-port", element(xml.BRIDGE, "port-number"))
        told = ("type", "oper-status", "speed")
        return [
            _filter("interfaces", *(element(xml.INTERFACES, leaf) for leaf in told), number),
            _filter("interfaces-state", *(element(xml.INTERFACES, leaf) for leaf in told)),
        ]

    def ports(self, configuration: Element, state: Element) -> Ports:
        """The Ethernet ports that a switch has."""
        found: dict[str, Port] = {}
        malformed: list[Malformed] = []
        configured = keyed(configuration, _INTERFACE, _if("name"))
        states, old = keyed(state, _INTERFACE, _if("name")), keyed(state, _OLD_STATE, _if("name"))
        for name in sorted(states.keys() | old.keys()):
            if not _is_ethernet(states.get(name), old.get(name), configured.get(name)):
                continue
            try:
                told = bridge_port(configured.get(name), states.get(name), configuration)
                link = _link(states.get(name), old.get(name))
            except ValueError as error:
                malformed.append(Malformed(f"interface {name}", str(error)))
                continue
            found[name] = self._port(name, configured.get(name), told, link)
        return Ports(found, tuple(malformed))

    def check(self, wanted: WantedAccess, port: Port) -> None:
        """Raise ``NotRepresentable`` for what these modules, or this port, cannot be."""
        if port.unfit is not None:
            raise NotRepresentable(port.unfit)
        if wanted.c_vlan is not None and not port.double_tags:
            raise NotRepresentable(
                f"c_vlan {wanted.c_vlan} needs {port.name} to be a customer edge port (bridge-port/port-type) of a "
                "switch with ieee802-dot1q-pb: make it one, or take the C-VLAN out of the profile"
            )
        if not 0 <= wanted.priority <= _MOST_PRIORITY:
            raise NotRepresentable(f"priority {wanted.priority} is no IEEE 802.1p code point (0 to 7)")

    def config(self, change: Change, configuration: Element, state: Element) -> Element:
        """The ``<config>`` of an edit-config that makes a change."""
        interfaces = keyed(configuration, _INTERFACE, _if("name"))
        states = keyed(state, _INTERFACE, _if("name"))
        concerned = [*(wanted.port for wanted in change.serve), *change.free]
        bridge_ports = {name: bridge_port(interfaces.get(name), states.get(name), configuration) for name in concerned}
        untyped = frozenset(name for name in concerned if text_at(interfaces.get(name), _if("type")) is None)
        return ietf_edits.config(change, bridge_ports, untyped, self._free)

    def neighbours_filter(self) -> list[Element]:
        """The filter for the LLDP neighbours of all ports."""
        return ieee_lldp.neighbours_filter()

    def neighbours(self, data: Element) -> tuple[list[Neighbour], list[Malformed]]:
        """The neighbours in a ``<data>``, and the entries that could not be read or are too many on their port."""
        return ieee_lldp.neighbours_of(data)

    def _port(self, name: str, configured: Element | None, told: BridgePort, link: _Link) -> Port:
        description = text_at(configured, _if("description"))
        return Port(
            name=name,
            description=description,
            enabled=text_at(configured, _if("enabled")) != "false",
            link_up=link.state == _UP,
            link_state=link.state,
            link_bps=link.bps if link.state == _UP else None,
            s_vlan=told.s_vlan,
            c_vlan=told.c_vlan,
            priority=told.priority,
            configured=description is not None or not told.is_free(self._free.vlan),
            complete=told.is_access,
            double_tags=self._provider and told.is_customer_edge,
            unfit=_unfit(name, told, self._provider),
        )


def implemented(modules: Mapping[str, Module]) -> bool:
    """Whether an element has what this dialect needs, by the names of its modules."""
    return INTERFACES.name in modules and BRIDGE.name in modules


def _filter(top: str, *parts: Element) -> Element:
    interface = element(xml.INTERFACES, "interface", element(xml.INTERFACES, "name"), *parts)
    return element(xml.INTERFACES, top, interface)


def _is_ethernet(*told: Element | None) -> bool:
    """Whether an interface is an Ethernet port by what is told of it; one that does not tell its type is none."""
    kind = next(_texts(told, "type"), None)
    return kind is not None and local_name(kind) in _ETHERNET


def _link(*told: Element | None) -> _Link:
    speeds = (integer_at(each, _if("speed")) for each in told)
    return _Link(next(_texts(told, "oper-status"), ""), next((speed for speed in speeds if speed), None))


def _texts(told: tuple[Element | None, ...], leaf: str) -> Iterator[str]:
    return (text for each in told if (text := text_at(each, _if(leaf))) is not None)


def _unfit(name: str, told: BridgePort, provider: bool) -> str | None:
    """Why a port can be in no VLAN of a service, or None."""
    if told.component is None:
        return f"{name} is in no bridge: set bridge-port/component-name (and bridge-name) on the switch"
    if told.is_customer_edge:
        return None if provider else f"{name} is a customer edge port and the switch has no ieee802-dot1q-pb"
    if told.number is None:
        return f"the switch tells no bridge-port/port-number for {name}, by which its VLANs are set"
    return None
