"""Every platform's file, and what is refused of one."""

import re
import tomllib
from importlib import resources

import pytest

from drivers.cli.commands import NotAllowed, command
from drivers.cli.facts import Facts, Row, read_many, rows, wanted
from drivers.cli.platform import PlatformError, Query, Rule, load, names, parse
from pon.autofind import PLATFORMS as AUTOFIND

HUAWEI = (resources.files("drivers.cli") / "platforms" / "huawei-smartax.toml").read_text(encoding="utf-8")


each_platform = pytest.mark.parametrize("name", names())


@each_platform
def test_it_names_its_sources_and_an_autofind_list_that_is_known(name: str) -> None:
    platform = load(name)

    assert all(len(source) > 20 for source in platform.sources)
    assert platform.autofind in AUTOFIND
    assert "{service}" in platform.mark


@each_platform
def test_what_it_makes_it_also_takes_away(name: str) -> None:
    for made in load(name).objects:
        assert made.create or made.change, made.name
        assert made.delete or not made.create or getattr(made, "goes_with", None), made.name
        if made.shared:
            assert made.exists is not None, made.name
            assert made.ours is not None, made.name


@each_platform
def test_it_can_suspend_and_resume(name: str) -> None:
    platform = load(name)

    assert platform.admin.enabled != platform.admin.disabled
    assert any("admin" in made.change for made in platform.objects)


@each_platform
def test_its_general_refusal_stands_behind_the_special_ones(name: str) -> None:
    kinds = [failure.kind.value for failure in load(name).dialogue.failures]

    assert "busy" in kinds
    assert kinds[-1] == "rejected"


@each_platform
def test_its_fields_take_one_word_each(name: str) -> None:
    for fact, pattern in load(name).fields.items():
        for text in ("a b", "1\n", "1\n2", "\n", "a;b", 'a"b', "a|b", "a?b", "١", "ä"):
            assert not (text.isascii() and pattern.fullmatch(text)), f"fields.{fact} takes {text!r}"


def changed(old: str, new: str) -> str:
    assert old in HUAWEI
    return HUAWEI.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title = ", "Invalid value"),
        ('title = "x"', "Field required"),
        (changed('home = "config"', 'home = "nowhere"'), "there is no mode 'nowhere'"),
        (changed('mode = "gpon"', 'mode = "pon"'), "there is no mode 'pon'"),
        (changed("undo service-port {flow}", "undo service-port {index}"), "there is no fields.index"),
        (changed("interface gpon {card}", "interface gpon {board}"), "there is no fields.board"),
        (changed('"address", "ppp_user"]', '"address", "colour"]'), "no such properties: colour"),
        (changed('kind = "busy"', 'kind = "tired"'), "dialogue.failures"),
        (changed('autofind = "huawei"', 'autofind = "huawei"\ncolour = "blue"'), "colour: Extra inputs"),
        (changed("pattern = '\\(y/n\\)", "pattern = '(y/n\\)"), "dialogue.questions"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_the_place(text: str, why: str) -> None:
    with pytest.raises(PlatformError, match=re.escape(why)):
        parse("changed", text)


def test_a_platform_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(PlatformError, match="huawei-smartax"):
        load("huawei/../../../etc/passwd")


def test_the_example_is_valid_toml_of_its_own() -> None:
    assert tomllib.loads(HUAWEI)["title"] == load("huawei-smartax").title


# --- commands and facts ----------------------------------------------------------------------------------------------


def test_a_value_that_is_missing_or_of_the_wrong_form_is_named() -> None:
    platform = load("huawei-smartax")

    with pytest.raises(NotAllowed, match="onu_id is not known") as missing:
        command(platform, "ont delete {pon} {onu_id}", {"pon": "1"})
    with pytest.raises(NotAllowed, match="onu_id '1 all' has characters"):
        command(platform, "ont delete {pon} {onu_id}", {"pon": "1", "onu_id": "1 all"})

    assert missing.value.fact == "onu_id"
    assert command(platform, "ont delete {pon} {onu_id}", {"pon": "1", "onu_id": "2"}) == "ont delete 1 2"


def test_a_serial_is_wanted_in_every_form_and_a_port_in_its_parts() -> None:
    facts = wanted(load("huawei-smartax"), {"serial": "HWTC1A2B3C4D", "port": "0/ 12/3"})

    assert facts == {
        "serial": "HWTC1A2B3C4D",
        "serial_hex": "485754431A2B3C4D",
        "serial_vendor": "HWTC",
        "serial_specific": "1A2B3C4D",
        "port": "0/12/3",
        "card": "0/12",
        "frame": "0",
        "slot": "12",
        "pon": "3",
    }


def test_what_a_line_carries_holds_for_those_behind_it() -> None:
    query = Query(
        command="x",
        rules=(
            Rule(pattern=re.compile(r"^card (?P<card>\d)"), carry=True),
            Rule(pattern=re.compile(r"^onu (?P<onu_id>\d)"), also={"place": "{onu_id}"}),
        ),
    )

    found = rows(query, ["onu 0", "card 1", "onu 2", "noise", "card 3", "onu 4"])

    assert found == [
        Row({"onu_id": "0", "place": "0"}, None),
        Row({"card": "1"}, None),
        Row({"card": "1", "onu_id": "2", "place": "2"}, None),
        Row({"card": "3"}, None),
        Row({"card": "3", "onu_id": "4", "place": "4"}, None),
    ]


def test_the_first_of_a_kind_counts_and_the_others_are_kept_beside_it() -> None:
    facts = Facts()

    facts.learn({"flow": "1", "vlan": "10"}, "flow")
    facts.learn({"flow": "2", "vlan": "20"}, "flow")
    facts.learn({"flow": "1", "vlan": "10"}, "flow")

    assert facts.values == {"flow": "1", "vlan": "10"}
    assert facts.more == {"flow": [{"flow": "2", "vlan": "20"}]}


def test_an_answer_about_a_shared_object_goes_to_all_that_use_it() -> None:
    platform = load("huawei-smartax")
    query = next(each for each in platform.read_all if each.join == ("up_table",))
    onus = {
        ("0/1/0", "1"): Facts({"up_table": "7"}),
        ("0/1/0", "2"): Facts({"up_table": "8"}),
        ("0/1/0", "3"): Facts({}),
    }

    read_many(platform, query, ["  Traffic Table Index   : 7", "  CIR                   : 64 kbps"], onus)

    assert [facts.values.get("up_cir") for facts in onus.values()] == ["64", None, None]
