"""Ports in the OpenConfig models.

Read from openconfig/public at commit 94f58962: ``openconfig-interfaces`` (``config`` and ``state`` of an interface),
``openconfig-if-ethernet`` (port speeds), ``openconfig-vlan`` 2023-02-07 (``ethernet/switched-vlan`` with
``interface-mode`` and ``access-vlan``) and ``openconfig-qos``. A rate is a scheduler policy with one
``one-rate-two-color`` scheduler (``cir`` in bit/s, ``bc`` in bytes): applied at ``input`` it polices and drops, as in
openconfig/featureprofiles ``ingress_police_default`` (DP-2.4), at ``output`` it shapes. No document says how deep its
bucket should be: 10 ms of the rate, and not less than the 100,000 bytes of those tests, is our choice.

A second tag for an access port is in none of these models: ``vlan/ingress-mapping`` pushes tags on sub-interfaces,
which would have to be joined to a network instance of the operator's. A C-VLAN is refused.
"""

from collections.abc import Mapping

from drivers.access import WantedAccess
from drivers.base import Neighbour
from drivers.netconf.malformed import Malformed
from drivers.netconf.modules import Module
from drivers.netconf_switch import openconfig_lldp as lldp
from drivers.netconf_switch import openconfig_qos, xml
from drivers.netconf_switch.names import NotRepresentable, description_of
from drivers.netconf_switch.port import Change, Free, Port, Ports
from drivers.netconf_switch.xml import Element, element, integer_at, keyed, local_name, q, removed, text_at

INTERFACES = Module("openconfig-interfaces", xml.OC_INTERFACES)
VLAN = Module("openconfig-vlan", xml.OC_VLAN)
QOS = Module("openconfig-qos", xml.OC_QOS)
LLDP = lldp.LLDP

_RATES = frozenset({"downstream_bps", "upstream_bps"})
_NEVER = frozenset({"assured_upstream_bps", "fixed_upstream_bps", "priority", "address", "ppp_user"})
_DEFAULT_VLAN = 1

_MEGABIT = 1_000_000
_SPEEDS = {
    "SPEED_10MB": 10 * _MEGABIT,
    "SPEED_100MB": 100 * _MEGABIT,
    "SPEED_1GB": 1_000 * _MEGABIT,
    "SPEED_2500MB": 2_500 * _MEGABIT,
    "SPEED_5GB": 5_000 * _MEGABIT,
    "SPEED_10GB": 10_000 * _MEGABIT,
    "SPEED_25GB": 25_000 * _MEGABIT,
    "SPEED_40GB": 40_000 * _MEGABIT,
    "SPEED_50GB": 50_000 * _MEGABIT,
    "SPEED_100GB": 100_000 * _MEGABIT,
}
"""Identities of ``openconfig-if-ethernet``, as far as access ports go; any other is unknown."""


def _if(tag: str) -> str:
    return q(xml.OC_INTERFACES, tag)


_INTERFACE = f"{_if('interfaces')}/{_if('interface')}"
_ETHERNET = q(xml.OC_ETHERNET, "ethernet")
_SWITCHED = f"{_ETHERNET}/{q(xml.OC_VLAN, 'switched-vlan')}/{q(xml.OC_VLAN, 'config')}"


