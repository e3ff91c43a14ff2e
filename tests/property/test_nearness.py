"""The index of waiting jobs finds exactly what looking at each of them would."""

from hypothesis import given
from hypothesis import strategies as st

from ztpd.domain.nearness import MISTYPED, Waiting, WaitingJobs

CHARACTERS = st.text("01A", min_size=8, max_size=8)
SERIALS = st.builds(lambda vendor, own: vendor + own, st.sampled_from(["HWTC", "HWTX", "ALCL"]), CHARACTERS)


@given(st.lists(SERIALS, max_size=12, unique=True), SERIALS)
def test_every_serial_that_is_few_characters_off_is_found_and_no_other(expected: list[str], heard: str) -> None:
    alike = {each for each in expected if sum(a != b for a, b in zip(each, heard, strict=True)) <= MISTYPED}
    found = {each for each in expected if WaitingJobs([Waiting("J-1", each, None)]).near(heard, None)}
    assert found == alike
