"""Which DHCPv6 messages become sightings and what they claim, which are repeats, and that one ear hears both."""

import tomllib
from datetime import UTC, datetime

import pytest

from tests.conftest import ROOT
from tests.unit.discovery import frames, frames6
from tests.unit.discovery.frames6 import ia_na, ia_pd, ids, message, option, relay
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import DhcpCounts, DhcpEar, Message, Repeats, decode, sighting_of
from ztpd.discovery.dhcp6_message import Dhcp6Message
from ztpd.domain.sighting import Presence, Sighting, Source

HEARD_AT = datetime(2026, 11, 22, 18, 32, 7, tzinfo=UTC)
SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))
LEASED = ("2001:db8::17", 600)


def read(frame: bytes) -> Message:
    decoded = decode(frame)
    assert isinstance(decoded, Dhcp6Message)
    return decoded


def sighting(frame: bytes, *, trusted: bool = True) -> Sighting:
    made = sighting_of(read(frame), SHIPPED, HEARD_AT, trusted)
    assert made is not None
    return made


def test_a_relayed_solicit_says_who_and_where() -> None:
    vendor_class = option(16, b"\0\0\x0d\xe9\0\x0cdslforum.org")
    made = sighting(frames6.relayed(frames6.SOLICIT, option(39, b"\0\x03cpe"), vendor_class, ia_na(LEASED)))

    assert made.source is Source.DHCP
    assert made.heard_at == HEARD_AT
    assert made.presence is Presence.PRESENT
    assert made.mac == "02:00:5e:10:00:01"
    assert made.ip is None
    assert made.circuit_id == frames6.INTERFACE_ID.hex()
    assert made.remote_id == b"HWTC1A2B3C4D".hex()
    assert (made.element, made.port) == ("olt-1", "0/1/3")
    assert made.serial == "HWTC1A2B3C4D"
    assert made.trusted
    assert made.details == {
        "message-type": "SOLICIT",
        "source-ip": "2001:db8:2::2",
        "hostname": "cpe",
        "vendor-class": "dslforum.org",
        "vendor-enterprise": "3561",
        "duid": frames6.DUID_LLT.hex(),
        "duid-type": "LLT",
        "mac-from": "duid",
        "requested": "2001:db8::17",
        "link-address": "2001:db8:1::1",
        "peer-address": "fe80::5eff:fe10:1",
        "remote-id-enterprise": "3561",
        "circuit-id-pattern": "gpon-xpon",
        "circuit-node": "olt-1",
        "circuit-frame": "0",
        "circuit-slot": "1",
        "circuit-subslot": "0",
        "circuit-port": "3",
        "circuit-onu": "17",
        "circuit-cvlan": "100",
    }


@pytest.mark.parametrize(
    ("kind", "presence"),
    [
        (frames6.SOLICIT, Presence.PRESENT),
        (frames6.ADVERTISE, None),
        (frames6.REQUEST, Presence.PRESENT),
        (frames6.CONFIRM, Presence.PRESENT),
        (frames6.RENEW, Presence.PRESENT),
        (frames6.REBIND, Presence.PRESENT),
        (frames6.RELEASE, Presence.ABSENT),
        (frames6.DECLINE, Presence.PRESENT),
        (frames6.RECONFIGURE, None),
        (frames6.INFORMATION_REQUEST, Presence.PRESENT),
        (14, None),
        (17, None),
    ],
)
def test_only_what_tells_of_the_device_becomes_a_sighting(kind: int, presence: Presence | None) -> None:
    made = sighting_of(read(frames6.relayed(kind)), SHIPPED, HEARD_AT, True)

    assert (made and made.presence) == presence


@pytest.mark.parametrize(
    ("given", "ip", "prefix"),
    [
        ((ia_na(LEASED),), "2001:db8::17", None),
        ((ia_pd(("2001:db8:100::", 48, 600)),), None, "2001:db8:100::/48"),
        ((ia_na(("2001:db8::16", 0), LEASED), ia_pd(("2001:db8:100::", 48, 1))), "2001:db8::17", "2001:db8:100::/48"),
    ],
    ids=["address", "prefix", "both, beside an address that is withdrawn"],
)
def test_a_reply_that_gives_a_lease_tells_of_the_device(
    given: tuple[bytes, ...], ip: str | None, prefix: str | None
) -> None:
    made = sighting(frames6.replied(*given))

    assert made.presence is Presence.PRESENT
    assert (made.ip, made.details.get("prefix")) == (ip, prefix)
    assert made.circuit_id == frames6.INTERFACE_ID.hex()


