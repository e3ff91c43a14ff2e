"""The configuration file: what is wrong with it is said with file, key and remedy, all of it at once."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from ztpd.config import ConfigError, ConfigProblem, Configuration, load, load_profiles
from ztpd.settings import Settings

ELEMENT = """
[[elements]]
name = "olt-1"
driver = "netconf-bbf"
host = "192.0.2.1"
username = "ztpd"
uplink = "uplink-1"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ztpd.toml"


def found_in(file: Path) -> tuple[ConfigProblem, ...]:
    try:
        load(file)
    except ConfigError as error:
        return error.problems
    return ()


def refused(file: Path) -> tuple[ConfigProblem, ...]:
    problems = found_in(file)
    assert problems, "it was accepted"
    return problems


def only(problems: tuple[ConfigProblem, ...]) -> ConfigProblem:
    assert len(problems) == 1, problems
    return problems[0]


def test_the_example_is_accepted_and_says_what_the_environment_does_not_override(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZTPD_STORE__URL", "sqlite:////tmp/other.db")
    monkeypatch.setenv("ZTPD_DISCOVERY__DHCP__INTERFACES", '["lo"]')
    found = load(ROOT / "config/ztpd.toml").settings
    assert found.store.url == "sqlite:////tmp/other.db"
    assert found.discovery.dhcp.interfaces == ("lo",)
    assert [str(network) for network in found.discovery.dhcp.trusted_relays] == ["127.0.0.0/8"]
    assert [element.name for element in found.elements] == ["olt-1"]


def test_a_switch_needs_no_uplink(file: Path) -> None:
    file.write_text(ELEMENT.replace("netconf-bbf", "netconf-switch").replace("uplink =", "#"))
    assert [element.driver for element in load(file).settings.elements] == ["netconf-switch"]


def test_an_empty_file_is_a_daemon_without_elements(file: Path) -> None:
    file.touch()
    assert load(file).settings.elements == ()


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        ("[api]\nprot = 8080", "api.prot", "is not a key that ztpd knows", "Did you mean port?"),
        ("[stroe]\nurl = ''", "stroe", "is not a key that ztpd knows", "Did you mean store?"),
        (ELEMENT + "uplnik = 'x'", "elements.0.uplnik", "is not a key that ztpd knows", "Did you mean uplink?"),
        ("_env_prefix = 'X_'", "_env_prefix", "is not a key that ztpd knows", "Remove it"),
        ("[log]\nzzzz = 1", "log.zzzz", "is not a key that ztpd knows", "known here are: format, level"),
        ("[api]\nport = 'many'", "api.port", "valid integer", "Correct the value"),
        ("[api]\nport = 65536", "api.port", "less than or equal to 65535 (found '65536')", "Correct the value"),
        ("[log]\nlevel = 'Info'", "log.level", "'debug', 'info', 'warning' or 'error' (found 'Info')", "Correct"),
        ("[discovery]\npoll_s = nan", "discovery.poll_s", "finite number", "Correct the value"),
        ("store = 'sqlite:////x'", "store", "must be a table", "[store]"),
        ("[elements]\nname = 'a'", "elements", "must be a list", "[[elements]]"),
        ("profiles = 3", "profiles", "must be a path", "quotes"),
        ("[acs]\nusername = 'cpe'", "acs.password_file", "is missing", "Add it"),
        ("[discovery.dhcp]\ntrusted_relays = ['10.0.0.0/33']", "discovery.dhcp.trusted_relays.0", "network", "Correct"),
        ("[discovery.dhcp]\ntrusted_interfaces = ['et0']", "discovery.dhcp", "has et0, which interfaces lacks", "Corr"),
        (ELEMENT.replace("uplink =", "#"), "elements.0.uplink", "is missing", "Add it"),
        (ELEMENT.replace('"uplink-1"', '""'), "elements.0.uplink", "at least 1 character", "Correct"),
        (ELEMENT.replace("bbf", "switch"), "elements.0.uplink", "is not a key that ztpd knows", "mean uplinks?"),
        (ELEMENT.replace("bbf", "x"), "elements.0.driver", "'netconf-x' is none of 'netconf-bbf', ", "Correct"),
        (ELEMENT.replace("driver =", "#"), "elements.0.driver", "is missing", "Add it"),
        (ELEMENT + "vouched = ['speed']", "elements.0.vouched.0", "'downstream_bps'", "Correct"),
        (ELEMENT + ELEMENT, "elements.1.name", "'olt-1' is used twice", "its own name"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_remedy(
    file: Path, text: str, key: str, problem: str, remedy: str
) -> None:
    file.write_text(text)
    found = only(refused(file))
    assert (found.file, found.key) == (file, key)
    assert problem in found.problem
    assert remedy in found.remedy
    assert str(found).startswith(f"{file}: {key}: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"[api]\nport = = 1\n", "(at line 2, column 8)"), (b"\xff\xfe", "is not UTF-8 text")],
)
def test_a_file_that_is_no_toml_is_named_with_the_place(file: Path, content: bytes, problem: str) -> None:
    file.write_bytes(content)
    found = only(refused(file))
    assert found.file == file
    assert problem in found.problem


def test_a_file_that_cannot_be_read_is_named(file: Path, tmp_path: Path) -> None:
    assert "No such file" in only(refused(file)).problem
    assert "Is a directory" in only(refused(tmp_path)).problem


def test_every_problem_of_the_file_is_told_at_once(file: Path) -> None:
    file.write_text("colour = 'red'\n[api]\nport = 'x'\nhots = []\n[log]\nlevel = 'loud'")
    assert {problem.key for problem in refused(file)} == {"colour", "api.port", "api.hots", "log.level"}


@pytest.mark.parametrize(
    ("variable", "value", "problem", "remedy"),
    [
        ("ZTPD_API__PORT", "many", "valid integer", "Correct the value"),
        ("ZTPD_DISCOVERY__DHCP__INTERFACES", "eth0", "is no JSON (found 'eth0')", """'["eth0"]'"""),
        ("ZTPD_ELEMENTS", "[", "is no JSON", "JSON"),
        ("ZTPD_STROE__URL", "sqlite:////x", "means no key", "Did you mean store?"),
        ("ZTPD_STORE__URI", "sqlite:////x", "is not a key", "Did you mean url?"),
        ("ztpd_log__level", "loud", "'debug'", "Correct the value"),
    ],
)
def test_a_wrong_variable_is_laid_to_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, problem: str, remedy: str
) -> None:
    file.write_text("[api]\nport = 1")
    monkeypatch.setenv(variable, value)
    found = only(refused(file))
    assert (found.file, found.key) == (None, variable)
    assert problem in found.problem
    assert remedy in found.remedy
    assert str(found).startswith(f"environment: {variable}: ")


def test_variables_that_mean_no_key_are_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setenv("ZTPD_CRASH_POINT", "1")
    monkeypatch.setenv("ZTPD_CONFIG", "/etc/ztpd/ztpd.toml")
    assert load(file).settings == Settings()


@pytest.mark.parametrize(
    "text",
    ["store = 'postgresql://ztpd:hunter2@db/ztpd'", "[store]\nurl = ['hunter2']", ELEMENT + "password = 'hunter2'"],
)
def test_what_may_be_a_secret_is_not_repeated(file: Path, text: str) -> None:
    file.write_text(text)
    assert "hunter2" not in str(ConfigError(refused(file)))


class TestProfiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        shutil.copytree(ROOT / "config/profiles", tmp_path / "profiles")
        return tmp_path / "profiles"

    @staticmethod
    def changed(folder: Path, old: str, new: str, name: str = "residential-1g") -> None:
        text = (folder / "residential-1g.toml").read_text()
        assert old in text
        (folder / f"{name}.toml").write_text(text.replace(old, new))

    @staticmethod
    def refused(folder: Path) -> tuple[ConfigProblem, ...]:
        with pytest.raises(ConfigError) as caught:
            load_profiles(folder)
        return caught.value.problems

    def test_the_profiles_that_ship_are_read_by_name(self, folder: Path) -> None:
        assert load_profiles(folder)["residential-1g"].speed.downstream_mbps == 1000

    def test_an_unknown_key_is_named_with_the_nearest(self, folder: Path) -> None:
        self.changed(folder, "upstream_mbps = 500", "upstream_mbps = 500\nburst_mbs = 1")
        found = only(self.refused(folder))
        assert (found.file, found.key) == (folder / "residential-1g.toml", "speed.burst_mbs")

    def test_a_name_other_than_the_files_is_refused(self, folder: Path) -> None:
        self.changed(folder, "version = 1", "version = 2", name="business")
        found = only(self.refused(folder))
        assert (found.file, found.key) == (folder / "business.toml", "name")
        assert "residential-1g.toml" in found.remedy

    def test_a_profile_for_pon_needs_limits_of_light(self, folder: Path) -> None:
        text = (folder / "residential-1g.toml").read_text()
        before, _, rest = text.partition("[optics]")
        (folder / "residential-1g.toml").write_text(before + "[parameters]" + rest.partition("[parameters]")[2])
        assert "light levels" in only(self.refused(folder)).problem

    def test_every_bad_file_is_told_of(self, folder: Path) -> None:
        (folder / "a.toml").write_text("name = ")
        (folder / "b.toml").write_bytes(b"\xff")
        self.changed(folder, "version = 1", "version = 0")
        assert [problem.file.name for problem in self.refused(folder) if problem.file] == [
            "a.toml",
            "b.toml",
            "residential-1g.toml",
        ]

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        assert only(self.refused(tmp_path / "none")).problem == "is no folder"


class TestSecrets:
    @pytest.fixture
    def configuration(self, file: Path) -> Configuration:
        file.touch()
        return load(file)

    @staticmethod
    def why(configuration: Configuration, name: str) -> ConfigProblem:
        with pytest.raises(ConfigError) as caught:
            configuration.secret("acs.password_file", Path(name))
        return only(caught.value.problems)

    def test_its_text_is_read_beside_the_file_without_the_line_end(self, configuration: Configuration) -> None:
        secret = configuration.file.with_name("pw")
        secret.touch(0o600)
        secret.write_text("s3cret\n")
        assert configuration.secret("acs.password_file", Path("pw")) == "s3cret"

    @pytest.mark.parametrize(
        ("content", "mode", "problem"),
        [(b"s3cret", 0o644, "open to everybody"), (b" \n", 0o600, "is empty"), (b"\xff", 0o600, "not UTF-8")],
    )
    def test_one_that_cannot_be_used_is_named_and_not_shown(
        self, configuration: Configuration, content: bytes, mode: int, problem: str
    ) -> None:
        secret = configuration.file.with_name("pw")
        secret.write_bytes(content)
        secret.chmod(mode)
        found = self.why(configuration, "pw")
        assert found.key == "acs.password_file"
        assert f"{secret} {'is ' if 'open' in problem else ''}" in found.problem
        assert problem in found.problem
        assert "s3cret" not in str(found)

    def test_a_missing_one_and_a_folder_are_named(self, configuration: Configuration) -> None:
        assert "No such file" in self.why(configuration, "none").problem
        assert "Is a directory" in self.why(configuration, ".").problem


NAMES = st.sampled_from([*Settings.model_fields, "port", "name", "url", "tokens", "x", "_env_prefix"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70000) | st.text("ab/%é", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def _toml(value: Any) -> str:
    match value:
        case None:
            return "nan"
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_toml_is_a_configuration_or_problems_with_a_key(file: Path, mapping: Mapping[str, Any]) -> None:
    file.write_text("\n".join(f"{key} = {_toml(value)}" for key, value in mapping.items()))
    assert all(problem.file == file and problem.key and problem.remedy for problem in found_in(file))


@given(st.binary(max_size=80))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_a_configuration_or_a_problem_of_the_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert all(problem.file == file for problem in found_in(file))
