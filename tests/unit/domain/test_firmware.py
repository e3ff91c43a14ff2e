"""When a CPE may be upgraded, by tables: windows over midnight and clock changes, patterns, limits, faults in words."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ztpd.domain import firmware
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.firmware import UPGRADE, CampaignStanding, FirmwareRule, Hindrance, LocalWindow, Upgrade

SHA = "ab" * 32
FREE = CampaignStanding(stopped=False, under_way=0, retry_at=None)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rule(**others: Any) -> FirmwareRule:
    return FirmwareRule.model_validate({"name": "hg", "version": "2", "file": "hg.bin", "sha256": SHA, **others})


def vienna(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")


NIGHT = ({"start": "23:00", "end": "04:30"},)
SUNDAY_NIGHT = ({"start": "23:00", "end": "04:30", "days": ["sun"]},)
EARLY = ({"start": "02:00", "end": "03:00"},)


@pytest.mark.parametrize(
    ("windows", "moment", "is_open"),
    [
        ((), "2026-03-02T12:00", True),
        (NIGHT, "2026-03-02T21:59", False),  # 22:59 in Vienna
        (NIGHT, "2026-03-02T22:00", True),
        (NIGHT, "2026-03-03T03:29", True),
        (NIGHT, "2026-03-03T03:30", False),
        (SUNDAY_NIGHT, "2026-03-01T22:30", True),  # Sunday
        (SUNDAY_NIGHT, "2026-03-02T02:00", True),  # it began on Sunday
        (SUNDAY_NIGHT, "2026-03-02T22:30", False),  # Monday
        (SUNDAY_NIGHT, "2026-03-01T02:00", False),  # it would have begun on Saturday
        ((NIGHT[0], {"start": "12:00", "end": "13:00"}), "2026-03-02T11:30", True),
        # Summer time begins: at 01:00 UTC the clock goes from 02:00 to 03:00.
        (EARLY, "2026-03-29T00:59", False),
        (EARLY, "2026-03-29T01:00", False),
        (EARLY, "2026-03-30T00:30", True),
        # It ends: at 01:00 UTC the clock goes from 03:00 back to 02:00.
        (EARLY, "2026-10-25T00:00", True),
        (EARLY, "2026-10-25T00:59", True),
        (EARLY, "2026-10-25T01:59", True),
        (EARLY, "2026-10-25T02:00", False),
    ],
)
def test_windows_are_by_the_wall_clock_of_their_zone(windows: tuple[Any, ...], moment: str, is_open: bool) -> None:
    assert rule(windows=windows, timezone="Europe/Vienna").is_open(vienna(moment)) is is_open


@given(st.times(), st.times(), st.datetimes())
def test_a_window_and_the_rest_of_the_day_share_no_moment_and_leave_none_out(
    start: time, end: time, local: datetime
) -> None:
    if start == end:
        return
    window, rest = LocalWindow(start=start, end=end), LocalWindow(start=end, end=start)
    assert window.covers(local) is not rest.covers(local)


@pytest.mark.parametrize(
    ("patterns", "fits"),
    [
        ({}, True),
        ({"manufacturer": "huawei*"}, True),
        ({"manufacturer": "ZTE"}, False),
        ({"product_class": "HG8?45", "hardware_version": "1*"}, True),
        ({"product_class": "HG8?45", "hardware_version": "2*"}, False),
        ({"hardware_version": "[1]*"}, True),
    ],
)
def test_a_rule_is_for_the_models_that_fit_all_its_patterns(patterns: dict[str, str], fits: bool) -> None:
    facts = CpeFacts("Huawei Technologies", "00259E", "HG8245", "S1", hardware_version="130C")
    assert rule(**patterns).fits(facts) is fits
    found = firmware.rule_for((rule(**patterns), rule(name="other")), facts)
    assert found is not None
    assert found.name == ("hg" if fits else "other")


@pytest.mark.parametrize(
    ("rules", "version", "standing", "found"),
    [
        ({}, "1", FREE, None),
        ({}, "", FREE, Hindrance.UNKNOWN_VERSION),
        ({"from_versions": ["1.*"]}, "1.9", FREE, None),
        ({"from_versions": ["1.*", "0.9"]}, "0.8", FREE, Hindrance.NOT_FROM),
        ({}, "1", CampaignStanding(True, 0, None), Hindrance.STOPPED),
        ({"windows": NIGHT}, "1", FREE, Hindrance.CLOSED),
        ({}, "1", CampaignStanding(False, 0, NOON + timedelta(seconds=1)), Hindrance.BACKOFF),
        ({}, "1", CampaignStanding(False, 0, NOON), None),
        ({"at_once": 2}, "1", CampaignStanding(False, 1, None), None),
        ({"at_once": 2}, "1", CampaignStanding(False, 2, None), Hindrance.FULL),
    ],
)
def test_what_keeps_a_cpe_from_being_upgraded_now(
    rules: dict[str, Any], version: str, standing: CampaignStanding, found: Hindrance | None
) -> None:
    assert firmware.hindrance(rule(**rules), version, standing, NOON) is found


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"file": None}, "file or url"),
        ({"url": "http://files.example/hg.bin"}, "one of them"),
        ({"sha256": None}, "sha256sum"),
        ({"sha256": "00"}, "64 digits"),
        ({"file": "../etc/passwd"}, "pattern"),
        ({"file": ".hidden"}, "pattern"),
        ({"timezone": "Europe/Wien"}, "no time zone"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"windows": [{"start": "01:00", "end": "01:00"}]}, "the same"),
        ({"windows": [{"start": "01:00+02:00", "end": "02:00"}]}, "timezone"),
        ({"file": None, "url": "http://user:secret@files.example/hg.bin"}, "user or password"),
        ({"file": None, "url": "file:///etc/passwd"}, "CPEs can fetch"),
        ({"file": None, "url": "http://files.example/a b"}, "space"),
        ({"at_once": 0}, "greater"),
    ],
)
def test_a_rule_that_cannot_be_says_why(others: dict[str, Any], said: str) -> None:
    given_ = {key: value for key, value in {"file": "hg.bin", "sha256": SHA, **others}.items() if value is not None}
    with pytest.raises(ValidationError) as refused:
        FirmwareRule.model_validate({"name": "hg", "version": "2", **given_})
    assert said in str(refused.value)
    assert "secret@" not in str(refused.value)


def test_pauses_double_up_to_a_day() -> None:
    minutes = [firmware.retry_after(failures).total_seconds() / 60 for failures in range(12)]
    assert minutes == [15, 15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440, 1440]


def test_nothing_leads_back_from_a_confirmed_upgrade() -> None:
    assert {state for state, _ in UPGRADE} == set(Upgrade) - {Upgrade.CONFIRMED}
    assert set(UPGRADE.values()) == set(Upgrade) - {Upgrade.OFFERED}


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        (9015, "", "9015 it could not reach the file server"),
        (9018, "CRC", "9018 the file arrived damaged (CRC)"),
        (9800, "vendor trouble", "9800 vendor trouble"),
        (9800, "", "9800 the CPE gave no reason"),
    ],
)
def test_faults_are_told_in_words(code: int, message: str, words: str) -> None:
    assert firmware.fault_words(code, message) == words
