"""Where the ACS listens, whom it accepts, and its bounds."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from ztpd.acs.authentication import Accounts, GivenAccount
from ztpd.acs.connections import ConnectionLimits
from ztpd.acs.datamodel import Model
from ztpd.acs.device_secrets import DeviceSecrets
from ztpd.acs.digest import Credentials
from ztpd.acs.origin import Proxies


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, then so many ``per_second``."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that CPEs come to, beside the first; plain HTTP without ``tls``."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class AcsSettings:
    """Where the ACS listens, whom it accepts, and its bounds; times in seconds, sizes in bytes.

    ``credentials`` are those that all new CPEs share, ``given`` those of an operator's own by user name; ``secrets``
    derives those that ztpd gives; ``basic_without_tls`` takes passwords that anybody on the way can read.
    ``retry_after`` is the least a CPE is told to wait when it cannot be served; up to as much again is added at random,
    so that those turned away do not come back together. ``informs`` bounds what one address may begin, ``unproven`` and
    ``unproven_in_all`` how often senders are heard that prove nothing. ``models`` are those that ship unless given.
    """

    credentials: Credentials
    host: str = "127.0.0.1"
    port: int = 7547
    path: str = "/acs"
    given: Mapping[str, GivenAccount] = field(default_factory=dict, repr=False)
    secrets: DeviceSecrets | None = None
    basic_without_tls: bool = False
    listeners: tuple[Listener, ...] = ()
    proxies: Proxies = field(default_factory=Proxies)
    max_body: int = 256 * 1024
    max_sessions: int = 4096
    session_ttl: float = 120.0
    body_deadline: float = 15.0
    core_deadline: float = 30.0
    nonce_lifetime: float = 300.0
    retry_after: int = 30
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    informs: Rate = Rate(200.0, 2000.0)
    unproven: Rate = Rate(0.2, 5.0)
    unproven_in_all: Rate = Rate(5.0, 50.0)
    models: tuple[Model, ...] | None = field(default=None, repr=False)

    @property
    def accounts(self) -> Accounts:
        """Everybody who is accepted by name and password."""
        return Accounts(self.credentials, self.given, self.secrets)
