"""Whatever a list and an element hold, every line and every device ends up exactly once, and nobody gets two."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from drivers.access import ObservedAccess, WantedAccess, differences
from ztpd.domain.adoption import ListedService, Outcome, pair
from ztpd.domain.comparing import Verdict, compare, judge

SERIALS = st.sampled_from([f"ALCL{number:08X}" for number in range(4)])
PORTS = st.sampled_from(["1/1/1", "1/1/2"])
LISTED = st.builds(
    lambda service, serial, port: ListedService(
        service=service, account="A", location="L", profile="P", serial=serial, port=port
    ),
    st.sampled_from([f"S-{number}" for number in range(4)]),
    SERIALS,
    st.none() | PORTS,
)
VLANS = st.none() | st.integers(1, 3)
SHOWN = st.builds(
    lambda device, port, s_vlan, c_vlan: ObservedAccess(device, port, None, s_vlan, c_vlan, 1, 1),
    SERIALS,
    st.none() | PORTS,
    VLANS,
    VLANS,
)
WANTED = st.builds(
    lambda device, port, s, c: WantedAccess("S", port, device, s, c, 1, 1), SERIALS, PORTS, st.integers(1, 3), VLANS
)


@given(st.lists(LISTED, max_size=6), st.lists(SHOWN, max_size=6))
def test_every_line_and_device_is_accounted_for_once(listed: list[ListedService], shown: list[ObservedAccess]) -> None:
    found = pair(listed, shown)
    lines = [each.line for each in found.pairs] + [each.line for each in found.findings]
    assert sorted(lines) == list(range(1, len(listed) + 1))
    taken = Counter(each.observed.device for each in found.pairs)
    assert all(count == 1 for count in taken.values())
    assert len({each.listed.service for each in found.pairs}) == len(found.pairs)
    named = {each.serial for each in listed}
    assert Counter(each.device for each in found.unlisted) == Counter(
        each.device for each in shown if each.device not in named
    )
    for each in found.pairs:
        assert listed[each.line - 1] is each.listed
        assert each.listed.serial == each.observed.device
        assert each.listed.port in {None, each.observed.port} or each.observed.port is None
    assert all(each.outcome in {Outcome.ABSENT, Outcome.AMBIGUOUS, Outcome.REFUSED} for each in found.findings)


@given(st.lists(LISTED, max_size=6, unique_by=lambda each: each.service), st.lists(SHOWN, max_size=6), st.randoms())
def test_the_order_of_a_list_decides_nothing(
    listed: list[ListedService], shown: list[ObservedAccess], random: Random
) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)

    def whose(lines: list[ListedService]) -> set[tuple[str, str]]:
        return {(each.listed.service, each.observed.device) for each in pair(lines, shown).pairs}

    assert whose(listed) == whose(shuffled)


@given(WANTED, SHOWN)
def test_what_agrees_would_not_be_changed_but_for_its_name(wanted: WantedAccess, shown: ObservedAccess) -> None:
    found = compare(wanted, shown)
    judged = judge(wanted, shown)
    left = {each.name for each in differences(wanted, shown)} - {"service"}
    assert {each.name for each in found.differences} | set(found.unread) == left
    assert (judged.verdict is Verdict.AGREED) == (not left)
    assert (judged.verdict is Verdict.DIFFERED) == bool(found.differences)
