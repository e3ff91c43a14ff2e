"""What may stand in the configuration: every table, its keys, their types and what holds when they are left out."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ztpd.acs_settings import AcsSection
from ztpd.discovery import line_patterns, traps
from ztpd.domain.model import Identifier
from ztpd.element_settings import ElementSection
from ztpd.sections import Network, Port, Seconds, Section

Scope = Literal["read", "dispatch", "field", "billing", "admin"]

ENVIRONMENT_PREFIX = "ZTPD_"
ENVIRONMENT_DELIMITER = "__"


class NodeSection(Section):
    """Who this node is: its claims and the source of its events bear the name."""

    name: Identifier = "ztpd"


class StoreSection(Section):
    """Where the data lie: ``sqlite:///absolute/path.db`` or ``postgresql://user@host/database``."""

    url: str = "sqlite:///var/lib/ztpd/ztpd.db"


class LogSection(Section):
    """What is logged and how: ``console`` for people, ``json`` for programs."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "json"


class TokenSection(Section):
    """A caller of the API: its token stands in a file."""

    name: Identifier
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    token_file: Path


class ApiSection(Section):
    """The HTTP API; ``hosts`` are further names it may be called by."""

    host: str = "127.0.0.1"
    port: Port = 8080
    hosts: tuple[str, ...] = ()
    tokens: tuple[TokenSection, ...] = ()


class DhcpSection(Section):
    """DHCP heard from the wire; what relays add counts on trusted interfaces and from trusted relays only.

    ``capture`` says who hears: the daemon itself (``inside``), or ``ztpd capture`` (``process``).
    """

    capture: Literal["inside", "process"] = "inside"
    interfaces: tuple[str, ...] = ()
    trusted_interfaces: tuple[str, ...] = ()
    trusted_relays: tuple[Network, ...] = ()
    repeat_window_s: Seconds = 30.0

    @model_validator(mode="after")
    def _trusts_what_it_hears(self) -> Self:
        deaf = sorted(set(self.trusted_interfaces) - set(self.interfaces))
        if deaf:
            raise ValueError(f"trusted_interfaces has {', '.join(deaf)}, which interfaces lacks")
        return self


class SyslogSection(Section):
    """Syslog from elements, on the ports that are given; a line that fits a pattern has the sender's list read."""

    host: str = "127.0.0.1"
    udp_port: Port | None = None
    tcp_port: Port | None = None
    patterns: tuple[str, ...] = line_patterns.DEFAULTS

    @model_validator(mode="after")
    def _listens(self) -> Self:
        if self.udp_port is None and self.tcp_port is None:
            raise ValueError("neither udp_port nor tcp_port is given")
        return self


class SnmpUserSection(Section):
    """A user of SNMPv3; ``engine_ids`` (hex) are the only senders' engines that may use it, none for any."""

    name: Annotated[str, Field(min_length=1, max_length=32)]
    auth: traps.Auth = "sha256"
    auth_file: Path
    priv: traps.Priv | None = None
    priv_file: Path | None = None
    engine_ids: tuple[Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){5,32}$")], ...] = ()

    @model_validator(mode="after")
    def _encrypts_with_a_password(self) -> Self:
        if (self.priv is None) != (self.priv_file is None):
            raise ValueError("priv and priv_file are given together or not at all")
        return self


class SnmpSection(Section):
    """SNMP traps and informs; ``communities_file`` has one community a line, ``traps`` are OIDs (none for all)."""

    host: str = "127.0.0.1"
    port: Port = 162
    communities_file: Path | None = None
    users: tuple[SnmpUserSection, ...] = ()
    traps: tuple[Annotated[str, Field(pattern=r"^\d{1,10}(\.\d{1,10}){1,127}$")], ...] = ()

    @model_validator(mode="after")
    def _believes_somebody(self) -> Self:
        if self.communities_file is None and not self.users:
            raise ValueError("neither communities_file nor users are given")
        return self


class MqttSection(Section):
    """Announcements that adapters publish over MQTT 5; with ``mqtts://`` the broker is held to a CA and its name.

    ``topic`` is where adapters publish, one level above their own; nodes with the same ``share`` divide the messages.
    """

    url: str
    client_id: Identifier | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    topic: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9._:-]+(/[A-Za-z0-9._:-]+)*$")] = (
        "ztpd/v1/sightings"
    )
    share: Identifier = "ztpd"

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs username")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


class DiscoverySection(Section):
    """What hears devices: the element's lists are read every ``poll_s``, ``intake`` is the socket for local helpers.

    ``registration_ids``: whether the first ONU that shows a job's registration id in its place is bound to the job.
    """

    circuit_ids: Path = Path("circuit-ids.toml")
    intake: Path | None = None
    registration_ids: Literal["refused", "claimed-once"] = "refused"
    poll_s: Seconds = 60.0
    reconnect_s: Seconds = 5.0
    dhcp: DhcpSection = DhcpSection()
    syslog: SyslogSection | None = None
    snmp: SnmpSection | None = None
    mqtt: MqttSection | None = None

    @model_validator(mode="after")
    def _captures_where_it_is_taken_in(self) -> Self:
        if self.dhcp.capture == "process" and self.intake is None:
            raise ValueError("dhcp.capture is process, but intake names no socket where the process hands over")
        return self


class ProvisioningSection(Section):
    """How attempts are made and repeated."""

    lease_s: Annotated[float, Field(ge=5, allow_inf_nan=False)] = 180.0
    verify_timeout_s: Seconds = 90.0
    verify_poll_s: Seconds = 1.0
    attempts: Annotated[int, Field(ge=1)] = 60
    retry_first_s: Seconds = 2.0
    retry_longest_s: Seconds = 60.0


class EndpointSection(Section):
    """Where events go: the first secret signs first; ``allow`` are the only networks it may lie in."""

    name: Identifier
    url: str
    secret_files: Annotated[tuple[Path, ...], Field(min_length=1)]
    events: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    allow: tuple[Network, ...] = ()
    timeout_s: Seconds = 15.0
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    retry_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


class CallHomeSection(Section):
    """Where elements that call home connect to us (RFC 8071; the port is IANA's for NETCONF over SSH)."""

    host: str = "0.0.0.0"  # noqa: S104 # who calls is known by the host key alone
    port: Port = 4334


class Settings(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter=ENVIRONMENT_DELIMITER
    )

    node: NodeSection = NodeSection()
    store: StoreSection = StoreSection()
    log: LogSection = LogSection()
    api: ApiSection = ApiSection()
    acs: AcsSection | None = None
    call_home: CallHomeSection | None = None
    discovery: DiscoverySection = DiscoverySection()
    provisioning: ProvisioningSection = ProvisioningSection()
    profiles: Path = Path("profiles")
    elements: tuple[ElementSection, ...] = ()
    endpoints: tuple[EndpointSection, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file (handed in as keyword arguments); nothing else is read."""
        return (env_settings, init_settings)
