"""Subtree filters (RFC 6241 §6) select what the RFC says, and keys come along (RFC 7950 §7.8.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.unit.lab_olt.trees import plain, tree
from ztpd.lab.netconf.subtree import select

INTERFACES = """
<if:interfaces>
  <if:interface><if:name>a</if:name><if:enabled>true</if:enabled>
    <vani:v-ani><vani:onu-id>1</vani:onu-id><vani:expected-serial-number>S1</vani:expected-serial-number></vani:v-ani>
  </if:interface>
  <if:interface><if:name>b</if:name><if:enabled>false</if:enabled>
    <vani:v-ani><vani:onu-id>2</vani:onu-id><vani:expected-serial-number>S2</vani:expected-serial-number></vani:v-ani>
  </if:interface>
  <if:interface><if:name>c</if:name><if:enabled>true</if:enabled></if:interface>
</if:interfaces>
"""
LINKS = "<lt:link-table><lt:link-table><lt:from-interface>x</lt:from-interface></lt:link-table></lt:link-table>"
A = "<if:interface><if:name>a</if:name>{}</if:interface>"
B = "<if:interface><if:name>b</if:name>{}</if:interface>"
C = "<if:interface><if:name>c</if:name>{}</if:interface>"
V1 = (
    "<vani:v-ani><vani:onu-id>1</vani:onu-id><vani:expected-serial-number>S1</vani:expected-serial-number></vani:v-ani>"
)
V2 = V1.replace("1<", "2<")
ON = "<if:enabled>true</if:enabled>"


def interfaces(*entries: str) -> str:
    return f"<if:interfaces>{''.join(entries)}</if:interfaces>"


@pytest.mark.parametrize(
    ("criteria", "selected"),
    [
        pytest.param("", "", id="an empty filter selects nothing"),
        pytest.param("<if:interfaces/>", INTERFACES, id="a selection node selects all below"),
        pytest.param("<lt:link-table/>", LINKS, id="only what is named"),
        pytest.param(
            "<if:interfaces><if:interface><if:enabled/></if:interface></if:interfaces>",
            interfaces(A.format(ON), B.format("<if:enabled>false</if:enabled>"), C.format(ON)),
            id="keys come along",
        ),
        pytest.param(
            "<if:interfaces><if:interface><if:name>c</if:name></if:interface></if:interfaces>",
            interfaces(C.format(ON)),
            id="a content match alone selects the whole entry",
        ),
        pytest.param(
            "<if:interfaces><if:interface><if:name>a</if:name><if:enabled/></if:interface></if:interfaces>",
            interfaces(A.format(ON)),
            id="a content match beside a selection limits to it",
        ),
        pytest.param(
            "<if:interfaces><if:interface><vani:v-ani/></if:interface></if:interfaces>",
            interfaces(A.format(V1), B.format(V2)),
            id="entries without the selected container are left out",
        ),
        pytest.param(
            "<if:interfaces><if:interface><vani:v-ani><vani:expected-serial-number>S2</vani:expected-serial-number>"
            "</vani:v-ani></if:interface></if:interfaces>",
            interfaces(B.format(V2)),
            id="a content match deeper down selects that container and the keys above",
        ),
        pytest.param(
            "<if:interfaces><if:interface><if:name>a</if:name><if:enabled>false</if:enabled></if:interface></if:interfaces>",
            "",
            id="all content matches must hold",
        ),
        pytest.param(
            "<if:interfaces><if:interface><if:name>c</if:name></if:interface>"
            "<if:interface><vani:v-ani/></if:interface></if:interfaces>",
            interfaces(A.format(V1), B.format(V2), C.format(ON)),
            id="several filters for one list are joined",
        ),
        pytest.param(
            "<if:interfaces><if:interface><if:name>a</if:name><if:enabled/></if:interface>"
            "<if:interface><if:name>a</if:name><vani:v-ani/></if:interface></if:interfaces>",
            interfaces(A.format(ON + V1)),
            id="and so are several for one entry",
        ),
        pytest.param(
            '<interfaces xmlns=""><interface><name>c</name></interface></interfaces>',
            interfaces(C.format(ON)),
            id="no namespace is any namespace",
        ),
        pytest.param("<fwd:interfaces/>", "", id="another namespace is another name"),
    ],
)
def test_filters(criteria: str, selected: str) -> None:
    chosen = select(tree(INTERFACES + LINKS, "nc:data"), tree(criteria, "nc:filter"))

    assert [plain(top) for top in chosen] == [plain(top) for top in tree(selected, "nc:data")]


names = st.lists(st.sampled_from("abcz"), max_size=4)


@given(names)
def test_entries_by_name_are_those_that_there_are_each_once_and_in_order(wanted: list[str]) -> None:
    criteria = "".join(f"<if:interface><if:name>{name}</if:name></if:interface>" for name in wanted)

    # With nothing inside, the container itself is the selection.
    chosen = select(tree(INTERFACES, "nc:data"), tree(interfaces(criteria), "nc:filter"))

    found = [name.text for top in chosen for name in top.iter("{*}name")]
    assert found == [name for name in "abc" if name in wanted or not wanted]


def test_the_tree_that_is_read_stays_as_it_was() -> None:
    data = tree(INTERFACES, "nc:data")
    before = etree.tostring(data)

    select(data, tree("<if:interfaces><if:interface><if:name>a</if:name></if:interface></if:interfaces>", "nc:filter"))

    assert etree.tostring(data) == before
