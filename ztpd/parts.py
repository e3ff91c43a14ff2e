"""The daemon's parts as the configuration describes them; what cannot be made is a ``ConfigError`` with its key."""

import hashlib
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from billing_hooks.endpoint import Endpoint
from billing_hooks.errors import InvalidEndpoint, InvalidSecret
from billing_hooks.signature import Secret
from drivers.base import Driver, ListsNeighbours
from drivers.netconf.host_keys import HostKeysUnreadable, pinned
from drivers.netconf.settings import NetconfSettings
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from drivers.netconf_openconfig import NetconfOpenconfigReader
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsSettings
from ztpd.api.tokens import Token
from ztpd.config import ConfigError, ConfigProblem, Configuration, all_of, read_toml
from ztpd.discovery.circuit_id import CircuitIdTable, CircuitIdTableError
from ztpd.discovery.dhcp import Message
from ztpd.discovery.line_patterns import LinePatterns, PatternRefused
from ztpd.discovery.mqtt_broker import BrokerSettings, tls_context
from ztpd.discovery.placing import placed
from ztpd.discovery.traps import TrapSettings, TrapUser
from ztpd.discovery.trust import relays
from ztpd.discovery.trust import trust as trust_by
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting
from ztpd.provisioning.policy import RetryPolicy
from ztpd.provisioning.provisioner import Pace
from ztpd.settings import DhcpSection, ElementSection, EndpointSection, MqttSection, SnmpUserSection, TokenSection
from ztpd.store.attempts import Lease
from ztpd.store.engine import Engine, open_engine
from ztpd.store.transaction import Routes

T = TypeVar("T")
SettingsT = TypeVar("SettingsT", bound=NetconfSettings)

TECHNOLOGIES = {"netconf-bbf": frozenset({"pon"}), "netconf-openconfig": frozenset({"ethernet"})}
"""What each driver serves, known before its element answers."""

ONLY_LISTENED_TO = "only listened to: jobs there are discovered and not provisioned"
"""What holds for an element that has no driver beyond the reading of its neighbours."""

_SWITCH_REPLY_BYTES = 32 * 1024 * 1024


def require(configuration: Configuration) -> None:
    """Make every part that can be wrong, once; raises one ``ConfigError`` with the problems of all of them."""
    makers: tuple[Callable[[Configuration], object], ...] = (
        engine,
        profiles,
        circuit_ids,
        broker,
        tokens,
        acs,
        endpoints,
        elements,
        syslog_patterns,
        traps,
    )
    all_of([partial(make, configuration) for make in makers])


def engine(configuration: Configuration) -> Engine:
    """The database, not connected yet."""
    url = configuration.settings.store.url
    try:
        found = open_engine(url)
        if found.dialect == "postgresql":
            _check_conninfo(url)
    except ValueError as error:
        raise configuration.problem("store.url", str(error), "Correct the URL.") from None
    return found


