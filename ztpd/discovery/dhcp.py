"""What a DHCP message says of a device: the rules from ``DhcpMessage`` to ``Sighting``, and which are repeats.

Pure: no socket and no clock of its own. The rules here are DHCPv4's; those of DHCPv6, which answer the same questions
(who, where, which address, there or gone), are in ``dhcp6``. One ear hears both.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ztpd.discovery import dhcp6, dhcp6_frame, dhcp_frame
from ztpd.discovery.circuit_id import CircuitIdMatch, CircuitIdTable
from ztpd.discovery.claims import claimed_serial, in_hex, match_details, readable
from ztpd.discovery.dhcp6_message import Dhcp6Message, MessageType6
from ztpd.discovery.dhcp_frame import DhcpFrameError, DhcpMessage, MessageType
from ztpd.discovery.direct import came_in_at
from ztpd.domain.sighting import Presence, Sighting, Source

# The client's own messages carry its identity, and on their way through the relay its place; the server's ACK alone
# makes an address the client's. An OFFER is a proposal of one server among several, a NAK and a FORCERENEW say nothing
# of the device that it did not say itself, and lease queries are servers and relays talking about it.
_PRESENCE = {
    MessageType.DISCOVER: Presence.PRESENT,
    MessageType.REQUEST: Presence.PRESENT,
    MessageType.DECLINE: Presence.PRESENT,
    MessageType.INFORM: Presence.PRESENT,
    MessageType.ACK: Presence.PRESENT,
    MessageType.RELEASE: Presence.ABSENT,
}

# Details that decide whether option 82 is believed, where a helper leaves that to the core (``placing``).
RELAY, SENDER, AMBIGUOUS = "giaddr", "source-ip", "repeated-sub-options"

_NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- BOOTP's empty field, nothing is bound

Message = DhcpMessage | Dhcp6Message


def decode(frame: bytes, tags: tuple[int, ...] = ()) -> Message | None:
    """The DHCP message of either version in an Ethernet frame, or None; raises ``DhcpFrameError``.

    ``tags`` are VLAN identifiers that the kernel took off the frame, outermost first.
    """
    message = dhcp_frame.decode(frame, tags)
    return dhcp6_frame.decode(frame, tags) if message is None else message


def tells_of_device(message: Message) -> bool:
    """Whether a message is a sighting: DISCOVER, REQUEST, DECLINE, INFORM, ACK and RELEASE are, see also ``dhcp6``."""
    return _presence(message) is not None


def _presence(message: Message) -> Presence | None:
    if isinstance(message, Dhcp6Message):
        return dhcp6.presence(message)
    return _PRESENCE.get(message.message_type)


def sighting_of(message: Message, table: CircuitIdTable, heard_at: datetime, trusted: bool) -> Sighting | None:
    """The sighting in a message, or None if it tells nothing of a device (``tells_of_device``).

    ``trusted`` says whether option 82 can only come from a relay of ours; without it, and where the option
    contradicts itself, the place is kept as the client's own claim, and a serial in it is not taken for one.
    """
    if isinstance(message, Dhcp6Message):
        return dhcp6.sighting_of(message, table, heard_at, trusted)
    presence = _PRESENCE.get(message.message_type)
    if presence is None:
        return None
    raw_circuit_id = message.circuit_id
    match = None if raw_circuit_id is None else table.explain(raw_circuit_id)
    believed = trusted and not message.ambiguous
    return Sighting(
        source=Source.DHCP,
        heard_at=heard_at,
        presence=presence,
        element=match.element if match else None,
        port=match.port if match else None,
        serial=claimed_serial(match, message.remote_id) if believed else None,
        mac=message.mac,
        ip=_address(message),
        circuit_id=None if raw_circuit_id is None else raw_circuit_id.hex(),
        remote_id=None if message.remote_id is None else message.remote_id.hex(),
        trusted=believed,
        details=_details(message, match),
    )


def _address(message: DhcpMessage) -> str | None:
    """The address the device has or is about to ask its server for; what it wishes in a DISCOVER is neither."""
    candidates: tuple[str | None, ...] = (message.ciaddr,)
    if message.message_type is MessageType.ACK:
        candidates = (message.yiaddr, message.ciaddr)
    elif message.message_type is MessageType.REQUEST:
        candidates = (message.ciaddr, message.requested_ip)
    elif message.message_type is MessageType.DECLINE:
        candidates = ()
    return next((each for each in candidates if each not in (None, _NO_ADDRESS)), None)


_AGENT_DETAILS = {
    dhcp_frame.AGENT_LINK_SELECTION: "link-selection",
    dhcp_frame.AGENT_SUBSCRIBER_ID: "subscriber-id",
    dhcp_frame.AGENT_VENDOR_SPECIFIC: "relay-vendor-specific",
    dhcp_frame.AGENT_FLAGS: "relay-flags",
    dhcp_frame.AGENT_SERVER_OVERRIDE: "server-override",
    dhcp_frame.AGENT_RELAY_ID: "relay-id",
    dhcp_frame.AGENT_VIRTUAL_SUBNET: "virtual-subnet",
    dhcp_frame.AGENT_VIRTUAL_SUBNET_CONTROL: "virtual-subnet-control",
}


def _details(message: DhcpMessage, match: CircuitIdMatch | None) -> dict[str, str]:
    """What a person asks next, by the field's names; only what the message holds."""
    told = {
        "hostname": message.hostname,
        "vendor-class": message.vendor_class,
        "subscriber-id": message.subscriber_id,
    }
    raw = {
        "client-id": message.client_id,
        "vendor-specific": message.vendor_specific,
        "vendor-identifying": message.vendor_identifying,
    }
    agent = {name: message.relay_agent.get(code) for code, name in _AGENT_DETAILS.items()}
    details = {"message-type": message.message_type.name}
    details |= {name: in_hex(value) for name, value in (raw | agent).items() if value}
    details |= {name: readable(value) for name, value in told.items() if value}
    if message.giaddr != _NO_ADDRESS:
        details[RELAY] = message.giaddr
    if message.source_ip != _NO_ADDRESS:
        details[SENDER] = message.source_ip
    if message.message_type is MessageType.DISCOVER and message.requested_ip is not None:
        details["requested-ip"] = message.requested_ip
    if message.vlans:
        details["vlans"] = ".".join(map(str, message.vlans))
    if message.ambiguous:
        details[AMBIGUOUS] = ",".join(map(str, sorted(message.ambiguous)))
    return details | match_details(match)


