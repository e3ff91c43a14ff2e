"""A DHCPv6 message out of a captured Ethernet frame, decoded by hand, through every relay around it.

Pure: bytes in; a ``Dhcp6Message``, None or a ``DhcpFrameError`` out, for any bytes. IPv6 and its extension headers
(RFC 8200 §4), UDP, DHCPv6 (RFC 8415).
"""

import struct
from collections.abc import Iterator

from ztpd.discovery.dhcp6_message import (
    CLIENT_ID,
    CLIENT_LINK_LAYER_ADDRESS,
    INTERFACE_ID,
    REMOTE_ID,
    SUBSCRIBER_ID,
    Dhcp6Message,
    Lease,
    MessageType6,
    Options,
    Relay,
)
from ztpd.discovery.dhcp_frame import DhcpFrameError, read_tags

_IA_NA = 3
_IA_ADDRESS = 5
_RELAY_MESSAGE = 9
_IA_PD = 25
_IA_PREFIX = 26

_DUID_LENGTHS = range(3, 131)  # RFC 8415 §11.1: two bytes of type, then 1 to 128
_ETHERTYPE_IPV6 = b"\x86\xdd"
_UDP = 17
_PORTS = frozenset({546, 547})

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60
_EXTENSIONS = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION})
_MOST_EXTENSIONS = 8

_RELAYED = frozenset({MessageType6.RELAY_FORW, MessageType6.RELAY_REPL})
_HOP_COUNT_LIMIT = 8  # RFC 8415 §7.6; a relay passes on up to this count (§19.1.2), so counts 0 to 8 nest nine relays
_RELAY_HEADER = 34
_MESSAGE_HEADER = 4
_LONGEST_ID = 255  # what DHCPv4 allows its circuit-id and remote-id; DHCPv6 would allow 64 KiB
_ONCE = (INTERFACE_ID, REMOTE_ID, SUBSCRIBER_ID, CLIENT_LINK_LAYER_ADDRESS)

_read_ipv6 = struct.Struct("!B3xHBx16s").unpack_from  # version, payload length, next header, source
_read_udp = struct.Struct("!HHH").unpack_from  # both ports, length
_read_relay_header = struct.Struct("!BB16s16s").unpack_from  # type, hop-count, link-address, peer-address
_read_option_header = struct.Struct("!HH").unpack_from  # code, length
_read_address = struct.Struct("!16s4xI").unpack_from  # address, preferred lifetime left out, valid lifetime
_read_prefix = struct.Struct("!4xIB16s").unpack_from  # preferred lifetime left out, valid lifetime, length, prefix

_MESSAGE_TYPES = {each.value: each for each in MessageType6}
_UNAMBIGUOUS: frozenset[int] = frozenset()

Span = tuple[int, int]  # offsets in the frame, the second one behind the last byte


def decode(frame: bytes, tags: tuple[int, ...] = ()) -> Dhcp6Message | None:
    """The DHCPv6 message in an Ethernet frame, or None if the frame carries something else.

    ``tags`` are VLAN identifiers that the kernel took off the frame, outermost first. Something else is: no IPv6, no
    UDP within eight extension headers, neither port 546 nor 547, a later fragment. The UDP checksum is not verified:
    offload leaves it wrong in captures. Raises ``DhcpFrameError``.
    """
    at, ethertype, vlans = read_tags(frame, tags)
    if ethertype != _ETHERTYPE_IPV6 or len(frame) < at + 42:
        return None
    at += 2
    version, payload_length, next_header, source = _read_ipv6(frame, at)
    if version >> 4 != 6:
        return None
    udp, fragment_at = _behind_extensions(frame, at + 40, next_header)
    if udp is None or len(frame) < udp + 8:
        return None
    source_port, destination_port, udp_length = _read_udp(frame, udp)
    if destination_port not in _PORTS and source_port not in _PORTS:
        return None
    if fragment_at is not None:
        raise DhcpFrameError("a fragment; a DHCPv6 message is read only whole", fragment_at)
    end = at + 40 + payload_length
    if end > len(frame):
        raise DhcpFrameError(f"cut short: the IPv6 header promises {payload_length} bytes", at + 4)
    if not udp + 8 + _MESSAGE_HEADER <= udp + udp_length <= end:
        raise DhcpFrameError(f"UDP length {udp_length} fits no DHCPv6 message in its packet", udp + 4)
    return _decode_message(frame, (udp + 8, udp + udp_length), source, vlans)


def _behind_extensions(frame: bytes, at: int, next_header: int) -> tuple[int | None, int | None]:
    """Where UDP begins, None if it does not; and where the header of a fragment is, None if the packet is whole."""
    fragment_at = None
    for _ in range(_MOST_EXTENSIONS):
        if next_header not in _EXTENSIONS or len(frame) < at + 8:
            break
        length = _extension_length(next_header, frame[at + 1])
        if next_header == _FRAGMENT:
            offset_and_more = frame[at + 2] << 8 | frame[at + 3]
            if offset_and_more >> 3:
                return None, None
            if offset_and_more & 1:  # without it a fragment is all of its packet (RFC 6946)
                fragment_at = at
        next_header = frame[at]
        at += length
    return (at if next_header == _UDP else None), fragment_at


def _extension_length(header: int, length_field: int) -> int:
    """RFC 8200 §4.3, §4.5; RFC 4302 §2.2."""
    if header == _FRAGMENT:
        return 8
    return (length_field + 2) * 4 if header == _AUTHENTICATION else (length_field + 1) * 8


