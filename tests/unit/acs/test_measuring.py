"""What a CPE's results mean: every figure with its unit, computed from the texts that CPEs show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs.measuring import SHOWN_TEXT, Unmeasured, level_of, report_of
from ztpd.domain.diagnostics import KINDS, Reading, Report


def readings(report: Report) -> dict[str, str]:
    return {reading.name: str(reading) for reading in report.readings}


# TR-143: bits over the time between BOMTime and EOMTime; bytes are decimal, Mbit/s is 10^6.
@pytest.mark.parametrize(
    ("test", "values", "speed", "seconds"),
    [
        (
            "download",
            {"began": "2026-03-01T08:00:00.000000Z", "ended": "2026-03-01T08:00:08.000000Z", "bytes": "100000000"},
            "100 Mbit/s",
            "8 s",
        ),
        (
            "download",  # no zone, three digits
            {"began": "2026-03-01T08:00:00.250", "ended": "2026-03-01T08:00:00.750", "bytes": "12500000"},
            "200 Mbit/s",
            "0.5 s",
        ),
        (
            "download",  # over midnight, with a zone
            {"began": "2026-03-01T23:59:59.5+01:00", "ended": "2026-03-01T23:00:00.5Z", "bytes": "125000000"},
            "1000 Mbit/s",
            "1 s",
        ),
        (
            "download",  # all connections at once count, not the ramps around them
            {
                "began": "2026-03-01T08:00:00.0Z",
                "ended": "2026-03-01T08:00:10.0Z",
                "bytes": "100000000",
                "full_bytes": "90000000",
                "full_us": "7200000",
            },
            "100 Mbit/s",
            "7.2 s",
        ),
        (
            "download",  # shown, and empty
            {
                "began": "2026-03-01T08:00:00.0Z",
                "ended": "2026-03-01T08:00:10.0Z",
                "bytes": "100000000",
                "full_bytes": "0",
                "full_us": "0",
            },
            "80 Mbit/s",
            "10 s",
        ),
        (
            "upload",  # before TR-143 Amendment 1: the file that was asked for
            {"began": "2026-03-01T08:00:00.0Z", "ended": "2026-03-01T08:00:04.0Z", "file_bytes": "10000000"},
            "20 Mbit/s",
            "4 s",
        ),
        (
            "upload",
            {
                "began": "2026-03-01T08:00:00.0Z",
                "ended": "2026-03-01T08:00:04.0Z",
                "bytes": "10050000",
                "file_bytes": "10000000",
            },
            "20.1 Mbit/s",
            "4 s",
        ),
        (
            "download",  # whole seconds do for a long test
            {"began": "2026-03-01T08:00:00Z", "ended": "2026-03-01T08:00:20Z", "bytes": "250000000"},
            "100 Mbit/s",
            "20 s",
        ),
    ],
)
def test_throughput_is_bits_over_the_time_that_the_cpe_measured(
    test: str, values: dict[str, str], speed: str, seconds: str
) -> None:
    found = readings(report_of(test, values, ()))
    assert (found["speed_mbps"], found["duration_s"]) == (speed, seconds)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"began": "2026-03-01T08:00:00.0Z", "ended": "2026-03-01T08:00:01.0Z", "bytes": "0"}, "no byte"),
        ({"began": "2026-03-01T08:00:00.0Z", "ended": "2026-03-01T08:00:01.0Z"}, "no byte"),
        ({"began": "0001-01-01T00:00:00Z", "ended": "0001-01-01T00:00:00Z", "bytes": "9"}, "when the transfer"),
        ({"began": "yesterday", "ended": "2026-03-01T08:00:01.0Z", "bytes": "9"}, "when the transfer"),
        ({"bytes": "9"}, "when the transfer"),
        ({"began": "2026-03-01T08:00:01.0Z", "ended": "2026-03-01T08:00:01.0Z", "bytes": "9"}, "no time passed"),
        ({"began": "2026-03-01T08:00:01.0Z", "ended": "1970-01-01T00:00:01.0Z", "bytes": "9"}, "no time passed"),
        ({"began": "2026-03-01T08:00:00Z", "ended": "2026-03-01T08:00:02Z", "bytes": "9"}, "whole seconds"),
    ],
)
def test_what_shows_no_throughput_is_never_guessed(values: dict[str, str], why: str) -> None:
    with pytest.raises(Unmeasured, match=why):
        report_of("download", values, ())


def test_a_ping_shows_its_loss_and_times() -> None:
    values = {"succeeded": "4", "failed": "1", "average_ms": "12", "minimum_ms": "9", "maximum_ms": "20"}
    assert readings(report_of("ping", values, ())) == {
        "answered": "4",
        "sent": "5",
        "loss_percent": "20 %",
        "average_ms": "12 ms",
        "minimum_ms": "9 ms",
        "maximum_ms": "20 ms",
    }


def test_a_ping_shows_microseconds_where_the_cpe_has_them() -> None:
    values = {"succeeded": "5", "failed": "0", "average_ms": "0", "average_us": "412"}
    assert readings(report_of("ping", values, ()))["average_ms"] == "0.412 ms"


def test_a_ping_that_nobody_answered_has_no_times() -> None:
    values = {"succeeded": "0", "failed": "5", "average_ms": "0", "minimum_ms": "0", "maximum_ms": "0"}
    assert readings(report_of("ping", values, ())) == {"answered": "0", "sent": "5", "loss_percent": "100 %"}


@pytest.mark.parametrize(
    ("test", "values"), [("ping", {"succeeded": "0", "failed": "0"}), ("ping", {}), ("traceroute", {}), ("optics", {})]
)
def test_a_test_that_shows_nothing_has_no_result(test: str, values: dict[str, str]) -> None:
    with pytest.raises(Unmeasured):
        report_of(test, values, ())


def test_a_route_shows_each_hop() -> None:
    rows = [
        {"host": "gw", "address": "10.0.0.1", "times_ms": "1,2,1"},
        {"host": "", "address": "", "times_ms": "0,0,0"},
    ]
    found = report_of("traceroute", {"response_ms": "14"}, rows)
    assert readings(found) == {"hops": "2", "response_ms": "14 ms"}
    assert found.rows[0] == (Reading("host", "gw"), Reading("address", "10.0.0.1"), Reading("times_ms", "1,2,1", "ms"))


def test_neighbours_show_channel_and_level_and_the_strongest_is_told() -> None:
    rows = [
        {"ssid": "next door", "channel": "6", "signal_dbm": "-71"},
        {"ssid": "x\x1b[31m" + "y" * 99, "channel": "11", "signal_dbm": "-48"},
        {"ssid": "", "channel": "auto", "signal_dbm": "0"},
    ]
    found = report_of("wifi-neighbours", {}, rows, counted=57)
    assert readings(found) == {"neighbours": "57", "strongest_dbm": "-48 dBm"}
    assert found.rows[0] == (
        Reading("ssid", "next door"),
        Reading("channel", 6),
        Reading("signal_dbm", -71, "dBm"),
    )
    shown = found.rows[1][0].value
    assert isinstance(shown, str)
    assert ("\x1b" in shown, len(shown)) == (False, SHOWN_TEXT)
    assert [reading.name for reading in found.rows[2]] == ["ssid", "channel"]


def test_no_neighbours_are_a_result_too() -> None:
    assert readings(report_of("wifi-neighbours", {}, ())) == {"neighbours": "0"}


@pytest.mark.parametrize(
    ("scale", "text", "level"),
    [
        ("dbm/1000", "-21500", -21.5),
        ("dbm/1000", "2500", 2.5),
        ("dbm/1000", "-65536", None),
        ("dbm/1000", "0", None),
        ("dbm/1000", "-21", None),
        ("dbm/1000", "-21.5", None),
        ("dbm", "-18.24", -18.24),
        ("dbm", "-40.0 dBm", -40.0),
        ("dbm", "--", None),
        ("dbm", "-inf", None),
        ("dbm|0.1uw", "-23 dBm", -23.0),
        ("dbm|0.1uw", "2.4", 2.4),
        ("dbm|0.1uw", "23.7", pytest.approx(-26.25, abs=0.01)),
        ("dbm|0.1uw", "233", pytest.approx(-16.33, abs=0.01)),
        ("dbm|0.1uw", "16000", pytest.approx(2.04, abs=0.01)),
        ("dbm|0.1uw", "0", None),
        ("dbm|0.1uw", "", None),
        ("celsius", "47", 47.0),
        ("celsius", "12032", None),
    ],
)
def test_an_optical_level_is_read_by_the_scale_of_its_place(scale: str, text: str, level: float | None) -> None:
    assert level_of(scale, text) == level


def test_the_levels_that_are_known_are_shown_with_their_units() -> None:
    values = {"rx_power_dbm dbm/1000": "-21504", "tx_power_dbm dbm/1000": "nothing", "temperature_c celsius": "51"}
    assert readings(report_of("optics", values, ())) == {"rx_power_dbm": "-21.504 dBm", "temperature_c": "51 °C"}


TEXTS = st.one_of(st.text(max_size=40), st.integers().map(str), st.datetimes().map(str), st.floats().map(str))
NAMES = (
    "began",
    "ended",
    "bytes",
    "full_bytes",
    "full_us",
    "file_bytes",
    "succeeded",
    "failed",
    "average_us",
    "response_ms",
)


@given(
    test=st.sampled_from(sorted(KINDS)),
    values=st.dictionaries(st.sampled_from(NAMES), TEXTS),
    rows=st.lists(st.dictionaries(st.sampled_from(("ssid", "channel", "signal_dbm", "host")), TEXTS), max_size=3),
)
def test_whatever_a_cpe_shows_is_a_report_or_a_reason(
    test: str, values: dict[str, str], rows: list[dict[str, str]]
) -> None:
    try:
        report = report_of(test, values, rows)
    except Unmeasured:
        return
    for reading in report.readings:
        assert reading.value == reading.value, "no NaN"
        assert reading.unit == KINDS[test].shows.get(reading.name, "")
