"""The fields of one entry into an ONU."""

import re
from collections.abc import Mapping

from pon.autofind.answer import FoundOnu
from pon.autofind.platform import Platform
from pon.onu import Presence, PresentOnu
from pon.serial import SerialError, normalise

_ABSENT = frozenset({"", "-", "--", "n/a", '""', "null", "none"})
_HEX = re.compile(r"0x((?:[0-9A-Fa-f]{2}){1,36})\b")
_LONGEST_PASSWORD = 36
_WHOLE = frozenset({12, 16})


class Unreadable(ValueError):
    """The entry is no ONU; the message says why."""


def present_only(platform: Platform, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields whose value is not this platform's way to say that there is none."""
    absent = _ABSENT | platform.absent
    return {name: value for name, value in fields.items() if value.lower() not in absent}


def found(platform: Platform, fields: Mapping[str, str]) -> FoundOnu:
    """The ONU that the fields describe. Raises ``Unreadable``."""
    password = fields.get("password")
    registration_id = None if password is None else _registration_id(password)
    onu = PresentOnu(
        port=_port(platform, fields),
        serial=_serial(platform, fields),
        presence=Presence.UNKNOWN,
        raw_state=fields.get("state", ""),
        registration_id=registration_id,
    )
    return FoundOnu(onu, fields.get("model"), fields.get("loid"), _as_text(registration_id))


def _port(platform: Platform, fields: Mapping[str, str]) -> str:
    try:
        printed = platform.port_from.format_map(fields)
    except KeyError as missing:
        raise Unreadable(f"no {missing.args[0]}") from None
    match = platform.port.fullmatch(printed)
    if match is None:
        raise Unreadable(f"{printed[:40]!r} is no port's name")
    return match.expand(platform.port_name)


def _serial(platform: Platform, fields: Mapping[str, str]) -> str:
    """The canonical serial; a serial that was cut off is none, for padding would make another ONU of it."""
    if "serial" not in fields:
        raise Unreadable("no serial")
    printed, _, again = (fields.get("vendor", "") + fields["serial"]).partition("(")
    digits = printed.strip().replace(":", "").replace("-", "")
    if not platform.short_serials and len(digits) not in _WHOLE:
        raise Unreadable(f"{printed.strip()[:40]!r} is no whole serial")
    try:
        serial = normalise(printed)
        if not serial[0].isalpha():  # hex digits that were cut off would pass for a serial
            raise Unreadable(f"{printed.strip()[:40]!r} begins with no vendor id")
        if again and normalise(again.rstrip(") ")) != serial:
            raise Unreadable(f"{fields['serial'][:40]!r} is two serials that differ")
    except SerialError as error:
        raise Unreadable(f"{error.text.strip()[:40]!r} is no PON serial") from None
    return serial


def _registration_id(password: str) -> str | None:
    """Upper-case hex without NUL padding (G.984.3 §9.2.4.2 pads to 10 bytes); None for nothing but padding."""
    printed = _HEX.match(password)
    if printed is not None:
        raw = bytes.fromhex(printed[1])
    elif password.isascii() and len(password) <= _LONGEST_PASSWORD:
        raw = password.encode("ascii")
    else:
        return None
    return raw.rstrip(b"\0").hex().upper() or None


def _as_text(registration_id: str | None) -> str | None:
    if registration_id is None:
        return None
    text = bytes.fromhex(registration_id).decode("latin-1")
    return text if text.isascii() and text.isprintable() else None