@pytest.mark.parametrize("given", [(), (ia_na(("2001:db8::17", 0)),)], ids=["no lease", "a lease withdrawn"])
def test_a_reply_without_a_lease_may_answer_a_release_and_tells_nothing(given: tuple[bytes, ...]) -> None:
    assert sighting_of(read(frames6.replied(*given)), SHIPPED, HEARD_AT, True) is None


def test_a_message_that_goes_the_wrong_way_through_a_relay_is_a_forgery_and_tells_nothing() -> None:
    reply = relay(message(frames6.REPLY, ia_na(LEASED)), ids(), kind=frames6.RELAY_FORW)
    release = relay(message(frames6.RELEASE), ids(), kind=frames6.RELAY_REPL)

    assert [sighting_of(read(frames6.frame(each)), SHIPPED, HEARD_AT, True) for each in (reply, release)] == [None] * 2


@pytest.mark.parametrize(
    ("kind", "ip"),
    [
        (frames6.SOLICIT, None),
        (frames6.REQUEST, "2001:db8::17"),
        (frames6.CONFIRM, "2001:db8::17"),
        (frames6.RENEW, "2001:db8::17"),
        (frames6.REBIND, "2001:db8::17"),
        (frames6.RELEASE, "2001:db8::17"),
        (frames6.DECLINE, None),
    ],
)
def test_the_address_is_the_one_the_device_has(kind: int, ip: str | None) -> None:
    assert sighting(frames6.relayed(kind, ia_na(("::", 0), ("2001:db8::17", 0)))).ip == ip


LINK_LAYER = option(79, bytes.fromhex("000102005e1000ff"))


@pytest.mark.parametrize(
    ("duid", "added", "mac", "mac_from"),
    [
        (frames6.DUID_LL, LINK_LAYER, "02:00:5e:10:00:ff", "client-link-layer-address"),
        (frames6.DUID_LL, b"", "02:00:5e:10:00:01", "duid"),
        (b"\0\x04" + bytes(16), LINK_LAYER, "02:00:5e:10:00:ff", "client-link-layer-address"),
        (b"\0\x04" + bytes(16), b"", None, None),
    ],
    ids=["both", "only the DUID's", "only the relay's", "none"],
)
def test_the_mac_that_the_relay_saw_outweighs_the_one_in_the_duid(
    duid: bytes, added: bytes, mac: str | None, mac_from: str | None
) -> None:
    made = sighting(frames6.frame(relay(message(duid=duid), ids(), added)))

    assert (made.mac, made.details.get("mac-from")) == (mac, mac_from)


def test_a_binary_interface_id_is_kept_as_hex_and_places_nothing() -> None:
    made = sighting(frames6.frame(relay(message(), option(18, b"\x01\0\0\0"))))

    assert (made.circuit_id, made.remote_id) == ("01000000", None)
    assert (made.element, made.port, made.serial) == (None, None, None)


def test_a_binary_interface_id_is_explained_by_the_same_table() -> None:
    made = sighting(frames6.frame(relay(message(), option(18, bytes.fromhex("000400640001")))))

    assert made.details["circuit-id-pattern"] == "vlan-module-port"


@pytest.mark.parametrize(
    ("remote_id", "serial"),
    [(b"ALCL:1a2b3c4d", "ALCL1A2B3C4D"), (b"ZTEG\xc8\x01\x02\x03", "ZTEGC8010203"), (b"CUSTOMER", None), (b"", None)],
    ids=repr,
)
def test_a_serial_is_looked_for_behind_the_enterprise_number(remote_id: bytes, serial: str | None) -> None:
    made = sighting(frames6.frame(relay(message(), ids(b"x", b"\0\0\x0d\xe9" + remote_id))))

    assert made.serial == serial


def test_without_a_trusted_relay_the_place_is_a_claim_and_no_serial_is_believed() -> None:
    made = sighting(frames6.relayed(), trusted=False)

    assert (made.trusted, made.serial) == (False, None)
    assert (made.element, made.port) == ("olt-1", "0/1/3")


def test_a_relay_that_contradicts_itself_is_not_trusted() -> None:
    made = sighting(frames6.frame(relay(message(), option(18, b"olt-9 eth 1/1"), ids())))

    assert (made.trusted, made.serial) == (False, None)
    assert made.details["repeated-options"] == "18"


def test_a_message_that_no_relay_passed_on_has_no_place() -> None:
    made = sighting(frames6.frame(message(frames6.SOLICIT, ids()), source=frames6.CLIENT))

    assert (made.circuit_id, made.remote_id, made.element, made.serial) == (None, None, None, None)