def _check_conninfo(url: str) -> None:
    """Raise ``ValueError`` where PostgreSQL's own client would refuse the URL, only later and in another class."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ValueError(str(error).strip()) from None


def profiles(configuration: Configuration) -> dict[str, Profile]:
    """Every profile by its name."""
    return configuration.profiles


def drivers(configuration: Configuration) -> dict[str, Driver]:
    """A driver for each element, none of them connected yet."""

    def make(key: str, section: ElementSection) -> Driver:
        return NetconfBbfDriver(_reached(configuration, key, section, NetconfBbfSettings, uplink=section.uplink))

    return {driver.name: driver for driver in _made(configuration, "netconf-bbf", make)}


def listened_to(configuration: Configuration) -> dict[str, ListsNeighbours]:
    """A reader for each element that is asked for its neighbours and never configured, none of them connected yet."""

    def make(key: str, section: ElementSection) -> ListsNeighbours:
        limits = {"max_reply_bytes": _SWITCH_REPLY_BYTES}
        return NetconfOpenconfigReader(_reached(configuration, key, section, NetconfSettings, **limits))

    return {lister.name: lister for lister in _made(configuration, "netconf-openconfig", make)}


def elements(configuration: Configuration) -> dict[str, Driver | ListsNeighbours]:
    """Every element, with the problems of all of them at once."""
    makers: list[Callable[[], Mapping[str, Driver | ListsNeighbours]]] = [
        partial(drivers, configuration),
        partial(listened_to, configuration),
    ]
    return {name: element for made in all_of(makers) for name, element in made.items()}


def _made(configuration: Configuration, driver: str, make: Callable[[str, ElementSection], T]) -> list[T]:
    """What is made of each section with this driver."""
    sections = enumerate(configuration.settings.elements)
    return all_of([partial(make, f"elements.{n}", section) for n, section in sections if section.driver == driver])


def _reached(
    configuration: Configuration, key: str, section: ElementSection, kind: type[SettingsT], **others: Any
) -> SettingsT:
    """How an element is reached, and what else its driver needs."""
    password, key_file, known_hosts = section.password_file, section.key_file, section.known_hosts_file
    try:
        settings = kind(
            name=section.name,
            host=section.host,
            port=section.port,
            username=section.username,
            password=None if password is None else configuration.secret(f"{key}.password_file", password),
            key_file=None if key_file is None else _private_key(configuration, f"{key}.key_file", key_file),
            host_key=section.host_key,
            known_hosts_file=None if known_hosts is None else configuration.path(known_hosts),
            connect_timeout_s=section.connect_timeout_s,
            rpc_timeout_s=section.rpc_timeout_s,
            **others,
        )
        pinned(settings)
    except HostKeysUnreadable as error:
        where = "host_key" if known_hosts is None else "known_hosts_file"
        remedy = f"Ask the element for its key and compare it: ssh-keyscan -p {section.port} {section.host}"
        raise configuration.problem(f"{key}.{where}", str(error), remedy) from None
    except ValueError as error:
        raise configuration.problem(key, str(error), "Correct the element.") from None
    return settings


def _private_key(configuration: Configuration, key: str, named: Path) -> Path:
    """The path of a key that is there and that others cannot read."""
    configuration.secret(key, named)
    return configuration.path(named)


def names_listened_to(configuration: Configuration) -> list[str]:
    """The elements that are never configured, without their secrets being read."""
    return [element.name for element in configuration.settings.elements if element.driver == "netconf-openconfig"]


def technologies(configuration: Configuration) -> dict[str, frozenset[str]]:
    """What each element serves."""
    return {element.name: TECHNOLOGIES[element.driver] for element in configuration.settings.elements}


def endpoints(configuration: Configuration) -> list[Endpoint]:
    """Every endpoint with its secrets."""
    sections = configuration.settings.endpoints
    return all_of([partial(_endpoint, configuration, f"endpoints.{n}", section) for n, section in enumerate(sections)])


def _endpoint(configuration: Configuration, key: str, section: EndpointSection) -> Endpoint:
    files = section.secret_files
    secrets = all_of([partial(_secret, configuration, f"{key}.secret_files.{n}", file) for n, file in enumerate(files)])
    try:
        return Endpoint(
            name=section.name,
            url=section.url,
            secrets=tuple(secrets),
            events=section.events,
            timeout_s=section.timeout_s,
            concurrency=section.concurrency,
            retry_scale=section.retry_scale,
            allow=section.allow,
        )
    except InvalidEndpoint as error:
        raise configuration.problem(f"{key}.{error.setting}", error.why, "Correct the value.") from None


def _secret(configuration: Configuration, key: str, file: Path) -> Secret:
    try:
        return Secret(configuration.secret(key, file))
    except InvalidSecret as error:
        path = configuration.path(file)
        remedy = f"Make one: echo whsec_$(openssl rand -base64 32) > {path}"
        raise configuration.problem(key, f"{path} {error.why}", remedy) from None


def routes(targets: list[Endpoint]) -> Routes:
    """Which endpoints want an event of a type."""

    @lru_cache(maxsize=256)
    def wanting(event_type: str) -> tuple[str, ...]:
        return tuple(endpoint.name for endpoint in targets if endpoint.wants(event_type))

    return wanting


def tokens(configuration: Configuration) -> list[Token]:
    """Who may call the API, by the hash of the token."""
    sections = configuration.settings.api.tokens
    return all_of([partial(_token, configuration, f"api.tokens.{n}", section) for n, section in enumerate(sections)])


def _token(configuration: Configuration, key: str, section: TokenSection) -> Token:
    text = configuration.secret(f"{key}.token_file", section.token_file)
    return Token(name=section.name, scopes=frozenset(section.scopes), sha256=hashlib.sha256(text.encode()).hexdigest())


def acs(configuration: Configuration) -> AcsSettings | None:
    """Where the ACS listens and whom it accepts; None when there is no ACS."""
    section = configuration.settings.acs
    if section is None:
        return None
    password = configuration.secret("acs.password_file", section.password_file)
    return AcsSettings(
        credentials=Credentials(section.realm, section.username, password),
        host=section.host,
        port=section.port,
        path=section.path,
    )


def circuit_ids(configuration: Configuration) -> CircuitIdTable:
    """The patterns of circuit-ids."""
    file = configuration.path(configuration.settings.discovery.circuit_ids)
    try:
        return CircuitIdTable.from_toml(read_toml(file))
    except CircuitIdTableError as error:
        where = f"pattern {error.row}, {error.key}"
        remedy = f"{error.remedy[:1].upper()}{error.remedy[1:]}."
        raise ConfigError([ConfigProblem(file, where, error.problem, remedy)]) from None


def broker(configuration: Configuration) -> BrokerSettings | None:
    """Where announcements are published, and as whom we listen; None when nothing is to be heard over MQTT."""
    section = configuration.settings.discovery.mqtt
    if section is None:
        return None
    url, port = _broker_url(configuration, section)
    password = section.password_file
    return BrokerSettings(
        host=url.hostname or "",
        port=port,
        client_id=section.client_id or f"ztpd-{configuration.settings.node.name}",
        username=section.username,
        password=None if password is None else configuration.secret("discovery.mqtt.password_file", password),
        tls=_broker_tls(configuration, section) if url.scheme == "mqtts" else None,
        prefix=section.topic,
        share=section.share,
    )


_BROKER_PORTS = {"mqtt": 1883, "mqtts": 8883}


def _broker_url(configuration: Configuration, section: MqttSection) -> tuple[SplitResult, int]:
    """The URL and its port."""
    key, remedy = "discovery.mqtt.url", "Write mqtts://HOST or mqtts://HOST:PORT, or mqtt:// for one without TLS."
    try:
        url = urlsplit(section.url)
        port = url.port or _BROKER_PORTS.get(url.scheme, 0)
    except ValueError:
        raise configuration.problem(key, "is no URL", remedy) from None
    if url.username is not None or url.password is not None:
        raise configuration.problem(key, "has a user or password in it", "Use username and password_file.")
    if url.scheme not in _BROKER_PORTS or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise configuration.problem(key, "is not the URL of an MQTT broker", remedy)
    if url.scheme == "mqtt" and (section.ca_file or section.certificate_file):
        raise configuration.problem(key, "has no TLS, but ca_file or certificate_file is given", "Write mqtts://.")
    return url, port


def _broker_tls(configuration: Configuration, section: MqttSection) -> ssl.SSLContext:
    key_file = section.key_file
    ca, certificate = (
        None if each is None else configuration.path(each) for each in (section.ca_file, section.certificate_file)
    )
    private = None if key_file is None else _private_key(configuration, "discovery.mqtt.key_file", key_file)
    try:
        tls_context(ca, None, None)
    except OSError as error:
        raise _no_pem(configuration, "discovery.mqtt.ca_file", ca, error) from None
    try:
        return tls_context(ca, certificate, private)
    except OSError as error:
        raise _no_pem(configuration, "discovery.mqtt.certificate_file", certificate, error) from None


def _no_pem(configuration: Configuration, key: str, file: Path | None, error: OSError) -> ConfigError:
    if isinstance(error, ssl.SSLError):
        why = f"{file} is of no use for TLS: {error.reason or 'no PEM'}"
        return configuration.problem(key, why, "Give PEM files that belong together, the key without a passphrase.")
    return configuration.problem(key, f"{file} cannot be read: {error.strerror}", "Create it, or correct the path.")


def trust(section: DhcpSection, interface: str | None) -> Callable[[Message], bool]:
    """Whether a message's place can only come from a relay of ours (``ztpd.discovery.trust``)."""
    return trust_by(interface, section.trusted_interfaces, section.trusted_relays)


