"""How RouterOS writes rates, durations, signals and ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.routeros import words


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10000000", 10000000),
        ("10M", 10000000),
        ("512k", 512000),
        ("1G", 10**9),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("10m", None),
        ("1.5M", None),
        ("unlimited", None),
    ],
)
def test_a_rate_is_in_powers_of_ten(text: str, rate: int | None) -> None:
    assert words.rate_bps(text) == rate


@pytest.mark.parametrize(
    ("text", "pair"),
    [("5M/20M", (5_000_000, 20_000_000)), ("0/0", (0, 0)), ("5M", (None, None)), ("5M/fast", (5_000_000, None))],
)
def test_upload_comes_before_download(text: str, pair: tuple[int | None, int | None]) -> None:
    assert words.rate_pair(text) == pair


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_rates_are_read_as_they_are_written(up: int, down: int) -> None:
    assert words.rate_pair(words.written_pair(up, down)) == (up, down)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1w2d3h4m5s", 788_645.0),
        ("2d20h12m20s", 245_540.0),
        ("170ms", 0.17),
        ("1m", 60.0),
        ("1m20ms", 60.02),
        ("0s", 0.0),
        ("05:49:36", 20_976.0),
        ("2d03:04:05", 183_845.0),
        ("never", None),
        ("", None),
        ("5", None),
    ],
)
def test_a_duration_is_in_seconds(text: str, seconds: float | None) -> None:
    assert words.duration_s(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "dbm"),
    [("-62dBm@6Mbps", -62.0), ("-62@1Mbps", -62.0), ("-62", -62.0), ("", None), ("loud", None), ("-62 dBm", None)],
)
def test_a_signal_is_in_dbm_or_unknown(text: str, dbm: float | None) -> None:
    assert words.signal_dbm(text) == dbm


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.5/32", "10.0.0.5"),
        ("10.0.0.0/29", None),
        ("::1", None),
        ("10.0.0.5,0.0.0.0/0", None),
    ],
)
def test_only_the_address_of_one_host_is_one(text: str, address: str | None) -> None:
    assert words.host_address(text) == address


@given(st.text())
def test_any_text_has_a_value_or_none(text: str) -> None:
    words.rate_pair(text)
    words.duration_s(text)
    words.signal_dbm(text)
    words.host_address(text)


@given(st.text())
def test_nothing_but_an_id_gets_into_a_path(text: str) -> None:
    if words.is_id(text):
        assert text[0] == "*"
        int(text[1:], 16)
        assert "/" not in text
