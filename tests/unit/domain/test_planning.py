"""Planning: which leg an order misses, and what its devices must become when it misses none."""

import pytest

from tests.unit.domain.orders import CPE, MAC, ONT, PLACE, SERIAL, order
from ztpd.domain.failures import Code
from ztpd.domain.model import Access, AllocatedDevice, LocationBody
from ztpd.domain.planning import Surroundings, missing_legs, wanted_access, wanted_cpe
from ztpd.domain.profile import Profile

NO_PORT = LocationBody(address="-")
CLOSED = LocationBody(address="-", serviceable=False, access=PLACE.access)
SWITCH = LocationBody(address="-", access=Access(technology="ethernet", element="sw-1", port="1"))


def _codes(body, around) -> list[str]:  # type: ignore[no-untyped-def]
    return [failure.code.value for failure in missing_legs(body, around)]


def test_an_order_with_every_leg_misses_none(residential: Profile) -> None:
    assert _codes(order(ONT), Surroundings(PLACE, residential)) == []


@pytest.mark.parametrize(
    ("place", "code"),
    [(None, "address-unknown"), (CLOSED, "not-serviceable"), (NO_PORT, "not-serviceable")],
    ids=["unknown", "not serviceable", "no port"],
)
def test_a_place_that_cannot_serve_is_a_missing_leg(
    residential: Profile, place: LocationBody | None, code: str
) -> None:
    assert _codes(order(ONT), Surroundings(place, residential)) == [code]


def test_a_port_that_another_service_holds_is_named_with_it(residential: Profile) -> None:
    (failure,) = missing_legs(order(ONT), Surroundings(PLACE, residential, port_holder="SVC-7"))
    assert (failure.code, failure.detail) == (Code.PORT_OCCUPIED, "olt-1 1/1/3 is held by service SVC-7")


@pytest.mark.parametrize(
    "devices", [(), (CPE,), (AllocatedDevice(role="ont", mac=MAC),)], ids=["none", "only a cpe", "ont without serial"]
)
def test_a_pon_needs_an_ont_with_a_serial(residential: Profile, devices: tuple[AllocatedDevice, ...]) -> None:
    assert _codes(order(*devices), Surroundings(PLACE, residential)) == ["device-missing"]


def test_a_device_that_another_holds_is_no_device(residential: Profile) -> None:
    (failure,) = missing_legs(order(ONT), Surroundings(PLACE, residential, taken=("X is allocated to job J-7",)))
    assert (failure.code, failure.detail) == (Code.DEVICE_MISSING, "X is allocated to job J-7")


def test_another_technology_needs_a_profile_made_for_it_and_its_own_device(residential: Profile) -> None:
    assert _codes(order(ONT), Surroundings(SWITCH, residential)) == ["profile-missing", "device-missing"]
    ethernet = residential.model_copy(update={"technologies": ("ethernet",)})
    assert _codes(order(CPE), Surroundings(SWITCH, ethernet)) == []


def test_the_plan_of_an_onu_is_what_order_place_and_profile_say(residential: Profile) -> None:
    wanted = wanted_access(order(AllocatedDevice(role="ont", serial="HWTC:1A2B3C4D")), PLACE, residential)
    assert (wanted.service, wanted.port, wanted.device) == ("SVC-1", "1/1/3", SERIAL)
    assert (wanted.s_vlan, wanted.c_vlan) == (201, 301)
    assert (wanted.downstream_bps, wanted.upstream_bps, wanted.assured_upstream_bps) == (10**9, 5 * 10**8, 5 * 10**7)


def test_the_same_order_has_the_same_plan(residential: Profile) -> None:
    assert wanted_access(order(ONT), PLACE, residential) == wanted_access(order(ONT, CPE), PLACE, residential)


def test_there_is_no_plan_for_a_job_with_a_missing_leg(residential: Profile) -> None:
    with pytest.raises(ValueError, match="missing leg"):
        wanted_access(order(), PLACE, residential)
    with pytest.raises(ValueError, match="missing leg"):
        wanted_access(order(ONT), NO_PORT, residential)


def test_a_cpe_is_told_the_values_of_its_job(residential: Profile) -> None:
    wanted = wanted_cpe(order(ONT, CPE), residential)
    assert wanted["wifi.2ghz.ssid"] == "home"
    assert wanted["wifi.5ghz.passphrase"] == "correct horse"
    assert wanted["management.periodic_inform_interval"] == 3600
    assert wanted_cpe(order(ONT), residential) == {}, "nobody is told without an allocated cpe"


@pytest.mark.parametrize("kind", ["suspend", "resume", "terminate", "repair"])
def test_work_on_what_was_taken_over_does_not_wait_for_the_wifi_password(residential: Profile, kind: str) -> None:
    bare = order(ONT, kind=kind, parameters={"c_vlan": 301})
    assert _codes(bare, Surroundings(PLACE, residential)) == []
    assert _codes(order(ONT, parameters={"c_vlan": 301}), Surroundings(PLACE, residential)) == ["profile-missing"]
    assert _codes(order(ONT, kind=kind, parameters={}), Surroundings(PLACE, residential)) == ["profile-missing"]


def test_a_cpe_that_is_told_something_needs_all_of_it(residential: Profile) -> None:
    def codes(kind: str) -> list[str]:
        return _codes(order(ONT, CPE, kind=kind, parameters={"c_vlan": 301}), Surroundings(PLACE, residential))

    assert (codes("repair"), codes("suspend")) == (["profile-missing"], [])


def test_a_line_of_a_switch_is_suspended_without_a_device(residential: Profile) -> None:
    ethernet = residential.model_copy(update={"technologies": ("ethernet",)})
    assert _codes(order(kind="suspend"), Surroundings(SWITCH, ethernet)) == []
    assert _codes(order(), Surroundings(SWITCH, ethernet)) == ["device-missing"]
