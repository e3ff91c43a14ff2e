"""The daemon's parts out of a configuration: each that cannot be made is a problem of its key."""

import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import pytest

from drivers.errors import Rejected
from drivers.read_only import ReadOnly
from tests.conftest import ROOT
from tests.unit.discovery import frames, frames6
from ztpd import parts
from ztpd.config import ConfigError, ConfigProblem, Configuration, load
from ztpd.discovery.dhcp import decode
from ztpd.lab.stage import Stage, stage
from ztpd.settings import DhcpSection


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """The example configuration with secrets and a host key of its own."""
    async with stage(tmp_path, ROOT / "config") as made:
        made.trust_olt(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode())
        yield made


def changed(scene: Stage, *replacements: tuple[str, str]) -> Configuration:
    text = scene.config.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    scene.config.write_text(text)
    return load(scene.config)


def problems_of(configuration: Configuration) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        parts.require(configuration)
    return caught.value.problems


def only(problems: tuple[ConfigProblem, ...]) -> ConfigProblem:
    assert len(problems) == 1, problems
    return problems[0]


async def test_the_example_makes_every_part(scene: Stage) -> None:
    configuration = load(scene.config)
    parts.require(configuration)
    assert list(parts.drivers(configuration)) == ["olt-1"]
    office = next(token for token in parts.tokens(configuration) if token.name == "office")
    assert office.sha256 == hashlib.sha256(scene.secret("office.token").read_bytes()).hexdigest()
    acs = parts.acs(configuration)
    assert acs is not None
    assert acs.port == scene.ports["acs"]


