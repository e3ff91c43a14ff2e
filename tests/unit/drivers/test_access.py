"""The difference between an device as it is wanted and as it is."""

from dataclasses import replace

import pytest

from drivers.access import Difference, ObservedAccess, WantedAccess, differences

WANTED = WantedAccess(
    "SVC-1", "1/1/3", "HWTC1A2B3C4D", 201, 301, 1_000_000_000, 500_000_000, 50_000_000, description="for people"
)
SAME = ObservedAccess(
    device=WANTED.device,
    port=WANTED.port,
    service=WANTED.service,
    s_vlan=WANTED.s_vlan,
    c_vlan=WANTED.c_vlan,
    downstream_bps=WANTED.downstream_bps,
    upstream_bps=WANTED.upstream_bps,
    assured_upstream_bps=WANTED.assured_upstream_bps,
    enabled=True,
    priority=0,
    fixed_upstream_bps=0,
    onu_id=7,
)


def test_the_same_differs_in_nothing() -> None:
    assert differences(WANTED, SAME) == ()
    assert differences(replace(WANTED, description="said otherwise"), SAME) == ()
    assert differences(WANTED, replace(SAME, onu_id=None)) == ()


def test_one_that_is_not_there_differs_as_a_whole() -> None:
    assert differences(WANTED, None) == (Difference("device", None, WANTED.device),)


@pytest.mark.parametrize(
    ("name", "observed"),
    [
        ("service", "SVC-2"),
        ("port", "1/1/4"),
        ("port", None),
        ("s_vlan", 202),
        ("c_vlan", None),
        ("upstream_bps", 1),
        ("upstream_bps", None),
        ("assured_upstream_bps", 0),
        ("downstream_bps", 1),
    ],
)
def test_each_property_that_differs_is_named(name: str, observed: object) -> None:
    [difference] = differences(WANTED, replace(SAME, **{name: observed}))  # type: ignore[arg-type]

    assert difference == Difference(name, observed, getattr(WANTED, name))
    assert str(difference) == f"{name}: {observed!r} → {getattr(WANTED, name)!r}"


def test_a_property_that_the_element_does_not_model_is_no_difference() -> None:
    assert differences(WANTED, replace(SAME, downstream_bps=None, unmodelled=frozenset({"downstream_bps"}))) == ()


def test_a_disabled_and_an_incomplete_one_must_change() -> None:
    found = differences(WANTED, replace(SAME, enabled=False, complete=False))

    assert found == (Difference("enabled", False, True), Difference("complete", False, True))
