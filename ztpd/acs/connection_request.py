"""Connection requests, the ACS's side: where a CPE may be asked to inform, what the HTTP request and datagram say.

Pure. HTTP: TR-069 Amendment 6, §3.2.2. Over UDP: the same, Annex G.2.2.3.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UDP_PORT = 80
"""The port of a UDPConnectionRequestAddress that names none (TR-181, Device.ManagementServer.)."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class NotCallable(Exception):
    """A CPE is not asked at the place that it told; ``reason`` is for the operator."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Secret:
    """The user and password that a CPE expects in connection requests."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpPlace:
    """Where a CPE is asked over HTTP; ``target`` is the path with its query, as the CPE wrote it."""

    scheme: str
    address: Address
    port: int
    target: str

    @property
    def url(self) -> str:
        """The URL, in the form that every client reads alike."""
        return f"{self.scheme}://{_host(self.address)}:{self.port}{self.target}"


@dataclass(frozen=True, slots=True)
class UdpPlace:
    """Where a CPE is asked over UDP."""

    address: Address
    port: int


def http_place(url: str) -> HttpPlace:
    """Where a ConnectionRequestURL leads; raises ``NotCallable``.

    A name instead of an address is not looked up: what a device claims should not make us ask somebody's DNS.
    """
    if not url:
        raise NotCallable("it has told no ConnectionRequestURL")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise NotCallable("its ConnectionRequestURL holds characters that no URL has")
    try:
        parts = urlsplit(url)
        port = _DEFAULT_PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError:
        raise NotCallable("its ConnectionRequestURL is no URL") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise NotCallable("its ConnectionRequestURL is neither http nor https")
    if "@" in parts.netloc:
        raise NotCallable("its ConnectionRequestURL holds a user name")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return HttpPlace(parts.scheme, _address(parts.hostname or "", "ConnectionRequestURL"), _port(port), target)


def udp_place(text: str) -> UdpPlace:
    """Where a UDPConnectionRequestAddress (``host:port`` or ``host``) leads; raises ``NotCallable``."""
    try:
        parts = urlsplit(f"//{text}")
        port = UDP_PORT if parts.port is None else parts.port
    except ValueError:
        raise NotCallable("its UDPConnectionRequestAddress is no address") from None
    return UdpPlace(_address(parts.hostname or "", "UDPConnectionRequestAddress"), _port(port))


def refusal(address: Address, informed_from: str, networks: Sequence[Network]) -> str | None:
    """Why a CPE that informed from ``informed_from`` is not asked at an address that it told; None when it may be.

    The address it informed from is its own. Any other could be anything of ours, so it must lie in ``networks``; so
    must our own loopback, which everybody informs from who comes through a proxy on this machine.
    """
    if any(address in network for network in networks):
        return None
    if str(address) == str(_plain(informed_from)) and not (address.is_loopback or address.is_unspecified):
        return None
    return (
        f"{address} is neither the address that it informed from ({informed_from or 'none'}) nor in "
        "acs.connection_requests.networks"
    )


def datagram(place: UdpPlace, secret: Secret, unix_time: int, message_id: int, nonce: str) -> bytes:
    """The UDP Connection Request; ``nonce`` is random hex.

    Copies of one request are the same bytes; each new one needs a later time and another id, or the CPE takes it for a
    copy (Annex G.2.2.3). The signature is over the values as they are before they are escaped.
    """
    text = f"{unix_time}{message_id}{secret.username}{nonce}"
    signature = hmac.digest(secret.password.encode(), text.encode(), "sha1").hex().upper()
    authority = f"{_host(place.address)}:{place.port}"
    query = f"ts={unix_time}&id={message_id}&un={quote(secret.username, safe='')}&cn={nonce}&sig={signature}"
    return f"GET http://{authority}?{query} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 0\r\n\r\n".encode()


def _plain(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _address(host: str, told: str) -> Address:
    address = None if "%" in host else _plain(host)
    if address is None:
        raise NotCallable(f"its {told} names no IP address")
    return address


def _port(port: int) -> int:
    if port < 1:
        raise NotCallable("it names port 0")
    return port


def _host(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