async def test_a_driver_that_nobody_needs_costs_no_memory(scene: Stage) -> None:
    code = f"""
import pathlib, sys
from ztpd import daemon, parts
from ztpd.config import load
parts.drivers(load(pathlib.Path({str(scene.config)!r})))
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    loaded = set(done.stdout.split())
    assert {"drivers", "ncclient"} <= loaded
    assert not loaded & {"alembic", "asyncssh", "pyroute2", "telnetlib3"}


SWITCH = """
[[elements]]
name = "sw-1"
driver = "netconf-switch"
mode = "observe"
host = "127.0.0.1"
username = "ztpd"
password_file = "secrets/olt-1.password"
host_key = "HOST_KEY"
"""


def with_switch(scene: Stage, host_key: str) -> Configuration:
    scene.config.write_text(scene.config.read_text() + SWITCH.replace("HOST_KEY", host_key))
    return load(scene.config)


async def test_a_switch_is_listened_to_and_serves_ethernet(scene: Stage) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    configuration = with_switch(scene, key)
    parts.require(configuration)
    assert list(parts.drivers(configuration)) == ["olt-1", "sw-1"]
    assert list(parts.listing_neighbours(parts.drivers(configuration))) == ["sw-1"]
    assert parts.names_listened_to(configuration) == ["sw-1"]
    assert parts.technologies(configuration)["sw-1"] == {"ethernet"}
    assert parts.hint_senders(configuration)["sw-1"] == ["127.0.0.1"]


@pytest.mark.parametrize("mode", ["observe", "shadow", "active"])
async def test_the_driver_of_an_element_that_is_not_active_refuses_every_write(scene: Stage, mode: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with_switch(scene, key)
    configuration = changed(scene, ('driver = "netconf-bbf"', f'driver = "netconf-bbf"\nmode = "{mode}"'))
    assert parts.modes(configuration) == {"olt-1": mode, "sw-1": "observe"}
    assert parts.names_listened_to(configuration) == (["olt-1", "sw-1"] if mode == "observe" else ["sw-1"])
    assert set(parts.remarks(configuration)) == {"sw-1"} | ({"olt-1"} if mode != "active" else set())
    driver = parts.drivers(configuration)["olt-1"]
    if mode == "active":
        assert not isinstance(driver, ReadOnly)
        return
    with pytest.raises(Rejected, match=f"its mode is {mode}"):
        await driver.remove(["HWTC1A2B3C4D"])


async def test_another_mode_than_these_is_refused(scene: Stage) -> None:
    with pytest.raises(ConfigError, match=r"elements\.0\.mode"):
        changed(scene, ('driver = "netconf-bbf"', 'driver = "netconf-bbf"\nmode = "passive"'))


async def test_the_problems_of_olts_and_switches_are_told_at_once(scene: Stage) -> None:
    scene.secret("known_hosts").write_text("")
    keys = [problem.key for problem in problems_of(with_switch(scene, "nonsense"))]
    assert keys == ["elements.0.known_hosts_file", "elements.1.host_key"]


async def test_events_are_routed_by_the_patterns_of_the_endpoints(scene: Stage) -> None:
    wanting = parts.routes(parts.endpoints(load(scene.config)))
    assert wanting("job.failed") == ("dispatch",)
    assert wanting("service.activated") == ("billing",)
    assert wanting("weather.changed") == ()


async def test_without_an_acs_section_there_is_no_acs(tmp_path: Path) -> None:
    (tmp_path / "ztpd.toml").touch()
    assert parts.acs(load(tmp_path / "ztpd.toml")) is None


async def test_the_problems_of_all_parts_are_told_at_once(scene: Stage) -> None:
    scene.secret("office.token").unlink()
    scene.secret("field-app.token").chmod(0o604)
    scene.secret("acs.password").write_text("")
    scene.secret("billing.whsec").write_text("secret")
    scene.secret("known_hosts").write_text("")
    scene.secret("olt-1.password").unlink()
    (scene.config.parent / "circuit-ids.toml").write_text("[[pattern]]\nname = 'x'")
    (scene.config.parent / "profiles/bad.toml").write_text("name = 'bad'")
    keys = {problem.key for problem in problems_of(load(scene.config))}
    assert {
        "api.tokens.0.token_file",
        "api.tokens.1.token_file",
        "acs.password_file",
        "endpoints.1.secret_files.0",
        "elements.0.password_file",
        "pattern x, pattern",
        "speed",
    } <= keys


async def test_a_webhook_secret_of_another_kind_is_named_and_not_shown(scene: Stage) -> None:
    scene.secret("billing.whsec").write_text("hunter2")
    found = only(problems_of(load(scene.config)))
    assert found.key == "endpoints.1.secret_files.0"
    assert "billing.whsec does not start with 'whsec_'" in found.problem
    assert "openssl rand" in found.remedy
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ("http://127.0.0.1:", "ftp://127.0.0.1:", "endpoints.0.url", "https://"),
        ('allow = ["127.0.0.0/8"]', "timeout_s = 3600", "endpoints.0.timeout_s", "from 0.01 to 60"),
        ('known_hosts_file = "secrets/known_hosts"', "", "elements.0", "exactly one of host_key and known_hosts_file"),
        ("\nknown_hosts_file =", '\nhost_key = "ssh-ed25519 AAAA"\nknown_hosts_file =', "elements.0", "exactly one"),
        ('known_hosts_file = "secrets/known_hosts"', 'host_key = "x"', "elements.0.host_key", "no OpenSSH public key"),
        ("secrets/known_hosts", "secrets/none", "elements.0.known_hosts_file", "No such file"),
        ('password_file = "secrets/olt-1.password"', "", "elements.0", "a password or a key_file is needed"),
        ('password_file = "secrets/olt-1', 'key_file = "secrets/none', "elements.0.key_file", "No such file"),
        ("sqlite:///var/lib/ztpd/ztpd.db", "mysql://x/y", "store.url", "postgresql://user@host/database"),
        ("sqlite:///var/lib/ztpd/ztpd.db", "postgresql://[x", "store.url", "Invalid IPv6 URL"),
        ("sqlite:///var/lib/ztpd/ztpd.db", "postgresql://h/d?tls=1", "store.url", 'parameter: "tls"'),
        ('circuit_ids = "circuit-ids.toml"', 'circuit_ids = "none.toml"', "", "No such file"),
    ],
)
async def test_a_value_that_makes_no_part_is_named(scene: Stage, old: str, new: str, key: str, problem: str) -> None:
    found = problems_of(changed(scene, (old, new)))[0]
    assert found.key == key
    assert problem in found.problem
    assert found.remedy


async def test_a_known_hosts_file_without_the_element_is_refused(scene: Stage) -> None:
    scene.secret("known_hosts").write_text(
        scene.secret("known_hosts").read_text().replace("[127.0.0.1]", "[192.0.2.1]")
    )
    found = only(problems_of(load(scene.config)))
    assert found.key == "elements.0.known_hosts_file"
    assert f"has no key for 127.0.0.1 port {scene.ports['netconf']}" in found.problem
    assert "ssh-keyscan" in found.remedy


async def test_a_circuit_id_row_that_does_not_fit_its_example_is_named(scene: Stage) -> None:
    file = scene.config.parent / "circuit-ids.toml"
    file.write_text(file.read_text().replace('example = "My Mikrotik eth 0/2"', 'example = "My Mikrotik"'))
    found = only(problems_of(load(scene.config)))
    assert (found.file, found.key) == (file, "pattern tr101-eth, example")


async def test_without_their_sections_no_hints_are_heard(scene: Stage) -> None:
    configuration = load(scene.config)
    assert (parts.syslog_patterns(configuration), parts.traps(configuration)) == (None, None)


SNMP = """
[discovery.snmp]
communities_file = "secrets/communities"
traps = ["1.3.6.1.4.1.2011"]
[[discovery.snmp.users]]
name = "olts"
auth_file = "secrets/auth"
priv = "aes128"
priv_file = "secrets/priv"
engine_ids = ["80000000010203"]
"""


def with_snmp(scene: Stage, *replacements: tuple[str, str], **secrets: str) -> Configuration:
    for name, text in {
        "communities": "one\n\n two \none\n",
        "auth": "password-1",
        "priv": "password-2",
        **secrets,
    }.items():
        scene.secret(name).touch(0o600)
        scene.secret(name).write_text(text)
    scene.config.write_text(scene.config.read_text() + SNMP)
    return changed(scene, *replacements)


async def test_traps_are_believed_by_secrets_out_of_files_that_nothing_shows(scene: Stage) -> None:
    configuration = with_snmp(scene)
    parts.require(configuration)
    settings = parts.traps(configuration)
    assert settings is not None
    assert settings.communities == ("one", "two")
    assert settings.kinds == ((1, 3, 6, 1, 4, 1, 2011),)
    (user,) = settings.users
    assert (user.auth, user.auth_password, user.priv, user.priv_password) == (
        "sha256",
        "password-1",
        "aes128",
        "password-2",
    )
    assert user.engine_ids == {bytes.fromhex("80000000010203")}
    assert not any(secret in repr(settings) for secret in ("password-1", "password-2", "two"))


@pytest.mark.parametrize("which", ["auth", "priv"])
async def test_an_snmp_password_that_is_short_is_refused_and_not_shown(scene: Stage, which: str) -> None:
    found = only(problems_of(with_snmp(scene, **{which: "hunter2"})))
    assert found.key == f"discovery.snmp.users.0.{which}_file"
    assert "fewer than 8 characters" in found.problem
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("[discovery.syslog]", "discovery.syslog", "neither udp_port nor tcp_port is given"),
        ("[discovery.snmp]", "discovery.snmp", "neither communities_file nor users are given"),
        (SNMP.replace('priv = "aes128"', ""), "discovery.snmp.users.0", "given together"),
        (SNMP.replace('"80000000010203"', '"8"'), "discovery.snmp.users.0.engine_ids.0", "pattern"),
        (SNMP.replace('"1.3.6.1.4.1.2011"', '"huawei"'), "discovery.snmp.traps.0", "pattern"),
        (SNMP.replace('"aes128"', '"des"'), "discovery.snmp.users.0.priv", "aes128"),
        (SNMP + SNMP.partition("\n[[")[2].join(["[[", ""]), "discovery.snmp.users.1.name", "used twice"),
    ],
)
async def test_a_section_for_hints_that_makes_no_sense_is_refused(
    scene: Stage, text: str, key: str, problem: str
) -> None:
    scene.config.write_text(f"{scene.config.read_text()}\n{text}")
    with pytest.raises(ConfigError) as caught:
        load(scene.config)
    found = only(caught.value.problems)
    assert found.key == key
    assert problem in found.problem


async def test_a_pattern_that_could_hold_the_daemon_up_is_named(scene: Stage) -> None:
    scene.config.write_text(
        scene.config.read_text() + "\n[discovery.syslog]\nudp_port = 0\npatterns = ['autofind', '(a+)+b']\n"
    )
    found = only(problems_of(load(scene.config)))
    assert (found.key, found.problem) == ("discovery.syslog.patterns.1", "repeats a group")


async def test_hints_come_from_the_host_of_an_element_and_from_what_is_listed(scene: Stage) -> None:
    configuration = changed(
        scene, ('uplink = "uplink-1"', 'uplink = "uplink-1"\nhint_addresses = ["192.0.2.7", "2001:db8::1"]')
    )
    assert parts.hint_senders(configuration) == {"olt-1": ["127.0.0.1", "192.0.2.7", "2001:db8::1"]}


SECTION = DhcpSection(
    interfaces=("eth0", "eth1"), trusted_interfaces=("eth1",), trusted_relays=(ip_network("10.82.0.0/24"),)
)


@pytest.mark.parametrize(
    ("interface", "source", "giaddr", "trusted"),
    [
        ("eth1", "192.0.2.9", "192.0.2.9", True),
        ("eth0", "10.82.0.2", "10.82.0.1", True),
        (None, "10.82.0.2", "10.82.0.1", True),
        ("eth0", "0.0.0.0", "10.82.0.1", True),
        ("eth0", "10.82.0.2", "192.0.2.9", False),
        ("eth0", "192.0.2.9", "10.82.0.1", False),
        ("eth0", "0.0.0.0", "0.0.0.0", False),
    ],
)
def test_option_82_counts_from_a_trusted_interface_or_when_every_relay_is_ours(
    interface: str | None, source: str, giaddr: str, trusted: bool
) -> None:
    packet = frames.udp(frames.bootp(frames.options(), giaddr=giaddr))
    message = decode(frames.ethernet(frames.ipv4(packet, source=source)))
    assert message is not None
    assert parts.trust(SECTION, interface)(message) is trusted


SECTION6 = DhcpSection(
    interfaces=("eth0", "eth1"),
    trusted_interfaces=("eth1",),
    trusted_relays=(ip_network("2001:db8::/32"), ip_network("10.82.0.0/24")),
)
OURS, FOREIGN = "2001:db8:1::2", "2001:67c::2"


def relayed6(*peers: str, source: str = OURS, link: str = OURS) -> bytes:
    """A SOLICIT through one relay, or through one more for each address they had it from, the innermost first."""
    inside = frames6.relay(frames6.message(), frames6.ids(), link=link)
    for peer in peers:
        inside = frames6.relay(inside, link="::", peer=peer)
    return frames6.frame(inside, source=source)


@pytest.mark.parametrize(
    ("interface", "frame", "trusted"),
    [
        ("eth0", relayed6(), True),
        (None, relayed6(), True),
        ("eth0", relayed6(link="::"), True),
        ("eth0", relayed6(source=FOREIGN), False),
        ("eth0", relayed6(source="::"), False),
        ("eth0", relayed6(link=FOREIGN), False),
        ("eth0", relayed6(OURS), True),
        ("eth0", relayed6(OURS, OURS), True),
        ("eth0", relayed6(frames6.CLIENT), False),
        ("eth0", relayed6("::"), False),
        ("eth0", relayed6(frames6.CLIENT, OURS), False),
        ("eth0", frames6.frame(frames6.message(), source=OURS), False),
        ("eth1", relayed6(source=FOREIGN, link=FOREIGN), True),
        ("eth1", relayed6(OURS, source=FOREIGN), True),
        ("eth1", relayed6(frames6.CLIENT), False),
    ],
    ids=[
        "our relay",
        "our relay in a capture",
        "our relay, which has no address on the link",
        "a foreign relay",
        "no sender",
        "a foreign link",
        "two of ours",
        "three of ours",
        "an envelope that a client made",
        "an envelope that nobody made",
        "an envelope that a client made, within two of ours",
        "no relay",
        "a trusted interface",
        "a trusted interface, two relays",
        "a trusted interface, an envelope that a client made",
    ],
)
def test_a_place_told_by_dhcpv6_counts_when_every_relay_is_ours(
    interface: str | None, frame: bytes, trusted: bool
) -> None:
    message = decode(frame)
    assert message is not None
    assert parts.trust(SECTION6, interface)(message) is trusted


async def test_an_olt_that_calls_home_needs_somebody_who_listens(scene: Stage) -> None:
    text = scene.config.read_text().replace('driver = "netconf-bbf"', 'driver = "netconf-bbf"\ncalls_home = true')
    scene.config.write_text(text)
    with pytest.raises(ConfigError) as error:
        parts.drivers(load(scene.config))
    [problem] = error.value.problems
    assert (problem.key, problem.problem) == ("elements.0.calls_home", "nothing listens for elements that call home")

    scene.config.write_text(text + "\n[call_home]\nport = 0\n")
    assert list(parts.drivers(load(scene.config))) == ["olt-1"]
    assert parts.names_calling_home(load(scene.config)) == ["olt-1"]


IMAGE = b"firmware"
RULE = f"""
[[firmware]]
name = "lab"
version = "V2"
file = "lab-v2.bin"
sha256 = "{hashlib.sha256(IMAGE).hexdigest()}"
"""


def with_firmware(
    scene: Stage, rule: str = RULE, files: str = 'folder = "files"\nuploads = "uploads"'
) -> Configuration:
    folder = scene.config.parent / "files"
    folder.mkdir(exist_ok=True)
    (folder / "lab-v2.bin").write_bytes(IMAGE)
    scene.config.write_text(f"{scene.config.read_text()}\n[acs.files]\n{files}\n")
    profile = scene.config.parent / "profiles" / "residential-1g.toml"
    profile.write_text(profile.read_text() + rule)
    return load(scene.config)


async def test_firmware_files_are_checked_and_measured(scene: Stage) -> None:
    configuration = with_firmware(scene)
    parts.require(configuration)
    (rule,) = parts.stocked_profiles(configuration)["residential-1g"].firmware
    assert rule.size == len(IMAGE)
    files = parts.files(configuration)
    assert files is not None
    assert files.url == f"http://127.0.0.1:{scene.ports['acs']}"


@pytest.mark.parametrize(
    ("rule", "problem", "remedy"),
    [
        (RULE.replace("lab-v2.bin", "other.bin"), "other.bin cannot be read: No such file", "Put the file into"),
        (RULE.replace('sha256 = "', 'size = 7\nsha256 = "'), "has 8 bytes, not 7", "correct size"),
        (RULE.replace(hashlib.sha256(IMAGE).hexdigest(), "ab" * 32), "the SHA-256 of", "the right one"),
        (RULE + "at_once = 257", "no more than 256 files", "concurrency"),
        (RULE + RULE.replace('"V2"', '"V3"'), "is another rule in profile residential-1g", "another name"),
    ],
)
async def test_a_firmware_file_that_is_missing_or_another_one_is_told(
    scene: Stage, rule: str, problem: str, remedy: str
) -> None:
    found = only(problems_of(with_firmware(scene, rule)))
    assert found.file is not None
    assert (found.file.name, found.key.startswith("firmware.")) == ("residential-1g.toml", True)
    assert problem in found.problem
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ('folder = "nowhere"\nuploads = "uploads"', "acs.files.folder"),
        ('folder = "files"\nuploads = "uploads"\nurl = "http://acs.example/path"', "acs.files.url"),
        ('folder = "files"\nuploads = "uploads"\nurl = "acs.example"', "acs.files.url"),
        (f'folder = "files"\nuploads = "uploads"\nurl = "http://{"a" * 80}.example"', "acs.files.url"),
        ('folder = "files"\nuploads = "files"', "acs.files.uploads"),
        ('folder = "files"\nuploads = "files/up"', "acs.files.uploads"),
        ('folder = "files"\nuploads = "."', "acs.files.uploads"),
        ('folder = "files"\nuploads = "files/../ztpd.toml/up"', "acs.files.uploads"),
    ],
)
async def test_files_that_cannot_be_served_are_told(scene: Stage, files: str, key: str) -> None:
    assert only(problems_of(with_firmware(scene, "", files))).key == key


async def test_files_of_a_listener_for_every_address_need_a_url(scene: Stage) -> None:
    scene.config.write_text(scene.config.read_text().replace('[acs]\nhost = "127.0.0.1"', '[acs]\nhost = "0.0.0.0"'))
    found = only(problems_of(with_firmware(scene, "")))
    assert (found.key, "http://acs.example.net:7547" in found.remedy) == ("acs.files.url", True)
