"""Who is on the fibres, as the OLT lists and announces it: one bad entry harms only itself."""

from pathlib import Path

import pytest
from lxml import etree

from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.presence import (
    MalformedEntry,
    announced_onus,
    presence_of,
    present_onus,
    v_ani_presence,
    v_ani_states,
)
from pon.onu import Presence, PresentOnu
from pon.serial import SerialError
from tests.unit.drivers.plants import WANTED, bare, provisioned

ONU_STATE = "urn:bbf:yang:bbf-xpon-onu-state"
NAMESPACES = (
    'xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces" xmlns:x="urn:bbf:yang:bbf-xpon" '
    f'xmlns:s="{ONU_STATE}" xmlns:v="urn:bbf:yang:bbf-xponvani"'
)
UNKNOWN_STATE = "onu-present-and-no-v-ani-known-and-unclaimed"


def entry(serial: str, state: str = UNKNOWN_STATE, extra: str = "") -> str:
    return (
        f"<s:detected-serial-number>{serial}</s:detected-serial-number>"
        f"<s:onu-presence-state>t:{state}</s:onu-presence-state>{extra}"
    )


def listing(port: str, *entries: str) -> str:
    onus = "".join(f"<s:onu>{content}</s:onu>" for content in entries)
    return (
        f"<interfaces-state {NAMESPACES}><interface><name>{port}</name><x:channel-termination>"
        f"<s:onus-present-on-local-channel-termination>{onus}</s:onus-present-on-local-channel-termination>"
        "</x:channel-termination></interface></interfaces-state>"
    )


def data(*parts: str) -> etree._Element:
    return etree.fromstring(f"<data>{''.join(parts)}</data>")


def announcement(content: str, port: str = "<name>1/1/1</name>") -> etree._Element:
    return etree.fromstring(
        '<n:notification xmlns:n="urn:ietf:params:xml:ns:netconf:notification:1.0">'
        "<n:eventTime>2026-01-01T00:00:00Z</n:eventTime>"
        f"<interfaces-state {NAMESPACES}><interface>{port}<x:channel-termination>"
        f"<s:onu-presence-state-change>{content}</s:onu-presence-state-change>"
        "</x:channel-termination></interface></interfaces-state></n:notification>"
    )


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ("onu-present", Presence.UNKNOWN),
        ("onu-present-and-no-v-ani-known-and-o5-failed", Presence.UNKNOWN),
        ("onu-present-and-no-v-ani-known-and-o5-failed-no-onu-id", Presence.UNKNOWN),
        ("onu-present-and-no-v-ani-known-and-in-o5", Presence.UNKNOWN),
        ("onu-present-and-no-v-ani-known-and-unclaimed", Presence.UNKNOWN),
        ("onu-present-and-on-intended-channel-termination", Presence.INTENDED),
        ("onu-present-and-in-wavelength-discovery", Presence.MISPLACED),
        ("onu-present-and-discovery-tune-failed", Presence.MISPLACED),
        ("onu-present-and-v-ani-known-but-intended-ct-unknown", Presence.MISPLACED),
        ("onu-present-and-v-ani-known-and-o5-failed-undefined", Presence.IN_ERROR),
        ("onu-present-and-emergency-stopped", Presence.IN_ERROR),
        ("a-state-of-a-later-issue", Presence.IN_ERROR),
        ("onu-not-present", Presence.ABSENT),
        ("onu-not-present-with-v-ani", Presence.ABSENT),
        ("onu-not-present-without-v-ani", Presence.ABSENT),
    ],
)
def test_what_a_state_means(state: str, meaning: Presence) -> None:
    assert presence_of(state) is meaning


def test_every_state_of_the_modules_has_a_meaning(data_folder: Path) -> None:
    [module] = (data_folder / "yang").glob("bbf-xpon-onu-types@*.yang")
    states = {line.split()[1] for line in module.read_text().splitlines() if line.strip().startswith("identity onu-")}

    assert len(states) > 10
    errors = {state for state in states if presence_of(state) is Presence.IN_ERROR}
    assert errors - {"onu-presence-state-base"} == {
        "onu-present-and-v-ani-known-and-o5-failed",
        "onu-present-and-v-ani-known-and-o5-failed-no-onu-id",
        "onu-present-and-v-ani-known-and-o5-failed-undefined",
        "onu-present-and-emergency-stopped",
    }


