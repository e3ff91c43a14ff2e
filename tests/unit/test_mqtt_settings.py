"""The broker out of a configuration: what is left out has its default, and each mistake is a problem of its key."""

import ssl
from pathlib import Path

import pytest

from tests.mosquitto import Authority
from ztpd import parts
from ztpd.config import ConfigError, Configuration, load
from ztpd.discovery.mqtt_broker import BrokerSettings


def configured(folder: Path, *lines: str) -> Configuration:
    file = folder / "ztpd.toml"
    file.write_text("\n".join(['[node]\nname = "edge-1"\n[discovery.mqtt]', *lines]))
    return load(file)


def broker(folder: Path, *lines: str) -> BrokerSettings:
    made = parts.broker(configured(folder, *lines))
    assert made is not None
    return made


def secret(folder: Path, name: str, text: str = "s3cret") -> str:
    (folder / name).touch(mode=0o600)
    (folder / name).write_text(text)
    return name


def test_without_the_table_nothing_is_heard_over_mqtt(tmp_path: Path) -> None:
    (tmp_path / "ztpd.toml").touch()
    assert parts.broker(load(tmp_path / "ztpd.toml")) is None


def test_a_url_is_enough_and_each_node_comes_under_its_own_name(tmp_path: Path) -> None:
    made = broker(tmp_path, 'url = "mqtt://broker.example.net"')
    assert (made.host, made.port, made.client_id, made.tls) == ("broker.example.net", 1883, "ztpd-edge-1", None)
    assert made.subscription == "$share/ztpd/ztpd/v1/sightings/+"


def test_everything_may_be_chosen(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = authority.issue("edge")
    made = broker(
        tmp_path,
        'url = "mqtts://[::1]:9883/"',
        'client_id = "x-1"\nusername = "u"\ntopic = "east/hints"\nshare = "nodes"',
        f'password_file = "{secret(tmp_path, "password")}"',
        f'ca_file = "{authority.certificate.name}"',
        f'certificate_file = "{ours.certificate.name}"\nkey_file = "{ours.key.name}"',
    )
    assert (made.host, made.port, made.client_id, made.username, made.password) == ("::1", 9883, "x-1", "u", "s3cret")
    assert made.subscription == "$share/nodes/east/hints/+"
    assert made.tls is not None
    assert made.tls.verify_mode is ssl.CERT_REQUIRED
    assert made.tls.check_hostname
    assert "s3cret" not in repr(made)


def test_tls_trusts_what_the_system_trusts_unless_told_otherwise(tmp_path: Path) -> None:
    made = broker(tmp_path, 'url = "mqtts://broker.example.net"')
    assert made.port == 8883
    assert made.tls is not None
    assert made.tls.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("lines", "key", "problem"),
    [
        ('url = "http://broker"', "url", "is not the URL of an MQTT broker"),
        ('url = "http://broker:1883"', "url", "is not the URL of an MQTT broker"),
        ('url = "broker:1883"', "url", "is not the URL of an MQTT broker"),
        ('url = "mqtt://"', "url", "is not the URL of an MQTT broker"),
        ('url = "mqtt://broker/topic"', "url", "is not the URL of an MQTT broker"),
        ('url = "mqtt://broker:70000"', "url", "is no URL"),
        ('url = "mqtt://me:sentinel@broker"', "url", "has a user or password in it"),
        ('url = "mqtt://broker"\nca_file = "ca.pem"', "url", "has no TLS, but ca_file"),
        ('url = "mqtt://broker"\nusername = "u"\npassword_file = "none"', "password_file", "cannot be read"),
        ('url = "mqtts://broker"\nca_file = "none.pem"', "ca_file", "none.pem cannot be read"),
        ('url = "mqtts://broker"\nca_file = "word"', "ca_file", "word is of no use for TLS"),
        (
            'url = "mqtts://broker"\ncertificate_file = "none.pem"\nkey_file = "word"',
            "certificate_file",
            "none.pem cannot be read",
        ),
        (
            'url = "mqtts://broker"\ncertificate_file = "word"\nkey_file = "word"',
            "certificate_file",
            "word is of no use for TLS",
        ),
        (
            'url = "mqtts://broker"\ncertificate_file = "word"\nkey_file = "open.key"',
            "key_file",
            "open.key is open to everybody",
        ),
    ],
)
def test_a_value_that_makes_no_broker_is_named(tmp_path: Path, lines: str, key: str, problem: str) -> None:
    secret(tmp_path, "word")
    (tmp_path / secret(tmp_path, "open.key")).chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        broker(tmp_path, lines)
    (found,) = caught.value.problems
    assert found.key == f"discovery.mqtt.{key}"
    assert problem in found.problem
    assert found.remedy
    assert "sentinel" not in str(found)


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    files = f'certificate_file = "{one.certificate.name}"\nkey_file = "{other.key.name}"'
    with pytest.raises(ConfigError, match=r"KEY_VALUES_MISMATCH.*belong together"):
        broker(tmp_path, 'url = "mqtts://broker"', files)


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('password_file = "p"', "discovery.mqtt"),
        ('key_file = "k"', "discovery.mqtt"),
        ('topic = "a/#"', "discovery.mqtt.topic"),
        ('topic = "/a"', "discovery.mqtt.topic"),
        ('share = "a/b"', "discovery.mqtt.share"),
        ("tpoic = 1", "discovery.mqtt.tpoic"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_file_is_read(tmp_path: Path, lines: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, 'url = "mqtt://broker"', lines)
    assert [problem.key for problem in caught.value.problems] == [key]
