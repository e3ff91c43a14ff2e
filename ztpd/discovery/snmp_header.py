"""The outside of an SNMP message: what it claims of its sender before anything is decoded or believed.

Pure. By it a message is turned away by name before the SNMP library sees it: RFC 3414 §3.2 lets one pass that bears a
user's name and no authentication, and leaves it to the application to mind the level.
"""

import enum
from dataclasses import dataclass

LONGEST_MESSAGE = 8192
"""A trap that is longer is none: RFC 3417 §3.2 recommends 1,472, and asks for no more than 484."""

_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30


class Level(enum.IntEnum):
    """The security level of RFC 3411 §3.4.3."""

    NO_AUTH_NO_PRIV = 1
    AUTH_NO_PRIV = 2
    AUTH_PRIV = 3


class HeaderRefused(ValueError):
    """The bytes are no SNMP message; the text says why, in words of a small fixed set."""


@dataclass(frozen=True, slots=True)
class CommunityHeader:
    """Of SNMPv1 and v2c (RFC 1157 §4, RFC 1901 §3)."""

    community: bytes


@dataclass(frozen=True, slots=True)
class UserHeader:
    """Of SNMPv3 with USM (RFC 3412 §6, RFC 3414 §2.4); an empty engine ID asks for the receiver's."""

    level: Level
    engine_id: bytes
    user: bytes


Header = CommunityHeader | UserHeader


def read_header(message: bytes) -> Header:
    """What the message claims; raises ``HeaderRefused``."""
    if len(message) > LONGEST_MESSAGE:
        raise HeaderRefused(f"longer than {LONGEST_MESSAGE} bytes")
    outer = _Fields(_Fields(message).next(_SEQUENCE))
    version = int.from_bytes(outer.next(_INTEGER), "big", signed=True)
    if version in (0, 1):
        return CommunityHeader(outer.next(_OCTETS))
    if version != 3:
        raise HeaderRefused("not of version 1, 2c or 3")
    level = _level(_Fields(outer.next(_SEQUENCE)))
    usm = _Fields(_Fields(outer.next(_OCTETS)).next(_SEQUENCE))
    engine_id = usm.next(_OCTETS)
    usm.next(_INTEGER)
    usm.next(_INTEGER)
    return UserHeader(level, engine_id, usm.next(_OCTETS))


def _level(header: "_Fields") -> Level:
    """The level that ``HeaderData`` (RFC 3412 §6) claims; its security model must be USM."""
    header.next(_INTEGER)
    header.next(_INTEGER)
    flags = header.next(_OCTETS)
    if len(flags) != 1 or flags[0] & 3 == 2:
        raise HeaderRefused("flags that mean no level")
    if int.from_bytes(header.next(_INTEGER), "big") != 3:
        raise HeaderRefused("another security model than USM")
    return {0: Level.NO_AUTH_NO_PRIV, 1: Level.AUTH_NO_PRIV, 3: Level.AUTH_PRIV}[flags[0] & 3]


class _Fields:
    """The fields of one BER value, in order; definite lengths only (RFC 3417 §8)."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def next(self, tag: int) -> bytes:
        """The content of the next field, which must have this tag."""
        if self._byte() != tag:
            raise HeaderRefused("not the fields of an SNMP message")
        length = self._byte()
        if length > 0x80:
            size = length & 0x7F
            length = int.from_bytes(self._content[self._at : self._at + size], "big")
            self._at += size
        elif length == 0x80:
            raise HeaderRefused("not the fields of an SNMP message")
        start, self._at = self._at, self._at + length
        if self._at > len(self._content):
            raise HeaderRefused("cut short")
        return self._content[start : self._at]

    def _byte(self) -> int:
        if self._at >= len(self._content):
            raise HeaderRefused("cut short")
        self._at += 1
        return self._content[self._at - 1]
