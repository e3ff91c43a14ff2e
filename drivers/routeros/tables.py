"""What is read of a router: the menus, the properties of each that are asked for, and their rows.

Passwords are never asked for. A row without an internal id, or whose id is none, is left out and counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drivers.rest.marks import Mark, canonical_mac, read_mark
from drivers.routeros import words

Row = Mapping[str, str]
T = TypeVar("T")

QUEUES = "/rest/queue/simple"
LEASES = "/rest/ip/dhcp-server/lease"
ENTRIES = "/rest/ip/firewall/address-list"
SECRETS = "/rest/ppp/secret"
ACTIVE = "/rest/ppp/active"
SERVERS = "/rest/ip/dhcp-server"
PPPOE_SERVERS = "/rest/interface/pppoe-server/server"
PPPOE_SESSIONS = "/rest/interface/pppoe-server"
WIRELESS = "/rest/interface/wireless/registration-table"
WIFI = "/rest/interface/wifi/registration-table"
RESOURCE = "/rest/system/resource"
RULES = tuple(f"/rest/ip/firewall/{table}" for table in ("filter", "raw", "nat", "mangle"))
"""Where a rule may do something to the addresses on a list."""

PROPERTIES = {
    QUEUES: ".id,name,target,max-limit,limit-at,comment,disabled,dynamic",
    LEASES: (
        ".id,mac-address,address,server,status,comment,disabled,dynamic,block-access,agent-circuit-id,last-seen,"
        "active-mac-address,active-server"
    ),
    ENTRIES: ".id,list,address,comment,disabled,dynamic",
    SECRETS: ".id,name,profile,service,remote-address,caller-id,comment,disabled",
    ACTIVE: ".id,name,caller-id,address",
    SERVERS: ".id,name,interface,disabled",
    PPPOE_SERVERS: ".id,service-name,interface,disabled",
    PPPOE_SESSIONS: ".id,user,service,remote-address",
    WIRELESS: ".id,mac-address,interface,signal-strength",
    WIFI: ".id,mac-address,interface,signal",
    **dict.fromkeys(RULES, ".id,src-address-list,dst-address-list,disabled"),
}
"""The ``.proplist`` of each menu."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What every object has: its internal id, whether it is off, and whose it is by its comment."""

    id: str
    disabled: bool
    dynamic: bool
    comment: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Queue(Thing):
    """A simple queue; rates in bit/s. ``targets`` are as written (``10.0.0.5/32``, ``ether2``, ``<pppoe-a>``)."""

    name: str
    targets: tuple[str, ...]
    max_up_bps: int | None
    max_down_bps: int | None
    assured_up_bps: int | None

    @property
    def address(self) -> str | None:
        """The one host that it is for, or None."""
        return words.host_address(self.targets[0]) if len(self.targets) == 1 else None


@dataclass(frozen=True, slots=True)
class Lease(Thing):
    """A DHCP lease; ``device`` is whom it is for and ``holder`` who has it, ``blocked`` that he is given an
    address and no way on (``block-access``)."""

    device: str | None
    holder: str | None
    address: str
    server: str
    status: str
    blocked: bool
    circuit_id: str
    last_seen_s: float | None


@dataclass(frozen=True, slots=True)
class Entry(Thing):
    """One address on an address list."""

    list: str
    address: str


