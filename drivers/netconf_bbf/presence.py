"""Which ONUs an OLT sees: ``onu-presence-state`` (TR-385 ``bbf-xpon-onu-types``), listed or announced."""

from collections.abc import Iterator

from drivers.netconf_bbf import xml
from drivers.netconf_bbf.configuration import Configuration, Kind, Malformed
from drivers.netconf_bbf.plant import plant_of
from drivers.netconf_bbf.xml import Element, integer_at, local_name, q, text_at
from pon.onu import Presence, PresentOnu
from pon.serial import normalise

_INTENDED = frozenset({"onu-present-and-on-intended-channel-termination"})
_MISPLACED = frozenset(
    {
        "onu-present-and-discovery-tune-failed",
        "onu-present-and-in-wavelength-discovery",
        "onu-present-and-v-ani-known-but-intended-ct-unknown",
    }
)
_STATE = f"{q(xml.INTERFACES, 'interfaces-state')}/{q(xml.INTERFACES, 'interface')}"
_CHANNEL_TERMINATION = q(xml.XPON, "channel-termination")
_PRESENT_ONU = f"{q(xml.ONU_STATE, 'onus-present-on-local-channel-termination')}/{q(xml.ONU_STATE, 'onu')}"
_CHANGE = q(xml.ONU_STATE, "onu-presence-state-change")


class MalformedEntry(ValueError):
    """An ONU's entry lacks a mandatory leaf or holds a value that is none."""


def presence_of(raw_state: str) -> Presence:
    """What an ``onu-presence-state`` means to us; a state that the modules do not name is an error state."""
    if raw_state.startswith("onu-not-present"):
        return Presence.ABSENT
    if raw_state in _INTENDED:
        return Presence.INTENDED
    if raw_state in _MISPLACED:
        return Presence.MISPLACED
    # "onu-present" alone says nothing of a v-ANI: nobody is known to claim it.
    if raw_state == "onu-present" or raw_state.startswith("onu-present-and-no-v-ani-known"):
        return Presence.UNKNOWN
    return Presence.IN_ERROR


def present_onus(data: Element, configuration: Configuration) -> tuple[list[PresentOnu], list[Malformed]]:
    """The ONUs of ``onus-present-on-local-channel-termination``, and the entries that could not be read.

    An ONU whose v-ANI belongs to another channel pair than the one it is seen on is misplaced, whatever its state.
    """
    found: list[PresentOnu] = []
    malformed: list[Malformed] = []
    intended = dict(_intended_ports(configuration))
    for port, entry in _entries(data, _PRESENT_ONU):
        try:
            onu = _present_onu(port, entry)
        except ValueError as error:
            malformed.append(Malformed(f"ONU present on {port}", str(error)))
            continue
        claimed = intended.get(text_at(entry, q(xml.ONU_STATE, "v-ani-ref")) or "")
        found.append(_misplaced(onu) if claimed is not None and claimed != port else onu)
    return found, malformed


def announced_onus(notification: Element) -> Iterator[PresentOnu]:
    """The ONUs that a ``<notification>`` announces, none when it is about something else.

    Raises ``MalformedEntry`` or ``SerialError``.
    """
    for port, entry in _entries(notification, _CHANGE):
        yield _present_onu(port, entry)


def v_ani_states(data: Element) -> dict[str, Element]:
    """The state of every v-ANI in a reply, by its interface's name."""
    found: dict[str, Element] = {}
    for interface in data.iterfind(_STATE):
        name = text_at(interface, q(xml.INTERFACES, "name"))
        state = interface.find(q(xml.V_ANI, "v-ani"))
        if name is not None and state is not None:
            found[name] = state
    return found


def v_ani_presence(state: Element | None, intended_port: str | None) -> Presence:
    """The presence that a v-ANI's own state reports; absent when it reports none."""
    raw_state = text_at(state, q(xml.V_ANI, "onu-presence-state"))
    presence = Presence.ABSENT if raw_state is None else presence_of(local_name(raw_state))
    seen_on = text_at(
        state, q(xml.V_ANI, "onu-present-on-this-olt"), q(xml.V_ANI, "onu-present-on-this-channel-termination")
    )
    elsewhere = seen_on is not None and intended_port is not None and seen_on != intended_port
    return Presence.MISPLACED if elsewhere and presence is not Presence.ABSENT else presence


def _entries(root: Element, path: str) -> Iterator[tuple[str, Element]]:
    for interface in root.iterfind(_STATE):
        port = text_at(interface, q(xml.INTERFACES, "name")) or ""
        for entry in interface.iterfind(f"{_CHANNEL_TERMINATION}/{path}"):
            yield port, entry


def _present_onu(port: str, entry: Element) -> PresentOnu:
    serial = text_at(entry, q(xml.ONU_STATE, "detected-serial-number"))
    state = text_at(entry, q(xml.ONU_STATE, "onu-presence-state"))
    if not port or serial is None or state is None:
        raise MalformedEntry("interface name, detected-serial-number and onu-presence-state are mandatory")
    raw_state = local_name(state)
    return PresentOnu(
        port=port,
        serial=normalise(serial),
        presence=presence_of(raw_state),
        raw_state=raw_state,
        onu_id=integer_at(entry, q(xml.ONU_STATE, "onu-id")),
        registration_id=text_at(entry, q(xml.ONU_STATE, "detected-registration-id")),
    )


def _misplaced(onu: PresentOnu) -> PresentOnu:
    return PresentOnu(onu.port, onu.serial, Presence.MISPLACED, onu.raw_state, onu.onu_id, onu.registration_id)


def _intended_ports(configuration: Configuration) -> Iterator[tuple[str, str | None]]:
    plant = plant_of(configuration)
    for name in configuration.entries[Kind.INTERFACE]:
        v_ani = configuration.entries[Kind.INTERFACE][name].find(q(xml.V_ANI, "v-ani"))
        if v_ani is not None:
            yield name, plant.port_of_pair(text_at(v_ani, q(xml.V_ANI, "preferred-channel-pair")))
