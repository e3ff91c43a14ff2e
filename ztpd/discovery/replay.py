"""A recorded capture through the live path: each frame of a pcap or pcapng file becomes what it would have been.

Formats: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), written by tcpdump and Wireshark; link
types Ethernet and Linux cooked, versions 1 and 2 (tcpdump.org/linktypes.html). Times are the capture's own.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import Message, decode, sighting_of
from ztpd.discovery.dhcp_frame import DhcpFrameError
from ztpd.domain.sighting import Sighting

_LONGEST_RECORD = 262_144  # the largest snap length tcpdump writes
_LONGEST_BLOCK = 16 * 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PCAP_MAGICS = {  # byte order and fractions of a second
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
_SECTION_HEADER = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE_BLOCK, _SIMPLE_PACKET_BLOCK, _ENHANCED_PACKET_BLOCK = 1, 3, 6
_OPTION_TSRESOL = 9

_ETHERNET, _COOKED, _COOKED_2 = 1, 113, 276


class ReplayError(Exception):
    """The file cannot be read as a capture from ``offset`` on; what came before it stands."""

    def __init__(self, path: Path, problem: str, offset: int) -> None:
        self.path = path
        self.problem = problem
        self.offset = offset
        super().__init__(
            f"{path}: {problem}, at byte {offset}; give an uncompressed capture as tcpdump -w or Wireshark save it"
        )


@dataclass(frozen=True, slots=True)
class ReplayedFrame:
    """What became of one frame: a sighting, a refusal with its reason, or neither (nothing about a device).

    ``number`` counts from 1, as packet analysers show it.
    """

    number: int
    sighting: Sighting | None = None
    refusal: str | None = None


def replay(path: Path, table: CircuitIdTable, trusts: Callable[[Message], bool]) -> Iterator[ReplayedFrame]:
    """Each frame of the file through decoding, circuit-id patterns and the rules of sightings, in order.

    ``trusts`` decides for each message whether its option 82 can only come from a relay of ours. No repeats are
    dropped. Raises ``ReplayError`` where the file is damaged, ``OSError`` where it cannot be opened.
    """
    with path.open("rb") as file:
        for number, record in enumerate(_records(_Input(path, file)), start=1):
            try:
                yield ReplayedFrame(number, _sighting(record, table, trusts))
            except (DhcpFrameError, _UnreadableRecord) as problem:
                yield ReplayedFrame(number, refusal=str(problem))


@dataclass(frozen=True, slots=True)
class _Record:
    """One captured frame, and when: ``ticks`` since 1970, ``per_second`` of them, None where the file is silent."""

    linktype: int
    ticks: int | None
    per_second: int
    frame: bytes


class _UnreadableRecord(Exception):
    """The record is whole, but this program cannot take a frame and its time from it."""


def _sighting(record: _Record, table: CircuitIdTable, trusts: Callable[[Message], bool]) -> Sighting | None:
    message = decode(_as_ethernet(record))
    if message is None:
        return None
    return sighting_of(message, table, _time(record), trusts(message))


def _time(record: _Record) -> datetime:
    if record.ticks is None:
        raise _UnreadableRecord("the capture does not say when the frame was heard")
    seconds, fraction = divmod(record.ticks, record.per_second)
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=fraction * 1_000_000 // record.per_second)
    except OverflowError:
        raise _UnreadableRecord(f"the frame's time is {seconds} s after 1970") from None


def _as_ethernet(record: _Record) -> bytes:
    """The frame with its EtherType at bytes 12 and 13, where Ethernet has it."""
    frame = record.frame
    if record.linktype == _ETHERNET:
        return frame
    if record.linktype == _COOKED:  # 16 bytes of header, the protocol last
        return frame[2:]
    if record.linktype == _COOKED_2:  # 20 bytes of header, the protocol first
        return bytes(12) + frame[:2] + frame[20:]
    raise _UnreadableRecord(f"link type {record.linktype} is neither Ethernet nor Linux cooked")


class _Input:
    """The file with its name and position, for what goes wrong in it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def damaged(self, problem: str) -> ReplayError:
        return ReplayError(self._path, problem, self._file.tell())

    def read(self, length: int, most: int) -> bytes:
        """Exactly ``length`` bytes; raises ``ReplayError`` when there are fewer or it is over ``most``."""
        if length > most:
            raise self.damaged(f"{length} bytes announced where at most {most} make sense")
        data = self._file.read(length)
        if len(data) < length:
            raise self.damaged(f"ends {length - len(data)} bytes early")
        return data

    def read_or_end(self, length: int) -> bytes:
        """``length`` bytes, or none at the end of the file."""
        first = self._file.read(1)
        return first + self.read(length - 1, length) if first else b""

    def look_ahead(self, length: int) -> bytes:
        data = self.read(length, length)
        self._file.seek(-length, 1)
        return data


