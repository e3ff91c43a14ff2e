"""A DHCPv6 message as its decoder hands it on, with every relay that passed it on.

Pure values: what most readers never ask for (addresses as text, what is inside an option) is made when it is asked for.
Messages, relays and leases (RFC 8415 §8, §9, §21), remote-id (RFC 4649), subscriber-id (RFC 4580), the client's name
(RFC 4704) and its link-layer address (RFC 6939).
"""

import enum
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address
from typing import NamedTuple


class MessageType6(enum.IntEnum):
    """DHCPv6 message types that travel by UDP, as IANA has them registered."""

    SOLICIT = 1
    ADVERTISE = 2
    REQUEST = 3
    CONFIRM = 4
    RENEW = 5
    REBIND = 6
    REPLY = 7
    RELEASE = 8
    DECLINE = 9
    RECONFIGURE = 10
    INFORMATION_REQUEST = 11
    RELAY_FORW = 12
    RELAY_REPL = 13
    LEASEQUERY = 14
    LEASEQUERY_REPLY = 15
    LEASEQUERY_DONE = 16
    LEASEQUERY_DATA = 17
    RECONFIGURE_REQUEST = 18
    RECONFIGURE_REPLY = 19
    DHCPV4_QUERY = 20
    DHCPV4_RESPONSE = 21
    ACTIVELEASEQUERY = 22
    STARTTLS = 23
    ADDR_REG_INFORM = 36
    ADDR_REG_REPLY = 37


CLIENT_ID = 1
INTERFACE_ID = 18
REMOTE_ID = 37
SUBSCRIBER_ID = 38
CLIENT_LINK_LAYER_ADDRESS = 79
_VENDOR_CLASS = 16
_VENDOR_OPTIONS = 17
_CLIENT_FQDN = 39

Options = Mapping[int, Sequence[bytes]]


class Relay(NamedTuple):
    """What one relay put around the message that it passed on (RFC 8415 §9).

    ``link`` and ``peer`` are IPv6 addresses: of the link the message came from, and of whom it came from. ``options``
    are raw values by code. ``ambiguous`` are the codes that may come once and came with different values; the last
    one stands.
    """

    message_type: MessageType6
    hop_count: int
    link: bytes
    peer: bytes
    options: Options
    ambiguous: frozenset[int]

    @property
    def link_address(self) -> str:
        """The link the message came from; ``::`` where the relay has no address on it (RFC 6221)."""
        return _text(self.link)

    @property
    def peer_address(self) -> str:
        """The client or relay the message came from."""
        return _text(self.peer)

    @property
    def interface_id(self) -> bytes | None:
        """Where the relay heard the message, in the relay's own encoding."""
        return _last(self.options, INTERFACE_ID)

    @property
    def remote_id(self) -> bytes | None:
        """The far end of the circuit, in the encoding of the enterprise that is named beside it."""
        raw = _last(self.options, REMOTE_ID)
        return None if raw is None else raw[4:]

    @property
    def remote_id_enterprise(self) -> int | None:
        """The IANA enterprise number whose encoding the remote-id has."""
        raw = _last(self.options, REMOTE_ID)
        return None if raw is None else int.from_bytes(raw[:4], "big")

    @property
    def subscriber_id(self) -> bytes | None:
        """The operator's name of the subscriber, when the relay is told it."""
        return _last(self.options, SUBSCRIBER_ID)

    @property
    def client_mac(self) -> str | None:
        """The MAC address from which the relay itself heard the client (RFC 6939)."""
        raw = _last(self.options, CLIENT_LINK_LAYER_ADDRESS)
        return None if raw is None else _mac(raw[:2], raw[2:])


class Lease(NamedTuple):
    """An address (``prefix_length`` 128) or a delegated prefix, and for how long it was given."""

    address: bytes
    prefix_length: int
    valid_seconds: int
    delegated: bool

    def __str__(self) -> str:
        return f"{_text(self.address)}/{self.prefix_length}" if self.delegated else _text(self.address)


