"""Which parameters of a job are shown."""

from typing import Any

from ztpd.api.masking import MASK, masked
from ztpd.domain.profile import Profile

JOB: dict[str, Any] = {
    "id": "J-1",
    "profile": "residential-1g",
    "parameters": {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": "secret", "wifi_pasphrase": "secret"},
}


def test_secret_and_undeclared_parameters_are_masked(residential: Profile) -> None:
    shown = masked(JOB, {residential.name: residential})
    assert shown["parameters"] == {
        "c_vlan": 301,
        "wifi_ssid": "home",
        "wifi_passphrase": MASK,
        "wifi_pasphrase": MASK,
    }
    assert shown["id"] == "J-1"


def test_without_its_profile_nothing_of_a_job_is_known_to_be_harmless() -> None:
    assert set(masked(JOB, {})["parameters"].values()) == {MASK}
