"""The menus of the lab router: which properties each takes, what must be unique, and what a new object has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

QUEUES = "/queue/simple"
LEASES = "/ip/dhcp-server/lease"
ENTRIES = "/ip/firewall/address-list"
SECRETS = "/ppp/secret"
ACTIVE = "/ppp/active"
SERVERS = "/ip/dhcp-server"
PPPOE_SERVERS = "/interface/pppoe-server/server"
PPPOE_SESSIONS = "/interface/pppoe-server"
WIRELESS = "/interface/wireless/registration-table"
RULES = tuple(f"/ip/firewall/{table}" for table in ("filter", "raw", "nat", "mangle"))
RESOURCE = "/system/resource"


@dataclass(frozen=True, slots=True)
class Menu:
    """``takes`` are the properties that can be set, ``needs`` those that must be; ``unique`` are sets of them.

    A menu that takes nothing is read-only, but for removing where ``removes`` says so.
    """

    takes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    unique: tuple[tuple[str, ...], ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    removes: bool = True


_OFF = {"disabled": "false", "dynamic": "false"}

MENUS: Mapping[str, Menu] = {
    QUEUES: Menu(
        takes=frozenset({"name", "target", "max-limit", "limit-at", "comment", "disabled", "priority", "queue"}),
        needs=frozenset({"target"}),
        unique=(("name",),),
        defaults={**_OFF, "max-limit": "0/0", "limit-at": "0/0", "priority": "8/8"},
    ),
    LEASES: Menu(
        takes=frozenset({"mac-address", "address", "server", "comment", "disabled", "rate-limit", "block-access"}),
        needs=frozenset({"address"}),
        unique=(("mac-address", "server"), ("address", "server")),
        defaults={**_OFF, "status": "waiting", "last-seen": "never", "server": "all"},
    ),
    ENTRIES: Menu(
        takes=frozenset({"list", "address", "comment", "disabled", "timeout"}),
        needs=frozenset({"list", "address"}),
        unique=(("list", "address"),),
        defaults=_OFF,
    ),
    SECRETS: Menu(
        takes=frozenset(
            {"name", "password", "profile", "service", "remote-address", "caller-id", "comment", "disabled"}
        ),
        needs=frozenset({"name"}),
        unique=(("name",),),
        defaults={"disabled": "false", "profile": "default", "service": "any", "caller-id": "", "password": ""},
    ),
    ACTIVE: Menu(),
    SERVERS: Menu(removes=False),
    PPPOE_SERVERS: Menu(removes=False),
    PPPOE_SESSIONS: Menu(removes=False),
    WIRELESS: Menu(removes=False),
    **dict.fromkeys(RULES, Menu(removes=False)),
}

CONFIGURED = (QUEUES, LEASES, ENTRIES, SECRETS)
"""The menus that outlast a restart."""
