"""What the kernel says of interfaces, by hand-made messages and by any bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.discovery.links import came_up

NEWLINK, DELLINK = 16, 17
UP, RUNNING = 1, 0x40


def attribute(kind: int, value: bytes) -> bytes:
    raw = struct.pack("=HH", 4 + len(value), kind) + value
    return raw + b"\0" * (-len(raw) % 4)


def message(name: str, *, kind: int = NEWLINK, flags: int = UP | RUNNING) -> bytes:
    link = struct.pack("=BxHiII", 0, 1, 7, flags, 0)
    body = link + attribute(13, b"\1\2\3\4\5") + attribute(3, name.encode() + b"\0") + attribute(4, b"\0\0\5\xdc")
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


@pytest.mark.parametrize(
    ("datagram", "names"),
    [
        (message("near"), {"near"}),
        (message("eth0.100") + message("far"), {"eth0.100", "far"}),
        (message("near", flags=RUNNING), set()),
        (message("near", kind=DELLINK), set()),
        (message("near", kind=DELLINK) + message("far"), {"far"}),
        (b"", set()),
        (message("near")[:40], set()),
        (struct.pack("=IHHII", 3, NEWLINK, 0, 0, 0) + message("near"), set()),
    ],
    ids=["up", "two", "down", "gone", "gone and up", "empty", "cut", "no length"],
)
def test_an_interface_is_named_when_it_is_up(datagram: bytes, names: set[str]) -> None:
    assert came_up(datagram) == names


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: message("near")[:48] + tail))
def test_any_bytes_name_interfaces_or_none(datagram: bytes) -> None:
    assert all(isinstance(name, str) for name in came_up(datagram))
