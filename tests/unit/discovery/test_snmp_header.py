"""What an SNMP message claims of its sender, and bytes that claim nothing."""

import pytest

from tests.unit.discovery.snmp import community_message, field, user_message
from ztpd.discovery.snmp_header import (
    LONGEST_MESSAGE,
    CommunityHeader,
    Header,
    HeaderRefused,
    Level,
    UserHeader,
    read_header,
)


@pytest.mark.parametrize(
    ("message", "claims"),
    [
        (community_message(0, b"public"), CommunityHeader(b"public")),
        (community_message(1, b""), CommunityHeader(b"")),
        (community_message(1, b"x" * 300), CommunityHeader(b"x" * 300)),
        (user_message(b"\x80engine", b"olts", 0b111), UserHeader(Level.AUTH_PRIV, b"\x80engine", b"olts")),
        (user_message(b"\x80engine", b"olts", 0b001), UserHeader(Level.AUTH_NO_PRIV, b"\x80engine", b"olts")),
        (user_message(b"", b"", 0b100), UserHeader(Level.NO_AUTH_NO_PRIV, b"", b"")),
    ],
)
def test_a_message_claims_a_community_or_a_user(message: bytes, claims: Header) -> None:
    assert read_header(message) == claims


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "cut short"),
        (b"\x30", "cut short"),
        (b"\x30\x05\x02\x01", "cut short"),
        (b"\x30\x84\xff\xff\xff\xff", "cut short"),
        (b"\x30\x80\x02\x01\x01", "not the fields"),
        (b"<13>syslog", "not the fields"),
        (community_message(2, b"public"), "not of version"),
        (user_message(b"e", b"u", 0b010), "flags that mean no level"),
        (user_message(b"e", b"u", 0b001, model=2), "another security model"),
        (field(0x30, b"\0" * LONGEST_MESSAGE), "longer than"),
    ],
)
def test_other_bytes_are_refused_with_a_reason(message: bytes, reason: str) -> None:
    with pytest.raises(HeaderRefused, match=reason):
        read_header(message)


@pytest.mark.parametrize("message", [community_message(1, b"public"), user_message(b"\x80engine", b"olts", 0b011)])
def test_every_truncation_is_refused(message: bytes) -> None:
    for length in range(len(message)):
        with pytest.raises(HeaderRefused):
            read_header(message[:length])
