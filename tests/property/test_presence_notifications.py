"""Whatever an OLT sends as a notification, in either dialect: ONUs, or what is wrong with it, named and counted."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from drivers.access import PresentDevice
from drivers.netconf.xml import NOTIFICATION
from drivers.netconf_bbf import xml
from drivers.netconf_bbf.dialects import DIALECTS, Dialect
from drivers.netconf_bbf.presence import Announcement, announced_onus, presence_of
from pon.onu import Presence
from pon.serial import is_canonical, normalise
from tests.unit.drivers.wire import WIRES, Wire

Element = etree._Element

dialects = st.sampled_from(DIALECTS)
wires = st.sampled_from(sorted(WIRES)).map(WIRES.__getitem__)
states = st.sampled_from(sorted({name for dialect in DIALECTS for name in dialect.meanings}))
serials = st.from_regex(r"[A-Za-z0-9]{4}[0-9A-Fa-f]{8}", fullmatch=True)
said = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=40)
words = said | serials | states.map("t:{}".format) | states | st.integers().map(str)
namespaces = st.sampled_from(
    (NOTIFICATION, xml.INTERFACES, xml.XPON, xml.ONU_STATE, xml.ONU_STATES, xml.V_ANI, "urn:example")
)
LEAVES = ("name", "channel-termination-ref", "onu-id", "detected-registration-id", "v-ani-ref", "eventTime")
CONTAINERS = ("notification", "interfaces-state", "interface", "channel-termination", "onu")
MEANT = ("onu-presence-state-change", "onu-state-change", "detected-serial-number", "onu-presence-state", "onu-state")
names = st.sampled_from(LEAVES + CONTAINERS + MEANT)


def tree(nodes: list[tuple[int, str, str, str]]) -> Element:
    """A tree of nodes in document order: each one's depth (at most one below the last), namespace, name and text."""
    root = etree.Element(f"{{{NOTIFICATION}}}notification")
    path = [root]
    for depth, namespace, name, text in nodes:
        del path[depth + 1 :]
        made = etree.SubElement(path[-1], f"{{{namespace}}}{name}")
        made.text = text
        path.append(made)
    return root


trees = st.lists(st.tuples(st.integers(0, 5), namespaces, names, words), max_size=12).map(tree)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, bytes]:
    """A dialect's issue and its notification, whole but for some leaves that hold anything, or are missing or twice."""
    issue = draw(st.sampled_from(sorted(WIRES)))
    wire = WIRES[issue]
    onus = [wire.onu("HWTC00000001", draw(states), onu_id="1", detected_registration_id="30", v_ani_ref="v")] * draw(
        st.integers(1, 3)
    )
    root = etree.fromstring(wire.notification(*onus))
    for leaf in [found for found in root.iter(etree.Element) if len(found) == 0]:
        match draw(st.sampled_from(("kept", "kept", "kept", "spoiled", "missing", "twice"))):
            case "spoiled":
                leaf.text = draw(words)
            case "missing":
                cast("Element", leaf.getparent()).remove(leaf)
            case "twice":
                leaf.addnext(etree.fromstring(etree.tostring(leaf, with_tail=False)))
    return issue, etree.tostring(root)


def hear(raw: str | bytes, dialect: Dialect) -> Announcement:
    """Read a notification, and look at everything that came of it."""
    announcement = announced_onus(raw, dialect)
    for onu in announcement.onus:
        assert isinstance(onu, PresentDevice)
        assert is_canonical(onu.device)
        assert onu.port
        assert onu.presence is presence_of(onu.raw_state, dialect)
    for malformed in announcement.malformed:
        assert malformed.where.startswith("notification")
        assert malformed.reason
    assert announcement.foreign >= 0
    return announcement


@given(st.binary(max_size=300) | st.text(max_size=300), dialects)
def test_any_bytes_are_no_notification_or_one(raw: bytes | str, dialect: Dialect) -> None:
    hear(raw, dialect)


@given(st.binary(max_size=80), st.sampled_from(("utf-8", "utf-16", "latin-1", "nonsense", "")), dialects)
def test_any_bytes_behind_a_declaration_are_answered(raw: bytes, encoding: str, dialect: Dialect) -> None:
    hear(f'<?xml version="1.0" encoding="{encoding}"?><notification>'.encode() + raw + b"</notification>", dialect)


@given(trees, dialects)
def test_any_tree_is_answered(root: Element, dialect: Dialect) -> None:
    hear(etree.tostring(root), dialect)


@given(changes())
def test_every_change_is_an_onu_or_named_here_and_foreign_there(change: tuple[str, bytes]) -> None:
    issue, raw = change
    count = sum(1 for _ in etree.fromstring(raw).iter(f"{{*}}{WIRES[issue].change}"))

    for wire in WIRES.values():
        announcement = hear(raw, wire.dialect)
        if wire is WIRES[issue]:
            assert len(announcement.onus) + len(announcement.malformed) == count
            assert announcement.foreign == 0
        else:
            assert announcement == Announcement(foreign=count)


@given(st.integers(0, 700), wires, dialects)
def test_any_truncation_is_named(length: int, wire: Wire, dialect: Dialect) -> None:
    whole = wire.notification(wire.onu("HWTC00000001"))

    announcement = hear(whole[: min(length, len(whole) - 1)], dialect)

    assert announcement.onus == ()
    assert len(announcement.malformed) == 1


@given(st.lists(st.tuples(serials, states), min_size=1, max_size=5), wires, st.integers(0, 1020))
def test_what_is_announced_is_heard_as_it_was_meant(told: list[tuple[str, str]], wire: Wire, onu_id: int) -> None:
    message = wire.notification(*(wire.onu(serial, state, onu_id=str(onu_id)) for serial, state in told))

    announcement = hear(message, wire.dialect)

    assert [(onu.device, onu.raw_state) for onu in announcement.onus] == [
        (normalise(serial), state) for serial, state in told
    ]
    assert {(onu.port, onu.onu_id) for onu in announcement.onus} == {("1/1/1", onu_id)}


@given(st.text(max_size=60) | states, states, dialects)
def test_a_state_derived_from_another_means_the_same_unless_it_has_a_meaning_of_its_own(
    suffix: str, state: str, dialect: Dialect
) -> None:
    assert isinstance(presence_of(suffix, dialect), Presence)
    if state in dialect.meanings and not any(name.startswith(f"{state}-") for name in dialect.meanings):
        assert presence_of(f"{state}-{suffix}", dialect) is dialect.meanings[state]