class _Heard(NamedTuple):
    """What makes two messages of one client the same."""

    message_type: MessageType | MessageType6
    trusted: bool
    circuit_id: bytes | None
    remote_id: bytes | None
    ip: str | None
    prefix: str | None = None


_Client = bytes | tuple[str, bytes]


def _heard(message: Message, trusted: bool) -> tuple[_Client, _Heard]:
    """Who says what: a client is known by its hardware address in DHCPv4, by its DUID in DHCPv6."""
    if isinstance(message, DhcpMessage):
        said = _Heard(message.message_type, trusted, message.circuit_id, message.remote_id, _address(message))
        return message.chaddr, said
    client = message.duid or (message.relays[-1].peer if message.relays else message.source)
    ip, prefix = dhcp6.address(message), dhcp6.prefix(message)
    said = _Heard(message.message_type, trusted, message.circuit_id, message.remote_id, ip, prefix)
    return ("DUID", client), said


def _outdated(client: Iterable[_Heard], message: Message) -> list[_Heard]:
    """What the client may say again as news: all of it after it left, else what it said on another circuit."""
    if _presence(message) is Presence.ABSENT:
        return list(client)
    if message.circuit_id is None:
        return []
    return [heard for heard in client if heard.circuit_id not in (None, message.circuit_id)]


class Repeats:
    """Drops what a client says again within ``window_seconds``: same type, circuit-id, remote-id, lease and trust.

    A client repeats itself every few seconds until it is served. What is remembered is bounded: ``clients`` by
    hardware address or DUID, the longest silent forgotten first, and eight messages of each, so one that varies its
    words crowds out only itself. Being forgotten lets a repeat through and loses nothing. A client that left
    (RELEASE) or is heard on another circuit is new again on the old one.
    """

    _MESSAGES_EACH = 8

    def __init__(self, window_seconds: float, monotonic: Callable[[], float], clients: int = 20_000) -> None:
        self._window_seconds = window_seconds
        self._monotonic = monotonic
        self._clients = clients
        self._heard: dict[_Client, dict[_Heard, float]] = {}
        self.dropped = 0
        self.forgotten = 0

    def drops(self, message: Message, trusted: bool) -> bool:
        """Whether the message is a repeat; if not, it is remembered."""
        now = self._monotonic()
        who, heard = _heard(message, trusted)
        client = self._heard.pop(who, {})
        self._heard[who] = client
        last = client.pop(heard, None)
        if last is not None and now - last < self._window_seconds:
            client[heard] = last
            self.dropped += 1
            return True
        for outdated in _outdated(client, message):
            del client[outdated]
        client[heard] = now
        self._bound(client)
        return False

    def forget_latest(self) -> None:
        """Forget the message that was remembered last, once: it did not get on, so its next repetition shall."""
        if self._heard:
            latest = self._heard[next(reversed(self._heard))]
            if latest:
                latest.popitem()

    def _bound(self, client: dict[_Heard, float]) -> None:
        if len(client) > self._MESSAGES_EACH:
            del client[next(iter(client))]
        if len(self._heard) > self._clients:
            del self._heard[next(iter(self._heard))]
            self.forgotten += 1


@dataclass(slots=True)
class DhcpCounts:
    """What became of the frames a source brought; together they are all of them."""

    sightings: int = 0
    repeats: int = 0
    other_types: int = 0
    not_dhcp: int = 0
    malformed: int = 0


class DhcpEar:
    """The live path of a frame: decode, judge trust, drop repeats, explain the circuit-id, hand over the sighting.

    ``trusts`` decides for each message whether its option 82 can only come from a relay of ours; ``now`` gives aware
    UTC; ``accept`` takes each sighting and must not block. ``repeats`` may be shared by several interfaces;
    ``interface`` is that of this ear.
    """

    def __init__(
        self,
        table: CircuitIdTable,
        trusts: Callable[[Message], bool],
        repeats: Repeats,
        now: Callable[[], datetime],
        accept: Callable[[Sighting], None],
        interface: str | None = None,
    ) -> None:
        self._interface = interface
        self._table = table
        self._trusts = trusts
        self._repeats = repeats
        self._now = now
        self._accept = accept
        self.counts = DhcpCounts()

    def hear(self, frame: bytes, tags: tuple[int, ...] = ()) -> None:
        """Take one frame and the VLAN tags the kernel took off it; raises ``DhcpFrameError`` after counting it."""
        try:
            message = decode(frame, tags)
        except DhcpFrameError:
            self.counts.malformed += 1
            raise
        if message is None:
            self.counts.not_dhcp += 1
        elif not tells_of_device(message):
            self.counts.other_types += 1
        else:
            self._hear_device(message)

    def _hear_device(self, message: Message) -> None:
        trusted = self._trusts(message)
        if self._repeats.drops(message, trusted):
            self.counts.repeats += 1
            return
        sighting = sighting_of(message, self._table, self._now(), trusted)
        if sighting is not None:
            self.counts.sightings += 1
            self._accept(sighting if self._interface is None else came_in_at(sighting, self._interface))