def placing(configuration: Configuration) -> Callable[[Sighting], Sighting]:
    """Says where a sighting of a local helper belongs, and whether that is believed."""
    ours = relays(configuration.settings.discovery.dhcp.trusted_relays)
    return partial(placed, table=circuit_ids(configuration), ours=ours)


def syslog_patterns(configuration: Configuration) -> LinePatterns | None:
    """Which lines of syslog are hints; None when none are heard."""
    section = configuration.settings.discovery.syslog
    if section is None:
        return None
    try:
        return LinePatterns(section.patterns)
    except PatternRefused as error:
        key = f"discovery.syslog.patterns.{error.index}"
        raise configuration.problem(key, error.problem, error.remedy) from None


def traps(configuration: Configuration) -> TrapSettings | None:
    """Whose traps are hints, with the secrets; None when none are received."""
    section = configuration.settings.discovery.snmp
    if section is None:
        return None
    key, file = "discovery.snmp", section.communities_file
    communities = "" if file is None else configuration.secret(f"{key}.communities_file", file)
    users = all_of(
        [partial(_trap_user, configuration, f"{key}.users.{n}", user) for n, user in enumerate(section.users)]
    )
    return TrapSettings(
        communities=tuple(dict.fromkeys(filter(None, map(str.strip, communities.splitlines())))),
        users=tuple(users),
        kinds=tuple(tuple(map(int, oid.split("."))) for oid in section.traps),
    )


