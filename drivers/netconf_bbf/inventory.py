"""A configuration worked out once for all questions: the plant, who claims which serial, who is forwarded how."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drivers.netconf.malformed import Malformed
from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.names import OnuNames
from drivers.netconf_bbf.plant import Plant, plant_of
from drivers.netconf_bbf.tracing import References, references_in
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
    each sub-interface how it is forwarded, ``joined`` the same by forwarder; ``references`` are known where another
    made a v-ANI; ``malformed`` lists the entries that could not be read.
    """

    configuration: Configuration
    uplink: str
    plant: Plant
    v_anis: Mapping[str, tuple[str, ...]]
    members: Mapping[str, Membership]
    joined: Mapping[str, Sequence[str]]
    references: References | None
    malformed: tuple[Malformed, ...]

    def names_of(self, serial: str) -> OnuNames:
        """The names of the ONU's objects: ours, or those that another gave where another made its only v-ANI."""
        foreign = self.foreign_v_ani(serial)
        if foreign is None or self.references is None or len(self.v_anis[serial]) > 1:
            return names.of_onu(serial)
        return self.references.of(foreign)

    def foreign_v_ani(self, serial: str) -> str | None:
        """A v-ANI that claims the serial under a name that is not ours, or None."""
        own = names.of_onu(serial).v_ani
        return next((name for name in self.v_anis.get(serial, ()) if name != own), None)

    def membership_of(self, serial: str) -> Membership | None:
        """How the ONU's user sub-interface is forwarded, or None when it is not."""
        return self.members.get(self.names_of(serial).user_sub_interface)

    def members_of(self, forwarder: str) -> Sequence[str]:
        """The sub-interfaces that are known to be in a forwarder."""
        return self.joined.get(forwarder, ())


def inventory_of(configuration: Configuration, uplink: str) -> Inventory:
    """Work out a configuration; VLANs are on the interface ``uplink``."""
    malformed = list(configuration.malformed)
    v_anis: dict[str, tuple[str, ...]] = {}
    for serial, name in _claims(configuration, malformed):
        v_anis[serial] = (*v_anis.get(serial, ()), name)
    members = dict(_members(configuration))
    joined: dict[str, list[str]] = {}
    for name, member in members.items():
        joined.setdefault(member.forwarder, []).append(name)
    foreign = any(claimed != (names.of_onu(serial).v_ani,) for serial, claimed in v_anis.items())
    return Inventory(
        configuration,
        uplink,
        plant_of(configuration),
        v_anis,
        members,
        joined,
        references_in(configuration) if foreign else None,
        tuple(malformed),
    )


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