class OpenConfig:
    """``port.Dialect``; ``rates`` is whether the element has ``openconfig-qos`` and it shall be used."""

    def __init__(self, *, rates: bool, free: Free) -> None:
        self.unmodelled = _NEVER if rates else _NEVER | _RATES
        self._rates = rates
        self._free = free

    def configuration_filter(self) -> list[Element]:
        """The filter for all configuration that concerns ports."""
        switched = element(xml.OC_ETHERNET, "ethernet", element(xml.OC_VLAN, "switched-vlan"))
        interfaces = _interfaces_filter(element(xml.OC_INTERFACES, "config"), switched)
        return [interfaces, *([openconfig_qos.selection()] if self._rates else [])]

    def state_filter(self) -> list[Element]:
        """The filter for the state of ports."""
        ethernet = element(
            xml.OC_ETHERNET,
            "state",
            element(xml.OC_ETHERNET, "port-speed"),
            element(xml.OC_ETHERNET, "negotiated-port-speed"),
        )
        state = element(
            xml.OC_INTERFACES,
            "state",
            element(xml.OC_INTERFACES, "type"),
            element(xml.OC_INTERFACES, "oper-status"),
        )
        configured = element(xml.OC_INTERFACES, "config", element(xml.OC_INTERFACES, "type"))
        return [_interfaces_filter(configured, state, element(xml.OC_ETHERNET, "ethernet", ethernet))]

    def ports(self, configuration: Element, state: Element) -> Ports:
        """The Ethernet ports that a switch has."""
        configured = keyed(configuration, _INTERFACE, _if("name"))
        states = keyed(state, _INTERFACE, _if("name"))
        rates = openconfig_qos.rates_of(configuration) if self._rates else {}
        found: dict[str, Port] = {}
        malformed: list[Malformed] = []
        for name in sorted(lldp.ports_of(state)):
            try:
                found[name] = self._port(name, configured.get(name), states.get(name), rates.get(name))
            except ValueError as error:
                malformed.append(Malformed(f"interface {name}", str(error)))
        return Ports(found, tuple(malformed))

    def check(self, wanted: WantedAccess, port: Port) -> None:
        """Raise ``NotRepresentable`` for what these modules, or this port, cannot be."""
        if wanted.c_vlan is not None:
            raise NotRepresentable(
                f"c_vlan {wanted.c_vlan} cannot be said in openconfig-vlan, whose access port has one VLAN: take the "
                "C-VLAN out of the profile, or drive the switch by IEEE 802.1Q modules"
            )
        if self._rates and min(wanted.downstream_bps, wanted.upstream_bps) < 1:
            raise NotRepresentable("a rate of 0 bit/s is none: give the profile its rates, or set none on this switch")

    def config(self, change: Change, configuration: Element, state: Element) -> Element:
        """The ``<config>`` of an edit-config that makes a change."""
        configured = keyed(configuration, _INTERFACE, _if("name"))
        entries = [
            *(self._serving(wanted, configured.get(wanted.port)) for wanted in change.serve),
            *(self._freed(port) for port in change.free),
            *(_entry(port, _config(port, _enabled(enabled))) for port, enabled in change.admin.items()),
        ]
        tops = [element(xml.OC_INTERFACES, "interfaces", *entries)]
        if self._rates:
            tops += openconfig_qos.edits(change, configuration)
        return xml.config(tops)

    def neighbours_filter(self) -> list[Element]:
        """The filter for the LLDP neighbours of all ports."""
        return lldp.neighbours_filter()

    def neighbours(self, data: Element) -> tuple[list[Neighbour], list[Malformed]]:
        """The neighbours in a ``<data>``, and the entries that could not be read or are too many on their port."""
        return lldp.neighbours_of(data)

    def _port(
        self, name: str, configured: Element | None, state: Element | None, rates: openconfig_qos.Rates | None
    ) -> Port:
        rates = rates or openconfig_qos.Rates()
        described = None if configured is None else configured.find(_if("config"))
        switched = None if configured is None else configured.find(_SWITCHED)
        mode, vlan = text_at(switched, q(xml.OC_VLAN, "interface-mode")), _vlan(switched, "access-vlan")
        description = text_at(described, _if("description"))
        tells_vlan = mode == "TRUNK" or vlan not in (None, self._free.vlan or _DEFAULT_VLAN)
        link_state = text_at(state, _if("state"), _if("oper-status")) or ""
        return Port(
            name=name,
            description=description,
            enabled=text_at(described, _if("enabled")) != "false",
            link_up=link_state == "UP",
            link_state=link_state,
            link_bps=_speed(state) if link_state == "UP" else None,
            s_vlan=None if mode == "TRUNK" else vlan,
            downstream_bps=rates.downstream_bps,
            upstream_bps=rates.upstream_bps,
            configured=description is not None or tells_vlan or rates.applied,
            complete=mode == "ACCESS" and vlan is not None,
        )

    def _serving(self, wanted: WantedAccess, existing: Element | None) -> Element:
        typed = text_at(existing, _if("config"), _if("type")) is not None
        leaves = [
            *([] if typed else [xml.identity(xml.OC_INTERFACES, "type", "ianaift", xml.IF_TYPES, "ethernetCsmacd")]),
            element(xml.OC_INTERFACES, "description", description_of(wanted)),
            _enabled(wanted.enabled),
        ]
        return _entry(wanted.port, _config(wanted.port, *leaves), _switched(wanted.s_vlan))

    def _freed(self, port: str) -> Element:
        enabled = removed(xml.OC_INTERFACES, "enabled") if self._free.enabled else _enabled(False)
        leaves = [removed(xml.OC_INTERFACES, "description"), enabled]
        if self._free.vlan is not None:
            return _entry(port, _config(port, *leaves), _switched(self._free.vlan))
        nothing = element(xml.OC_VLAN, "switched-vlan", removed(xml.OC_VLAN, "config"))
        return _entry(port, _config(port, *leaves), element(xml.OC_ETHERNET, "ethernet", nothing))


def implemented(modules: Mapping[str, Module]) -> bool:
    """Whether an element has what this dialect needs, by the names of its modules."""
    return INTERFACES.name in modules and VLAN.name in modules


def _interfaces_filter(*parts: Element) -> Element:
    interface = element(xml.OC_INTERFACES, "interface", element(xml.OC_INTERFACES, "name"), *parts)
    return element(xml.OC_INTERFACES, "interfaces", interface)


def _entry(port: str, *parts: Element) -> Element:
    return element(xml.OC_INTERFACES, "interface", element(xml.OC_INTERFACES, "name", port), *parts)


def _config(port: str, *leaves: Element) -> Element:
    """The description stands first: what a switch makes by halves is known for ours all the same."""
    return element(xml.OC_INTERFACES, "config", element(xml.OC_INTERFACES, "name", port), *leaves)


def _enabled(enabled: bool) -> Element:
    return element(xml.OC_INTERFACES, "enabled", "true" if enabled else "false")


def _switched(vlan: int) -> Element:
    """An access port of one VLAN and of no other: the container is replaced."""
    leaves = element(
        xml.OC_VLAN,
        "config",
        element(xml.OC_VLAN, "interface-mode", "ACCESS"),
        element(xml.OC_VLAN, "access-vlan", str(vlan)),
    )
    switched = element(xml.OC_VLAN, "switched-vlan", xml.marked(leaves, "replace"))
    return element(xml.OC_ETHERNET, "ethernet", switched)


def _vlan(switched: Element | None, leaf: str) -> int | None:
    return integer_at(switched, q(xml.OC_VLAN, leaf))


def _speed(state: Element | None) -> int | None:
    """The speed that was negotiated, else the one that is set, in bit/s."""
    told = None if state is None else state.find(f"{_ETHERNET}/{q(xml.OC_ETHERNET, 'state')}")
    speeds = (
        _SPEEDS.get(local_name(text_at(told, q(xml.OC_ETHERNET, leaf)) or ""))
        for leaf in ("negotiated-port-speed", "port-speed")
    )
    return next((speed for speed in speeds if speed is not None), None)
