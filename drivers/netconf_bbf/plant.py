"""The OLT's plant: which channel termination belongs to which channel pair and channel partition."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.netconf_bbf import xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.dialects import Notifiable
from drivers.netconf_bbf.xml import local_name, q, text_at


@dataclass(frozen=True, slots=True)
class Port:
    """One channel termination; ``pon_type`` is the identity's name (``xgs``, ``gpon`` …)."""

    name: str
    channel_pair: str
    channel_partition: str
    pon_type: str


@dataclass(frozen=True, slots=True)
class Plant:
    """The ports by name; a channel termination without pair or partition is not one that can be provisioned."""

    ports: Mapping[str, Port]

    def port_of_pair(self, channel_pair: str | None) -> str | None:
        """The channel termination of a channel pair: the first by name where it is protected by a second."""
        return min((port.name for port in self.ports.values() if port.channel_pair == channel_pair), default=None)


def plant_of(configuration: Configuration) -> Plant:
    """The plant that a configuration describes."""
    ports: dict[str, Port] = {}
    for name, termination in configuration.interface_part(xml.XPON, "channel-termination"):
        pair_name = text_at(termination, q(xml.XPON, "channel-pair-ref"))
        pair = configuration.find(Kind.INTERFACE, pair_name)
        partition = text_at(pair, q(xml.XPON, "channel-pair"), q(xml.XPON, "channel-partition-ref"))
        if pair_name is None or partition is None:
            continue
        pon_type = text_at(termination, q(xml.XPON, "channel-termination-type")) or "xgs"
        ports[name] = Port(name, pair_name, partition, local_name(pon_type))
    return Plant(ports)


def silent_ports(configuration: Configuration, notifiable: Notifiable) -> tuple[str, ...]:
    """The channel terminations that announce nothing, because no state is set as notifiable there."""
    return tuple(
        name
        for name, termination in configuration.interface_part(xml.XPON, "channel-termination")
        if termination.find(q(notifiable.namespace, notifiable.tag)) is None
    )
