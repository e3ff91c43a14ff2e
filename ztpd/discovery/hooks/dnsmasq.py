"""What a call of dnsmasq's dhcp-script says of a device.

Pure. The arguments are what happened (``add``, ``old``, ``del``), the MAC address (DHCPv6: the DUID) in hex with
colons, the address and, if known, the hostname. Circuit-id, remote-id, subscriber-id and vendor class stand in
variables as the bytes they are, but cut at the first zero byte and at the first ``=``; DNSMASQ_CLIENT_ID and
DNSMASQ_MAC are hex with colons, DNSMASQ_RELAY_ADDRESS is giaddr. Who sent the packet is not told, nor is any option
that a relay of DHCPv6 adds.
Source: dnsmasq(8), --dhcp-script, and helper.c, rfc2131.c of dnsmasq 2.90; seen with the one Debian 12 has.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ztpd.discovery.claims import readable
from ztpd.discovery.dhcp_frame import (
    AGENT_CIRCUIT_ID,
    AGENT_REMOTE_ID,
    AGENT_SUBSCRIBER_ID,
    MessageType,
)
from ztpd.discovery.hooks.event import (
    CLIENT_ID,
    HOSTNAME,
    NO_ADDRESS,
    VENDOR_CLASS,
    Environment,
    Hardware,
    Lease4,
    TellsNothing,
    Unreadable,
    hardware_in_duid,
    hardware_of,
    ipv6,
    octets_of,
    shown,
    sighting4,
    sighting6,
    text_of,
)
from ztpd.domain.sighting import Sighting

SERVER = "dnsmasq"

_OF_NO_LEASE = frozenset({"init", "tftp", "arp-add", "arp-del", "relay-snoop"})
_ENDED = "del"


def sighting(arguments: Sequence[str], environment: Environment, heard_at: datetime) -> Sighting:
    """The sighting in a call; raises ``TellsNothing`` or ``Unreadable``, which say why there is none."""
    action = arguments[0] if arguments else ""
    if action in _OF_NO_LEASE:
        raise TellsNothing(f"{action} is not about a lease")
    if action not in ("add", "old", _ENDED):
        raise Unreadable(f"{shown(action)} is no action of dnsmasq that ztpd knows")
    if len(arguments) < 3:
        raise Unreadable(f"{action} needs a MAC address or DUID and an address")
    if action == "old" and not environment.get("DNSMASQ_INTERFACE"):
        raise TellsNothing("dnsmasq reads its leases anew; the device said nothing")
    client, address = arguments[1:3]
    hostname = environment.get("DNSMASQ_SUPPLIED_HOSTNAME") or "".join(arguments[3:4]).encode("utf-8", "replace")
    read = _v6 if ":" in address else _v4
    found = read(action, client, address, hostname, environment, heard_at)
    tags = environment.get("DNSMASQ_TAGS", b"")
    return replace(found, details={**found.details, "tags": readable(tags)}) if tags else found


def _v4(
    action: str, client: str, address: str, hostname: bytes, environment: Environment, heard_at: datetime
) -> Sighting:
    ended = action == _ENDED
    lease = Lease4(
        MessageType.RELEASE if ended else MessageType.ACK,
        _hardware("the MAC address", client),
        ciaddr=address,
        yiaddr=NO_ADDRESS if ended else address,
        giaddr=text_of(environment, "DNSMASQ_RELAY_ADDRESS") or NO_ADDRESS,
        options={
            HOSTNAME: hostname,
            VENDOR_CLASS: environment.get("DNSMASQ_VENDOR_CLASS", b""),
            CLIENT_ID: octets_of("DNSMASQ_CLIENT_ID", text_of(environment, "DNSMASQ_CLIENT_ID")),
        },
        relay_agent={
            AGENT_CIRCUIT_ID: environment.get("DNSMASQ_CIRCUIT_ID", b""),
            AGENT_REMOTE_ID: environment.get("DNSMASQ_REMOTE_ID", b""),
            AGENT_SUBSCRIBER_ID: environment.get("DNSMASQ_SUBSCRIBER_ID", b""),
        },
    )
    return sighting4(SERVER, lease, heard_at, ended_by=action if ended else None)


def _v6(
    action: str, client: str, address: str, hostname: bytes, environment: Environment, heard_at: datetime
) -> Sighting:
    duid = octets_of("the DUID", client)
    mac = _hardware("DNSMASQ_MAC", text_of(environment, "DNSMASQ_MAC")).mac or hardware_in_duid(duid).mac
    details = {
        "duid": duid.hex().encode(),
        "hostname": hostname,
        "relay-address": environment.get("DNSMASQ_RELAY_ADDRESS", b""),
    }
    kind = "RELEASE" if action == _ENDED else "REQUEST"
    return sighting6(SERVER, kind, mac, ipv6(address), heard_at, details, ended_by=action)


def _hardware(name: str, text: str) -> Hardware:
    """dnsmasq puts the type in hex and a dash before an address that is not of Ethernet."""
    kind, dash, address = text.rpartition("-")
    hardware = hardware_of(name, address)
    return Hardware(hardware.address, int.from_bytes(octets_of(name, kind), "big")) if dash else hardware
