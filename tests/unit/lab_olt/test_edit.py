"""The operations of edit-config (RFC 6241 §7.2), each on what exists and on what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.unit.lab_olt.trees import plain, tree
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.olt.edit import edited

GEMS = "<gem:xpongemtcont><gem:gemports>{}</gem:gemports></gem:xpongemtcont>"
A = "<gem:gemport><gem:name>a</gem:name><gem:gemport-id>1</gem:gemport-id></gem:gemport>"
B = "<gem:gemport><gem:name>b</gem:name><gem:gemport-id>2</gem:gemport-id></gem:gemport>"
CLASS = "<gem:traffic-class>5</gem:traffic-class>"


def gem(operation: str | None, name: str, content: str = "") -> str:
    attribute = "" if operation is None else f' nc:operation="{operation}"'
    return f"<gem:gemport{attribute}><gem:name>{name}</gem:name>{content}</gem:gemport>"


@pytest.mark.parametrize(
    ("before", "change", "default", "after"),
    [
        (A, gem(None, "a", CLASS), "merge", A.replace("</gem:gemport>", CLASS + "</gem:gemport>")),
        (A, B, "merge", A + B),
        (A, gem("merge", "a", "<gem:gemport-id>9</gem:gemport-id>"), "none", A.replace("1<", "9<")),
        (A + B, gem("replace", "a", CLASS), "merge", gem(None, "a", CLASS) + B),
        (A, gem("replace", "c", CLASS), "none", A + gem(None, "c", CLASS)),
        (A, gem("create", "b", "<gem:gemport-id>2</gem:gemport-id>"), "merge", A + B),
        (A + B, gem("delete", "b"), "merge", A),
        (A + B, gem("remove", "b"), "none", A),
        (A, gem("remove", "b"), "merge", A),
        (A, gem(None, "a"), "none", A),
        (A + B, B, "replace", B),
        (A, gem(None, "a", '<gem:gemport-id nc:operation="remove"/>'), "merge", gem(None, "a")),
        (
            A,
            gem("replace", "a", '<gem:gemport-id nc:operation="remove">1</gem:gemport-id>' + CLASS),
            "merge",
            gem(None, "a", CLASS),
        ),
    ],
)
def test_operations(before: str, change: str, default: str, after: str) -> None:
    running = tree(GEMS.format(before))

    result = edited(running, tree(GEMS.format(change)), default)

    assert plain(result) == plain(tree(GEMS.format(after)))
    assert plain(running) == plain(tree(GEMS.format(before))), "the old tree is not changed"


@pytest.mark.parametrize(
    ("change", "default", "tag", "path"),
    [
        (gem("create", "a"), "merge", "data-exists", "/xpongemtcont/gemports/gemport['a']"),
        (gem("delete", "z"), "merge", "data-missing", "/xpongemtcont/gemports/gemport['z']"),
        (gem(None, "z"), "none", "data-missing", "/xpongemtcont/gemports/gemport['z']"),
        ("<gem:gemport/>", "merge", "missing-element", "/xpongemtcont/gemports/gemport"),
        (gem("erase", "a"), "merge", "bad-attribute", "/xpongemtcont/gemports/gemport['a']"),
        (gem(None, "a"), "erase", "invalid-value", None),
    ],
)
def test_what_cannot_be_done_is_an_rpc_error(change: str, default: str, tag: str, path: str | None) -> None:
    with pytest.raises(RpcError) as caught:
        edited(tree(GEMS.format(A)), tree(GEMS.format(change)), default)

    assert (caught.value.tag, caught.value.path) == (tag, path)


def test_a_module_that_the_server_does_not_have_is_refused() -> None:
    with pytest.raises(RpcError) as caught:
        edited(tree(""), tree('<x xmlns="urn:example:x"/>'))

    assert caught.value.tag == "unknown-namespace"
    assert ("bad-namespace", "urn:example:x") in caught.value.info


def test_an_edit_that_fails_halfway_changes_nothing() -> None:
    running = tree(GEMS.format(A))
    with pytest.raises(RpcError):
        edited(running, tree(GEMS.format(B + gem("create", "a"))))

    assert plain(running) == plain(tree(GEMS.format(A)))


def test_values_of_a_leaf_list_are_told_apart_by_identity_and_not_by_prefix() -> None:
    port = (
        "<if:interfaces><if:interface><if:name>p</if:name><xpon:channel-termination>{}</xpon:channel-termination>"
        "</if:interface></if:interfaces>"
    )
    leaf = "<onus:notifiable-onu-presence-states>{}</onus:notifiable-onu-presence-states>"
    running = edited(tree(""), tree(port.format(leaf.format("ot:onu-present"))))
    other_prefix = leaf.format("x:onu-present").replace(">x", ' xmlns:x="urn:bbf:yang:bbf-xpon-onu-types">x')

    same = edited(running, tree(port.format(other_prefix)))
    more = edited(running, tree(port.format(leaf.format("ot:onu-not-present"))))

    states = "{urn:bbf:yang:bbf-xpon-onu-state}notifiable-onu-presence-states"
    assert [len(list(result.iter(states))) for result in (running, same, more)] == [1, 1, 2]


def test_a_prefix_declared_far_above_survives_wherever_the_value_goes() -> None:
    running = edited(
        tree(""),
        tree(
            "<if:interfaces><if:interface><if:name>a</if:name><if:type>ot:onu-present</if:type></if:interface></if:interfaces>"
        ),
    )

    [leaf] = running.iter("{urn:ietf:params:xml:ns:yang:ietf-interfaces}type")

    assert etree.fromstring(etree.tostring(leaf)).nsmap["ot"] == "urn:bbf:yang:bbf-xpon-onu-types"


names = st.sampled_from("abcd")
edits = st.lists(
    st.tuples(st.sampled_from(["merge", "replace", "remove"]), names, st.integers(0, 7)),
    max_size=6,
    unique_by=lambda e: e[1],
)


@given(st.dictionaries(names, st.integers(0, 7)), edits)
def test_an_edit_does_to_entries_what_a_dictionary_would(
    before: dict[str, int], changes: list[tuple[str, str, int]]
) -> None:
    def entry(operation: str | None, name: str, number: int) -> str:
        return gem(operation, name, f"<gem:gemport-id>{number}</gem:gemport-id>")

    running = tree(GEMS.format("".join(entry(None, *item) for item in before.items())))
    expected = dict(before)
    for operation, name, number in changes:
        if operation == "remove":
            expected.pop(name, None)
        else:
            expected[name] = number

    result = edited(running, tree(GEMS.format("".join(entry(*change) for change in changes))))
    again = edited(result, tree(GEMS.format("".join(entry(*change) for change in changes))))

    found = {
        gemport.findtext("{*}name"): int(gemport.findtext("{*}gemport-id") or -1)
        for gemport in result.iter("{*}gemport")
    }
    assert found == expected
    assert plain(again) == plain(result), "doing it twice is doing it once"
