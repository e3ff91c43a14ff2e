"""How RouterOS writes values: everything in its JSON is a string (ROS "REST API", section JSON format)."""

import ipaddress
import re

_RATE = re.compile(r"(\d{1,15})([kMG]?)(?:bps)?")
_FACTORS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_CLOCK = re.compile(r"(?:(?:(\d+)w)?(\d+)d)?(\d+):(\d\d):(\d\d)")
_SECONDS = (604_800.0, 86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_SIGNAL = re.compile(r"(-?\d{1,3})(?:dBm)?(?:@.*)?")
_ID = re.compile(r"\*[0-9A-Fa-f]{1,16}")
_PPP_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_PPP_PASSWORD = re.compile(r"[\x21-\x7e]{1,128}")


def rate_bps(text: str) -> int | None:
    """``10M`` or ``10000000`` in bit/s, by powers of ten (ROS "Queues"); None when it is no rate."""
    found = _RATE.fullmatch(text)
    return None if found is None else int(found[1]) * _FACTORS[found[2]]


def rate_pair(text: str) -> tuple[int | None, int | None]:
    """Upload and download of ``max-limit`` or ``limit-at`` in bit/s (ROS "Queues": upload/download)."""
    up, separator, down = text.partition("/")
    return (rate_bps(up), rate_bps(down)) if separator else (None, None)


def written_pair(up_bps: int, down_bps: int) -> str:
    """Upload and download as ``max-limit`` takes them."""
    return f"{up_bps:d}/{down_bps:d}"


def duration_s(text: str) -> float | None:
    """``1w2d3h4m5s`` or ``2d03:04:05`` in seconds; None for ``never`` and what is no duration."""
    found = _DURATION.fullmatch(text) if text else None
    if found is not None:
        return sum(int(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part)
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return None
    return sum(int(part) * unit for part, unit in zip(clock.groups(), _SECONDS[:5], strict=True) if part)


def signal_dbm(text: str) -> float | None:
    """``-62dBm@6Mbps``, ``-62@1Mbps`` or ``-62`` in dBm; None when it is none."""
    found = _SIGNAL.fullmatch(text)
    return None if found is None else float(found[1])


def is_true(text: str) -> bool:
    """Whether a yes/no property says yes, in either of its spellings."""
    return text in ("true", "yes")


def written_bool(value: bool) -> str:
    """A yes/no property."""
    return "true" if value else "false"


def is_id(text: str) -> bool:
    """Whether it is an internal id (``*1A``), which is the only thing ever put into a path."""
    return _ID.fullmatch(text) is not None


def is_ppp_user(text: str) -> bool:
    """Whether a PPP user name is one that is written as it is."""
    return _PPP_USER.fullmatch(text) is not None


def is_ppp_password(text: str) -> bool:
    """Whether a PPP password is one that is written as it is: printable ASCII without spaces."""
    return _PPP_PASSWORD.fullmatch(text) is not None


def host_address(text: str) -> str | None:
    """The address of ``192.0.2.1`` or ``192.0.2.1/32``, or None when it is not that of one IPv4 host."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return None
    return str(network.network_address) if network.num_addresses == 1 else None
