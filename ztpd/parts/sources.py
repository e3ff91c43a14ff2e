"""What hears devices beside the elements: patterns, trust, helpers, syslog, traps and the MQTT broker."""

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ztpd.config import ConfigError, ConfigProblem, Configuration, all_of, read_toml
from ztpd.discovery.circuit_id import CircuitIdTable, CircuitIdTableError
from ztpd.discovery.dhcp import Message
from ztpd.discovery.line_patterns import LinePatterns, PatternRefused
from ztpd.discovery.mqtt_broker import BrokerSettings, tls_context
from ztpd.discovery.placing import placed
from ztpd.discovery.traps import TrapSettings, TrapUser
from ztpd.discovery.trust import relays
from ztpd.discovery.trust import trust as trust_by
from ztpd.domain.sighting import Sighting
from ztpd.settings import DhcpSection, MqttSection, SnmpUserSection


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
    private = None if key_file is None else configuration.private_file("discovery.mqtt.key_file", key_file)
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
    return {element.name: list(element.hosts) for element in elements if element.hosts}
