"""What belongs together: the lines of a block, and the objects that go with another."""

import re
from importlib import resources

import pytest

from drivers.cli.facts import Facts, rows
from drivers.cli.planning import changes, removals, steps_of
from drivers.cli.platform import PlatformError, Query, Rule, load, parse

ZTE = load("zte-c300")
ONU = {
    "port": "gpon-olt_1/1/2",
    "location": "1/1/2",
    "onu_id": "5",
    "serial": "HWTC1A2B3C4D",
    "onu_type": "ALL",
    "description": "ztpd_SVC-1",
    "admin": "enable",
    "up_name": "ztpd-u7",
    "gem_tcont": "1",
    "down_name": "ztpd-d7",
    "omci_service": "ztpd",
    "omci_vlan": "201",
    "uni": "eth_0/1",
    "uni_vlan": "201",
    "flow": "1",
    "s_vlan": "201",
}


def rule(pattern: str, *, carry: bool = False, ends: bool = False) -> Rule:
    return Rule(pattern=re.compile(pattern), carry=carry, ends=ends)


def told(rules: list[Rule], text: str) -> list[dict[str, str]]:
    return [row.values for row in rows(Query(command="show", rules=tuple(rules)), text.splitlines())]


def test_a_line_that_ends_a_block_ends_what_was_carried() -> None:
    rules = [
        rule("^!", ends=True),
        rule(r"^interface onu (?P<onu_id>\d+)", carry=True),
        rule(r"^ name (?P<description>\w+)"),
    ]

    assert told(rules, "interface onu 1\n name a\n!\ninterface gei 1\n name uplink\n") == [
        {"onu_id": "1"},
        {"onu_id": "1", "description": "a"},
        {"description": "uplink"},
    ]


def test_a_line_may_end_one_block_and_begin_the_next() -> None:
    rules = [rule(r"^Id: (?P<number>\d)", carry=True, ends=True), rule(r"^Name: (?P<up_name>\w+)", carry=True)]

    assert told(rules, "Id: 1\nName: a\nId: 2\n") == [{"number": "1"}, {"number": "1", "up_name": "a"}, {"number": "2"}]


def test_what_goes_with_an_onu_is_not_deleted_before_it() -> None:
    actions = removals(ZTE, Facts(dict(ONU)))

    assert [step.command for action in actions for step in action.do] == ["no onu 5"]


def test_what_is_made_with_a_new_onu_is_undone_with_it() -> None:
    new = {name: value for name, value in ONU.items() if name != "admin"} | {"enabled": "yes"}

    undone = [[step.command for step in action.undo or ()] for action in changes(ZTE, {}, new)]

    assert undone[0] == ["no onu 5"]
    assert not any(undone[1:])
    assert None not in [action.undo for action in changes(ZTE, {}, new)], "nothing is without a way back"


def test_what_is_added_to_an_onu_is_undone_by_itself() -> None:
    before = {name: value for name, value in ONU.items() if name not in ("flow", "s_vlan")}

    [action] = changes(ZTE, before, ONU | {"enabled": "yes"})

    assert [step.command for step in action.do] == ["service-port 1 vport 1 user-vlan 201 vlan 201"]
    assert [step.command for step in action.undo or ()] == ["no service-port 1"]


@pytest.mark.parametrize(
    ("assured", "fixed", "made"),
    [
        (None, None, "profile tcont ztpd-u7 type 4 maximum 7"),
        ("5", None, "profile tcont ztpd-u7 type 3 assured 5 maximum 7"),
        (None, "3", "profile tcont ztpd-u7 type 5 fixed 3 assured 0 maximum 7"),
        ("5", "3", "profile tcont ztpd-u7 type 5 fixed 3 assured 5 maximum 7"),
    ],
)
def test_a_shared_object_is_made_by_the_steps_that_apply(assured: str | None, fixed: str | None, made: str) -> None:
    values = {"up_name": "ztpd-u7", "up_kbps": "7", "assured_kbps": assured, "fixed_kbps": fixed}
    given = {name: value for name, value in values.items() if value is not None}

    [step] = steps_of(ZTE, ZTE.objects[0].create, given)

    assert step.command == made


def test_an_object_goes_with_one_that_there_is() -> None:
    text = (resources.files("drivers.cli") / "platforms" / "zte-c300.toml").read_text(encoding="utf-8")

    with pytest.raises(PlatformError, match="object T-CONT goes with 'nothing', which is no object"):
        parse("broken", text.replace('name = "T-CONT"\ngoes_with = "onu"', 'name = "T-CONT"\ngoes_with = "nothing"'))
