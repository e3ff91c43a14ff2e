"""The switch itself: its ports, who is plugged in, and its state as a client reads it (openconfig-lldp 2018-11-21)."""

from collections import Counter
from dataclasses import dataclass

from lxml import etree

from ztpd.lab.netconf.faults import Faults
from ztpd.lab.netconf.schema import OC_INTERFACES, OC_LLDP

Element = etree._Element

_LLDP_TYPES = "http://openconfig.net/yang/lldp/types"
_IF_TYPES = "urn:ietf:params:xml:ns:yang:iana-if-type"


class NoSuchPort(ValueError):
    """The switch has no port of that name."""


class NoSuchNeighbour(ValueError):
    """Nobody is plugged in there."""


@dataclass(frozen=True, slots=True)
class Plugged:
    """One device on one port, and what it says of itself by LLDP."""

    port: str
    chassis_id: str
    chassis_id_type: str = "MAC_ADDRESS"
    port_id: str = "eth0"
    port_id_type: str = "INTERFACE_NAME"
    system_name: str | None = None
    system_description: str | None = None
    management_address: str | None = None
    capabilities: tuple[str, ...] = ()


class Switch:
    """A switch with ports ``Ethernet1`` to ``EthernetN``, an interface of VLANs and nothing configured."""

    def __init__(self, ports: int) -> None:
        self.ports = tuple(f"Ethernet{number}" for number in range(1, ports + 1))
        self.faults = Faults()
        self.rpcs: Counter[str] = Counter()
        self._plugged: list[Plugged] = []

    @property
    def plugged(self) -> tuple[Plugged, ...]:
        """Who is plugged in, in the order they came."""
        return tuple(self._plugged)

    def plug(self, device: Plugged) -> None:
        """Plug a device in; raises ``NoSuchPort``, and ``ValueError`` for what no XML can hold."""
        if device.port not in self.ports:
            raise NoSuchPort(f"no port {device.port!r}; there are {', '.join(self.ports)}")
        _add_neighbour(etree.Element(f"{{{OC_LLDP}}}neighbors"), "1", device)
        self._plugged.append(device)

    def unplug(self, port: str) -> None:
        """Unplug whatever is on a port; raises ``NoSuchNeighbour``."""
        left = [device for device in self._plugged if device.port != port]
        if len(left) == len(self._plugged):
            raise NoSuchNeighbour(f"nobody is plugged into {port}")
        self._plugged = left

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        self.faults = Faults()

    def reset(self) -> None:
        """As it comes: nobody plugged in, no faults, counters at zero."""
        self._plugged.clear()
        self.clear_faults()
        self.rpcs.clear()

    def data(self) -> list[Element]:
        """The top-level elements of configuration and state, as ``<get>`` reads them; not to be changed."""
        return [self._interfaces(), self._lldp()]

    def _interfaces(self) -> Element:
        top = etree.Element(f"{{{OC_INTERFACES}}}interfaces", nsmap={"ianaift": _IF_TYPES})
        for name, kind in (*((port, "ethernetCsmacd") for port in self.ports), ("Vlan1", "l3ipvlan")):
            interface = _node(top, "interface")
            _node(interface, "name", name)
            for half in ("config", "state"):
                container = _node(interface, half)
                _node(container, "name", name)
                _node(container, "type", f"ianaift:{kind}")
        return top

    def _lldp(self) -> Element:
        top = etree.Element(f"{{{OC_LLDP}}}lldp", nsmap={"types": _LLDP_TYPES})
        interfaces = _node(top, "interfaces")
        for port in self.ports:
            interface = _node(interfaces, "interface")
            _node(interface, "name", port)
            _node(_node(interface, "state"), "enabled", "true")
            neighbours = [device for device in self._plugged if device.port == port]
            if neighbours:
                container = _node(interface, "neighbors")
                for number, device in enumerate(neighbours, 1):
                    _add_neighbour(container, str(number), device)
        return top


def _add_neighbour(neighbours: Element, number: str, device: Plugged) -> None:
    entry = _node(neighbours, "neighbor")
    _node(entry, "id", number)
    state = _node(entry, "state")
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
            _node(state, leaf, text)
    capabilities = _node(entry, "capabilities")
    for name in device.capabilities:
        capability = _node(capabilities, "capability")
        _node(capability, "name", f"types:{name}")
        said = _node(capability, "state")
        _node(said, "name", f"types:{name}")
        _node(said, "enabled", "true")


def _node(parent: Element, tag: str, text: str | None = None) -> Element:
    """A child in its parent's namespace."""
    made = etree.SubElement(parent, f"{{{etree.QName(parent.tag).namespace}}}{tag}")
    made.text = text
    return made
