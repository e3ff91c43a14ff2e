"""PON serial numbers: four vendor characters and eight hex digits (ITU-T G.984.3 §9.2.4.1, G.9807.1 §C.10)."""

import re

_CANONICAL = re.compile(r"[0-9A-Z]{4}[0-9A-F]{8}")
_SEPARATED = re.compile(r"([A-Za-z0-9]{4})[:\-]?([0-9A-Fa-f]{1,8})")
_ALL_HEX = re.compile(r"[0-9A-Fa-f]{16}")


class SerialError(ValueError):
    """The text is no PON serial number in any form an OLT or a label is known to print."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"{text!r} is no PON serial: expected 4 characters and 8 hex digits (HWTC1A2B3C4D), "
            "the same with a separator (HWTC:1A2B3C4D), or 16 hex digits (485754431A2B3C4D)"
        )


def normalise(text: str) -> str:
    """The serial as 4 characters plus 8 upper-case hex digits, whatever form it was printed in.

    Accepts ``HWTC1A2B3C4D``, ``ALCL:1A2B3C4D``, 16 hex digits with or without ``(HWTC-1A2B3C4D)`` behind them
    (Huawei), and a specific part with its leading zeros dropped (Calix AXOS). Raises ``SerialError``.
    """
    bare = text.strip().partition("(")[0].strip()
    if _ALL_HEX.fullmatch(bare):
        decoded = from_hex(bare)
        if decoded is not None:
            return decoded
    match = _SEPARATED.fullmatch(bare)
    if match is None:
        raise SerialError(text)
    vendor, specific = match.groups()
    return f"{vendor.upper()}{specific.upper().zfill(8)}"


def from_hex(text: str) -> str | None:
    """The serial that 16 hex digits spell (``485754431A2B3C4D`` → ``HWTC1A2B3C4D``), or None if they spell none.

    Many ONTs report this as their CWMP serial number.
    """
    if not _ALL_HEX.fullmatch(text):
        return None
    vendor = bytes.fromhex(text[:8]).decode("latin-1")
    if not (vendor.isascii() and vendor.isalnum() and vendor[:1].isalpha()):
        return None
    return f"{vendor.upper()}{text[8:].upper()}"


def to_hex(serial: str) -> str:
    """The canonical serial as 16 hex digits (``HWTC1A2B3C4D`` → ``485754431A2B3C4D``)."""
    return f"{serial[:4].encode('ascii').hex().upper()}{serial[4:]}"


def is_canonical(text: str) -> bool:
    """Whether the text already is what ``normalise`` returns."""
    return _CANONICAL.fullmatch(text) is not None