def _records(source: _Input) -> Iterator[_Record]:
    magic = source.look_ahead(4)
    if magic not in (*_PCAP_MAGICS, _SECTION_HEADER):
        raise source.damaged("neither pcap nor pcapng")
    source.read(len(magic), len(magic))
    if magic == _SECTION_HEADER:
        return _pcapng_records(source)
    return _pcap_records(source, *_PCAP_MAGICS[magic])


def _pcap_records(source: _Input, order: str, per_second: int) -> Iterator[_Record]:
    # The upper half of the link type tells of frame check sequences.
    linktype = struct.unpack(f"{order}16xI", source.read(20, 20))[0] & 0xFFFF
    record_header = struct.Struct(f"{order}IIII")
    while header := source.read_or_end(record_header.size):
        seconds, fraction, captured, _ = record_header.unpack(header)
        frame = source.read(captured, _LONGEST_RECORD)
        yield _Record(linktype, seconds * per_second + fraction, per_second, frame)


@dataclass(frozen=True, slots=True)
class _Interface:
    linktype: int
    per_second: int


def _pcapng_records(source: _Input) -> Iterator[_Record]:
    """The packets of every section; ``source`` stands behind the first section's block type."""
    block_type = _SECTION_HEADER
    order = "<"
    interfaces: list[_Interface] = []
    while block_type:
        if block_type == _SECTION_HEADER:
            order = _section_order(source)
            interfaces = []
        body = _block_body(source, order)
        kind = struct.unpack(f"{order}I", block_type)[0]
        if kind == _INTERFACE_BLOCK:
            interfaces.append(_interface(source, order, body))
        elif kind == _ENHANCED_PACKET_BLOCK:
            yield _enhanced_packet(source, order, body, interfaces)
        elif kind == _SIMPLE_PACKET_BLOCK:
            yield _simple_packet(source, body, interfaces)
        block_type = source.read_or_end(4)


def _section_order(source: _Input) -> str:
    order = _BYTE_ORDERS.get(source.look_ahead(8)[4:])
    if order is None:
        raise source.damaged("a section without the byte-order magic")
    return order


def _block_body(source: _Input, order: str) -> bytes:
    """What is between a block's two lengths; ``source`` stands behind its type."""
    length = struct.unpack(f"{order}I", source.read(4, 4))[0]
    if length < 12 or length % 4:
        raise source.damaged(f"a block of {length} bytes")
    body = source.read(length - 12, _LONGEST_BLOCK)
    if struct.unpack(f"{order}I", source.read(4, 4))[0] != length:
        raise source.damaged("a block whose two lengths differ")
    return body


def _interface(source: _Input, order: str, body: bytes) -> _Interface:
    if len(body) < 8:
        raise source.damaged("an interface block cut short")
    linktype = struct.unpack_from(f"{order}H", body)[0]
    return _Interface(linktype, _ticks_per_second(order, body))


def _ticks_per_second(order: str, body: bytes) -> int:
    """The resolution an interface block's options give, a negative power of 10 or of 2; a microsecond if none."""
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _OPTION_TSRESOL and len(value) == 1:
            return int((2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F))
        at += 4 + length + -length % 4
    return 1_000_000


def _enhanced_packet(source: _Input, order: str, body: bytes, interfaces: list[_Interface]) -> _Record:
    if len(body) < 20:
        raise source.damaged("a packet block cut short")
    number, high, low, captured, _ = struct.unpack_from(f"{order}IIIII", body)
    if number >= len(interfaces) or captured > len(body) - 20:
        raise source.damaged("a packet block of no interface or longer than its block")
    interface = interfaces[number]
    return _Record(interface.linktype, high << 32 | low, interface.per_second, body[20 : 20 + captured])


def _simple_packet(source: _Input, body: bytes, interfaces: list[_Interface]) -> _Record:
    if len(body) < 4 or not interfaces:
        raise source.damaged("a simple packet block cut short or of no interface")
    return _Record(interfaces[0].linktype, None, interfaces[0].per_second, body[4:])
