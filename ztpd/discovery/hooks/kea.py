"""What an event of Kea's run_script hook library says of a device.

Pure. The event's name is the script's one argument, everything else stands in variables: ``QUERY4_*`` and ``QUERY6_*``
are the client's message, ``LEASE4_*`` one lease, ``LEASES4_AT0_*`` the first of a list; option 82 is ``0x`` and hex, a
hardware address ``aa:bb:…``, what is not known an empty text. Of a DHCPv6 message neither options nor relays are told.
Source: Kea Administrator Reference Manual, "libdhcp_run_script.so", and its extractPkt4, extractLease4, extractPkt6.
"""

from collections.abc import Iterator
from datetime import datetime

from ztpd.discovery.dhcp import SENDER
from ztpd.discovery.dhcp_frame import DhcpFrameError, MessageType, read_relay_agent
from ztpd.discovery.hooks.event import (
    HOSTNAME,
    NO_ADDRESS,
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

SERVER = "kea"

# Kea says these twice, the second time as leases4_committed or leases6_committed.
_TOLD_AGAIN = frozenset({"lease4_renew", "lease6_renew", "lease6_rebind"})
# A declined address becomes free again, long after: the server's own affair.
_OF_NO_DEVICE = frozenset({"lease4_recover", "lease6_recover"})
_MESSAGE_EVENTS_V4 = frozenset({"leases4_committed", "lease4_release", "lease4_decline"})
_MESSAGE_EVENTS_V6 = frozenset({"leases6_committed", "lease6_release", "lease6_decline"})

_MOST_LEASES = 16  # of one client at a time


def sighting(event: str, environment: Environment, heard_at: datetime) -> Sighting:
    """The sighting in an event; raises ``TellsNothing`` or ``Unreadable``, which say why there is none."""
    if event in _TOLD_AGAIN:
        raise TellsNothing(f"{event} is told again when the lease is committed")
    if event in _OF_NO_DEVICE:
        raise TellsNothing(f"{event} is about an address, not about a device")
    if event in _MESSAGE_EVENTS_V4:
        return sighting4(SERVER, _message4(environment), heard_at)
    if event in _MESSAGE_EVENTS_V6:
        return _message6(environment, heard_at)
    if event == "lease4_expire":
        return sighting4(SERVER, _ended4(environment), heard_at, ended_by=event)
    if event == "lease6_expire":
        return _ended6(environment, heard_at, event)
    raise Unreadable(f"{shown(event)} is no event of Kea that ztpd knows")


def _message4(environment: Environment) -> Lease4:
    """The client's message, or the ACK that follows it where a lease was committed for a REQUEST."""
    name = text_of(environment, "QUERY4_TYPE")
    try:
        kind = MessageType[name.removeprefix("DHCP")]
    except KeyError:
        raise Unreadable(f"QUERY4_TYPE is no DHCP message: {shown(name)}") from None
    leased = next(_leases(environment, "4"), None)
    ciaddr, yiaddr = text_of(environment, "QUERY4_CIADDR") or NO_ADDRESS, NO_ADDRESS
    if kind is MessageType.REQUEST and leased is not None:
        kind, yiaddr = MessageType.ACK, text_of(environment, f"{leased}_ADDRESS")
    relay_agent, ambiguous = _relay_agent(environment)
    return Lease4(
        kind,
        _hardware(environment, "QUERY4_HWADDR"),
        ciaddr,
        yiaddr,
        text_of(environment, "QUERY4_GIADDR") or NO_ADDRESS,
        text_of(environment, "QUERY4_REMOTE_ADDR") or NO_ADDRESS,
        {HOSTNAME: environment.get(f"{leased or 'LEASE4'}_HOSTNAME", b"")},
        relay_agent,
        ambiguous,
    )


def _relay_agent(environment: Environment) -> tuple[dict[int, bytes], frozenset[int]]:
    raw = octets_of("QUERY4_OPTION_82", text_of(environment, "QUERY4_OPTION_82"))
    try:
        return read_relay_agent(raw, 0)
    except DhcpFrameError as problem:
        raise Unreadable(f"QUERY4_OPTION_82: {problem.what}") from None


def _ended4(environment: Environment) -> Lease4:
    """A lease that ran out: the client is gone as if it had released it."""
    address = text_of(environment, "LEASE4_ADDRESS") or NO_ADDRESS
    options = {HOSTNAME: environment.get("LEASE4_HOSTNAME", b"")}
    return Lease4(MessageType.RELEASE, _hardware(environment, "LEASE4_HWADDR"), address, options=options)


def _message6(environment: Environment, heard_at: datetime) -> Sighting:
    leases = list(_leases(environment, "6")) or ["LEASE6"]
    address = next(filter(None, (_address6(environment, lease) for lease in leases)), None)
    prefix = next(filter(None, (_prefix6(environment, lease) for lease in leases)), b"")
    duid = octets_of("QUERY6_CLIENT_ID", text_of(environment, "QUERY6_CLIENT_ID"))
    details = {
        "duid": duid.hex().encode(),
        "hostname": environment.get(f"{leases[0]}_HOSTNAME", b""),
        "delegated-prefix": prefix,
        SENDER: environment.get("QUERY6_REMOTE_ADDR", b""),
    }
    mac = _mac6(environment, f"{leases[0]}_HWADDR", duid)
    return sighting6(SERVER, text_of(environment, "QUERY6_TYPE"), mac, address, heard_at, details)


def _ended6(environment: Environment, heard_at: datetime, event: str) -> Sighting:
    duid = octets_of("LEASE6_DUID", text_of(environment, "LEASE6_DUID"))
    details = {"duid": duid.hex().encode(), "delegated-prefix": _prefix6(environment, "LEASE6")}
    mac, address = _mac6(environment, "LEASE6_HWADDR", duid), _address6(environment, "LEASE6")
    return sighting6(SERVER, "RELEASE", mac, address, heard_at, details, ended_by=event)


def _mac6(environment: Environment, name: str, duid: bytes) -> str | None:
    """The MAC that Kea found for the lease, else the one that the client's DUID is made of."""
    return _hardware(environment, name).mac or hardware_in_duid(duid).mac


def _address6(environment: Environment, lease: str) -> str | None:
    if text_of(environment, f"{lease}_TYPE") == "IA_PD":
        return None
    return ipv6(text_of(environment, f"{lease}_ADDRESS"))


def _prefix6(environment: Environment, lease: str) -> bytes:
    if text_of(environment, f"{lease}_TYPE") != "IA_PD":
        return b""
    return environment.get(f"{lease}_ADDRESS", b"") + b"/" + environment.get(f"{lease}_PREFIX_LEN", b"")


def _leases(environment: Environment, version: str) -> Iterator[str]:
    """The names under which the committed leases stand, at most 16."""
    for index in range(_MOST_LEASES):
        name = f"LEASES{version}_AT{index}"
        if f"{name}_ADDRESS" not in environment:
            return
        yield name


def _hardware(environment: Environment, name: str) -> Hardware:
    return hardware_of(name, text_of(environment, name), text_of(environment, f"{name}_TYPE"))
