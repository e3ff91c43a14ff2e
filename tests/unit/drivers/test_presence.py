"""Who is on the fibres, as the OLT lists and announces it, in both dialects: one bad entry harms only itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from drivers.access import PresentDevice
from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.dialects import I1, I3, Dialect
from drivers.netconf_bbf.presence import (
    Announcement,
    announced_onus,
    presence_of,
    present_onus,
    v_ani_presence,
    v_ani_states,
)
from pon.onu import Presence
from tests.unit.drivers.plants import WANTED, bare, provisioned
from tests.unit.drivers.wire import I1_WIRE, I3_WIRE, WIRES, Wire

FROM_OB_BAA = """<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">
  <eventTime>2026-07-25T05:53:36+00:00</eventTime>
  <o:onu-state-change xmlns:o="urn:bbf:yang:bbf-xpon-onu-states">
    <o:detected-serial-number>ABCD12345678</o:detected-serial-number>
    <o:onu-id>1</o:onu-id>
    <o:channel-termination-ref>CT_1</o:channel-termination-ref>
    <o:onu-state>onu-present-and-unexpected</o:onu-state>
    <o:onu-state-last-change>2026-07-25T05:53:36+00:00</o:onu-state-last-change>
  </o:onu-state-change></notification>"""
"""The leaves, their order and the state without a prefix as OB-BAA documents them (docs/architecture/voltmf)."""


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


def data(wire: Wire, *parts: str) -> etree._Element:
    return etree.fromstring(f"<data {wire.prefixes}>{''.join(parts)}</data>")


SAME_IN_BOTH = [
    ("onu-present", Presence.UNKNOWN),
    ("onu-present-and-on-intended-channel-termination", Presence.INTENDED),
    ("onu-present-and-emergency-stopped", Presence.IN_ERROR),
    ("a-state-of-a-later-issue", Presence.IN_ERROR),
    ("onu-present-and-a-state-of-a-later-issue", Presence.IN_ERROR),
    ("onu-presented", Presence.IN_ERROR),
    ("", Presence.IN_ERROR),
    ("onu-not-present", Presence.ABSENT),
    ("onu-not-present-with-v-ani", Presence.ABSENT),
    ("onu-not-present-without-v-ani", Presence.ABSENT),
    ("onu-present-and-no-v-ani-known-and-o5-failed", Presence.UNKNOWN),
    ("onu-present-and-no-v-ani-known-and-o5-failed-no-onu-id", Presence.UNKNOWN),
    ("onu-present-and-no-v-ani-known-and-in-o5", Presence.UNKNOWN),
    ("onu-present-and-no-v-ani-known-and-unclaimed", Presence.UNKNOWN),
    ("onu-present-and-in-wavelength-discovery", Presence.MISPLACED),
    ("onu-present-and-discovery-tune-failed", Presence.MISPLACED),
    ("onu-present-and-v-ani-known-but-intended-ct-unknown", Presence.MISPLACED),
    ("onu-present-and-v-ani-known-and-o5-failed-undefined", Presence.IN_ERROR),
]
ONLY_IN_I1 = [
    ("onu-present-and-unexpected", Presence.UNKNOWN),
    ("onu-present-and-in-discovery", Presence.MISPLACED),
    ("onu-present-and-discovery-tune-fail", Presence.MISPLACED),
]


@pytest.mark.parametrize(
    ("dialect", "state", "meaning"),
    [(dialect, *row) for dialect in (I3, I1) for row in SAME_IN_BOTH]
    + [(I1, *row) for row in ONLY_IN_I1]
    + [(I3, state, Presence.IN_ERROR) for state, _ in ONLY_IN_I1],
    ids=lambda value: value.issue if isinstance(value, Dialect) else str(value),
)
def test_what_a_state_means(dialect: Dialect, state: str, meaning: Presence) -> None:
    assert presence_of(state, dialect) is meaning


def test_every_state_of_the_modules_has_a_meaning(data_folder: Path) -> None:
    [module] = (data_folder / "yang").glob("bbf-xpon-onu-types@*.yang")
    states = {line.split()[1] for line in module.read_text().splitlines() if line.strip().startswith("identity onu-")}

    assert len(states) > 10
    errors = {state for state in states if presence_of(state, I3) is Presence.IN_ERROR}
    assert errors - {"onu-presence-state-base"} == {
        "onu-present-and-v-ani-known-and-o5-failed",
        "onu-present-and-v-ani-known-and-o5-failed-no-onu-id",
        "onu-present-and-v-ani-known-and-o5-failed-undefined",
        "onu-present-and-emergency-stopped",
    }


def test_a_listing_gives_every_onu_on_its_port_normalised(wire: Wire) -> None:
    listed = data(
        wire,
        wire.listing("1/1/1", wire.onu("hwtc1a2b3c4d", onu_id="7"), wire.onu("ALCL0000CAFE")),
        wire.listing("1/1/2", wire.onu("ALCL0000CAFE")),
    )

    found, malformed = present_onus(listed, index(listed), wire.dialect)

    assert malformed == []
    assert found == [
        PresentDevice("1/1/1", "HWTC1A2B3C4D", Presence.UNKNOWN, wire.unknown, onu_id=7),
        PresentDevice("1/1/1", "ALCL0000CAFE", Presence.UNKNOWN, wire.unknown),
        PresentDevice("1/1/2", "ALCL0000CAFE", Presence.UNKNOWN, wire.unknown),
    ]


def test_what_the_other_dialect_lists_is_not_there(wire: Wire) -> None:
    other = next(other for other in WIRES.values() if other is not wire)
    listed = data(other, other.listing("1/1/1", other.onu("HWTC1A2B3C4D")))

    assert present_onus(listed, index(listed), wire.dialect) == ([], [])


@pytest.mark.parametrize(
    ("wire", "written", "read"),
    [
        (I3_WIRE, "30314c", "30314c"),
        (I1_WIRE, "01L", "30314C"),
        (I1_WIRE, "ü", "C3BC"),
        (I1_WIRE, "30314C" + "00" * 33, "30314C" + "00" * 33),
    ],
    ids=["i3-hex", "i1-text", "i1-not-ascii", "i1-hex-nevertheless"],
)
def test_a_registration_id_is_read_as_hex(wire: Wire, written: str, read: str) -> None:
    message = wire.notification(wire.onu("HWTC1A2B3C4D", detected_registration_id=written))

    [onu] = announced_onus(message, wire.dialect).onus

    assert onu.registration_id == read


BAD: dict[str, Callable[[Wire], str]] = {
    "empty": lambda wire: "",
    "no-serial": lambda wire: wire.onu("nonsense"),
    "no-state": lambda wire: "<s:detected-serial-number>ALCL0000CAFE</s:detected-serial-number>",
    "no-number": lambda wire: wire.onu("ALCL0000CAFE", onu_id="first"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_malformed_entry_is_named_and_harms_only_itself(wire: Wire, bad: str) -> None:
    entries = (wire.onu("HWTC00000001"), BAD[bad](wire), wire.onu("HWTC00000002"))
    listed = data(wire, wire.listing("1/1/1", *entries))

    found, malformed = present_onus(listed, index(listed), wire.dialect)
    announcement = announced_onus(wire.notification(*entries), wire.dialect)

    for onus, named in ((found, malformed), (announcement.onus, announcement.malformed)):
        assert [onu.device for onu in onus] == ["HWTC00000001", "HWTC00000002"]
        assert len(named) == 1
        assert "1/1/1" in str(named[0])


@pytest.mark.parametrize(
    ("wire", "state", "at_home"),
    [
        (I3_WIRE, "onu-present-and-v-ani-known-and-o5-failed-undefined", Presence.IN_ERROR),
        (I1_WIRE, "onu-present", Presence.UNKNOWN),
    ],
    ids=WIRES,
)
def test_an_onu_whose_v_ani_belongs_elsewhere_is_misplaced_whatever_its_state(
    wire: Wire, state: str, at_home: Presence
) -> None:
    seen = wire.onu(WANTED.device, state, v_ani_ref=f"vani-{WANTED.device}")
    configuration = index(provisioned(bare(), WANTED))

    [there], _ = present_onus(data(wire, wire.listing("1/1/2", seen)), configuration, wire.dialect)
    [here], _ = present_onus(data(wire, wire.listing("1/1/1", seen)), configuration, wire.dialect)

    assert (there.presence, there.raw_state) == (Presence.MISPLACED, state)
    assert here.presence is at_home


def test_an_announcement_gives_the_onu(wire: Wire) -> None:
    came = announced_onus(wire.notification(wire.onu("HWTC1A2B3C4D", onu_id="3")), wire.dialect)
    went = announced_onus(wire.notification(wire.onu("HWTC1A2B3C4D", "onu-not-present-without-v-ani")), wire.dialect)

    assert came == Announcement((PresentDevice("1/1/1", "HWTC1A2B3C4D", Presence.UNKNOWN, wire.unknown, onu_id=3),))
    assert [onu.presence for onu in went.onus] == [Presence.ABSENT]


def test_an_announcement_as_ob_baa_shows_it_gives_the_onu() -> None:
    assert announced_onus(FROM_OB_BAA, I1).onus == (
        PresentDevice("CT_1", "ABCD12345678", Presence.UNKNOWN, "onu-present-and-unexpected", onu_id=1),
    )


def test_an_announcement_in_another_dialect_is_counted_and_gives_nothing(wire: Wire) -> None:
    other = next(other for other in WIRES.values() if other is not wire)
    message = other.notification(other.onu("HWTC00000001"), other.onu("garbage"))

    assert announced_onus(message, wire.dialect) == Announcement(foreign=2)


def test_another_notification_announces_nothing(wire: Wire) -> None:
    assert announced_onus("<notification><alarm/></notification>", wire.dialect) == Announcement()


def test_a_malformed_announcement_is_named(wire: Wire) -> None:
    nowhere = announced_onus(wire.notification(wire.onu("HWTC1A2B3C4D"), port=None), wire.dialect)
    no_xml = announced_onus("<notification", wire.dialect)

    assert [str(entry) for entry in nowhere.malformed] == [
        "notification from no port: the port's name, detected-serial-number and the ONU's state are mandatory"
    ]
    assert [entry.where for entry in no_xml.malformed] == ["notification"]
    assert nowhere.onus == no_xml.onus == ()


@pytest.mark.parametrize(
    ("state", "seen_on", "presence_there"),
    [
        ("onu-present-and-on-intended-channel-termination", "1/1/1", Presence.INTENDED),
        ("onu-present-and-v-ani-known-and-o5-failed-undefined", "1/1/2", Presence.MISPLACED),
        ("onu-present", "1/1/2", Presence.MISPLACED),
        ("onu-not-present-with-v-ani", None, Presence.ABSENT),
        (None, None, Presence.ABSENT),
    ],
)
def test_a_v_ani_tells_of_its_onu(wire: Wire, state: str | None, seen_on: str | None, presence_there: Presence) -> None:
    leaf = "" if state is None else f"<vs:{wire.state}>t:{state}</vs:{wire.state}>"
    seen = (
        ""
        if seen_on is None
        else "<v:onu-present-on-this-olt><v:onu-present-on-this-channel-termination>"
        f"{seen_on}</v:onu-present-on-this-channel-termination></v:onu-present-on-this-olt>"
    )
    interface = f"<if:interface><if:name>vani-1</if:name><v:v-ani>{leaf}{seen}</v:v-ani></if:interface>"

    found = v_ani_states(data(wire, f"<if:interfaces-state>{interface}</if:interfaces-state>"))

    assert v_ani_presence(found["vani-1"], "1/1/1", wire.dialect) is presence_there
    assert v_ani_presence(found.get("vani-2"), "1/1/1", wire.dialect) is Presence.ABSENT
