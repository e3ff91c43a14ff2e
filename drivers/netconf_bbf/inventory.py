"""A configuration worked out once for all questions: the plant, who claims which serial, who is forwarded how."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drivers.netconf.malformed import Malformed
from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.plant import Plant, plant_of
from drivers.netconf_bbf.xml import q, text_at
from pon.serial import SerialError, normalise


@dataclass(frozen=True, slots=True)
class Membership:
    """How a sub-interface is forwarded: the forwarder, its port in it, and that port's service (ours only)."""

    forwarder: str
    port: str
    service: str | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an OLT's configuration holds.

    ``v_anis`` are the v-ANIs, ours or another's, that claim each canonical serial (normally one); ``members`` says of
    each sub-interface how it is forwarded; ``malformed`` lists the entries that could not be read.
    """

    configuration: Configuration
    uplink: str
    plant: Plant
    v_anis: Mapping[str, tuple[str, ...]]
    members: Mapping[str, Membership]
    malformed: tuple[Malformed, ...]

    def foreign_v_ani(self, serial: str) -> str | None:
        """A v-ANI that claims the serial under a name that is not ours, or None."""
        own = names.of_onu(serial).v_ani
        return next((name for name in self.v_anis.get(serial, ()) if name != own), None)

    def membership_of(self, serial: str) -> Membership | None:
        """How the ONU's user sub-interface is forwarded, or None when it is not."""
        return self.members.get(names.of_onu(serial).user_sub_interface)


def inventory_of(configuration: Configuration, uplink: str) -> Inventory:
    """Work out a configuration; VLANs are on the interface ``uplink``."""
    malformed = list(configuration.malformed)
    v_anis: dict[str, tuple[str, ...]] = {}
    for serial, name in _claims(configuration, malformed):
        v_anis[serial] = (*v_anis.get(serial, ()), name)
    members = dict(_members(configuration))
    return Inventory(configuration, uplink, plant_of(configuration), v_anis, members, tuple(malformed))


def _claims(configuration: Configuration, malformed: list[Malformed]) -> Iterator[tuple[str, str]]:
    for name, v_ani in configuration.interface_part(xml.V_ANI, "v-ani"):
        expected = text_at(v_ani, q(xml.V_ANI, "expected-serial-number"))
        if expected is None:
            continue
        try:
            yield normalise(expected), name
        except SerialError as error:
            malformed.append(Malformed(f"v-ani {name}", str(error)))


def _members(configuration: Configuration) -> Iterator[tuple[str, Membership]]:
    for forwarder, entry in configuration.entries[Kind.FORWARDER].items():
        for port in entry.iterfind(f"{q(xml.FORWARDING, 'ports')}/{q(xml.FORWARDING, 'port')}"):
            name = text_at(port, q(xml.FORWARDING, "name"))
            sub_interface = text_at(port, q(xml.FORWARDING, "sub-interface"))
            if name is not None and sub_interface is not None:
                yield sub_interface, Membership(forwarder, name, names.service_of_port(name))