def _trap_user(configuration: Configuration, key: str, section: SnmpUserSection) -> TrapUser:
    private = section.priv_file
    return TrapUser(
        name=section.name,
        auth=section.auth,
        auth_password=_snmp_password(configuration, f"{key}.auth_file", section.auth_file),
        priv=section.priv,
        priv_password=None if private is None else _snmp_password(configuration, f"{key}.priv_file", private),
        engine_ids=frozenset(map(bytes.fromhex, section.engine_ids)),
    )


def _snmp_password(configuration: Configuration, key: str, file: Path) -> str:
    """A password of at least 8 characters: a shorter one is easily found out (RFC 3414 §11.2)."""
    password = configuration.secret(key, file)
    if len(password) < 8:
        raise configuration.problem(
            key, f"{configuration.path(file)} has fewer than 8 characters", "Write a longer one."
        )
    return password


def hint_senders(configuration: Configuration) -> dict[str, list[str]]:
    """By element, the names and addresses that its hints come from."""
    elements = configuration.settings.elements
    return {element.name: [element.host, *map(str, element.hint_addresses)] for element in elements}


def lease(configuration: Configuration) -> Lease:
    """Whose name claims bear, and how long they hold."""
    settings = configuration.settings
    return Lease(settings.node.name, timedelta(seconds=settings.provisioning.lease_s))


def pace(configuration: Configuration) -> Pace:
    """How fast the provisioner works."""
    section = configuration.settings.provisioning
    return Pace(verify_timeout_s=section.verify_timeout_s, verify_poll_s=section.verify_poll_s)


def retry_policy(configuration: Configuration) -> RetryPolicy:
    """How attempts are repeated."""
    section = configuration.settings.provisioning
    return RetryPolicy(section.attempts, section.retry_first_s, section.retry_longest_s)
