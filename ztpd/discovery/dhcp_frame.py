"""A DHCPv4 message out of a captured Ethernet frame, decoded by hand.

Pure: bytes in; a ``DhcpMessage``, None or a ``DhcpFrameError`` out, for any bytes. Ethernet and VLAN tags (IEEE
802.3, 802.1Q), IPv4 (RFC 791), UDP (RFC 768), BOOTP and DHCP (RFC 951, RFC 2131), options (RFC 2132, RFC 3396) and
relay agent information (RFC 3046). It is on the live path: one pass over the options, and what most readers of a
message never ask for (addresses as text) is made when it is asked for. A message is a named tuple: a frozen dataclass
takes three times as long to make.
"""

import enum
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class MessageType(enum.IntEnum):
    """DHCP message types (option 53), as IANA has them registered."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8
    FORCERENEW = 9
    LEASEQUERY = 10
    LEASEUNASSIGNED = 11
    LEASEUNKNOWN = 12
    LEASEACTIVE = 13
    BULKLEASEQUERY = 14
    LEASEQUERYDONE = 15
    ACTIVELEASEQUERY = 16
    LEASEQUERYSTATUS = 17
    TLS = 18


# Option codes and sub-option codes are plain numbers: looking an enumeration's member up in a dict costs twice as
# much, several times a frame.
_HOSTNAME = 12
_VENDOR_SPECIFIC = 43
_REQUESTED_ADDRESS = 50
_OVERLOAD = 52
_MESSAGE_TYPE = 53
_SERVER_IDENTIFIER = 54
_PARAMETER_REQUEST_LIST = 55
_VENDOR_CLASS = 60
_CLIENT_IDENTIFIER = 61
_RELAY_AGENT_INFORMATION = 82
_VENDOR_IDENTIFYING = 125
_END = 255

AGENT_CIRCUIT_ID = 1  # RFC 3046
AGENT_REMOTE_ID = 2  # RFC 3046
AGENT_LINK_SELECTION = 5  # RFC 3527
AGENT_SUBSCRIBER_ID = 6  # RFC 3993
AGENT_VENDOR_SPECIFIC = 9  # RFC 4243
AGENT_FLAGS = 10  # RFC 5010
AGENT_SERVER_OVERRIDE = 11  # RFC 5107
AGENT_RELAY_ID = 12  # RFC 6925
AGENT_VIRTUAL_SUBNET = 151  # RFC 6607
AGENT_VIRTUAL_SUBNET_CONTROL = 152  # RFC 6607


class DhcpFrameError(Exception):
    """A frame sent as DHCP that cannot be read as such; ``offset`` is the byte of the frame where that shows."""

    def __init__(self, what: str, offset: int) -> None:
        self.what = what
        self.offset = offset
        super().__init__(f"{what}, at byte {offset} of the frame")


class DhcpMessage(NamedTuple):
    """One DHCPv4 message and what its frame says beside it.

    ``header`` is the fixed part of BOOTP, ``op`` to ``chaddr`` (44 bytes, RFC 2131 §2), which the address properties
    read; ``source`` is the sender's IPv4 address. ``vlans`` are VLAN identifiers, outermost first; 0 is a priority
    tag. ``options`` are raw values by code, concatenated (RFC 3396); ``relay_agent`` holds option 82's sub-options
    by code. ``ambiguous`` are the sub-options that came twice with different values: the last one stands, as a relay
    appends behind what a client may have put there. Addresses are dotted text, ``0.0.0.0`` where left empty.
    """

    message_type: MessageType
    header: bytes
    source: bytes
    vlans: tuple[int, ...]
    options: Mapping[int, bytes]
    relay_agent: Mapping[int, bytes]
    ambiguous: frozenset[int]

    @property
    def xid(self) -> int:
        """The transaction the client chose."""
        return int.from_bytes(self.header[4:8], "big")

    @property
    def chaddr(self) -> bytes:
        """The client's hardware address, as long as the message says."""
        return self.header[28 : 28 + self.header[2]]

    @property
    def mac(self) -> str | None:
        """The client's MAC as ``aa:bb:cc:dd:ee:ff``, None when its hardware address is no 48-bit MAC or all zero."""
        chaddr = self.chaddr
        if self.header[1] != _ETHERNET_HARDWARE or len(chaddr) != 6 or not any(chaddr):
            return None
        return chaddr.hex(":")

    @property
    def ciaddr(self) -> str:
        """The address the client has."""
        return _dotted(self.header[12:16])

    @property
    def yiaddr(self) -> str:
        """The address the server gives."""
        return _dotted(self.header[16:20])

    @property
    def giaddr(self) -> str:
        """The relay that passed the message on."""
        return _dotted(self.header[24:28])

    @property
    def source_ip(self) -> str:
        """The sender of the packet: client, relay or server."""
        return _dotted(self.source)

    @property
    def circuit_id(self) -> bytes | None:
        """Where the relay heard the client, in the relay's own encoding."""
        return self.relay_agent.get(AGENT_CIRCUIT_ID)

    @property
    def remote_id(self) -> bytes | None:
        """The far end of the circuit, in the relay's own encoding."""
        return self.relay_agent.get(AGENT_REMOTE_ID)

    @property
    def subscriber_id(self) -> bytes | None:
        """The operator's name of the subscriber, when the relay is told it."""
        return self.relay_agent.get(AGENT_SUBSCRIBER_ID)

    @property
    def hostname(self) -> bytes | None:
        """What the client calls itself."""
        return self.options.get(_HOSTNAME)

    @property
    def vendor_class(self) -> bytes | None:
        """What the client is, as its vendor says."""
        return self.options.get(_VENDOR_CLASS)

    @property
    def client_id(self) -> bytes | None:
        """The client identifier, its type byte included (RFC 2132 §9.14)."""
        return self.options.get(_CLIENT_IDENTIFIER)

    @property
    def vendor_specific(self) -> bytes | None:
        """Option 43 as it came; its inside is the vendor's."""
        return self.options.get(_VENDOR_SPECIFIC)

    @property
    def vendor_identifying(self) -> bytes | None:
        """Option 125 as it came: enterprise numbers, each with its data (RFC 3925)."""
        return self.options.get(_VENDOR_IDENTIFYING)

    @property
    def parameter_requests(self) -> bytes:
        """The option codes the client asks for, in its order; implementations are known by it."""
        return self.options.get(_PARAMETER_REQUEST_LIST, b"")

    @property
    def requested_ip(self) -> str | None:
        """The address the client asks for."""
        raw = self.options.get(_REQUESTED_ADDRESS)
        return None if raw is None else _dotted(raw)

    @property
    def server_ip(self) -> str | None:
        """The server that answers or is answered."""
        raw = self.options.get(_SERVER_IDENTIFIER)
        return None if raw is None else _dotted(raw)