@dataclass(frozen=True, slots=True)
class Secret(Thing):
    """What a PPP client logs in with, without the password."""

    name: str
    profile: str
    service: str
    remote_address: str
    caller: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A PPP session: of whom, and by which MAC address it came."""

    id: str
    name: str
    caller: str | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A station that is registered on a radio interface of the router itself."""

    device: str
    interface: str
    signal_dbm: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A router's tables as they were read, one after the other.

    ``servers`` are the interfaces of DHCP servers by name, ``pppoe_servers`` those of PPPoE servers by service name,
    ``pppoe_services`` the service name that each logged-in PPP user came by, ``ruled_lists`` the address lists that
    firewall rules in force refer to.
    """

    queues: tuple[Queue, ...] = ()
    leases: tuple[Lease, ...] = ()
    entries: tuple[Entry, ...] = ()
    secrets: tuple[Secret, ...] = ()
    sessions: tuple[Session, ...] = ()
    registrations: tuple[Registration, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    pppoe_servers: Mapping[str, str] = field(default_factory=dict)
    pppoe_services: Mapping[str, str] = field(default_factory=dict)
    ruled_lists: frozenset[str] = frozenset()
    malformed: int = 0


def snapshot(answers: Mapping[str, Any]) -> Snapshot:
    """The snapshot of the answers by menu; a menu that was not read is as one without rows."""
    reader = _Reader(answers)
    return Snapshot(
        queues=reader.each(QUEUES, _queue),
        leases=reader.each(LEASES, _lease),
        entries=reader.each(ENTRIES, _entry),
        secrets=reader.each(SECRETS, _secret),
        sessions=reader.each(ACTIVE, _session),
        registrations=(*reader.each(WIRELESS, _registration), *reader.each(WIFI, _registration)),
        servers=dict(reader.each(SERVERS, _pair("name", "interface"))),
        pppoe_servers=dict(reader.each(PPPOE_SERVERS, _pair("service-name", "interface"))),
        pppoe_services=dict(reader.each(PPPOE_SESSIONS, _pair("user", "service"))),
        ruled_lists=frozenset().union(*(lists for menu in RULES for lists in reader.each(menu, _lists))),
        malformed=reader.malformed,
    )


class _Reader:
    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.malformed = 0

    def each(self, menu: str, read: Callable[[Row], T | None]) -> tuple[T, ...]:
        rows = self._answers.get(menu, [])
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            self.malformed += 1
            return ()
        found = [read(row) if _is_row(row) else None for row in rows]
        self.malformed += sum(each is None for each in found)
        return tuple(each for each in found if each is not None)


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(name, str) and isinstance(value, str) for name, value in row.items())
        and words.is_id(row.get(".id", ""))
    )


def _thing(row: Row) -> tuple[str, bool, bool, str, Mark | None]:
    comment = row.get("comment", "")
    disabled, dynamic = (words.is_true(row.get(name, "false")) for name in ("disabled", "dynamic"))
    return row[".id"], disabled, dynamic, comment, read_mark(comment)


def _queue(row: Row) -> Queue:
    up, down = words.rate_pair(row.get("max-limit", ""))
    assured, _ = words.rate_pair(row.get("limit-at", "0/0"))
    targets = tuple(part for part in row.get("target", "").split(",") if part)
    return Queue(*_thing(row), row.get("name", ""), targets, up, down, assured)


def _lease(row: Row) -> Lease:
    device = canonical_mac(row.get("mac-address", ""))
    return Lease(
        *_thing(row),
        device=device,
        holder=canonical_mac(row.get("active-mac-address", "")) or device,
        address=row.get("address", ""),
        server=row.get("server", "") if row.get("server") != "all" else row.get("active-server", ""),
        status=row.get("status", ""),
        blocked=words.is_true(row.get("block-access", "false")),
        circuit_id=row.get("agent-circuit-id", ""),
        last_seen_s=words.duration_s(row.get("last-seen", "")),
    )


def _entry(row: Row) -> Entry:
    return Entry(*_thing(row), row.get("list", ""), words.host_address(row.get("address", "")) or "")


def _secret(row: Row) -> Secret:
    remote = row.get("remote-address", "")
    caller = canonical_mac(row.get("caller-id", ""))
    return Secret(*_thing(row), row.get("name", ""), row.get("profile", ""), row.get("service", ""), remote, caller)


def _session(row: Row) -> Session:
    return Session(row[".id"], row.get("name", ""), canonical_mac(row.get("caller-id", "")))


def _registration(row: Row) -> Registration | None:
    device = canonical_mac(row.get("mac-address", ""))
    signal = row.get("signal-strength", row.get("signal", ""))
    return None if device is None else Registration(device, row.get("interface", ""), words.signal_dbm(signal))


def _lists(row: Row) -> frozenset[str]:
    """The lists that a rule in force refers to, also where it means everybody else (``!list``)."""
    if words.is_true(row.get("disabled", "false")):
        return frozenset()
    return frozenset(row.get(name, "").removeprefix("!") for name in ("src-address-list", "dst-address-list"))


def _pair(name: str, value: str) -> Callable[[Row], tuple[str, str] | None]:
    def read(row: Row) -> tuple[str, str] | None:
        if name not in row or value not in row:
            return None
        # A server that is off is no port.
        return row[name], "" if words.is_true(row.get("disabled", "false")) else row[value]

    return read
