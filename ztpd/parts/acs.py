"""The ACS: where it listens, whom it accepts."""

import re
from functools import partial
from pathlib import Path

from ztpd.acs.authentication import GivenAccount
from ztpd.acs.device_secrets import MIN_KEY_CHARACTERS, DeviceSecrets, with_upper_oui
from ztpd.acs.digest import Algorithm, Credentials
from ztpd.acs.origin import Proxies
from ztpd.acs.settings import AcsSettings, Listener, Rate
from ztpd.acs.tls import TlsProblem, TlsSettings, server_context
from ztpd.acs_settings import AcsSection, ListenerSection
from ztpd.config import Configuration, all_of
from ztpd.parts.models import models

_DEVICE = re.compile(r"[0-9A-Fa-f]{6}-\S+")
_BURST = 10.0


def acs(configuration: Configuration) -> AcsSettings | None:
    """Where the ACS listens and whom it accepts; None when there is no ACS. Raises ``ConfigError``."""
    section = configuration.settings.acs
    if section is None:
        return None
    password = configuration.secret("acs.password_file", section.password_file)
    offered = tuple(map(Algorithm, section.digest))
    return AcsSettings(
        credentials=Credentials(section.realm, section.username, password, offered),
        host=section.host,
        port=section.port,
        path=section.path,
        given=_given_accounts(configuration, section.devices_file),
        secrets=device_secrets(configuration),
        basic_without_tls=section.basic_without_tls,
        listeners=tuple(all_of([partial(_listener, configuration, n) for n in range(len(section.listeners))])),
        proxies=_proxies(section),
        informs=Rate(section.informs_per_s, section.informs_per_s * _BURST),
        models=models(configuration),
    )


def device_secrets(configuration: Configuration) -> DeviceSecrets | None:
    """What CPEs are given as their own; None where no key file is named. Raises ``ConfigError``."""
    section = configuration.settings.acs
    if section is None or section.device_key_file is None:
        return None
    key, path = "acs.device_key_file", configuration.path(section.device_key_file)
    text = configuration.secret(key, section.device_key_file)
    if len(text) < MIN_KEY_CHARACTERS:
        problem = f"{path} is shorter than {MIN_KEY_CHARACTERS} characters"
        raise configuration.problem(key, problem, f"Make one: openssl rand -base64 32 > {path}")
    given = _given_accounts(configuration, section.devices_file)
    return DeviceSecrets(text.encode(), frozenset(with_upper_oui(account.device) for account in given.values()))


def _given_accounts(configuration: Configuration, named: Path | None) -> dict[str, GivenAccount]:
    """The users of a file: one a line, name, password and, where the name does not tell it, the device."""
    if named is None:
        return {}
    key = "acs.devices_file"
    accounts: dict[str, GivenAccount] = {}
    for number, line in enumerate(configuration.secret_lines(key, named), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        device = words[2] if len(words) == 3 else words[0]
        # The line itself is not shown, for it holds a password.
        if len(words) not in {2, 3} or not _DEVICE.fullmatch(device):
            remedy = (
                "Write: USER PASSWORD, and OUI-SERIAL (OUI-CLASS-SERIAL) behind it where the user is named otherwise."
            )
            raise configuration.problem(key, f"{configuration.path(named)} line {number} is no account", remedy)
        if words[0] in accounts:
            problem = f"{configuration.path(named)} line {number} names a user that an earlier line has"
            raise configuration.problem(key, problem, "Give each CPE its own.")
        accounts[words[0]] = GivenAccount(words[1], device)
    return accounts


def _listener(configuration: Configuration, number: int) -> Listener:
    acs_section = configuration.settings.acs
    assert acs_section is not None
    section, key = acs_section.listeners[number], f"acs.listeners.{number}"
    if section.certificate_file is None or section.key_file is None:
        missing = "key_file" if section.certificate_file is not None else "certificate_file"
        if section.certificate_file is not None or section.key_file is not None:
            raise configuration.problem(f"{key}.{missing}", "is missing", "TLS needs the certificate and its key.")
        _refuse_tls_settings(configuration, section, key)
        return Listener(section.host, section.port)
    settings = TlsSettings(
        certificate_file=configuration.path(section.certificate_file),
        key_file=configuration.private_file(f"{key}.key_file", section.key_file),
        client_ca_file=None if section.client_ca_file is None else configuration.path(section.client_ca_file),
        client_certificates=section.client_certificates,
        minimum=section.tls_minimum,
        ciphers=section.ciphers,
        legacy_renegotiation=section.legacy_renegotiation,
    )
    try:
        return Listener(section.host, section.port, server_context(settings))
    except TlsProblem as error:
        raise configuration.problem(f"{key}.{error.setting}", error.problem, error.remedy) from None


def _refuse_tls_settings(configuration: Configuration, section: ListenerSection, key: str) -> None:
    """A setting of TLS on a listener without a certificate would do nothing, in silence."""
    for name in ("client_ca_file", "client_certificates", "tls_minimum", "ciphers", "legacy_renegotiation"):
        if name in section.model_fields_set:
            remedy = "Name certificate_file and key_file, or remove it."
            raise configuration.problem(f"{key}.{name}", "is of TLS, and the listener has no certificate", remedy)


def _proxies(section: AcsSection) -> Proxies:
    told = section.trusted_proxies
    if told is None:
        return Proxies()
    return Proxies(told.networks, told.forwarded, told.certificate_header, told.certificate_format)
