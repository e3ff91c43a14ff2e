"""What the events of all DHCP servers have in common: reading their variables, and the sighting in them.

Pure. DHCPv4 events become the ``DhcpMessage`` that the server received or sent, so that the rules of messages on the
wire hold for them; no place is believed here, the core decides that.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ztpd.discovery.circuit_id import LONGEST, CircuitIdTable
from ztpd.discovery.claims import readable
from ztpd.discovery.dhcp import SENDER, sighting_of
from ztpd.discovery.dhcp_frame import DhcpMessage, MessageType
from ztpd.domain.sighting import Presence, Sighting, Source

Environment = Mapping[str, bytes]
"""A process's variables; a circuit-id may hold any bytes but zero."""

NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- an empty field, nothing is bound

HOSTNAME, VENDOR_CLASS, CLIENT_ID = 12, 60, 61  # RFC 2132

_ETHERNET = 1
_LONGEST_HARDWARE_ADDRESS = 16
_LONGEST_SHOWN = 60
_UNEXPLAINED = CircuitIdTable(())

# DHCPv6 messages of clients (RFC 8415 §7.3) by what they say of the device; the names are those of the field.
_PRESENCE_V6 = {
    "SOLICIT": Presence.PRESENT,
    "REQUEST": Presence.PRESENT,
    "CONFIRM": Presence.PRESENT,
    "RENEW": Presence.PRESENT,
    "REBIND": Presence.PRESENT,
    "DECLINE": Presence.PRESENT,
    "RELEASE": Presence.ABSENT,
}


class NoSighting(Exception):
    """An event that gives no sighting; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TellsNothing(NoSighting):
    """The event is in order and says nothing of a device that another one does not say."""


class Unreadable(NoSighting):
    """The event is not what its server is known to say."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """A client's hardware address and its type (1: Ethernet)."""

    address: bytes
    kind: int = _ETHERNET

    @property
    def mac(self) -> str | None:
        """As ``aa:bb:cc:dd:ee:ff``, None where it is no 48-bit MAC or all zero."""
        if self.kind != _ETHERNET or len(self.address) != 6 or not any(self.address):
            return None
        return self.address.hex(":")


@dataclass(frozen=True, slots=True)
class Lease4:
    """What a DHCPv4 server says in one event, in the words of ``DhcpMessage``; addresses are dotted text."""

    message_type: MessageType
    hardware: Hardware
    ciaddr: str = NO_ADDRESS
    yiaddr: str = NO_ADDRESS
    giaddr: str = NO_ADDRESS
    source: str = NO_ADDRESS
    options: Mapping[int, bytes] = field(default_factory=dict)
    relay_agent: Mapping[int, bytes] = field(default_factory=dict)
    ambiguous: frozenset[int] = frozenset()

    @property
    def message(self) -> DhcpMessage:
        """The message; raises ``Unreadable`` where an address is none."""
        addresses = (self.ciaddr, self.yiaddr, NO_ADDRESS, self.giaddr)
        header = struct.pack("!BBB9x", 1, self.hardware.kind & 0xFF, len(self.hardware.address))
        header += b"".join(map(_packed, addresses)) + self.hardware.address.ljust(16, b"\0")
        options = {code: value for code, value in self.options.items() if value}
        agent = {code: value for code, value in self.relay_agent.items() if value}
        return DhcpMessage(self.message_type, header, _packed(self.source), (), options, agent, self.ambiguous)


def sighting4(server: str, lease: Lease4, heard_at: datetime, ended_by: str | None = None) -> Sighting:
    """The sighting in a DHCPv4 event; ``ended_by`` names the event that ended a lease without a word of the client.

    Raises ``TellsNothing`` where no MAC address names the device, ``Unreadable``.
    """
    _require_mac(lease.hardware.mac)
    if any(len(value) > LONGEST for value in lease.relay_agent.values()):
        raise Unreadable(f"a sub-option of option 82 is over {LONGEST} bytes")
    found = sighting_of(lease.message, _UNEXPLAINED, heard_at, trusted=False)
    if found is None:
        raise TellsNothing(f"{lease.message_type.name} says nothing of a device")
    details = {**found.details, "heard-by": server}
    if ended_by is not None:
        details = {**details, "message-type": ended_by}
    return replace(found, details=details)


