"""A lab switch without a server: what a driver's dialect writes is applied to its configuration, and read back."""

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from drivers.access import WantedAccess
from drivers.netconf_switch.ietf import Ietf
from drivers.netconf_switch.openconfig import OpenConfig
from drivers.netconf_switch.port import Change, Dialect, Free, Port
from ztpd.lab.netconf.operations import filtered
from ztpd.lab.netconf.rpc_error import NETCONF
from ztpd.lab.switch.ieee import IeeeModels
from ztpd.lab.switch.openconfig import OpenConfigModels
from ztpd.lab.switch.switch import Switch, SwitchModels

Element = etree._Element


PLAIN = Free(vlan=None, enabled=True)


@dataclass
class Bench:
    """One switch and the dialect that it is driven by."""

    models: SwitchModels
    dialect: Dialect
    switch: Switch = field(init=False)

    def __post_init__(self) -> None:
        self.switch = Switch(4, self.models, "running")

    @property
    def running(self) -> Element:
        """The configuration."""
        return self.switch.datastores.running

    def text(self) -> bytes:
        """The configuration, comparable."""
        return etree.tostring(self.running, method="c14n")

    def change(self, change: Change) -> None:
        """Make a change as the driver does; the switch raises ``RpcError`` for what is wrong."""
        self.edit(self.dialect.config(change, self._selected(config=True), self._selected(config=False)))

    def serve(self, *wanted: WantedAccess) -> None:
        """Configure services."""
        self.change(Change(serve=wanted))

    def free(self, *ports: str) -> None:
        """Take services away."""
        self.change(Change(free=ports))

    def edit(self, config: Element | str) -> None:
        """Have anybody change the configuration."""
        if isinstance(config, str):
            config = etree.fromstring(f'<config xmlns="{NETCONF}">{config}</config>')
        self.switch.datastores.edit_running(etree.fromstring(etree.tostring(config)), "merge", 1)

    def ports(self) -> dict[str, Port]:
        """The ports as the dialect reads them."""
        found = self.dialect.ports(self._selected(config=True), self._selected(config=False))
        assert found.malformed == ()
        return dict(found.by_name)

    def _selected(self, *, config: bool) -> Element:
        """The ``<data>`` of a get-config or a get with the dialect's filter."""
        chosen = self.dialect.configuration_filter() if config else self.dialect.state_filter()
        operation = etree.Element(f"{{{NETCONF}}}get")
        etree.SubElement(operation, f"{{{NETCONF}}}filter").extend(chosen)
        return filtered(list(self.running) if config else self.switch.data(), operation)


def openconfig(*, rates: bool = True, free: Free = PLAIN) -> Bench:
    """A switch with OpenConfig's models."""
    return Bench(OpenConfigModels(lldp=True, qos=rates), OpenConfig(rates=rates, free=free))


def bridge(*, free: Free = PLAIN) -> Bench:
    """A bridge of customer VLANs with the models of the IETF and the IEEE; VLAN 201 is on its trunk."""
    return Bench(IeeeModels(lldp=True, provider=False), Ietf(provider=False, free=free))


def provider(*, free: Free = PLAIN) -> Bench:
    """A provider's edge bridge."""
    return Bench(IeeeModels(lldp=True, provider=True), Ietf(provider=True, free=free))


def wanted(port: str = "Ethernet1", **others: Any) -> WantedAccess:
    """A service on a port."""
    told: dict[str, Any] = {
        "service": f"SVC-{port}",
        "port": port,
        "device": port,
        "s_vlan": 201,
        "c_vlan": None,
        "downstream_bps": 100_000_000,
        "upstream_bps": 20_000_000,
        "description": "job=J-1",
        **others,
    }
    return WantedAccess(**told)
