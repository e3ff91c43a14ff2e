"""What T-CONTs of each type share, after the table of types (ITU-T G.984.3 §7.4.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pon.tcont import Bandwidth, BandwidthError, Sharing


@pytest.mark.parametrize(
    ("bandwidth", "sharing"),
    [
        (Bandwidth(100, fixed_bps=100), Sharing.NONE),
        (Bandwidth(100, assured_bps=100), Sharing.NONE),
        (Bandwidth(100, assured_bps=50), Sharing.NON_ASSURED),
        (Bandwidth(100), Sharing.BEST_EFFORT),
        (Bandwidth(100, assured_bps=50, fixed_bps=20), Sharing.NON_ASSURED),
        (Bandwidth(100, assured_bps=80, fixed_bps=20), Sharing.NONE),
        (Bandwidth(100, fixed_bps=20), Sharing.NON_ASSURED),
    ],
)
def test_rates_say_what_is_shared(bandwidth: Bandwidth, sharing: Sharing) -> None:
    bandwidth.check()

    assert bandwidth.sharing is sharing


@pytest.mark.parametrize(
    ("bandwidth", "said"),
    [
        (Bandwidth(0), "not positive"),
        (Bandwidth(100, assured_bps=-1), "not positive"),
        (Bandwidth(100, fixed_bps=-1), "not positive"),
        (Bandwidth(100, assured_bps=60, fixed_bps=41), "more than upstream_bps 100"),
    ],
)
def test_rates_that_make_none_are_named(bandwidth: Bandwidth, said: str) -> None:
    with pytest.raises(BandwidthError, match=said):
        bandwidth.check()


@given(st.integers(0, 10), st.integers(0, 10), st.integers(1, 30))
def test_nothing_is_shared_beyond_the_limit_and_something_always_below_it(
    fixed: int, assured: int, maximum: int
) -> None:
    bandwidth = Bandwidth(maximum, assured, fixed)
    try:
        bandwidth.check()
    except BandwidthError:
        assert fixed + assured > maximum
        return
    assert (bandwidth.sharing is Sharing.NONE) == (fixed + assured == maximum)
    assert (bandwidth.sharing is Sharing.BEST_EFFORT) == (fixed + assured == 0)
