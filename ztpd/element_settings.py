"""The elements as the configuration file has them: one table for each, whose keys are those of its driver."""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from ztpd.domain.model import Identifier, Vouchable
from ztpd.sections import Address, Network, Port, Seconds, Section

Mode = Literal["active", "shadow", "observe"]
"""What ztpd may do on an element: configure it, decide and write nothing, or hear and list only."""

Given = Annotated[str, StringConstraints(min_length=1)]


class AnyElement(Section):
    """What is said of every element.

    Its syslog and traps come from the addresses of its host, and from ``hint_addresses``. ``vouched`` are properties
    and levels that the operator answers for because the element cannot show them; ``per_minute`` is how many devices
    are written to it at most.
    """

    name: Identifier
    mode: Mode = "active"
    hint_addresses: tuple[Address, ...] = ()
    vouched: tuple[Vouchable, ...] = ()
    per_minute: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names or addresses from which it may be heard."""
        return tuple(map(str, self.hint_addresses))


class OverSsh(AnyElement):
    """An element that is reached over SSH, by password or key.

    Exactly one of ``host_key`` (an OpenSSH public key line) and ``known_hosts_file`` says which host key it must show.
    """

    host: Given
    username: Given
    password_file: Path | None = None
    key_file: Path | None = None
    host_key: str | None = None
    known_hosts_file: Path | None = None
    connect_timeout_s: Seconds = 10.0

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its host, and what else it may be heard from."""
        return (self.host, *map(str, self.hint_addresses))


class BbfSection(OverSsh):
    """An OLT that speaks TR-385 over NETCONF; ``uplink`` is its interface towards the network.

    One that ``calls_home`` connects to us, twice (``[call_home]``); ``host`` is then the address or network it may call
    from.
    """

    driver: Literal["netconf-bbf"]
    port: Port = 830
    uplink: Given
    calls_home: bool = False
    rpc_timeout_s: Seconds = 30.0


class SwitchSection(OverSsh):
    """A switch that speaks OpenConfig, or the IETF's and IEEE's models, over NETCONF.

    ``uplinks`` are ports that are never configured; ``free_vlan`` is the VLAN of a port that no service has, in which
    new devices are heard, and ``free_enabled`` whether such a port is open. ``rates`` is whether rates are set where
    the switch has a model for them; ``models`` takes one family where a switch has both.
    """

    driver: Literal["netconf-switch"]
    port: Port = 830
    uplinks: tuple[Given, ...] = ()
    free_vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    free_enabled: bool = True
    rates: bool = True
    models: Literal["openconfig", "ietf"] | None = None
    rpc_timeout_s: Seconds = 30.0


class CliSection(OverSsh):
    """An element with a command line, as ``platform`` says (``drivers/cli/platforms``); over SSH, or over telnet.

    ``legacy_algorithms`` allows what SSH servers of the 2000s need. Telnet shows the password to whoever listens and
    proves nothing: it is for elements that have nothing else. ``values`` are what the platform leaves to the operator
    (``ztpd check`` names those that are missing). ``sessions`` is how many logins are held at most.
    """

    driver: Literal["cli"]
    platform: Given
    port: Port | None = None
    transport: Literal["ssh", "telnet"] = "ssh"
    enable_password_file: Path | None = None
    legacy_algorithms: bool = False
    values: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    sessions: Annotated[int, Field(ge=1, le=16)] = 2
    connect_timeout_s: Seconds = 20.0
    command_timeout_s: Seconds = 60.0
    save_timeout_s: Seconds = 300.0
    keepalive_s: Seconds = 60.0


class EdgeSection(AnyElement):
    """The kernel of this server as an element: its interfaces towards subscribers, and what a suspended one may reach.

    ``state_file`` keeps what is configured over a restart. ``garden`` are addresses and prefixes, ``portal`` the IPv4
    address and port that port 80 of a suspended service leads to, in the garden. ``gateway`` is an IPv4 address that
    every sub-interface has. ``netns`` names a network namespace to work in.
    """

    driver: Literal["linux-edge"]
    access_interfaces: Annotated[tuple[Given, ...], Field(min_length=1)]
    state_file: Path
    garden: tuple[Network, ...] = ()
    portal: tuple[str, Port] | None = None
    gateway: IPv4Address | None = None
    netns: Given | None = None
    s_vlan_protocol: Literal["802.1ad", "802.1Q"] = "802.1ad"


class OverHttp(AnyElement):
    """An element with a JSON API at ``url`` (``https://host[:port]``).

    Its certificate is pinned by ``certificate_sha256``, or signed by an authority in ``ca_file``; ``plain_http`` allows
    an ``http://`` URL, on which everything can be read.
    """

    url: Given
    certificate_sha256: str | None = None
    ca_file: Path | None = None
    plain_http: bool = False
    connect_timeout_s: Seconds = 10.0
    rpc_timeout_s: Seconds = 30.0


class RouterosSection(OverHttp):
    """A MikroTik router with RouterOS 7; a firewall rule of the operator's says what ``suspended_list`` means.

    ``circuit_ids`` maps the circuit-ids of relays to the interface at which their requests arrive. ``ppp_profile`` and
    ``ppp_service`` are what new PPP secrets get. A lease that was not heard of for ``silent_after_s`` is no device.
    """

    driver: Literal["routeros"]
    username: Given
    password_file: Path
    suspended_list: Given = "ztpd-suspended"
    circuit_ids: Annotated[dict[str, str], Field(max_length=4096)] = Field(default_factory=dict)
    ppp_profile: Given = "default"
    ppp_service: Given = "pppoe"
    silent_after_s: Seconds | None = None


class UispSection(OverHttp):
    """A UISP instance, by a token of the user ``account``; ``propagation`` is where UISP shapes."""

    driver: Literal["uisp"]
    token_file: Path
    account: Given = "ztpd"
    propagation: Literal["all", "gateway"] = "all"


ElementSection = Annotated[
    BbfSection | SwitchSection | CliSection | EdgeSection | RouterosSection | UispSection,
    Field(discriminator="driver"),
]
"""One element, by its ``driver``."""

DRIVERS: dict[str, type[AnyElement]] = {
    driver: section
    for section in (BbfSection, SwitchSection, CliSection, EdgeSection, RouterosSection, UispSection)
    for driver in get_args(section.model_fields["driver"].annotation)
}
"""The table of each driver, by its name."""
