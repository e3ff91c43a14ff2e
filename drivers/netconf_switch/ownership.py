"""Whose a port is, and what may be done to it: pure decisions on ports as they were read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from drivers.access import WantedAccess
from drivers.netconf_switch.names import NotRepresentable, description_of
from drivers.netconf_switch.port import Dialect, Port
from drivers.places import Occupied

_LAST_VLAN = 4094


@dataclass(frozen=True, slots=True)
class AccessPorts:
    """The access ports of a switch, and those that ztpd was told to treat as its own."""

    ports: Mapping[str, Port]
    adopted: Collection[str]

    def owns(self, port: Port) -> bool:
        """Whether a port is configured by ztpd, or adopted."""
        return port.configured and (port.service is not None or port.name in self.adopted)

    def check_owned(self, port: Port) -> None:
        """Raise ``Occupied`` for a port that another has configured."""
        if not port.configured or self.owns(port):
            return
        said = f"described {port.description!r}" if port.description else "in a VLAN of its own, without description"
        raise Occupied(f"port {port.name} is configured by another ({said}): adopt it, or take its configuration away")

    def port_for(self, wanted: WantedAccess, dialect: Dialect) -> Port:
        """The port that a service can be configured on; raises ``NotRepresentable`` or ``Occupied``."""
        if wanted.device != wanted.port:
            raise NotRepresentable(f"a switch's device is its port: {wanted.device!r} is not {wanted.port!r}")
        port = self.ports.get(wanted.port)
        if port is None:
            known = ", ".join(sorted(self.ports)) or "none"
            raise NotRepresentable(f"no access port {wanted.port!r}; there are: {known}")
        for vlan in (wanted.s_vlan, wanted.c_vlan):
            if vlan is not None and not 1 <= vlan <= _LAST_VLAN:
                raise NotRepresentable(f"{vlan} is no VLAN (1 to {_LAST_VLAN})")
        description_of(wanted)
        dialect.check(wanted, port)
        self.check_owned(port)
        for other in self.ports.values():
            if other.name != port.name and other.service == wanted.service:
                raise Occupied(f"service {wanted.service} is configured on port {other.name}")
        return port
