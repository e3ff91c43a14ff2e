"""Light levels, read from the hardware model: what cannot be read is None, never a guess.

The OLT's side is ``rssi-onu/rssi`` in tenths of a dBm (``bbf-hardware-transceivers-xpon``); the ONU's side is
``power-dbm/receive`` of a transceiver link inside the component that stands for the ONU
(``bbf-hardware-transceivers``, ``bbf-interfaces-remote-hardware-state``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.netconf_bbf import xml
from drivers.netconf_bbf.xml import Element, q, text_at

_COMPONENT = f"{q(xml.HARDWARE, 'hardware')}/{q(xml.HARDWARE, 'component')}"
_DIAGNOSTICS = f"{q(xml.TRANSCEIVERS, 'transceiver-link')}/{q(xml.TRANSCEIVERS, 'diagnostics')}"
_PLAUSIBLE_DBM = (-60.0, 20.0)


def onu_components(data: Element) -> dict[str, list[str]]:
    """The hardware components that are reached through each v-ANI, by the v-ANI's name."""
    path = f"{q(xml.REMOTE_HARDWARE, 'remote-hardware')}/{q(xml.REMOTE_HARDWARE, 'component')}"
    found: dict[str, list[str]] = {}
    for interface in data.iterfind(f"{q(xml.INTERFACES, 'interfaces-state')}/{q(xml.INTERFACES, 'interface')}"):
        name = text_at(interface, q(xml.INTERFACES, "name"))
        components = [component.text for component in interface.iterfind(path) if component.text]
        if name is not None and components:
            found[name] = components
    return found


@dataclass(frozen=True, slots=True)
class Component:
    """One hardware component: what it is part of, and what its transceiver link receives, if it is one."""

    name: str
    parent: str | None
    received_dbm: float | None


def components(data: Element) -> list[Component]:
    """The hardware components in a reply."""
    return [
        Component(
            name,
            text_at(entry, q(xml.HARDWARE, "parent")),
            _dbm(text_at(entry, _DIAGNOSTICS, q(xml.TRANSCEIVERS, "power-dbm"), q(xml.TRANSCEIVERS, "receive"))),
        )
        for entry in data.iterfind(_COMPONENT)
        if (name := text_at(entry, q(xml.HARDWARE, "name"))) is not None
    ]


def only_level(found: Iterable[Component]) -> float | None:
    """What the transceiver links among these components receive; None when none or more than one says so."""
    levels = [component.received_dbm for component in found if component.received_dbm is not None]
    return levels[0] if len(levels) == 1 else None


def received_by_olt(data: Element) -> dict[str, list[tuple[str | None, float | None]]]:
    """By serial, what each transceiver of the OLT receives from it, and the v-ANI that it takes the ONU for."""
    found: dict[str, list[tuple[str | None, float | None]]] = {}
    for entry in data.iterfind(f"{_COMPONENT}/{_DIAGNOSTICS}/{q(xml.TRANSCEIVERS_XPON, 'rssi-onu')}"):
        serial = (text_at(entry, q(xml.TRANSCEIVERS_XPON, "detected-serial-number")) or "").upper()
        level = _tenths(text_at(entry, q(xml.TRANSCEIVERS_XPON, "rssi")))
        found.setdefault(serial, []).append((text_at(entry, q(xml.TRANSCEIVERS_XPON, "v-ani-ref")), level))
    return found


def v_ani_of(readings: Sequence[tuple[str | None, float | None]]) -> str | None:
    """The v-ANI that the OLT takes an ONU for, where every transceiver that says so says the same."""
    told = {reference for reference, _ in readings if reference is not None}
    return told.pop() if len(told) == 1 else None


def olt_rx_dbm(readings: Sequence[tuple[str | None, float | None]], v_ani: str) -> float | None:
    """What the OLT receives from an ONU; None when two transceivers see the serial and neither is its v-ANI's."""
    for reference, level in readings:
        if reference == v_ani:
            return level
    return readings[0][1] if len(readings) == 1 else None


def _tenths(text: str | None) -> float | None:
    level = _number(text)
    return None if level is None else _plausible(level / 10)


def _dbm(text: str | None) -> float | None:
    level = _number(text)
    return None if level is None else _plausible(level)


def _number(text: str | None) -> float | None:
    """The number, or None for the words ``unknown`` and ``undetermined`` and for anything else that is none."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _plausible(level: float) -> float | None:
    lowest, highest = _PLAUSIBLE_DBM
    return level if lowest <= level <= highest else None
