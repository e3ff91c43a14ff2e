"""The transactions of the edge driver's own nftables table; what they do to traffic is tried in a namespace."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.linux_edge import firewall
from drivers.linux_edge.values import Firewall
from tests.unit.drivers.edges import SETTINGS, after

LINKS = st.frozensets(st.sampled_from(["eth1.1", "eth1.2", "eth1.3", "eth2"]))
PORTAL = replace(SETTINGS, portal=("192.0.2.1", 8080))


@given(st.none() | LINKS, LINKS, LINKS, st.sampled_from([SETTINGS, PORTAL]))
def test_a_transaction_ends_in_what_was_asked(
    before: frozenset[str] | None, suspend: frozenset[str], resume: frozenset[str], settings: object
) -> None:
    assert settings in (SETTINGS, PORTAL)
    current = None if not before else Firewall(before, firewall.digest(SETTINGS))
    ruleset = firewall.transaction(current, suspend - resume, resume, SETTINGS)
    ended = current if ruleset is None else after(current, ruleset)
    asked = (before or frozenset()) | (suspend - resume)

    assert (frozenset() if ended is None else ended.suspended) == asked - resume
    assert (ended is None) == (not asked - resume), "no table without a suspended link"


def test_nothing_is_written_for_what_is_so() -> None:
    current = Firewall(frozenset({"eth1"}), firewall.digest(SETTINGS))

    assert firewall.transaction(current, ["eth1"], ["eth2"], SETTINGS) is None
    assert firewall.transaction(None, [], ["eth2"], SETTINGS) is None


def test_one_more_link_is_one_element() -> None:
    current = Firewall(frozenset({"eth1"}), firewall.digest(SETTINGS))
    ruleset = firewall.transaction(current, ["eth2"], [], SETTINGS)

    assert ruleset is not None
    [statement] = json.loads(ruleset)["nftables"]
    assert statement["add"]["element"]["elem"] == ["eth2"]


def test_other_rules_replace_the_table_and_keep_who_is_suspended() -> None:
    current = Firewall(frozenset({"eth1"}), firewall.digest(SETTINGS))
    ruleset = firewall.transaction(current, ["eth2"], [], PORTAL)

    assert ruleset is not None
    assert after(current, ruleset) == Firewall(frozenset({"eth1", "eth2"}), firewall.digest(PORTAL))


@given(LINKS, LINKS)
def test_only_our_table_is_ever_named(suspend: frozenset[str], before: frozenset[str]) -> None:
    for current in (None, Firewall(before, "")):
        ruleset = firewall.transaction(current, suspend, before - suspend, PORTAL)
        for statement in json.loads(ruleset or '{"nftables": []}')["nftables"]:
            [thing] = statement.values()
            [(kind, body)] = thing.items()
            assert (body["family"], body["name"] if kind == "table" else body["table"]) == ("inet", "ztpd")


@pytest.mark.parametrize(
    "listing",
    ["", "[]", "null", '{"nftables": 1}', '{"nftables": [{"set": {}}]}', '{"nftables": [{"chain": {"name": 1}}]}'],
)
def test_a_listing_that_is_none_is_refused(listing: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        firewall.parse(listing)


def test_a_listing_tells_who_is_suspended_and_by_which_rules() -> None:
    objects = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "ztpd"}},
        {"chain": {"name": "rules_ab12"}},
        {"set": {"name": "suspended", "elem": ["eth1.5", "eth2"]}},
        {"set": {"name": "garden4"}},
    ]

    assert firewall.parse(json.dumps({"nftables": objects})) == Firewall(frozenset({"eth1.5", "eth2"}), "ab12")