def _decode_message(frame: bytes, span: Span, source: bytes, vlans: tuple[int, ...]) -> Dhcp6Message:
    relays: list[Relay] = []
    while frame[span[0]] in _RELAYED:
        relay, inside = _read_relay(frame, span)
        if relays and relay.message_type is not relays[-1].message_type:
            raise DhcpFrameError("a relay's message to the server within one to the client, or the reverse", span[0])
        if len(relays) > _HOP_COUNT_LIMIT:
            raise DhcpFrameError(f"over {_HOP_COUNT_LIMIT + 1} relays around one message", span[0])
        relays.append(relay)
        span = inside
    at, end = span
    message_type = _MESSAGE_TYPES.get(frame[at])
    if message_type is None:
        raise DhcpFrameError(f"message type {frame[at]} is not registered", at)
    options, leases = _read_message_options(frame, at + _MESSAGE_HEADER, end)
    transaction_id = int.from_bytes(frame[at + 1 : at + 4], "big")
    return Dhcp6Message(message_type, transaction_id, source, vlans, options, tuple(relays), tuple(leases))


def _read_relay(frame: bytes, span: Span) -> tuple[Relay, Span]:
    """A relay's envelope, and where the message is that it holds."""
    at, end = span
    if end - at < _RELAY_HEADER:
        raise DhcpFrameError(f"a relay's message of {end - at} bytes is no whole header", at)
    kind, hop_count, link, peer = _read_relay_header(frame, at)
    if hop_count > _HOP_COUNT_LIMIT:
        raise DhcpFrameError(f"hop-count {hop_count} is over {_HOP_COUNT_LIMIT}", at + 1)
    options: dict[int, list[bytes]] = {}
    inside: Span | None = None
    for code, value_at, value_end in _each_option(frame, at + _RELAY_HEADER, end):
        if code != _RELAY_MESSAGE:
            options.setdefault(code, []).append(frame[value_at:value_end])
        elif inside is not None:
            raise DhcpFrameError("a relay passes on two messages in one", value_at - 4)
        elif value_end - value_at < _MESSAGE_HEADER:
            raise DhcpFrameError(f"a relay passes on {value_end - value_at} bytes, which are no message", value_at - 4)
        else:
            inside = value_at, value_end
    if inside is None:
        raise DhcpFrameError("a relay passes on no message", at)
    _refuse_bad_ids(options, at)
    return Relay(_MESSAGE_TYPES[kind], hop_count, link, peer, options, _ambiguous(options)), inside


def _refuse_bad_ids(options: Options, at: int) -> None:
    for code in (INTERFACE_ID, SUBSCRIBER_ID):
        for value in options.get(code, ()):
            if len(value) > _LONGEST_ID:
                raise DhcpFrameError(f"option {code} is {len(value)} bytes, over {_LONGEST_ID}", at)
    for value in options.get(REMOTE_ID, ()):
        if not 4 <= len(value) <= 4 + _LONGEST_ID:
            raise DhcpFrameError(f"option 37 is {len(value)} bytes, not 4 to {4 + _LONGEST_ID}", at)


def _ambiguous(options: Options) -> frozenset[int]:
    """The codes that came with different values though they may come once (RFC 8415 §21.1)."""
    found = [code for code in _ONCE if code in options and len(set(options[code])) > 1]
    return frozenset(found) if found else _UNAMBIGUOUS


def _read_message_options(frame: bytes, at: int, end: int) -> tuple[Options, list[Lease]]:
    options: dict[int, list[bytes]] = {}
    leases: list[Lease] = []
    for code, value_at, value_end in _each_option(frame, at, end):
        options.setdefault(code, []).append(frame[value_at:value_end])
        if code in (_IA_NA, _IA_PD):
            _read_association(frame, value_at, value_end, leases)
    duids = options.get(CLIENT_ID, ())
    if len(duids) > 1:
        raise DhcpFrameError("the client identifies itself twice", at)
    if duids and len(duids[0]) not in _DUID_LENGTHS:
        raise DhcpFrameError(f"a DUID of {len(duids[0])} bytes, not 3 to 130", at)
    return options, leases


def _read_association(frame: bytes, at: int, end: int, leases: list[Lease]) -> None:
    """Add what an IA_NA or IA_PD holds (RFC 8415 §21.4, §21.6, §21.21, §21.22)."""
    if end - at < 12:
        raise DhcpFrameError(f"an identity association of {end - at} bytes is no whole header", at - 4)
    for code, value_at, value_end in _each_option(frame, at + 12, end):
        if code == _IA_ADDRESS:
            if value_end - value_at < 24:
                raise DhcpFrameError(f"a leased address of {value_end - value_at} bytes", value_at - 4)
            address, valid_seconds = _read_address(frame, value_at)
            leases.append(Lease(address, 128, valid_seconds, False))
        elif code == _IA_PREFIX:
            if value_end - value_at < 25 or frame[value_at + 8] > 128:
                raise DhcpFrameError("a delegated prefix that is cut short or over 128 bits", value_at - 4)
            valid_seconds, prefix_length, address = _read_prefix(frame, value_at)
            leases.append(Lease(address, prefix_length, valid_seconds, True))


def _each_option(frame: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Code, begin and end of each option between two offsets (RFC 8415 §21.1)."""
    while at < end:
        if end - at < 4:
            raise DhcpFrameError("an option's header runs over the end of its field", at)
        code, length = _read_option_header(frame, at)
        value_at = at + 4
        if value_at + length > end:
            raise DhcpFrameError(f"option {code} runs over the end of its field", at)
        at = value_at + length
        yield code, value_at, at