def test_a_listing_gives_every_onu_on_its_port_normalised() -> None:
    listed = data(
        listing("1/1/1", entry("hwtc1a2b3c4d", extra="<s:onu-id>7</s:onu-id>"), entry("ALCL0000CAFE")),
        listing(
            "1/1/2",
            entry("ALCL0000CAFE", extra="<s:detected-registration-id>3031</s:detected-registration-id>"),
        ),
    )

    found, malformed = present_onus(listed, index(listed))

    assert malformed == []
    assert found == [
        PresentOnu("1/1/1", "HWTC1A2B3C4D", Presence.UNKNOWN, UNKNOWN_STATE, onu_id=7),
        PresentOnu("1/1/1", "ALCL0000CAFE", Presence.UNKNOWN, UNKNOWN_STATE),
        PresentOnu("1/1/2", "ALCL0000CAFE", Presence.UNKNOWN, UNKNOWN_STATE, registration_id="3031"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        entry("nonsense"),
        "<s:detected-serial-number>ALCL0000CAFE</s:detected-serial-number>",
        entry("ALCL0000CAFE", extra="<s:onu-id>first</s:onu-id>"),
    ],
    ids=["empty", "no-serial", "no-state", "no-number"],
)
def test_a_malformed_entry_is_named_and_harms_only_itself(bad: str) -> None:
    listed = data(listing("1/1/1", entry("HWTC00000001"), bad, entry("HWTC00000002")))

    found, malformed = present_onus(listed, index(listed))

    assert [onu.serial for onu in found] == ["HWTC00000001", "HWTC00000002"]
    assert len(malformed) == 1
    assert "1/1/1" in str(malformed[0])


def test_an_onu_whose_v_ani_belongs_elsewhere_is_misplaced_whatever_its_state() -> None:
    state = "onu-present-and-v-ani-known-and-o5-failed-undefined"
    seen = entry(WANTED.serial, state, f"<s:v-ani-ref>vani-{WANTED.serial}</s:v-ani-ref>")
    configuration = index(provisioned(bare(), WANTED))

    [elsewhere], _ = present_onus(data(listing("1/1/2", seen)), configuration)
    [at_home], _ = present_onus(data(listing("1/1/1", seen)), configuration)

    assert (elsewhere.presence, elsewhere.raw_state) == (Presence.MISPLACED, state)
    assert at_home.presence is Presence.IN_ERROR


def test_an_announcement_gives_the_onu() -> None:
    message = announcement(entry("HWTC1A2B3C4D", "onu-present-and-no-v-ani-known-and-in-o5"))

    assert list(announced_onus(message)) == [
        PresentOnu("1/1/1", "HWTC1A2B3C4D", Presence.UNKNOWN, "onu-present-and-no-v-ani-known-and-in-o5")
    ]


def test_another_notification_announces_nothing() -> None:
    assert list(announced_onus(etree.fromstring("<notification><alarm/></notification>"))) == []


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (announcement(""), MalformedEntry),
        (announcement(entry("HWTC1A2B3C4D"), port=""), MalformedEntry),
        (announcement(entry("garbage")), SerialError),
    ],
)
def test_a_malformed_announcement_is_a_named_error(message: etree._Element, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(announced_onus(message))


@pytest.mark.parametrize(
    ("state", "seen_on", "presence_there"),
    [
        ("onu-present-and-on-intended-channel-termination", "1/1/1", Presence.INTENDED),
        ("onu-present-and-v-ani-known-and-o5-failed-undefined", "1/1/2", Presence.MISPLACED),
        ("onu-not-present-with-v-ani", None, Presence.ABSENT),
        (None, None, Presence.ABSENT),
    ],
)
def test_a_v_ani_tells_of_its_onu(state: str | None, seen_on: str | None, presence_there: Presence) -> None:
    leaf = "" if state is None else f"<v:onu-presence-state>t:{state}</v:onu-presence-state>"
    seen = (
        ""
        if seen_on is None
        else "<v:onu-present-on-this-olt><v:onu-present-on-this-channel-termination>"
        f"{seen_on}</v:onu-present-on-this-channel-termination></v:onu-present-on-this-olt>"
    )
    states = data(
        f"<interfaces-state {NAMESPACES}><interface><name>vani-1</name><v:v-ani>{leaf}{seen}</v:v-ani></interface>"
        "</interfaces-state>"
    )

    found = v_ani_states(states)

    assert v_ani_presence(found["vani-1"], "1/1/1") is presence_there
    assert v_ani_presence(found.get("vani-2"), "1/1/1") is Presence.ABSENT
