"""Tests of a CPE as values: what each takes, what a profile may want of it, and what its result means for a job."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.conftest import ROOT
from ztpd.config import read_toml
from ztpd.domain.diagnostics import KINDS, CpeTest, Reading, Report, Trouble, WantedTest, judge
from ztpd.domain.failures import Code, Failure
from ztpd.domain.profile import Profile

URL = "http://speed.example.net/100M"
FAST = Report((Reading("speed_mbps", 941.52, "Mbit/s"), Reading("duration_s", 8.0, "s")))


def said(error: pytest.ExceptionInfo[ValidationError]) -> str:
    return str(error.value.errors()[0]["msg"])


def test_a_test_has_its_defaults_and_no_argument_that_nobody_gave() -> None:
    assert CpeTest(test="download", url=URL).arguments == {"url": URL}
    assert CpeTest(test="ping", host="192.0.2.1", count=9).arguments == {
        "host": "192.0.2.1",
        "count": 9,
        "timeout_ms": 2000,
        "block_bytes": 56,
    }


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"test": "ping"}, "host: ping needs one"),
        ({"test": "download"}, "url: download needs one"),
        ({"test": "optics", "host": "x"}, "host: optics takes nothing"),
        ({"test": "upload", "url": URL}, "size_bytes or duration_s"),
        ({"test": "traceroute", "host": "x", "count": 4}, "1 to 3 times"),
        ({"test": "ping", "host": "$gateway"}, "only a profile"),
        ({"test": "ping", "host": "-x"}, "no name or address"),
        ({"test": "ping", "host": "a'b"}, "no name or address"),
        ({"test": "download", "url": "http://"}, "and a host"),
        ({"test": "download", "url": "gopher://x/"}, "http://, https:// or ftp://"),
        ({"test": "download", "url": "http://u:p@x/"}, "no user"),
        ({"test": "download", "url": "http://x/\n"}, "printable"),
        ({"test": "download", "url": "http://x/ü"}, "printable"),
        ({"test": "download", "url": "http://[x/"}, "valid"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as error:
        CpeTest.model_validate(fields)
    assert why.lower() in said(error).lower()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "www.example.net", "gw"])
def test_hosts_are_names_and_addresses(host: str) -> None:
    assert CpeTest(test="ping", host=host).host == host


def test_a_profile_gets_arguments_from_the_job() -> None:
    wanted = WantedTest(test="download", url="$speed_url", connections=4)
    assert wanted.references == {"speed_url"}
    assert wanted.told({"speed_url": URL}) == CpeTest(test="download", url=URL, connections=4)
    with pytest.raises(ValueError, match="ftp://"):
        wanted.told({"speed_url": "speed"})


def test_limits_are_of_what_the_test_shows() -> None:
    for name, kind in KINDS.items():
        given = {"url": URL, "size_bytes": 9, "host": "x"}
        fields = {key: value for key, value in given.items() if key in kind.takes}
        for reading in kind.shows:
            WantedTest.model_validate({"test": name, **fields, "limits": {reading: {"minimum": 1}}})
    with pytest.raises(ValidationError) as error:
        WantedTest.model_validate({"test": "download", "url": URL, "limits": {"speed": {"minimum": 1}}})
    assert "download shows duration_s, speed_mbps" in said(error)
    for empty in ({}, {"minimum": 2, "maximum": 1}):
        with pytest.raises(ValidationError):
            WantedTest.model_validate({"test": "download", "url": URL, "limits": {"speed_mbps": empty}})


def wanted(**others: Any) -> WantedTest:
    return WantedTest.model_validate(
        {"test": "download", "url": URL, "limits": {"speed_mbps": {"minimum": 900}}, **others}
    )


LOST = wanted(test="ping", url=None, host="x", limits={"loss_percent": {"maximum": 1}})
DARK = wanted(test="optics", url=None, limits={"rx_power_dbm": {"minimum": -27, "maximum": -8}})


@pytest.mark.parametrize(
    ("test", "came_to", "failure"),
    [
        (wanted(), FAST, None),
        (wanted(limits={}), FAST, None),
        (
            wanted(limits={"speed_mbps": {"minimum": 950}}),
            FAST,
            Failure(Code.WRONG_TIER, "download: speed_mbps is 941.52 Mbit/s, wanted is at least 950 Mbit/s"),
        ),
        (
            LOST,
            Report((Reading("loss_percent", 40.0, "%"),)),
            Failure(Code.TEST_FAILED, "ping: loss_percent is 40 %, wanted is at most 1 %"),
        ),
        (
            DARK,
            Report((Reading("rx_power_dbm", -30.1, "dBm"),)),
            Failure(Code.LOW_LIGHT, "optics: rx_power_dbm is -30.1 dBm, wanted is at least -27 and at most -8 dBm"),
        ),
        (DARK, Report(()), Failure(Code.NOT_VERIFIABLE, "optics: the CPE does not show rx_power_dbm")),
        (
            wanted(),
            Trouble(kind="unable", words="it has no such test"),
            Failure(Code.NOT_VERIFIABLE, "download: it has no such test"),
        ),
        (wanted(), Trouble(kind="failed", words="no DNS"), Failure(Code.TEST_FAILED, "download: no DNS")),
        (wanted(), Trouble(kind="timeout", words="no result"), Failure(Code.TIMEOUT, "download: no result")),
        (wanted(), Trouble(kind="silent", words="no Inform"), Failure(Code.CPE_SILENT, "download: no Inform")),
    ],
)
def test_what_a_test_came_to_is_judged(test: WantedTest, came_to: Report | Trouble, failure: Failure | None) -> None:
    assert judge(test, came_to) == failure


def test_what_is_not_required_fails_a_job_only_by_a_limit() -> None:
    optional = wanted(required=False)
    for kind in ("unable", "failed", "timeout", "silent"):
        assert judge(optional, Trouble.model_validate({"kind": kind, "words": "x"})) is None
    assert judge(optional, Report(())) is None
    slow = judge(optional, Report((Reading("speed_mbps", 1.0, "Mbit/s"),)))
    assert slow is not None
    assert slow.code is Code.WRONG_TIER


def test_a_person_vouches_for_what_cannot_be_tested_and_not_for_a_bad_result() -> None:
    vouched = ["test.download"]
    assert judge(wanted(), Trouble(kind="unable", words="x"), vouched) is None
    assert judge(wanted(), Trouble(kind="failed", words="x"), vouched) is not None
    assert judge(wanted(), Report((Reading("speed_mbps", 1.0, "Mbit/s"),)), vouched) is not None


def residential(**others: Any) -> Profile:
    return Profile.model_validate({**read_toml(ROOT / "config/profiles/residential-1g.toml"), **others})


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        ([{"test": "download", "url": "$nowhere"}], "$nowhere is used but not declared"),
        ([{"test": "download", "url": "$wifi_passphrase"}], "is secret"),
        ([{"test": "optics"}, {"test": "optics"}], "is there twice"),
        ([{"test": "optics", "timeout_s": 1}], "greater than or equal to 10"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(tests: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValidationError) as error:
        residential(diagnostics=tests)
    assert why in said(error)


def test_a_parameter_that_only_a_test_needs_is_not_the_networks() -> None:
    parameters = {**read_toml(ROOT / "config/profiles/residential-1g.toml")["parameters"], "speed_url": {}}
    profile = residential(parameters=parameters, diagnostics=[{"test": "download", "url": "$speed_url"}])
    assert "speed_url" in profile.told_to_cpe_only