def test_every_relay_is_told_the_nearest_first() -> None:
    inner = relay(message(), ids(), link="::")
    middle = relay(inner, option(18, b"\xfe\xed"), hop_count=1, link="2001:db8:3::1", peer="2001:db8:1::2")
    outer = relay(middle, option(37, b"\0\0\0\x09agg"), option(38, b"s"), hop_count=2, link="::", peer="2001:db8:3::2")
    details = sighting(frames6.frame(outer)).details

    assert (details["link-address"], details["peer-address"]) == ("::", frames6.CLIENT)
    assert details["relay-2"] == "link-address 2001:db8:3::1, peer-address 2001:db8:1::2, interface-id feed"
    assert details["relay-3"] == "link-address ::, peer-address 2001:db8:3::2, remote-id agg, subscriber-id s"
    assert "relay-4" not in details


def test_details_cannot_carry_control_characters_and_are_bounded() -> None:
    long = option(17, bytes(9000)) + option(16, b"\0\0\0\x09\x13\x88" + b"v" * 5000)
    hostile = option(39, b"\0\x05a\r\n\x1bb")
    outer = relay(relay(message(frames6.SOLICIT, hostile, long), ids()), ids(b"i" * 255, b"\0\0\0\x09" + b"r" * 255))
    details = sighting(frames6.frame(outer)).details

    assert details["hostname"] == b"a\r\n\x1bb".hex()
    assert max(map(len, details.values())) == 255


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def repeats() -> Repeats:
    return Repeats(10, Clock())


def test_a_repeat_is_dropped_by_duid_circuit_and_type_whatever_the_transaction(repeats: Repeats) -> None:
    first, again = message(), b"\x01\0\0\x01" + message()[4:]

    assert not repeats.drops(read(frames6.frame(relay(first, ids()))), True)
    assert repeats.drops(read(frames6.frame(relay(again, ids(), option(79, bytes(8))))), True)


@pytest.mark.parametrize(
    ("other", "trusted"),
    [
        (frames6.relayed(frames6.REQUEST), True),
        (frames6.frame(relay(message(duid=frames6.DUID_LL), ids())), True),
        (frames6.frame(relay(message(), ids(b"elsewhere"))), True),
        (frames6.frame(relay(message(), ids(remote_id=b"\0\0\0\x09HWTCFFFFFFFF"))), True),
        (frames6.relayed(), False),
        (frames.relayed(chaddr=frames6.DUID_LLT[:16], hlen=14), True),
    ],
    ids=["type", "client", "circuit-id", "ONT behind the same circuit", "trust", "DHCPv4 of the same bytes"],
)
def test_what_differs_is_no_repeat(repeats: Repeats, other: bytes, trusted: bool) -> None:
    repeats.drops(read(frames6.relayed()), True)
    decoded = decode(other)

    assert decoded is not None
    assert not repeats.drops(decoded, trusted)


def test_another_lease_is_no_repeat(repeats: Repeats) -> None:
    replies = [
        frames6.replied(ia_na(LEASED)),
        frames6.replied(ia_na(("2001:db8::18", 600))),
        frames6.replied(ia_pd(("2001:db8:1::", 48, 600))),
        frames6.replied(ia_pd(("2001:db8:2::", 48, 600))),
    ]

    assert [repeats.drops(read(each), True) for each in (*replies, replies[-1])] == [False] * 4 + [True]


def test_a_client_that_left_is_heard_when_it_returns(repeats: Repeats) -> None:
    kinds = (frames6.SOLICIT, frames6.RELEASE, frames6.SOLICIT)

    assert [repeats.drops(read(frames6.relayed(kind)), True) for kind in kinds] == [False] * 3


def test_clients_without_a_duid_are_told_apart_by_their_address(repeats: Repeats) -> None:
    asks = message(frames6.INFORMATION_REQUEST, duid=None)
    relayed = [frames6.frame(relay(asks, peer=f"fe80::{number}")) for number in (1, 2, 1)]
    direct = [frames6.frame(asks, source=f"fe80::{number}") for number in (3, 4, 3)]

    assert [repeats.drops(read(each), True) for each in relayed] == [False, False, True]
    assert [repeats.drops(read(each), True) for each in direct] == [False, False, True]


def test_one_ear_hears_both_versions_and_counts_all_frames() -> None:
    taken: list[Sighting] = []
    ear = DhcpEar(SHIPPED, lambda each: True, Repeats(10, Clock()), lambda: HEARD_AT, taken.append)
    for frame in (frames.relayed(), frames6.relayed(), frames6.relayed(), frames6.relayed(2), b"not DHCP"):
        ear.hear(frame, (301,))

    assert ear.counts == DhcpCounts(sightings=2, repeats=1, other_types=1, not_dhcp=1)
    assert [(each.details["message-type"], each.serial) for each in taken] == [
        ("DISCOVER", "HWTC1A2B3C4D"),
        ("SOLICIT", "HWTC1A2B3C4D"),
    ]
    assert {each.details["vlans"] for each in taken} == {"301"}
