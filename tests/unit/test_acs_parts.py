"""The ACS out of a configuration: who is accepted where, and what is said of what cannot be."""

import ssl
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.certificates import Authority, Pair
from ztpd import checking, parts
from ztpd.acs.digest import Algorithm
from ztpd.acs.messages import DeviceId
from ztpd.acs.origin import Proxies
from ztpd.config import ConfigError, ConfigProblem, Configuration, load
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.waking import CpeToWake

KEY = "0123456789abcdef0123456789abcdef"
LISTENER = """
[[acs.listeners]]
port = 7548
certificate_file = "acs.crt"
key_file = "acs.key"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Pair, Pair]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    return authority, authority.issue("acs"), authority.issue("another")


@pytest.fixture
def folder(tmp_path: Path, made: tuple[Authority, Pair, Pair]) -> Path:
    """What a configuration names."""
    authority, pair, another = made
    files = {
        "password": b"shared-sentinel",
        "key": KEY.encode(),
        "acs.crt": pair.certificate.read_bytes(),
        "acs.key": pair.key.read_bytes(),
        "another.key": another.key.read_bytes(),
        "ca.pem": authority.file.read_bytes(),
        "garbage": b"garbage",
    }
    for name, content in files.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def configured(folder: Path, more: str = "") -> Configuration:
    text = '[store]\nurl = "sqlite:///z.db"\n[acs]\nusername = "cpe"\npassword_file = "password"\n'
    (folder / "ztpd.toml").write_text(text + more)
    return load(folder / "ztpd.toml")


def problem(folder: Path, more: str) -> ConfigProblem:
    with pytest.raises(ConfigError) as caught:
        parts.acs(configured(folder, more))
    (found,) = caught.value.problems
    assert "sentinel" not in str(found)
    assert found.remedy
    return found


def said(configuration: Configuration) -> str:
    return checking._served(parts.acs(configuration))


def test_without_further_keys_there_is_one_plain_listener_and_one_secret(folder: Path) -> None:
    acs = parts.acs(configured(folder))
    assert acs is not None
    assert (acs.listeners, acs.secrets, acs.given, acs.proxies) == ((), None, {}, Proxies())
    assert said(configured(folder)) == "port 7547; CPEs keep the bootstrap secret"


def test_a_shared_password_that_can_be_guessed_is_told_of(folder: Path) -> None:
    (folder / "password").write_text("cpe123")
    assert said(configured(folder)).endswith("their shared password is short, 6 characters: it can be guessed")


def test_a_key_file_gives_each_cpe_a_secret_of_its_own(folder: Path) -> None:
    configuration = configured(folder, 'device_key_file = "key"\ndigest = ["SHA-256", "MD5"]')
    acs = parts.acs(configuration)
    assert acs is not None
    assert acs.secrets is not None
    assert acs.secrets.management(DeviceId("", "00259E", "", "S1"))["management.username"] == "00259E-S1"
    assert acs.credentials.offered == (Algorithm.SHA256, Algorithm.MD5)
    assert said(configuration) == "port 7547; each CPE is given a secret of its own"


def test_passwords_that_can_be_read_on_the_way_are_taken_only_where_that_is_told(folder: Path) -> None:
    found = [parts.acs(configured(folder, more)) for more in ("", "basic_without_tls = true")]
    assert [acs is not None and acs.basic_without_tls for acs in found] == [False, True]


def test_an_operator_gives_accounts_of_his_own(folder: Path) -> None:
    (folder / "devices").touch(mode=0o600)
    lines = ["# comment", "", "00259e-S1  one", "customer-7 two-sentinel 00259E-ONT-S2", "00259E-S3\tthree"]
    (folder / "devices").write_text("\n".join(lines))
    acs = parts.acs(configured(folder, 'devices_file = "devices"\ndevice_key_file = "key"'))
    assert acs is not None
    told = {name: (account.password, account.device) for name, account in acs.given.items()}
    assert told == {
        "00259e-S1": ("one", "00259e-S1"),
        "customer-7": ("two-sentinel", "00259E-ONT-S2"),
        "00259E-S3": ("three", "00259E-S3"),
    }
    assert "sentinel" not in repr(acs)
    assert acs.secrets is not None
    assert acs.secrets.management(DeviceId("", "00259E", "", "S1")) == {}, "it has one"
    assert acs.secrets.management(DeviceId("", "00259E", "", "S4")) != {}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("00259E-S1", "line 2 is no account"),
        ("customer-7 secret-sentinel", "line 2 is no account"),
        ("customer-7 secret-sentinel S1", "line 2 is no account"),
        ("a b 00259E-S1 c", "line 2 is no account"),
        ("00259E-S0 other-sentinel", "line 2 names a user that an earlier line has"),
    ],
)
def test_a_line_that_is_no_account_is_named_and_not_shown(folder: Path, line: str, what: str) -> None:
    (folder / "devices").touch(mode=0o600)
    (folder / "devices").write_text(f"00259E-S0 first\n{line}\n")
    found = problem(folder, 'devices_file = "devices"')
    assert (found.key, what in found.problem) == ("acs.devices_file", True)


@pytest.mark.parametrize(
    ("serial", "secret", "own"),
    [
        ("S1", "", False),
        ("S1", "given", True),
        ("S1", "proven", True),
        ("S1", "refused", False),
        ("S2", "proven", False),
    ],
)
def test_a_cpe_is_called_with_its_own_secret_once_it_has_it(folder: Path, serial: str, secret: str, own: bool) -> None:
    (folder / "devices").touch(mode=0o600)
    (folder / "devices").write_text("00259E-S2 given-by-the-operator\n")
    more = 'device_key_file = "key"\ndevices_file = "devices"\n[acs.connection_requests]\n'
    configuration = configured(folder, f'{more}username = "shared"\npassword_file = "password"')
    found, secrets = parts.connection_requests(configuration), parts.device_secrets(configuration)
    assert found is not None
    assert secrets is not None
    facts = CpeFacts("Acme", "00259E", "ONT", serial)
    called = found.secret_of(CpeToWake(1, facts, "192.0.2.1", secret, "job J-1", 1))
    assert called is not None
    expected = secrets.connection_request(facts) if own else ("shared", "shared-sentinel")
    assert (called.username, called.password) == expected
    assert found.stun_password_of("00259E-ONT-S1") == secrets.management(DeviceId("", "00259E", "ONT", "S1")).get(
        "management.stun.password"
    )


def test_tls_is_as_strict_as_today_unless_it_is_told_otherwise(folder: Path) -> None:
    old = LISTENER.replace("7548", "7549") + 'tls_minimum = "1.0"\nlegacy_renegotiation = true\n'
    proving = LISTENER.replace("7548", "0") + 'client_ca_file = "ca.pem"\nclient_certificates = "required"\n'
    acs = parts.acs(configured(folder, f"{LISTENER}{old}{proving}\n[[acs.listeners]]\nport = 7550\n"))
    assert acs is not None
    strict, lenient, mutual, plain = acs.listeners
    assert plain.tls is None
    assert strict.tls is not None
    assert lenient.tls is not None
    assert mutual.tls is not None
    assert strict.tls.minimum_version is ssl.TLSVersion.TLSv1_2
    assert lenient.tls.minimum_version is ssl.TLSVersion.TLSv1
    unsafe = 1 << 18
    assert (strict.tls.options & unsafe, lenient.tls.options & unsafe) == (0, unsafe)
    assert [each.tls.verify_mode for each in (strict, mutual) if each.tls] == [ssl.CERT_NONE, ssl.CERT_REQUIRED]


def test_proxies_are_trusted_as_they_are_told(folder: Path) -> None:
    text = """
    [acs.trusted_proxies]
    networks = ["10.0.0.0/24"]
    forwarded = "rfc7239"
    certificate_header = "X-SSL-Cert"
    certificate_format = "pem"
    """
    acs = parts.acs(configured(folder, text))
    assert acs is not None
    assert acs.proxies == Proxies((ip_network("10.0.0.0/24"),), "rfc7239", "X-SSL-Cert", "pem")


@pytest.mark.parametrize(
    ("more", "key", "what"),
    [
        ('device_key_file = "none"', "device_key_file", "No such file"),
        ('device_key_file = "password"', "device_key_file", "shorter than 32 characters"),
        (LISTENER.replace("acs.crt", "none"), "listeners.0.certificate_file", "No such file"),
        (LISTENER.replace("acs.crt", "garbage"), "listeners.0.certificate_file", "cannot be used"),
        (LISTENER.replace("acs.key", "none"), "listeners.0.key_file", "No such file"),
        (LISTENER.replace("acs.key", "another.key"), "listeners.0.key_file", "is not the key of"),
        (LISTENER.replace('key_file = "acs.key"', ""), "listeners.0.key_file", "is missing"),
        (LISTENER.replace('certificate_file = "acs.crt"', ""), "listeners.0.certificate_file", "is missing"),
        (LISTENER + 'client_certificates = "optional"', "listeners.0.client_ca_file", "is missing while"),
        (
            LISTENER + 'client_certificates = "optional"\nclient_ca_file = "garbage"',
            "listeners.0.client_ca_file",
            "no certificate in PEM",
        ),
        (
            LISTENER + 'client_certificates = "optional"\nclient_ca_file = "none"',
            "listeners.0.client_ca_file",
            "No such file",
        ),
        (LISTENER + 'ciphers = "NO-SUCH"', "listeners.0.ciphers", "has none of 'NO-SUCH'"),
        ('[[acs.listeners]]\nport = 1\ntls_minimum = "1.0"', "listeners.0.tls_minimum", "has no certificate"),
    ],
)
def test_what_cannot_be_is_named_with_a_remedy(folder: Path, more: str, key: str, what: str) -> None:
    found = problem(folder, more)
    assert found.key == f"acs.{key}"
    assert what in found.problem


def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "acs.key").chmod(0o644)
    assert problem(folder, LISTENER).key == "acs.listeners.0.key_file"
    (folder / "key").chmod(0o644)
    assert problem(folder, 'device_key_file = "key"').key == "acs.device_key_file"
