"""What a relay and its circuit-id claim of a device, in whichever protocol they do: the rules that all share.

Pure. A claim counts for as much as its source is trusted; that is decided elsewhere.
"""

import re

from pon import serial as pon_serial
from ztpd.discovery.circuit_id import CircuitIdMatch

LONGEST_DETAIL = 255

# A remote-id is free text: only what no MAC address and no customer number looks like is taken for a serial.
_SERIAL_TEXT = re.compile(rb"(?![A-F]{4})[A-Z]{4}[:-]?[0-9A-Fa-f]{8}|[0-9A-Fa-f]{16}")
_SERIAL_BYTES = re.compile(rb"[A-Z]{4}(?![ -~]{4}).{4}", re.DOTALL)


def claimed_serial(match: CircuitIdMatch | None, remote_id: bytes | None) -> str | None:
    """The PON serial that the circuit-id's pattern or the remote-id gives, canonical."""
    if match is not None and "serial" in match.groups:
        try:
            return pon_serial.normalise(match.groups["serial"])
        except pon_serial.SerialError:
            return None
    return _serial_in_remote_id(remote_id or b"")


def _serial_in_remote_id(remote_id: bytes) -> str | None:
    if _SERIAL_BYTES.fullmatch(remote_id):
        return pon_serial.from_hex(remote_id.hex())
    if not _SERIAL_TEXT.fullmatch(remote_id):
        return None
    text = remote_id.decode("ascii")
    return pon_serial.from_hex(text) if len(text) == 16 else pon_serial.normalise(text)


def match_details(match: CircuitIdMatch | None) -> dict[str, str]:
    """Which pattern explained the circuit-id, and its groups."""
    if match is None:
        return {}
    return {"circuit-id-pattern": match.pattern} | {f"circuit-{name}": value for name, value in match.groups.items()}


def readable(raw: bytes) -> str:
    """Printable ASCII as it is, without the zero some clients end it with; anything else as hex."""
    text = raw.rstrip(b"\x00").decode("latin-1")
    shown = text if text.isascii() and text.isprintable() else raw.hex()
    return shown[:LONGEST_DETAIL]


def in_hex(raw: bytes) -> str:
    """Bytes as hex, as far as a detail may be long."""
    return raw[: (LONGEST_DETAIL + 1) // 2].hex()[:LONGEST_DETAIL]
