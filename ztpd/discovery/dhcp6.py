"""What a DHCPv6 message says of a device: the rules from ``Dhcp6Message`` to ``Sighting``.

Pure: no socket and no clock of its own. The counterpart for DHCPv4, and the ear that hears both, is ``dhcp``.
"""

from datetime import datetime
from itertools import islice

from ztpd.discovery.circuit_id import CircuitIdMatch, CircuitIdTable
from ztpd.discovery.claims import LONGEST_DETAIL, claimed_serial, in_hex, match_details, readable
from ztpd.discovery.dhcp6_message import Dhcp6Message, MessageType6, Relay
from ztpd.domain.sighting import Presence, Sighting, Source

_FROM_CLIENT = {
    MessageType6.SOLICIT: Presence.PRESENT,
    MessageType6.REQUEST: Presence.PRESENT,
    MessageType6.CONFIRM: Presence.PRESENT,
    MessageType6.RENEW: Presence.PRESENT,
    MessageType6.REBIND: Presence.PRESENT,
    MessageType6.DECLINE: Presence.PRESENT,
    MessageType6.INFORMATION_REQUEST: Presence.PRESENT,
    MessageType6.RELEASE: Presence.ABSENT,
}
_HOLDS_LEASES = frozenset(
    {MessageType6.REQUEST, MessageType6.CONFIRM, MessageType6.RENEW, MessageType6.REBIND, MessageType6.RELEASE}
)
_WISHES_TOLD = 4


def presence(message: Dhcp6Message) -> Presence | None:
    """Whether the device is there or gone, None for a message that tells nothing of it.

    A client's own messages tell, and a REPLY that gives it an address or a prefix: an ADVERTISE is a proposal, and a
    REPLY without a lease may as well answer a RELEASE. A message that a relay passes on in the wrong direction (a
    REPLY towards the servers) is a client's forgery and tells nothing.
    """
    outermost = message.relays[0].message_type if message.relays else None
    if message.message_type is MessageType6.REPLY:
        leased = outermost is not MessageType6.RELAY_FORW and any(lease.valid_seconds for lease in message.leases)
        return Presence.PRESENT if leased else None
    return None if outermost is MessageType6.RELAY_REPL else _FROM_CLIENT.get(message.message_type)


def sighting_of(message: Dhcp6Message, table: CircuitIdTable, heard_at: datetime, trusted: bool) -> Sighting | None:
    """The sighting in a message, or None if it tells nothing of a device (``presence``).

    The place is what the relay nearest to the client says: its interface-id as ``circuit_id``, its remote-id without
    the enterprise number. ``trusted`` says whether all relays are ours; without it, and where the nearest one
    contradicts itself, the place is only a claim, and a serial in it is not taken for one. The MAC is what that relay
    saw (RFC 6939), else the DUID's, and ``details["mac-from"]`` says which.
    """
    told = presence(message)
    if told is None:
        return None
    nearest, raw_circuit_id = message.nearest, message.circuit_id
    match = None if raw_circuit_id is None else table.explain(raw_circuit_id)
    believed = trusted and not (nearest is not None and nearest.ambiguous)
    seen_mac = None if nearest is None else nearest.client_mac
    return Sighting(
        source=Source.DHCP,
        heard_at=heard_at,
        presence=told,
        element=match.element if match else None,
        port=match.port if match else None,
        serial=claimed_serial(match, message.remote_id) if believed else None,
        mac=seen_mac or message.duid_mac,
        ip=address(message),
        circuit_id=None if raw_circuit_id is None else raw_circuit_id.hex(),
        remote_id=None if message.remote_id is None else message.remote_id.hex(),
        trusted=believed,
        details=_details(message, match),
    )


def address(message: Dhcp6Message) -> str | None:
    """The address the device has or is about to ask its server for; what it wishes in a SOLICIT is neither."""
    return _first(message, delegated=False)


def prefix(message: Dhcp6Message) -> str | None:
    """The prefix that is delegated to the device, by the same rule."""
    return _first(message, delegated=True)


def _first(message: Dhcp6Message, *, delegated: bool) -> str | None:
    kind = message.message_type
    if kind is not MessageType6.REPLY and kind not in _HOLDS_LEASES:
        return None
    for lease in message.leases:
        # A client leaves lifetimes at zero; a server withdraws by them (RFC 8415 §18.2.4, §18.3.4).
        if lease.delegated is delegated and any(lease.address) and (lease.valid_seconds or kind in _HOLDS_LEASES):
            return str(lease)
    return None


def _details(message: Dhcp6Message, match: CircuitIdMatch | None) -> dict[str, str]:
    """What a person asks next, by the field's names; only what the message holds."""
    nearest = message.nearest
    details = {"message-type": message.message_type.name, "source-ip": message.source_ip}
    told = {"hostname": message.hostname, "vendor-class": message.vendor_class}
    raw = {"duid": message.duid, "vendor-options": message.vendor_options}
    details |= {name: readable(value) for name, value in told.items() if value}
    details |= {name: in_hex(value) for name, value in raw.items() if value}
    texts = {
        "duid-type": message.duid_type,
        "mac-from": _mac_from(message),
        "prefix": prefix(message),
        "requested": _wishes(message),
        "vlans": ".".join(map(str, message.vlans)),
    }
    details |= {name: text for name, text in texts.items() if text}
    if message.vendor_enterprise is not None:
        details["vendor-enterprise"] = str(message.vendor_enterprise)
    if nearest is not None:
        details |= _nearest_details(nearest)
    further = reversed(message.relays[:-1])
    details |= {f"relay-{number}": _relay_in_words(relay) for number, relay in enumerate(further, start=2)}
    return details | match_details(match)


def _mac_from(message: Dhcp6Message) -> str | None:
    if message.nearest is not None and message.nearest.client_mac is not None:
        return "client-link-layer-address"
    return "duid" if message.duid_mac is not None else None


def _wishes(message: Dhcp6Message) -> str | None:
    if message.message_type is not MessageType6.SOLICIT:
        return None
    wished = (str(lease) for lease in message.leases if any(lease.address))
    return ",".join(islice(wished, _WISHES_TOLD))


def _nearest_details(relay: Relay) -> dict[str, str]:
    details = {"link-address": relay.link_address, "peer-address": relay.peer_address}
    if relay.subscriber_id:
        details["subscriber-id"] = readable(relay.subscriber_id)
    if relay.remote_id_enterprise is not None:
        details["remote-id-enterprise"] = str(relay.remote_id_enterprise)
    if relay.ambiguous:
        details["repeated-options"] = ",".join(map(str, sorted(relay.ambiguous)))
    return details


def _relay_in_words(relay: Relay) -> str:
    """A relay further from the client; the nearest is relay 1."""
    words = [f"link-address {relay.link_address}", f"peer-address {relay.peer_address}"]
    ids = {
        "interface-id": relay.interface_id,
        "remote-id": relay.remote_id,
        "subscriber-id": relay.subscriber_id,
    }
    words += [f"{name} {readable(value)}" for name, value in ids.items() if value]
    return ", ".join(words)[:LONGEST_DETAIL]
