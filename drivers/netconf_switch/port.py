"""A switch port as it is configured and as it is now, whatever modules say it, and what a service makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from drivers.access import ObservedAccess, WantedAccess
from drivers.base import Neighbour
from drivers.netconf.malformed import Malformed
from drivers.netconf.xml import Element
from drivers.netconf_switch.names import service_of
from pon.onu import Presence


@dataclass(frozen=True, slots=True)
class Port:
    """One access port; ``configured`` is whether anything but its state makes it another than a free one (``Free``).

    ``link_state`` is the element's own word; ``complete`` whether all that makes up an access port is there and nothing
    beside it. ``double_tags`` is whether it can be given a C-VLAN inside the S-VLAN; ``unfit`` says why a service
    cannot be configured on it, where that is so.
    """

    name: str
    description: str | None = None
    enabled: bool = True
    link_up: bool = False
    link_state: str = ""
    link_bps: int | None = None
    s_vlan: int | None = None
    c_vlan: int | None = None
    priority: int | None = None
    downstream_bps: int | None = None
    upstream_bps: int | None = None
    configured: bool = False
    complete: bool = False
    double_tags: bool = False
    unfit: str | None = None

    @property
    def service(self) -> str | None:
        """The service that ztpd gave it, or None when its description is not ztpd's."""
        return service_of(self.description)

    @property
    def presence(self) -> Presence:
        """A port tells only whether there is a link: who is at its end is heard otherwise."""
        return Presence.INTENDED if self.link_up else Presence.ABSENT


@dataclass(frozen=True, slots=True)
class Ports:
    """The access ports of a switch by name, and the entries that could not be read."""

    by_name: Mapping[str, Port]
    malformed: tuple[Malformed, ...] = ()


@dataclass(frozen=True, slots=True)
class Free:
    """What a port is that no service has: in which VLAN, None for none of its own, and open or shut."""

    vlan: int | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of some ports, written together; each port is in one of the three."""

    serve: Sequence[WantedAccess] = ()
    free: Sequence[str] = ()
    admin: Mapping[str, bool] = field(default_factory=dict)


class Dialect(Protocol):
    """One family of modules for a switch's ports; pure.

    ``configuration`` and ``state`` below are the ``<data>`` of what its two filters select.
    """

    unmodelled: frozenset[str]

    def configuration_filter(self) -> list[Element]:
        """The filter for all configuration that concerns ports."""
        ...

    def state_filter(self) -> list[Element]:
        """The filter for the state of ports."""
        ...

    def ports(self, configuration: Element, state: Element) -> Ports:
        """The Ethernet ports that a switch has."""
        ...

    def check(self, wanted: WantedAccess, port: Port) -> None:
        """Raise ``NotRepresentable`` for what these modules, or this port, cannot be."""
        ...

    def config(self, change: Change, configuration: Element, state: Element) -> Element:
        """The ``<config>`` of an edit-config that makes a change."""
        ...

    def neighbours_filter(self) -> list[Element]:
        """The filter for the LLDP neighbours of all ports."""
        ...

    def neighbours(self, data: Element) -> tuple[list[Neighbour], list[Malformed]]:
        """The neighbours in a ``<data>``, and the entries that could not be read or are too many on their port."""
        ...


def observed(port: Port, unmodelled: frozenset[str]) -> ObservedAccess:
    """A configured port as every driver tells what is configured.

    Which service another's port is for cannot be told: our description alone says so.
    """
    return ObservedAccess(
        device=port.name,
        port=port.name,
        service=port.service,
        s_vlan=port.s_vlan,
        c_vlan=port.c_vlan,
        downstream_bps=port.downstream_bps,
        upstream_bps=port.upstream_bps,
        priority=port.priority,
        enabled=port.enabled,
        presence=port.presence,
        complete=port.complete,
        unmodelled=unmodelled if port.service is not None else unmodelled | {"service"},
    )