_ETHERTYPE_IPV4 = b"\x08\x00"
_ETHERTYPES_VLAN = frozenset({b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
_MOST_TAGS = 8
_ETHERNET_HARDWARE = 1
_UDP = 17
_SERVER_PORT = 67
_COOKIE = b"\x63\x82\x53\x63"

# RFC 791 §3.1: the offset, and with it the more-fragments bit.
_FRAGMENT_OFFSET = 0x1FFF
_FRAGMENT = 0x3FFF

# Offsets from the BOOTP header, RFC 2131 §2.
_HEADER_LENGTH = 44
_SNAME, _FILE = (44, 108), (108, 236)
_OPTIONS_AT = 240
_OVERLOADED = {b"\x01": (_FILE,), b"\x02": (_SNAME,), b"\x03": (_FILE, _SNAME)}

_read_ipv4 = struct.Struct("!BxHxxHxBxx4s").unpack_from  # version and IHL, total length, fragment, protocol, source
_read_udp_and_bootp = struct.Struct("!HHHxxBxB233x4s").unpack_from  # both ports, length; op, hlen, cookie
_SHORTEST_DATAGRAM = 8 + _OPTIONS_AT

_MESSAGE_TYPES = {bytes((each,)): each for each in MessageType}
_NO_AGENT: Mapping[int, bytes] = MappingProxyType({})
_UNAMBIGUOUS: frozenset[int] = frozenset()
_END_OF_OPTIONS = bytes((_END,))


def decode(frame: bytes, tags: tuple[int, ...] = ()) -> DhcpMessage | None:
    """The DHCP message in an Ethernet frame, or None if the frame carries something else.

    ``tags`` are VLAN identifiers that the kernel took off the frame, outermost first. Something else is: no IPv4, no
    UDP, neither port 67, a later fragment, no DHCP cookie or message type (plain BOOTP). The UDP checksum is not
    verified: offload leaves it wrong in captures. Raises ``DhcpFrameError``.
    """
    if frame[12:14] == _ETHERTYPE_IPV4:
        return _decode_ipv4(frame, 14, tags)
    at, ethertype, vlans = read_tags(frame, tags)
    return _decode_ipv4(frame, at + 2, vlans) if ethertype == _ETHERTYPE_IPV4 else None


def read_tags(frame: bytes, tags: tuple[int, ...]) -> tuple[int, bytes, tuple[int, ...]]:
    """Where a frame's EtherType is, behind any VLAN tags, what it is, and the tags with those taken off before.

    Of more than eight tags the rest is left alone: the EtherType is then a tag's.
    """
    at = 12
    ethertype = frame[12:14]
    while ethertype in _ETHERTYPES_VLAN and len(frame) >= at + 6 and len(tags) < _MOST_TAGS:
        tags = (*tags, (frame[at + 2] & 0x0F) << 8 | frame[at + 3])
        at += 4
        ethertype = frame[at : at + 2]
    return at, ethertype, tags


def _decode_ipv4(frame: bytes, at: int, vlans: tuple[int, ...]) -> DhcpMessage | None:
    if len(frame) < at + 20:
        return None
    version_ihl, total_length, fragment, protocol, source = _read_ipv4(frame, at)
    udp = at + (version_ihl & 0x0F) * 4
    if protocol != _UDP or not 0x45 <= version_ihl <= 0x4F or fragment & _FRAGMENT_OFFSET or len(frame) < udp + 8:
        return None
    fields = frame if len(frame) >= udp + _SHORTEST_DATAGRAM else frame + bytes(_SHORTEST_DATAGRAM)
    source_port, destination_port, udp_length, op, hlen, cookie = _read_udp_and_bootp(fields, udp)
    if destination_port != _SERVER_PORT and source_port != _SERVER_PORT:
        return None
    if fragment & _FRAGMENT:
        raise DhcpFrameError("a fragment; a DHCP message is read only whole", at + 6)
    end = at + total_length
    if end > len(frame):
        raise DhcpFrameError(f"cut short: the IPv4 header promises {total_length} bytes", at + 2)
    if not udp + _SHORTEST_DATAGRAM <= udp + udp_length <= end:
        raise DhcpFrameError(f"UDP length {udp_length} fits no DHCP message in its packet", udp + 4)
    if cookie != _COOKIE:
        return None
    if hlen > 16 or (op != 1 and op != 2):
        raise _bad_header(op, hlen, udp + 8)
    return _decode_bootp(frame, udp + 8, udp + udp_length, source, vlans)


def _bad_header(op: int, hlen: int, at: int) -> DhcpFrameError:
    if hlen > 16:
        return DhcpFrameError(f"hardware address length {hlen} is over 16", at + 2)
    return DhcpFrameError(f"BOOTP operation {op} is neither request nor reply", at)


def _decode_bootp(frame: bytes, at: int, end: int, source: bytes, vlans: tuple[int, ...]) -> DhcpMessage | None:
    options: dict[int, bytes] = {}
    options_at = at + _OPTIONS_AT
    _read_options(frame, options_at, end, options)
    if _OVERLOAD in options:
        _read_overloaded(frame, at, options)
    raw_type = options.get(_MESSAGE_TYPE)
    if raw_type is None:
        return None
    message_type = _MESSAGE_TYPES.get(raw_type)
    if message_type is None:
        raise DhcpFrameError(f"message type {raw_type.hex()} is not registered", options_at)
    if _REQUESTED_ADDRESS in options or _SERVER_IDENTIFIER in options:
        _refuse_bad_addresses(options, options_at)
    relay_agent, ambiguous = _NO_AGENT, _UNAMBIGUOUS
    if _RELAY_AGENT_INFORMATION in options:
        relay_agent, ambiguous = read_relay_agent(options[_RELAY_AGENT_INFORMATION], options_at)
    return DhcpMessage(message_type, frame[at : at + _HEADER_LENGTH], source, vlans, options, relay_agent, ambiguous)


def _read_options(frame: bytes, begin: int, end: int, options: dict[int, bytes]) -> None:
    """Add the options between two offsets; the same code again is the rest of a long value (RFC 3396 §5).

    The end that is put behind them ends a list that lacks its own; whatever points beyond it runs over.
    """
    field = frame[begin:end] + _END_OF_OPTIONS
    value_at = at = 0
    try:
        while (code := field[at]) != _END:
            if code:
                value_at = at + 2
                at = value_at + field[at + 1]
                if code in options:
                    options[code] += field[value_at:at]
                else:
                    options[code] = field[value_at:at]
            else:  # a pad, which has no length
                at += 1
    except IndexError:
        last = value_at - 2
        raise DhcpFrameError(f"option {field[last]} runs over the end of its field", begin + last) from None


def _read_overloaded(frame: bytes, at: int, options: dict[int, bytes]) -> None:
    """Read ``file``, then ``sname``, as more options where option 52 says so (RFC 2132 §9.3, RFC 3396 §5)."""
    fields = _OVERLOADED.get(options[_OVERLOAD])
    if fields is None:
        raise DhcpFrameError(f"option overload {options[_OVERLOAD].hex()} is not 1, 2 or 3", at + _OPTIONS_AT)
    for begin, end in fields:
        _read_options(frame, at + begin, at + end, options)


def _refuse_bad_addresses(options: Mapping[int, bytes], at: int) -> None:
    for code in (_REQUESTED_ADDRESS, _SERVER_IDENTIFIER):
        if code in options and len(options[code]) != 4:
            raise DhcpFrameError(f"option {code} is {len(options[code])} bytes, an IPv4 address is 4", at)


def read_relay_agent(raw: bytes, at: int) -> tuple[dict[int, bytes], frozenset[int]]:
    """Option 82's sub-options, and the codes that came twice with different values; ``at`` is for the error alone.

    Some relays pad the option with 0 or 255, though RFC 3046 §2.0 defines neither.
    """
    found: dict[int, bytes] = {}
    ambiguous = _UNAMBIGUOUS
    position, end = 0, len(raw)
    last = end - 1
    while position < last:
        value_at = position + 2
        next_at = value_at + raw[position + 1]
        if next_at > end:
            break
        code = raw[position]
        value = raw[value_at:next_at]
        if code in found and found[code] != value and code not in ambiguous:
            ambiguous |= {code}
        found[code] = value
        position = next_at
    if position < end and raw[position:].strip(b"\x00\xff"):
        raise DhcpFrameError(f"sub-option {raw[position]} of option 82 runs over its end", at)
    return found, ambiguous


def _dotted(raw: bytes) -> str:
    return ".".join(map(str, raw))
