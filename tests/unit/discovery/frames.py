"""DHCP frames put together byte by byte, each part on its own so that a test can spoil one."""

import struct
from typing import Any

COOKIE = b"\x63\x82\x53\x63"
END = b"\xff"
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
CIRCUIT_ID = b"olt-1 xpon 0/1/0/3:17.1.100"
REMOTE_ID = b"HWTC1A2B3C4D"
MAC = bytes.fromhex("02005e100001")


def option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


def relay_agent(*sub_options: tuple[int, bytes]) -> bytes:
    return option(82, b"".join(option(code, value) for code, value in sub_options))


def options(kind: int = DISCOVER, *more: bytes) -> bytes:
    return COOKIE + option(53, bytes((kind,))) + b"".join(more) + END


def bootp(
    tail: bytes,
    *,
    op: int = 1,
    htype: int = 1,
    hlen: int = 6,
    ciaddr: str = "0.0.0.0",
    yiaddr: str = "0.0.0.0",
    giaddr: str = "10.82.1.1",
    chaddr: bytes = MAC,
    sname: bytes = b"",
    file: bytes = b"",
) -> bytes:
    header = struct.pack("!BBBBIHH", op, htype, hlen, 1, 0xC1941A61, 0, 0)
    addresses = b"".join(map(address, (ciaddr, yiaddr, "0.0.0.0", giaddr)))
    return header + addresses + chaddr.ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + tail


def udp(payload: bytes, *, source: int = 67, destination: int = 67, length: int | None = None) -> bytes:
    """The checksum is wrong on purpose: offload leaves it so."""
    return struct.pack("!HHHH", source, destination, length or 8 + len(payload), 0xBAD0) + payload


def ipv4(
    payload: bytes,
    *,
    protocol: int = 17,
    fragment: int = 0,
    header_options: bytes = b"",
    length: int | None = None,
    source: str = "10.82.0.2",
) -> bytes:
    version_ihl = 0x45 + len(header_options) // 4
    total = length or 20 + len(header_options) + len(payload)
    header = struct.pack("!BBHHHBBH", version_ihl, 0, total, 7, fragment, 64, protocol, 0)
    return header + address(source) + address("10.82.0.1") + header_options + payload


def ethernet(packet: bytes, *, ethertype: int = 0x0800, tags: tuple[tuple[int, int], ...] = ()) -> bytes:
    """``tags`` are pairs of EtherType and tag control information, outermost first."""
    stack = b"".join(struct.pack("!HH", *tag) for tag in tags)
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + stack + struct.pack("!H", ethertype) + packet


def address(text: str) -> bytes:
    return bytes(map(int, text.split(".")))


def relayed(kind: int = DISCOVER, *more: bytes, **fields: Any) -> bytes:
    """A whole frame as a relay sends it, with circuit-id and remote-id."""
    agent = relay_agent((1, CIRCUIT_ID), (2, REMOTE_ID))
    return ethernet(ipv4(udp(bootp(options(kind, *more, agent), **fields))))
