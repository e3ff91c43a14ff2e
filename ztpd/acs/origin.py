"""Where a request really comes from, when a proxy that we trust stands between. Pure.

What anybody else writes into these headers is not looked at.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal

from ztpd.acs import certificates
from ztpd.acs.certificates import Format

_PAIR = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))')
_QUOTED_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|(,)')
_MAX_HOPS = 32
_OF_PROXIES = ("Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies that are trusted, and how they tell of whom they speak for.

    ``forwarded`` is the one header that they set themselves whatever a CPE sends: X-Forwarded-For with
    X-Forwarded-Proto, or Forwarded (RFC 7239). ``certificate_header`` is empty where they verify no certificates.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    forwarded: Literal["x-forwarded", "rfc7239"] = "x-forwarded"
    certificate_header: str = ""
    certificate_format: Format = "rfc9440"

    def trusts(self, address: str) -> bool:
        """Whether a proxy of ours has this address."""
        if not self.networks:
            return False
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a request comes from: address, whether over TLS all the way to us or our proxy, the certificate's name."""

    address: str
    secure: bool = False
    certificate: str | None = None


def origin_of(direct: Origin, headers: Callable[[str], Sequence[str]], proxies: Proxies) -> Origin:
    """The origin of a request that came from ``direct``; ``headers`` gives every value of a header.

    A proxy that does not say over what it was reached was not reached over TLS.
    """
    if not proxies.trusts(direct.address):
        return direct
    hops = _hops_rfc7239(headers) if proxies.forwarded == "rfc7239" else _hops_x(headers)
    # From our end: the last that no proxy of ours has is whom it speaks for, what stands before it is his own word.
    address, proto = direct.address, ""
    for hop_address, hop_proto in reversed(hops[-_MAX_HOPS:]):
        address, proto = hop_address, hop_proto
        if not proxies.trusts(hop_address):
            break
    return Origin(address, proto == "https", _certificate(headers, proxies))


def is_direct(address: str, headers: Callable[[str], Sequence[str]], proxies: Proxies) -> bool:
    """Whether a connection is the sender's alone, as far as can be told: no proxy of ours, and none that shows itself.

    One that forwards must say so by Via (RFC 9110 §7.6.3); many that do not set one of the others.
    """
    return not proxies.trusts(address) and not any(headers(name) for name in _OF_PROXIES)


def _certificate(headers: Callable[[str], Sequence[str]], proxies: Proxies) -> str | None:
    values = headers(proxies.certificate_header) if proxies.certificate_header else ()
    # Two of them: one did not come from the proxy.
    return certificates.of_header(values[0], proxies.certificate_format) if len(values) == 1 else None


def _hops_x(headers: Callable[[str], Sequence[str]]) -> list[tuple[str, str]]:
    addresses = [part for value in headers("X-Forwarded-For") for part in value.split(",")]
    protos = [part.strip().lower() for value in headers("X-Forwarded-Proto") for part in value.split(",")]
    proto = protos[-1] if protos else ""
    return [(found, proto) for part in addresses if (found := _address(part)) is not None]


def _hops_rfc7239(headers: Callable[[str], Sequence[str]]) -> list[tuple[str, str]]:
    hops = []
    for element in (part for value in headers("Forwarded") for part in _split(value)):
        pairs = {match[1].lower(): match[2] if match[2] is not None else match[3] for match in _PAIR.finditer(element)}
        address = _address(pairs.get("for", ""))
        if address is not None:
            hops.append((address, pairs.get("proto", "").lower()))
    return hops


def _split(value: str) -> list[str]:
    """The elements of a header, parted by commas outside quotes."""
    cuts = [match.start() for match in _QUOTED_OR_COMMA.finditer(value) if match[1]]
    return [value[start:end] for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(value)], strict=True)]


def _address(text: str) -> str | None:
    """An address without port and brackets; None for a name or ``unknown`` (RFC 7239 §6)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
