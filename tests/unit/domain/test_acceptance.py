"""Acceptance: unknown is never a pass, and a report is answered with every item that is missing or failed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from drivers.access import Levels, ObservedAccess
from pon.onu import Presence
from tests.accesses import as_wanted
from tests.unit.domain.orders import HEX, NOW, ONT, PLACE, SERIAL, installed, order, report
from ztpd.domain.acceptance import CLOCK_TOLERANCE, access_failure, evidence_problems, levels_failure
from ztpd.domain.failures import Code
from ztpd.domain.model import InstalledDevice, Measurement, Photo
from ztpd.domain.planning import wanted_access
from ztpd.domain.profile import Profile, Range


def _limits(profile: Profile) -> dict[str, Range]:
    return profile.limits("pon")


@pytest.mark.parametrize(
    ("optics", "said"),
    [
        (Levels(None, -22.0), "ONT receives an unknown level"),
        (Levels(-20.0, None), "OLT receives an unknown level"),
        (Levels(None, None), "ONT receives an unknown level"),
        (Levels(-27.01, -22.0), "ONT receives -27.0 dBm, allowed is -27 to -8 dBm"),
        (Levels(-7.5, -22.0), "ONT receives -7.5 dBm"),
        (Levels(-20.0, -30.0), "OLT receives -30.0 dBm, allowed is -29 to -8 dBm"),
        (Levels(float("nan"), -22.0), "ONT receives nan dBm"),
    ],
)
def test_light_that_is_weak_strong_or_unknown_fails(residential: Profile, optics: Levels, said: str) -> None:
    failure = levels_failure(optics, _limits(residential))
    assert failure is not None
    assert failure.code is Code.LOW_LIGHT
    assert said in failure.detail


@pytest.mark.parametrize("optics", [Levels(-27.0, -29.0), Levels(-8.0, -8.0), Levels(-20.0, -22.0)])
def test_light_within_the_limits_passes_ends_included(residential: Profile, optics: Levels) -> None:
    assert levels_failure(optics, _limits(residential)) is None


def test_both_directions_are_told_when_both_are_bad(residential: Profile) -> None:
    failure = levels_failure(Levels(-30.0, None), _limits(residential))
    assert failure is not None
    assert "ONT receives" in failure.detail
    assert "OLT receives" in failure.detail


@pytest.fixture
def good(residential: Profile) -> ObservedAccess:
    """The ONU as wanted, and at work."""
    return as_wanted(wanted_access(order(ONT), PLACE, residential))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"upstream_bps": 1}, Code.WRONG_TIER),
        ({"c_vlan": 999}, Code.WRONG_TIER),
        ({"c_vlan": None}, Code.WRONG_TIER),
        ({"downstream_bps": 1}, Code.WRONG_TIER),
        ({"enabled": False}, Code.WRONG_TIER),
        ({"complete": False}, Code.WRONG_TIER),
        ({"service": "SVC-9"}, Code.WRONG_TIER),
        ({"presence": Presence.MISPLACED}, Code.WRONG_PORT),
        ({"presence": Presence.ABSENT}, Code.NOT_SEEN),
        ({"presence": Presence.IN_ERROR}, Code.NOT_SEEN),
        ({"presence": Presence.UNKNOWN}, Code.NOT_SEEN),
    ],
)
def test_an_onu_that_is_not_as_wanted_fails(
    residential: Profile, good: ObservedAccess, change: dict[str, Any], code: Code
) -> None:
    wanted = wanted_access(order(ONT), PLACE, residential)
    assert access_failure(wanted, good) is None
    failure = access_failure(wanted, replace(good, **change))
    assert failure is not None
    assert failure.code is code
    assert failure.detail


def test_an_onu_that_is_not_configured_fails(residential: Profile) -> None:
    failure = access_failure(wanted_access(order(ONT), PLACE, residential), None)
    assert failure is not None
    assert failure.code is Code.WRONG_TIER


def test_a_whole_report_has_no_problem(residential: Profile) -> None:
    assert evidence_problems(report(), residential, installed()) == []


def test_an_empty_report_lists_every_item(residential: Profile) -> None:
    problems = evidence_problems(report(devices=(), measurements=(), photos=()), residential, installed())
    assert [problem.field for problem in problems] == [
        "devices.ont",
        "devices.cpe",
        "measurements.onu_rx_power",
        "measurements.download_speed",
        "photos",
    ]
    for problem in problems:
        assert set(problem.describe()) == {"field", "problem", "remedy"}
        assert all(problem.describe().values())


def _measured(name: str, value: float, unit: str) -> tuple[Measurement, ...]:
    others = {measurement.name: measurement for measurement in report().measurements}
    return tuple({**others, name: Measurement(name=name, value=value, unit=unit)}.values())


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"completed_at": NOW + timedelta(hours=1)}, "completed_at", "lies in the future"),
        ({"completed_at": NOW - timedelta(hours=1)}, "completed_at", "lies before the order"),
        ({"measurements": _measured("onu_rx_power", -20, "mW")}, "measurements.onu_rx_power", "is in mW"),
        ({"measurements": _measured("onu_rx_power", -27.5, "dBm")}, "measurements.onu_rx_power", "is below -27"),
        ({"measurements": _measured("onu_rx_power", -7, "dBm")}, "measurements.onu_rx_power", "is above -8"),
        (
            {"measurements": _measured("onu_rx_power", -23.1, "dBm")},
            "measurements.onu_rx_power",
            "differs from the -20",
        ),
        ({"measurements": _measured("download_speed", 799, "Mbit/s")}, "measurements.download_speed", "is below 800"),
        ({"photos": ()}, "photos", "0 of 1"),
    ],
)
def test_each_failed_item_is_told_with_what_was_found(
    residential: Profile, change: dict[str, Any], field: str, said: str
) -> None:
    (problem,) = evidence_problems(report(**change), residential, installed())
    assert problem.field == field
    assert said in problem.problem


@pytest.mark.parametrize("value", [-23.0, -17.0])
def test_the_technicians_level_may_differ_by_the_tolerance(residential: Profile, value: float) -> None:
    measured = report(measurements=_measured("onu_rx_power", value, "dBm"))
    assert evidence_problems(measured, residential, installed()) == []


def test_a_level_that_the_network_does_not_know_confirms_nothing(residential: Profile) -> None:
    (problem,) = evidence_problems(report(), residential, installed(Levels(None, -22.0)))
    assert problem.field == "measurements.onu_rx_power"
    assert "the network knows no onu_rx_dbm" in problem.problem


@pytest.mark.parametrize("off", [-CLOCK_TOLERANCE, CLOCK_TOLERANCE])
def test_the_clock_of_a_handset_may_be_a_little_off(residential: Profile, off: timedelta) -> None:
    assert evidence_problems(report(completed_at=NOW + off), residential, installed()) == []


@pytest.mark.parametrize("printed", [HEX, "HWTC-1A2B3C4D", "hwtc1a2b3c4d", f"{HEX} (HWTC-1A2B3C4D)"])
def test_a_label_may_print_the_serial_in_any_spelling(residential: Profile, printed: str) -> None:
    devices = tuple(InstalledDevice(role=role, serial=printed) for role in ("ont", "cpe"))
    assert evidence_problems(report(devices=devices), residential, installed()) == []


def test_another_device_than_the_allocated_one_is_told_by_its_code(residential: Profile) -> None:
    devices = (InstalledDevice(role="ont", serial="ALCL00000001"), InstalledDevice(role="cpe", serial=HEX))
    (problem,) = evidence_problems(report(devices=devices), residential, installed())
    assert problem.field == "devices.ont"
    assert SERIAL in problem.problem
    assert Code.WRONG_SERIAL in problem.problem


def test_a_device_that_nobody_ordered_is_told(residential: Profile) -> None:
    there = replace(installed(), body=order(ONT))
    (problem,) = evidence_problems(report(), residential, there)
    assert (problem.field, problem.problem) == ("devices.cpe", "is not part of this job")


def test_the_same_photo_twice_is_one_photo(residential: Profile) -> None:
    rules = residential.completion.model_copy(update={"photos": 2})
    profile = residential.model_copy(update={"completion": rules})
    twice = tuple(Photo(name=name, sha256="a" * 64) for name in ("front", "back"))
    (problem,) = evidence_problems(report(photos=twice), profile, installed())
    assert problem.problem == "1 of 2 are there"
