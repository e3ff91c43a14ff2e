"""What another tool made, held against what we wanted: unknown is neither right nor wrong, names are its own affair."""

from dataclasses import replace
from typing import Any

import pytest

from drivers.access import Difference, ObservedAccess, WantedAccess
from ztpd.domain.comparing import Compared, Verdict, compare, judge, judge_act
from ztpd.domain.kinds import Act

WANTED = WantedAccess("SVC-1", "1/1/1", "HWTC1A2B3C4D", 201, 301, 10**9, 5 * 10**8)
MADE = ObservedAccess(
    "HWTC1A2B3C4D",
    "1/1/1",
    "CRM-77",
    201,
    301,
    10**9,
    5 * 10**8,
    0,
    unmodelled=frozenset({"priority", "fixed_upstream_bps", "address", "ppp_user"}),
)


def made(**others: Any) -> ObservedAccess:
    return replace(MADE, **others)


def test_what_is_as_wanted_is_right_under_whatever_name_the_other_keeps_it() -> None:
    assert compare(WANTED, MADE) == Compared()
    assert judge(WANTED, MADE).verdict is Verdict.AGREED


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "1/1/2"), ("s_vlan", 202), ("c_vlan", 302), ("c_vlan", None), ("downstream_bps", 1), ("enabled", False)],
)
def test_what_is_otherwise_is_told_with_both_values(name: str, value: object) -> None:
    judged = judge(WANTED, made(**{name: value}))
    assert judged.verdict is Verdict.DIFFERED
    assert judged.differences == (Difference(name, value, getattr(WANTED, name)),)
    assert name in judged.how


@pytest.mark.parametrize("name", ["port", "downstream_bps", "upstream_bps", "assured_upstream_bps"])
def test_what_cannot_be_read_is_not_yet_right(name: str) -> None:
    judged = judge(WANTED, made(**{name: None}))
    assert (judged.verdict, judged.differences, judged.unread) == (Verdict.PENDING, (), (name,))
    assert f"not to be read: {name}" in judged.how


def test_without_its_s_vlan_nobody_knows_whether_a_line_has_a_c_vlan() -> None:
    assert compare(WANTED, replace(MADE, s_vlan=None, c_vlan=None)) == Compared((), ("s_vlan", "c_vlan"))


def test_a_service_of_which_a_part_is_missing_is_not_yet_right() -> None:
    assert judge(WANTED, replace(MADE, complete=False)).verdict is Verdict.PENDING


def test_one_difference_is_enough_though_the_rest_cannot_be_read() -> None:
    judged = judge(WANTED, replace(MADE, s_vlan=999, downstream_bps=None))
    assert (judged.verdict, judged.unread) == (Verdict.DIFFERED, ("downstream_bps",))


def test_as_long_as_nothing_is_there_nobody_has_acted() -> None:
    assert judge(WANTED, None).verdict is Verdict.PENDING


def test_a_change_is_pending_until_what_was_there_before_is_no_more() -> None:
    slow = replace(MADE, downstream_bps=10**8)
    before = [str(each) for each in compare(WANTED, slow).differences]
    assert judge(WANTED, slow, before).verdict is Verdict.PENDING
    assert judge(WANTED, replace(slow, downstream_bps=2 * 10**8), before).verdict is Verdict.DIFFERED
    assert judge(WANTED, MADE, before).verdict is Verdict.AGREED


def test_what_was_to_be_taken_away_is_right_once_it_is_gone() -> None:
    assert judge_act(Act.REMOVE, WANTED, MADE).verdict is Verdict.PENDING
    assert judge_act(Act.REMOVE, WANTED, None).verdict is Verdict.AGREED


@pytest.mark.parametrize(("act", "right"), [(Act.SUSPEND, False), (Act.RESUME, True)])
def test_what_was_to_be_stopped_or_let_go_on_is_right_once_it_is_so_whatever_else(act: Act, right: bool) -> None:
    other = made(s_vlan=999, downstream_bps=None)
    assert judge_act(act, WANTED, replace(other, enabled=right)).verdict is Verdict.AGREED
    pending = judge_act(act, WANTED, replace(other, enabled=not right))
    assert (pending.verdict, pending.differences) == (Verdict.PENDING, (Difference("enabled", not right, right),))
    assert judge_act(act, WANTED, None).verdict is Verdict.PENDING
