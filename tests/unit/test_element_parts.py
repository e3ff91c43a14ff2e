"""The tables of elements: each makes its driver, and what cannot be meant is told with its key and a remedy."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from drivers.cli import CliDriver
from drivers.linux_edge import LinuxEdgeDriver
from drivers.netconf_switch import NetconfSwitchDriver
from drivers.read_only import ReadOnly
from drivers.routeros import RouterosDriver
from drivers.uisp import UispDriver
from tests.conftest import ROOT
from ztpd import parts
from ztpd.config import ConfigError, ConfigProblem, load
from ztpd.lab.stage import Stage, stage

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
SSH = f'host = "192.0.2.1"\nusername = "ztpd"\npassword_file = "secrets/x.password"\nhost_key = "{KEY}"\n'
SWITCH = f'driver = "netconf-switch"\n{SSH}'
CLI = (
    f'driver = "cli"\nplatform = "huawei-smartax"\n{SSH}'
    'values = {line_profile = "10", service_profile = "10", user_vlan = "100"}\n'
)
EDGE = 'driver = "linux-edge"\naccess_interfaces = ["eth1"]\nstate_file = "edge.json"\n'
HTTPS = f'url = "https://192.0.2.1"\ncertificate_sha256 = "{"ab" * 32}"\n'
ROUTEROS = f'driver = "routeros"\nusername = "ztpd"\npassword_file = "secrets/x.password"\n{HTTPS}'
UISP = f'driver = "uisp"\ntoken_file = "secrets/x.password"\n{HTTPS}'
GARDEN = 'garden = ["198.51.100.0/24"]\n'


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """The example configuration without its element, and one secret."""
    async with stage(tmp_path, ROOT / "config") as made:
        made.secret("x.password").touch(0o600)
        made.secret("x.password").write_text("hunter2-hunter2")
        before, _, rest = made.config.read_text().partition("[[elements]]")
        made.config.write_text(before + "[[endpoints]]" + rest.partition("[[endpoints]]")[2])
        yield made


def with_element(scene: Stage, table: str) -> None:
    scene.config.write_text(f'{scene.config.read_text()}\n[[elements]]\nname = "element-1"\n{table}')


def problem_of(scene: Stage, table: str) -> ConfigProblem:
    with_element(scene, table)
    with pytest.raises(ConfigError) as caught:
        parts.require(load(scene.config))
    [found] = caught.value.problems
    assert "hunter2" not in str(found)
    return found


@pytest.mark.parametrize(
    ("table", "kind", "serves"),
    [
        (SWITCH, NetconfSwitchDriver, "ethernet"),
        (CLI, CliDriver, "pon"),
        (EDGE + GARDEN + 'portal = ["198.51.100.9", 80]\n', LinuxEdgeDriver, "ethernet"),
        (ROUTEROS, RouterosDriver, "wireless"),
        (UISP, UispDriver, "wireless"),
    ],
    ids=["switch", "cli", "edge", "routeros", "uisp"],
)
async def test_a_table_makes_its_driver_and_in_shadow_one_that_cannot_write(
    scene: Stage, table: str, kind: type, serves: str
) -> None:
    with_element(scene, table)
    configuration = load(scene.config)
    assert isinstance(parts.drivers(configuration)["element-1"], kind)
    assert parts.technologies(configuration) == {"element-1": {serves}}
    assert "hunter2" not in repr(vars(parts.drivers(configuration)["element-1"]))
    scene.config.write_text(f'{scene.config.read_text()}mode = "shadow"\n')
    shadowed = parts.drivers(load(scene.config))["element-1"]
    assert isinstance(shadowed, ReadOnly)
    assert isinstance(shadowed.bare, kind)


@pytest.mark.parametrize(
    ("table", "key", "problem", "remedy"),
    [
        (SWITCH.replace("host_key", "#"), "", "exactly one of host_key and known_hosts_file", "ssh-keyscan -p 830"),
        (SWITCH.replace("password_file", "#"), "", "a password or a key_file is needed", "Correct"),
        (SWITCH.replace("x.password", "y.password"), "password_file", "y.password", ""),
        (SWITCH + "free_vlan = 4095\n", "free_vlan", "4094", "Correct"),
        (SWITCH + 'models = "cisco"\n', "models", "'openconfig'", "Correct"),
        (SWITCH + 'uplink = "ge-0/0/48"\n', "uplink", "is not a key", "uplinks"),
        (CLI.replace("huawei-smartax", "huawei"), "platform", "there are calix-axos, huawei-smartax", "Correct"),
        (CLI.partition("values")[0], "values", "line_profile, service_profile, user_vlan", "docs/elements.md"),
        (CLI.replace('"100"', '"4095 \\n"'), "values", "user_vlan", "docs/elements.md"),
        (CLI.replace('"100"}', '"100", colour = "blue"}'), "values", "no values colour", "docs/elements.md"),
        (CLI.replace("host_key", "#"), "", "exactly one of host_key", "ssh-keyscan 192.0.2.1"),
        (CLI.replace(KEY, "ssh-rsa x"), "host_key", "no OpenSSH public key line", "ssh-keyscan 192.0.2.1"),
        (CLI + "sessions = 0\n", "sessions", "greater than or equal to 1", "Correct"),
        (CLI.replace("password_file", "#") + 'transport = "telnet"\n', "", "telnet needs a password", "Correct"),
        (CLI + 'enable_password_file = "secrets/none"\n', "enable_password_file", "none", ""),
        (EDGE.replace('"eth1"', ""), "access_interfaces", "at least 1 item", "Correct"),
        (EDGE.replace("eth1", "eth 1"), "", "'eth 1' is no name of an interface", "Correct"),
        (EDGE.replace("edge.json", "no/such/edge.json"), "state_file", "there is no folder", "Create it"),
        (EDGE + 'portal = ["198.51.100.9", 80]\n', "", "198.51.100.9 is not in the garden", "Correct"),
        (EDGE + 'garden = ["198.51.100.300"]\n', "garden.0", "", "Correct"),
        (EDGE + 'netns = "a/b"\n', "", "'a/b' is no name of a network namespace", "Correct"),
        (ROUTEROS.replace("https", "http"), "", "plain_http allows it", "Correct"),
        (ROUTEROS.replace("certificate_sha256", "#"), "", "a certificate_sha256 or a ca_file", "openssl s_client"),
        (ROUTEROS.replace("abab", "xyxy"), "", "no SHA-256 in hex", "Correct"),
        (ROUTEROS.replace("192.0.2.1", "192.0.2.1/rest"), "", "url is no https://host[:port]", "Correct"),
        (ROUTEROS.replace("192.0.2.1", "me:hunter2@192.0.2.1"), "", "more than scheme, host and port", "Correct"),
        (ROUTEROS + 'ca_file = "secrets/none.pem"\n', "ca_file", "cannot be read: No such file", "in PEM"),
        (ROUTEROS + 'ca_file = "secrets/x.password"\n', "ca_file", "has no certificates in PEM", "in PEM"),
        (ROUTEROS.replace("password_file", "#"), "password_file", "is missing", "Add it"),
        (UISP.replace("token_file", "#"), "token_file", "is missing", "Add it"),
        (UISP + 'propagation = "none"\n', "propagation", "'all'", "Correct"),
    ],
)
async def test_what_cannot_be_meant_is_told_with_its_key_and_a_remedy(
    scene: Stage, table: str, key: str, problem: str, remedy: str
) -> None:
    found = problem_of(scene, table)
    assert found.key == f"elements.0.{key}".rstrip(".")
    assert problem in found.problem
    assert remedy in found.remedy
