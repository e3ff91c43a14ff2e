"""Who a lab CPE is, where its ACS is, how it lives and what it does wrong."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ztpd.lab.cpe.accounts import Accounts
from ztpd.lab.cpe.model import Model, model


class Root(enum.StrEnum):
    """The root object of the data model."""

    TR181 = "Device."
    TR098 = "InternetGatewayDevice."


class CookieStyle(enum.Enum):
    """How the session's cookie is sent back."""

    PLAIN = enum.auto()
    LOWERCASE = enum.auto()  # header name, cookie name and value
    UPPERCASE = enum.auto()
    QUOTED = enum.auto()  # RFC 2109: $Version first, value in quotes, commas between
    ONCE = enum.auto()  # with the POST after the Inform, and never again
    NONE = enum.auto()


class DownloadEnd(enum.StrEnum):
    """What becomes of a download that was fetched."""

    WORKS = "works"
    UNCHANGED = "unchanged"  # it restarts and says that all is well, with the version it had
    UNTOLD = "untold"  # the new version runs, and no TransferComplete says so
    NEVER = "never"  # it is under way for ever


class Reach(enum.Enum):
    """How a CPE that runs can be asked to inform."""

    OPEN = enum.auto()  # over HTTP, and over UDP where STUN is on
    NAT = enum.auto()  # over UDP only, by the binding that it keeps with STUN
    SHUT = enum.auto()  # not at all


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What the CPE does wrong, switched on one by one; ``quirks.toml`` has names for most of it.

    ``reject`` answers setting these paths with a fault of that code, ``refuses`` these methods. ``forget`` accepts
    these paths and keeps the old values; ``loses_key`` the ParameterKey. ``drift`` are values that it goes back to
    after each session, by name below the root. ``hang_at`` names the request after which it falls silent;
    ``reboot_at`` the one after which it starts a new session with a BOOT Inform, once; ``reboot_at_walk`` restarts
    each time that all of its tree is asked for. ``unsupported`` methods are answered with fault 9000, and
    more than ``most_names`` in one GetParameterValues with 9004. ``quiet_tests`` end without an Inform. Downloads
    fail with ``download_fault`` where it is not 0, else they come to ``download_end``.

    ``calls`` are messages it sends in each session after the Inform. ``rewrites`` are patterns and what takes their
    place in everything it sends, ``codec`` what that is encoded with. ``drop_tcp`` opens a connection for every POST;
    ``headers`` are set on each, ``blank`` is what an empty one has, ``coding`` is ``gzip`` or ``deflate``.
    """

    reject: Mapping[str, int] = field(default_factory=dict)
    refuses: Mapping[str, int] = field(default_factory=dict)
    forget: frozenset[str] = frozenset()
    hang_at: str | None = None
    reboot_at: str | None = None
    drop_tcp: bool = False
    cookies: CookieStyle = CookieStyle.PLAIN
    unsupported: frozenset[str] = frozenset()
    quiet_tests: bool = False
    download_fault: int = 0
    download_end: DownloadEnd = DownloadEnd.WORKS
    loses_key: bool = False
    drift: Mapping[str, str] = field(default_factory=dict)
    reboot_at_walk: bool = False
    most_names: int = 0
    calls: tuple[str, ...] = ()
    rewrites: tuple[tuple[str, str], ...] = ()
    codec: str = "utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    http_1_0: bool = False
    blank: str = ""
    coding: str = ""
    chunked: bool = False


@dataclass(frozen=True, slots=True)
class CpeSettings:
    """One CPE: who it is, where its ACS is, and what it does wrong.

    ``source_ip`` is the address it calls from (any of 127.0.0.0/8). ``parameters`` are added to the tree, or
    replace values in it, and are in every Inform; ``factory`` are values it leaves the factory with, by name below the
    root, where its model has them. ``accounts`` are who may have PPPoE and telephony. ``time_factor`` stretches the
    periodic interval, the retry schedule, restarts and transfers: 0.01 is a hundred times faster than life. ``model``
    is one of ``models``, the plain one of ``root`` unless given. ``firmware`` maps a file's name, as its URL ends, to
    the version that runs after it; a file that is not in it has the version in its first line, or else in its name.
    ``boot_seconds`` is how long a restart takes, ``test_seconds`` how long it is until a test begins. ``reach`` is how
    it hears connection requests while it runs; ``nat_seconds`` is how long the NAT keeps a mapping that nothing leaves
    by.
    """

    acs_url: str
    username: str
    password: str = field(repr=False)
    serial: str
    oui: str = "00259E"
    manufacturer: str = "ztpd lab"
    product_class: str = "LAB-ONT"
    root: Root = Root.TR181
    source_ip: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    time_factor: float = 1.0
    post_timeout_seconds: float = 30.0
    model: str = ""
    firmware: Mapping[str, str] = field(default_factory=dict)
    boot_seconds: float = 30.0
    test_seconds: float = 5.0
    reach: Reach = Reach.OPEN
    nat_seconds: float = 120.0
    factory: Mapping[str, str] = field(default_factory=dict, repr=False)
    accounts: Accounts = field(default_factory=Accounts)

    @property
    def device_model(self) -> Model:
        """The model this device is of; raises ``LookupError``."""
        return model(self.model or self.root.name.lower())
