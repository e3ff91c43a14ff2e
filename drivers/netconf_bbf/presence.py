"""Which ONUs an OLT sees, listed or announced, in whichever dialect it speaks (``dialects``)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from drivers.access import PresentDevice
from drivers.netconf.malformed import Malformed
from drivers.netconf_bbf import dialects, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.dialects import Dialect, Where
from drivers.netconf_bbf.plant import plant_of
from drivers.netconf_bbf.xml import Element, integer_at, local_name, q, text_at
from pon.onu import Presence
from pon.serial import normalise

_STATE = f"{q(xml.INTERFACES, 'interfaces-state')}/{q(xml.INTERFACES, 'interface')}"
_LONGEST_REGISTRATION_ID = 36  # octets, G.987.3 §11.3.4.2


class MalformedEntry(ValueError):
    """An ONU's entry lacks a mandatory leaf or holds a value that is none."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one notification says: ONUs, entries that could not be read, and how many in a dialect not spoken here."""

    onus: tuple[PresentDevice, ...] = ()
    malformed: tuple[Malformed, ...] = ()
    foreign: int = 0


def presence_of(raw_state: str, dialect: Dialect) -> Presence:
    """What a state means to us; one that is not derived from any that the modules name is an error state."""
    bases = [name for name in dialect.meanings if raw_state == name or raw_state.startswith(f"{name}-")]
    return dialect.meanings[max(bases, key=len)] if bases else Presence.IN_ERROR


def present_onus(
    data: Element, configuration: Configuration, dialect: Dialect
) -> tuple[list[PresentDevice], list[Malformed]]:
    """The ONUs of ``onus-present-on-local-channel-termination``, and the entries that could not be read.

    An ONU whose v-ANI belongs to another channel pair than the one it is seen on is misplaced, whatever its state.
    """
    found: list[PresentDevice] = []
    malformed: list[Malformed] = []
    intended = dict(_intended_ports(configuration))
    for port, entry in _entries(data, dialect.listed):
        try:
            onu = _present_onu(port, entry, dialect)
        except ValueError as error:
            malformed.append(Malformed(f"ONU present on {port}", str(error)))
            continue
        claimed = intended.get(text_at(entry, dialect.leaf("v-ani-ref")) or "")
        elsewhere = claimed is not None and claimed != port
        found.append(replace(onu, presence=Presence.MISPLACED) if elsewhere else onu)
    return found, malformed


def announced_onus(raw: str | bytes, dialect: Dialect) -> Announcement:
    """What a ``<notification>`` announces: nothing when it is about something else, malformed when it is no XML."""
    try:
        notification = xml.parse(raw)
    except xml.MalformedXml as error:
        return Announcement(malformed=(Malformed("notification", str(error)),))
    found: list[PresentDevice] = []
    malformed: list[Malformed] = []
    for port, entry in _entries(notification, dialect.announced):
        try:
            found.append(_present_onu(port, entry, dialect))
        except ValueError as error:
            malformed.append(Malformed(f"notification from {port or 'no port'}", str(error)))
    others = (other for other in dialects.DIALECTS if other is not dialect)
    foreign = sum(1 for other in others for _ in notification.iterfind(other.announced.entries))
    return Announcement(tuple(found), tuple(malformed), foreign)


def v_ani_states(data: Element) -> dict[str, Element]:
    """The state of every v-ANI in a reply, by its interface's name."""
    found: dict[str, Element] = {}
    for interface in data.iterfind(_STATE):
        name = text_at(interface, q(xml.INTERFACES, "name"))
        state = interface.find(q(xml.V_ANI, "v-ani"))
        if name is not None and state is not None:
            found[name] = state
    return found


def v_ani_presence(state: Element | None, intended_port: str | None, dialect: Dialect) -> Presence:
    """The presence that a v-ANI's own state reports; absent when it reports none."""
    raw_state = text_at(state, dialect.v_ani_state)
    presence = Presence.ABSENT if raw_state is None else presence_of(local_name(raw_state), dialect)
    seen_on = text_at(
        state, q(xml.V_ANI, "onu-present-on-this-olt"), q(xml.V_ANI, "onu-present-on-this-channel-termination")
    )
    elsewhere = seen_on is not None and intended_port is not None and seen_on != intended_port
    return Presence.MISPLACED if elsewhere and presence is not Presence.ABSENT else presence


def _entries(root: Element, where: Where) -> Iterator[tuple[str, Element]]:
    """Each entry with the name of its port, empty where it has none."""
    for entry in root.iterfind(where.entries):
        yield text_at(entry, where.port) or "", entry


def _present_onu(port: str, entry: Element, dialect: Dialect) -> PresentDevice:
    serial = text_at(entry, dialect.leaf("detected-serial-number"))
    state = text_at(entry, dialect.state)
    if not port or serial is None or state is None:
        raise MalformedEntry("the port's name, detected-serial-number and the ONU's state are mandatory")
    raw_state = local_name(state)
    return PresentDevice(
        port=port,
        device=normalise(serial),
        presence=presence_of(raw_state, dialect),
        raw_state=raw_state,
        onu_id=integer_at(entry, dialect.leaf("onu-id")),
        registration_id=_registration_id(text_at(entry, dialect.leaf("detected-registration-id")), dialect),
    )


def _registration_id(text: str | None, dialect: Dialect) -> str | None:
    """A registration ID in hex; one too long to be text is hex already (the reference OLT sends it so in i1 too)."""
    if text is None or dialect.hex_registration_ids or len(text) > _LONGEST_REGISTRATION_ID:
        return text
    return text.encode().hex().upper()


def _intended_ports(configuration: Configuration) -> Iterator[tuple[str, str | None]]:
    plant = plant_of(configuration)
    for name in configuration.entries[Kind.INTERFACE]:
        v_ani = configuration.entries[Kind.INTERFACE][name].find(q(xml.V_ANI, "v-ani"))
        if v_ani is not None:
            yield name, plant.port_of_pair(text_at(v_ani, q(xml.V_ANI, "preferred-channel-pair")))
