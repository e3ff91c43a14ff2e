"""DHCPv6 frames put together byte by byte, each part on its own so that a test can spoil one."""

import struct
from ipaddress import IPv6Address

from tests.unit.discovery import frames

SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE, RECONFIGURE = range(1, 11)
INFORMATION_REQUEST, RELAY_FORW, RELAY_REPL = range(11, 14)
DUID_LLT = bytes.fromhex("000100013295ea6402005e100001")
DUID_LL = bytes.fromhex("0003000102005e100001")
MAC = "02:00:5e:10:00:01"
INTERFACE_ID = b"olt-1 xpon 0/1/0/3:17.1.100"
REMOTE_ID = struct.pack("!I", 3561) + b"HWTC1A2B3C4D"
RELAY, SERVER, LINK, CLIENT = "2001:db8:2::2", "2001:db8:2::1", "2001:db8:1::1", "fe80::5eff:fe10:1"


def option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def message(kind: int = SOLICIT, *more: bytes, duid: bytes | None = DUID_LLT) -> bytes:
    client = b"" if duid is None else option(1, duid)
    return bytes((kind,)) + b"\xb9\xbb\xb1" + client + b"".join(more)


def ia_na(*addresses: tuple[str, int], status: bytes = b"") -> bytes:
    """Each address with its valid lifetime in seconds."""
    inside = b"".join(option(5, address(text) + struct.pack("!II", valid, valid)) for text, valid in addresses)
    return option(3, struct.pack("!III", 1, 0, 0) + inside + status)


def ia_pd(*prefixes: tuple[str, int, int]) -> bytes:
    """Each prefix with its length and its valid lifetime in seconds."""
    inside = b"".join(
        option(26, struct.pack("!IIB", valid, valid, length) + address(text)) for text, length, valid in prefixes
    )
    return option(25, struct.pack("!III", 2, 0, 0) + inside)


def relay(
    inside: bytes,
    *more: bytes,
    kind: int = RELAY_FORW,
    hop_count: int = 0,
    link: str = LINK,
    peer: str = CLIENT,
) -> bytes:
    return bytes((kind, hop_count)) + address(link) + address(peer) + b"".join(more) + option(9, inside)


def ids(interface_id: bytes = INTERFACE_ID, remote_id: bytes = REMOTE_ID) -> bytes:
    return option(18, interface_id) + option(37, remote_id)


def udp(payload: bytes, *, source: int = 547, destination: int = 547, length: int | None = None) -> bytes:
    return frames.udp(payload, source=source, destination=destination, length=length)


def ipv6(
    payload: bytes,
    *,
    next_header: int = 17,
    source: str = RELAY,
    destination: str = SERVER,
    length: int | None = None,
    version: int = 6,
) -> bytes:
    size = len(payload) if length is None else length
    header = struct.pack("!IHBB", version << 28 | 0xDEB05, size, next_header, 64)
    return header + address(source) + address(destination) + payload


def extension(next_header: int, length: int = 0) -> bytes:
    """A hop-by-hop, routing or destination header of eight bytes and ``length`` times eight more."""
    return bytes((next_header, length)) + bytes(6 + 8 * length)


def fragment(next_header: int = 17, *, offset: int = 0, more: bool = False) -> bytes:
    return struct.pack("!BBHI", next_header, 0, offset << 3 | more, 7)


def ethernet(packet: bytes, *, tags: tuple[tuple[int, int], ...] = ()) -> bytes:
    return frames.ethernet(packet, ethertype=0x86DD, tags=tags)


def frame(payload: bytes, *, source: str = RELAY) -> bytes:
    """A whole frame around a message of any kind."""
    return ethernet(ipv6(udp(payload), source=source))


def address(text: str) -> bytes:
    return IPv6Address(text).packed


def relayed(kind: int = SOLICIT, *more: bytes) -> bytes:
    """A whole frame as a relay sends it, with interface-id and remote-id."""
    return frame(relay(message(kind, *more), ids()))


def replied(*more: bytes) -> bytes:
    """A REPLY on its way back through the relay, as its server sends it."""
    return frame(relay(message(REPLY, *more), ids(), kind=RELAY_REPL), source=SERVER)
