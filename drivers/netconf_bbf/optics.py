"""Light levels, read from the hardware model: what cannot be read is None, never a guess.

The OLT's side is ``rssi-onu/rssi`` in tenths of a dBm (``bbf-hardware-transceivers-xpon``); the ONU's side is
``power-dbm/receive`` of a transceiver link inside the component that stands for the ONU
(``bbf-hardware-transceivers``, ``bbf-interfaces-remote-hardware-state``).
"""

from drivers.netconf_bbf import xml
from drivers.netconf_bbf.xml import Element, q, text_at

_COMPONENT = f"{q(xml.HARDWARE, 'hardware')}/{q(xml.HARDWARE, 'component')}"
_DIAGNOSTICS = f"{q(xml.TRANSCEIVERS, 'transceiver-link')}/{q(xml.TRANSCEIVERS, 'diagnostics')}"
_PLAUSIBLE_DBM = (-60.0, 20.0)


def olt_rx_dbm(data: Element, serial: str, v_ani: str) -> float | None:
    """What the OLT receives from the ONU; None when two transceivers see the serial and neither is its v-ANI's."""
    levels: list[float | None] = []
    for component in data.iterfind(_COMPONENT):
        for entry in component.iterfind(f"{_DIAGNOSTICS}/{q(xml.TRANSCEIVERS_XPON, 'rssi-onu')}"):
            seen = text_at(entry, q(xml.TRANSCEIVERS_XPON, "detected-serial-number")) or ""
            if seen.upper() != serial.upper():
                continue
            level = _tenths(text_at(entry, q(xml.TRANSCEIVERS_XPON, "rssi")))
            if text_at(entry, q(xml.TRANSCEIVERS_XPON, "v-ani-ref")) == v_ani:
                return level
            levels.append(level)
    return levels[0] if len(levels) == 1 else None


def onu_components(data: Element, v_ani: str) -> list[str]:
    """The hardware components that are reached through the v-ANI."""
    path = f"{q(xml.REMOTE_HARDWARE, 'remote-hardware')}/{q(xml.REMOTE_HARDWARE, 'component')}"
    return [
        component.text
        for interface in data.iterfind(f"{q(xml.INTERFACES, 'interfaces-state')}/{q(xml.INTERFACES, 'interface')}")
        if text_at(interface, q(xml.INTERFACES, "name")) == v_ani
        for component in interface.iterfind(path)
        if component.text
    ]


def received_dbm(data: Element) -> float | None:
    """What the transceiver links among these components receive; None when none or more than one says so."""
    levels = [
        level
        for component in data.iterfind(_COMPONENT)
        if (
            level := _dbm(
                text_at(component, _DIAGNOSTICS, q(xml.TRANSCEIVERS, "power-dbm"), q(xml.TRANSCEIVERS, "receive"))
            )
        )
        is not None
    ]
    return levels[0] if len(levels) == 1 else None


def component_names(data: Element) -> list[str]:
    """The names of the components in a reply."""
    names = [text_at(component, q(xml.HARDWARE, "name")) for component in data.iterfind(_COMPONENT)]
    return [name for name in names if name is not None]


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
