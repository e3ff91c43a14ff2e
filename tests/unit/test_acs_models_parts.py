"""The folder of an operator's data models, and intents in profiles that nothing knows: what is said of them."""

import shutil
from pathlib import Path

import pytest

from ztpd import parts
from ztpd.config import ConfigError, Configuration, load

OWN = 'name = "tr181"\n[intents]\n"acme.light" = { said = "light", paths = ["Device.X_ACME.Light"] }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text("sentinel")
    shutil.copytree("config/profiles", tmp_path / "profiles")
    (tmp_path / "models").mkdir()
    return tmp_path


def configured(folder: Path, more: str = 'data_models = "models"\n') -> Configuration:
    text = '[store]\nurl = "sqlite:///z.db"\n[acs]\nusername = "cpe"\npassword_file = "password"\n'
    (folder / "ztpd.toml").write_text('profiles = "profiles"\n' + text + more)
    return load(folder / "ztpd.toml")


def wanting(folder: Path, intent: str) -> None:
    """The profile wants this too."""
    file = folder / "profiles" / "residential-1g.toml"
    file.write_text(file.read_text().replace("[cpe]\n", f'[cpe]\n"{intent}" = true\n'))


def test_own_models_are_what_the_acs_works_with(folder: Path) -> None:
    (folder / "models" / "acme.toml").write_text(OWN)
    settings = parts.acs(configured(folder))
    assert settings is not None
    assert settings.models is not None
    assert any("acme.light" in model.targets and "wifi.2ghz.ssid" in model.targets for model in settings.models)


@pytest.mark.parametrize(
    ("content", "key"),
    [("name = 1\n", "name"), ('name = "tr181"\n[intents]\n"a" = { paths = ["X.Y"] }\n', "a.paths"), ("[", "TOML")],
)
def test_a_wrong_file_keeps_the_daemon_from_starting_and_is_named(folder: Path, content: str, key: str) -> None:
    (folder / "models" / "acme.toml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        parts.acs(configured(folder))
    (problem,) = caught.value.problems
    assert (problem.file, problem.key) == (folder / "models" / "acme.toml", key)


def test_a_folder_that_is_not_there_and_a_file_of_bytes_are_told(folder: Path) -> None:
    with pytest.raises(ConfigError, match="none is no folder"):
        parts.models(configured(folder, 'data_models = "none"\n'))
    (folder / "models" / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"bytes\.toml is not UTF-8"):
        parts.models(configured(folder))


def test_an_intent_that_nothing_knows_is_told_with_its_profile(folder: Path) -> None:
    known = parts.intents(configured(folder))
    assert known is not None
    assert "wifi.2ghz.ssid" in known
    wanting(folder, "acme.light")
    with pytest.raises(ConfigError) as caught:
        parts.intents(configured(folder))
    (problem,) = caught.value.problems
    assert (problem.file, problem.key) == (folder / "profiles" / "residential-1g.toml", "cpe.acme.light")
    (folder / "models" / "acme.toml").write_text(OWN)
    assert "acme.light" in (parts.intents(configured(folder)) or ())


@pytest.mark.parametrize("intent", ["wan.vlan.enable", "nat.port_mapping.7.enable"])
def test_intents_of_some_vendors_and_of_any_number_are_known(folder: Path, intent: str) -> None:
    wanting(folder, intent)
    assert intent in (parts.intents(configured(folder)) or ())