class Dhcp6Message(NamedTuple):
    """One DHCPv6 message and what its frame says beside it.

    ``source`` is the sender's IPv6 address. ``vlans`` are VLAN identifiers, outermost first. ``options`` are the
    client's or server's own, raw values by code; ``relays`` passed it on, outermost first: the last of them heard the
    client. ``leases`` are the addresses and prefixes of IA_NA and IA_PD, in order.
    """

    message_type: MessageType6
    transaction_id: int
    source: bytes
    vlans: tuple[int, ...]
    options: Options
    relays: tuple[Relay, ...]
    leases: tuple[Lease, ...]

    @property
    def nearest(self) -> Relay | None:
        """The relay nearest to the client: only it saw on which line the client is (RFC 8415 §19.1)."""
        return self.relays[-1] if self.relays else None

    @property
    def circuit_id(self) -> bytes | None:
        """The interface-id of the nearest relay."""
        return self.relays[-1].interface_id if self.relays else None

    @property
    def remote_id(self) -> bytes | None:
        """The remote-id of the nearest relay, without its enterprise number."""
        return self.relays[-1].remote_id if self.relays else None

    @property
    def inner_relays(self) -> tuple[bytes, ...]:
        """From whom each relay but the nearest had its message: relays, if they are what they say."""
        return tuple(relay.peer for relay in self.relays[:-1])

    @property
    def source_ip(self) -> str:
        """The sender of the packet: client, relay or server."""
        return _text(self.source)

    @property
    def duid(self) -> bytes | None:
        """The client's own identifier, its type included (RFC 8415 §11)."""
        return _last(self.options, CLIENT_ID)

    @property
    def duid_type(self) -> str | None:
        """How the client made its identifier."""
        duid = self.duid
        if duid is None:
            return None
        number = int.from_bytes(duid[:2], "big")
        return _DUID_TYPES.get(number, str(number))

    @property
    def duid_mac(self) -> str | None:
        """The MAC in a DUID-LLT or DUID-LL: a hint, for it may be another interface's or a former one's."""
        duid = self.duid or b""
        kind = duid[:2]
        if kind == _DUID_LLT:
            return _mac(duid[2:4], duid[8:])
        return _mac(duid[2:4], duid[4:]) if kind == _DUID_LL else None

    @property
    def vendor_enterprise(self) -> int | None:
        """The IANA enterprise number under which the client tells its vendor class."""
        raw = _last(self.options, _VENDOR_CLASS)
        return None if raw is None or len(raw) < 4 else int.from_bytes(raw[:4], "big")

    @property
    def vendor_class(self) -> bytes | None:
        """What the client is, as its vendor says: the first of its class data, or all where they are malformed."""
        raw = _last(self.options, _VENDOR_CLASS)
        if raw is None:
            return None
        length = int.from_bytes(raw[4:6], "big")
        return raw[6 : 6 + length] if len(raw) >= 6 + length else raw

    @property
    def vendor_options(self) -> bytes | None:
        """Option 17 as it came: the enterprise number, then options whose inside is the vendor's."""
        return _last(self.options, _VENDOR_OPTIONS)

    @property
    def hostname(self) -> bytes | None:
        """What the client calls itself, labels joined by dots; as it came where it is no domain name."""
        raw = _last(self.options, _CLIENT_FQDN)
        return None if raw is None else _joined_labels(raw[1:])


_DUID_LLT, _DUID_LL = b"\0\x01", b"\0\x03"
_DUID_TYPES = {1: "LLT", 2: "EN", 3: "LL", 4: "UUID"}
_ETHERNET_HARDWARE = b"\0\x01"


def _last(options: Options, code: int) -> bytes | None:
    return options[code][-1] if code in options else None


def _text(address: bytes) -> str:
    return str(IPv6Address(address))


def _mac(hardware_type: bytes, address: bytes) -> str | None:
    """``aa:bb:cc:dd:ee:ff``; None for what is no Ethernet address or all zero."""
    if hardware_type != _ETHERNET_HARDWARE or len(address) != 6 or not any(address):
        return None
    return address.hex(":")


def _joined_labels(name: bytes) -> bytes:
    """A domain name's labels joined by dots (RFC 1035 §3.1, §2.3.4), the name itself if it is none."""
    labels: list[bytes] = []
    at = 0
    while at < len(name) <= 255 and name[at]:
        begin, at = at + 1, at + 1 + name[at]
        labels.append(name[begin:at])
    return b".".join(labels) if at <= len(name) <= 255 else name