def sighting6(
    server: str,
    message_type: str,
    mac: str | None,
    ip: str | None,
    heard_at: datetime,
    details: Mapping[str, bytes],
    ended_by: str | None = None,
) -> Sighting:
    """The sighting in a DHCPv6 event, whose servers tell no interface-id; raises as ``sighting4``."""
    presence = _PRESENCE_V6.get(message_type)
    if presence is None:
        raise TellsNothing(f"{shown(message_type)} says nothing of a device")
    told = {name: readable(value) for name, value in details.items() if value}
    if told.get(SENDER) == "::":
        del told[SENDER]
    return Sighting(
        source=Source.DHCP,
        heard_at=heard_at,
        presence=presence,
        mac=_require_mac(mac),
        ip=None if message_type == "DECLINE" else ip,
        trusted=False,
        details={"message-type": ended_by or message_type, "heard-by": server, **told},
    )


def _require_mac(mac: str | None) -> str:
    if mac is None:
        raise TellsNothing("no Ethernet MAC address names the device")
    return mac


_IPV6 = re.compile(r"(?=.*:)[0-9A-Fa-f:.]{2,45}")


def ipv6(text: str) -> str | None:
    """An IPv6 address as the server printed it, None where it is left out; raises ``Unreadable``."""
    if text and not _IPV6.fullmatch(text):
        raise Unreadable(f"{shown(text)} is no IPv6 address")
    return text or None


def text_of(environment: Environment, name: str) -> str:
    """A variable as text, empty where it is missing; bytes beyond ASCII stand for themselves."""
    return environment.get(name, b"").decode("latin-1")


def octets_of(name: str, text: str) -> bytes:
    """Bytes printed as ``aa:bb:cc``, as ``0xAABBCC`` or not at all; raises ``Unreadable``."""
    digits = text[2:] if text[:2] in ("0x", "0X") else text.replace(":", "")
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", digits):
        raise Unreadable(f"{name} is no hex: {shown(text)}")
    return bytes.fromhex(digits)


def hardware_of(name: str, text: str, kind: str = "") -> Hardware:
    """A hardware address printed as ``aa:bb:cc:dd:ee:ff`` and its type as a number; raises ``Unreadable``."""
    address = octets_of(name, text)
    if len(address) > _LONGEST_HARDWARE_ADDRESS:
        raise Unreadable(f"{name} is over {_LONGEST_HARDWARE_ADDRESS} bytes")
    if not re.fullmatch(r"[0-9]{0,5}", kind):
        raise Unreadable(f"the type of {name} is no number: {shown(kind)}")
    return Hardware(address, int(kind) if kind else _ETHERNET)


def hardware_in_duid(duid: bytes) -> Hardware:
    """The hardware address that a DUID-LLT or DUID-LL is made of (RFC 8415 §11.2, §11.4), else an empty one."""
    kind, ethernet = duid[:2], int.from_bytes(duid[2:4], "big")
    if kind == b"\x00\x01" and len(duid) == 14:
        return Hardware(duid[8:], ethernet)
    if kind == b"\x00\x03" and len(duid) == 10:
        return Hardware(duid[4:], ethernet)
    return Hardware(b"")


def _packed(dotted: str) -> bytes:
    parts = dotted.split(".")
    if len(parts) != 4 or not all(re.fullmatch(r"[0-9]{1,3}", part) and int(part) < 256 for part in parts):
        raise Unreadable(f"{shown(dotted)} is no IPv4 address")
    return bytes(map(int, parts))


def shown(text: str) -> str:
    """What was found, short and printable, for a reason."""
    return ascii(text[:_LONGEST_SHOWN])
