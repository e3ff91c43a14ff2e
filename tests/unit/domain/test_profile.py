"""Profiles: what a file may say, what a job must give, and what is never shown."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ztpd.domain.profile import (
    MASK,
    ParameterProblem,
    Profile,
    Value,
    parameter_problems,
    resolve,
    without_secrets,
)

FILE = Path(__file__).resolve().parents[3] / "config/profiles/residential-1g.toml"
GIVEN: dict[str, Value] = {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": "correct horse"}


def _file(**others: Any) -> dict[str, Any]:
    return {**tomllib.loads(FILE.read_text()), **others}


VLAN_PARAMETER = {"type": "integer", "minimum": 2, "maximum": 4094}
TEXTS = {"wifi_ssid": {}, "wifi_passphrase": {"secret": True}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "colour"),
        ({"optics": None}, "needs the limits of the light levels"),
        ({"technologies": []}, "technologies"),
        ({"vlan": None}, "a profile for pon needs one"),
        ({"vlan": {"s_vlan": 4095}}, "s_vlan"),
        ({"vlan": {"s_vlan": 201, "c_vlan": "$unheard_of"}}, r"\$unheard_of is used but not declared"),
        ({"vlan": {"s_vlan": 201, "c_vlan": "x$c_vlan"}}, "c_vlan"),
        ({"vlan": {"s_vlan": 201, "c_vlan": "$wifi_ssid"}}, "a VLAN id must be an integer"),
        ({"parameters": {**TEXTS, "c_vlan": {"type": "integer"}}}, "a VLAN id must be an integer"),
        ({"parameters": {**TEXTS, "c_vlan": {**VLAN_PARAMETER, "maximum": 9999}}}, "a VLAN id must be an integer"),
        ({"cpe": {"wifi.2ghz.ssid": "$wifi-ssid"}}, "is no parameter"),
        ({"cpe": {"wifi.2ghz.ssid": "$Wifi_ssid"}}, "is no parameter"),
        ({"optics": {"onu_rx_dbm": {"minimum": -8, "maximum": -27}, "olt_rx_dbm": {}}}, "maximum is below minimum"),
        ({"speed": {"downstream_mbps": 0, "upstream_mbps": 1}}, "downstream_mbps"),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused_with_the_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Profile.model_validate(_file(**change))


def test_a_line_that_carries_untagged_frames_needs_no_vlan(residential: Profile) -> None:
    profile = residential.model_dump() | {"technologies": ["ethernet", "wireless"], "vlan": None}
    assert Profile.model_validate(profile).vlan is None


@pytest.mark.parametrize("limit", [float("nan"), float("inf")])
def test_a_limit_that_lets_everything_or_nothing_pass_is_refused(limit: float) -> None:
    optics = {end: {"minimum": -27.0, "maximum": limit} for end in ("onu_rx_dbm", "olt_rx_dbm")}
    with pytest.raises(ValidationError, match="finite"):
        Profile.model_validate(_file(optics=optics))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"c_vlan": 1}, "parameters.c_vlan: is below 2"),
        ({"c_vlan": 4095}, "parameters.c_vlan: is above 4094"),
        ({"c_vlan": "301"}, "parameters.c_vlan: must be integer, not str"),
        ({"c_vlan": True}, "parameters.c_vlan: must be integer, not bool"),
        ({"wifi_ssid": "x" * 33}, "parameters.wifi_ssid: is longer than 32 characters"),
        ({"wifi_ssid": "a\nb"}, "parameters.wifi_ssid: has control characters"),
        ({"tv": True}, "parameters.tv: profile residential-1g has no such parameter; remove it"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_wrong(
    residential: Profile, given: dict[str, Any], problem: str
) -> None:
    assert [str(each) for each in parameter_problems(residential, {**GIVEN, **given})] == [problem]


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_missing_parameter_is_named(residential: Profile, name: str) -> None:
    given = {other: value for other, value in GIVEN.items() if other != name}
    (problem,) = parameter_problems(residential, given)
    assert (problem.name, problem.problem) == (name, "is required by the profile")


def test_problems_never_show_a_secret(residential: Profile) -> None:
    secret = "hunter2" * 20
    assert secret not in str(parameter_problems(residential, {**GIVEN, "wifi_passphrase": secret}))


def test_a_default_fills_what_the_job_leaves_open(residential: Profile) -> None:
    ssid = residential.parameters["wifi_ssid"].model_copy(update={"default": "internet"})
    profile = residential.model_copy(update={"parameters": {**residential.parameters, "wifi_ssid": ssid}})
    given: dict[str, Value] = {"c_vlan": 301, "wifi_passphrase": "correct horse"}
    assert parameter_problems(profile, given) == []
    assert resolve(profile, given, "$wifi_ssid") == "internet"
    assert resolve(profile, {**given, "wifi_ssid": ""}, "$wifi_ssid") == ""


def test_a_value_without_a_reference_is_itself_and_a_reference_to_nothing_is_an_error(residential: Profile) -> None:
    assert resolve(residential, {}, 3600) == 3600
    assert resolve(residential, {}, "plain") == "plain"
    with pytest.raises(ParameterProblem, match="wifi_ssid"):
        resolve(residential, {}, "$wifi_ssid")


def test_secrets_are_masked_wherever_a_device_repeats_them(residential: Profile) -> None:
    assert residential.secrets == {"wifi_passphrase"}
    text = "9007: 'correct horse' is no good, try correct horse 2"
    assert without_secrets(residential, GIVEN, text) == f"9007: '{MASK}' is no good, try {MASK} 2"
    assert without_secrets(residential, {}, text) == text
    assert without_secrets(residential, {**GIVEN, "wifi_passphrase": ""}, text) == text


def test_a_secret_that_the_profile_gives_by_default_is_masked_too(residential: Profile) -> None:
    secret = residential.parameters["wifi_passphrase"].model_copy(update={"default": "default-pw"})
    profile = residential.model_copy(update={"parameters": {"wifi_passphrase": secret}})
    assert without_secrets(profile, {}, "is default-pw") == f"is {MASK}"
