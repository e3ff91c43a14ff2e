"""Which messages become sightings and what they claim, which are repeats, and what the live path counts."""

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.unit.discovery import frames
from tests.unit.discovery.frames import option, relay_agent
from ztpd.discovery import dhcp_frame
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import DhcpCounts, DhcpEar, Message, Repeats, sighting_of
from ztpd.discovery.dhcp_frame import DhcpFrameError, DhcpMessage
from ztpd.domain.sighting import Presence, Sighting, Source

HEARD_AT = datetime(2026, 11, 22, 18, 32, 7, tzinfo=UTC)
SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))


def message(kind: int = frames.DISCOVER, *more: bytes, **fields: Any) -> DhcpMessage:
    return _decoded(frames.relayed(kind, *more, **fields))


def _decoded(frame: bytes) -> DhcpMessage:
    decoded = dhcp_frame.decode(frame)
    assert decoded is not None
    return decoded


def with_agent(*sub_options: tuple[int, bytes]) -> DhcpMessage:
    tail = frames.options(frames.DISCOVER, relay_agent(*sub_options))
    return _decoded(frames.ethernet(frames.ipv4(frames.udp(frames.bootp(tail)))))


def sighting(of: DhcpMessage, *, trusted: bool = True) -> Sighting:
    made = sighting_of(of, SHIPPED, HEARD_AT, trusted)
    assert made is not None
    return made


def test_a_relayed_discover_says_who_and_where() -> None:
    made = sighting(message(frames.DISCOVER, option(12, b"cpe1\0"), option(60, b"dslforum.org")))

    assert made.source is Source.DHCP
    assert made.heard_at == HEARD_AT
    assert made.presence is Presence.PRESENT
    assert made.mac == "02:00:5e:10:00:01"
    assert made.ip is None
    assert made.circuit_id == frames.CIRCUIT_ID.hex()
    assert made.remote_id == frames.REMOTE_ID.hex()
    assert (made.element, made.port) == ("olt-1", "0/1/3")
    assert made.serial == "HWTC1A2B3C4D"
    assert made.trusted
    assert (made.oui, made.cwmp_serial) == (None, None)
    assert made.details["message-type"] == "DISCOVER"
    assert made.details["hostname"] == "cpe1"
    assert made.details["vendor-class"] == "dslforum.org"
    assert made.details["giaddr"] == "10.82.1.1"
    assert made.details["circuit-id-pattern"] == "gpon-xpon"
    assert made.details["circuit-onu"] == "17"


@pytest.mark.parametrize(
    ("kind", "presence"),
    [
        (frames.DISCOVER, Presence.PRESENT),
        (frames.OFFER, None),
        (frames.REQUEST, Presence.PRESENT),
        (frames.DECLINE, Presence.PRESENT),
        (frames.ACK, Presence.PRESENT),
        (frames.NAK, None),
        (frames.RELEASE, Presence.ABSENT),
        (frames.INFORM, Presence.PRESENT),
        (9, None),
        (10, None),
        (13, None),
    ],
)
def test_only_what_tells_of_the_device_becomes_a_sighting(kind: int, presence: Presence | None) -> None:
    made = sighting_of(message(kind), SHIPPED, HEARD_AT, True)

    assert (made and made.presence) == presence


WISH = option(50, bytes((10, 82, 1, 17)))


@pytest.mark.parametrize(
    ("heard", "ip"),
    [
        (message(frames.ACK, op=2, yiaddr="10.82.1.17"), "10.82.1.17"),
        (message(frames.ACK, op=2, ciaddr="10.82.1.18"), "10.82.1.18"),
        (message(frames.REQUEST, ciaddr="10.82.1.19"), "10.82.1.19"),
        (message(frames.REQUEST, WISH), "10.82.1.17"),
        (message(frames.RELEASE, ciaddr="10.82.1.20"), "10.82.1.20"),
        (message(frames.DISCOVER, WISH), None),
        (message(frames.DECLINE, WISH), None),
    ],
    ids=["ACK", "ACK to an INFORM", "renewing", "selecting", "RELEASE", "only a wish", "declined"],
)
def test_the_address_is_the_one_the_device_has(heard: DhcpMessage, ip: str | None) -> None:
    assert sighting(heard).ip == ip


def test_what_a_client_wishes_for_is_told_as_a_wish() -> None:
    assert sighting(message(frames.DISCOVER, WISH)).details["requested-ip"] == "10.82.1.17"


def test_an_unknown_circuit_id_is_kept_as_hex_and_places_nothing() -> None:
    made = sighting(with_agent((1, b"\xfe\xed"), (2, b"somewhere")))

    assert (made.circuit_id, made.remote_id) == ("feed", b"somewhere".hex())
    assert (made.element, made.port, made.serial) == (None, None, None)


def test_a_message_without_option_82_has_no_place() -> None:
    tail = frames.options()
    made = sighting(_decoded(frames.ethernet(frames.ipv4(frames.udp(frames.bootp(tail))))))

    assert (made.circuit_id, made.remote_id, made.element, made.port) == (None, None, None, None)


@pytest.mark.parametrize(
    ("remote_id", "serial"),
    [
        (b"HWTC1A2B3C4D", "HWTC1A2B3C4D"),
        (b"ALCL:1a2b3c4d", "ALCL1A2B3C4D"),
        (b"485754431A2B3C4D", "HWTC1A2B3C4D"),
        (b"ZTEG\xc8\x01\x02\x03", "ZTEGC8010203"),
        (b"ABCDEF012345", None),
        (b"customer", None),
        (b"CUSTOMER", None),
        (b"user12345678", None),
        (b"HWTC1A2B3C4", None),
        (bytes.fromhex("000602005e100001"), None),
        (bytes.fromhex("02005e100001"), None),
        (b"1234567812345678", None),
        (b"", None),
    ],
    ids=repr,
)
def test_only_what_is_a_pon_serial_is_taken_for_one(remote_id: bytes, serial: str | None) -> None:
    assert sighting(with_agent((1, b"x"), (2, remote_id))).serial == serial


def test_a_serial_in_the_circuit_id_is_taken_before_the_remote_id() -> None:
    made = sighting(with_agent((1, b"ltp8x-2 3 12 ELTX5C00A1B2"), (2, b"HWTC1A2B3C4D")))

    assert made.serial == "ELTX5C00A1B2"


def test_without_a_trusted_relay_the_place_is_a_claim_and_no_serial_is_believed() -> None:
    made = sighting(message(), trusted=False)

    assert not made.trusted
    assert made.serial is None
    assert (made.element, made.port) == ("olt-1", "0/1/3")
    assert made.remote_id == frames.REMOTE_ID.hex()


def test_option_82_that_contradicts_itself_is_not_trusted() -> None:
    made = sighting(with_agent((1, b"olt-9 eth 1/1"), (1, frames.CIRCUIT_ID), (2, frames.REMOTE_ID)))

    assert not made.trusted
    assert made.serial is None
    assert made.details["repeated-sub-options"] == "1"


def test_details_cannot_carry_control_characters() -> None:
    made = sighting(message(frames.DISCOVER, option(12, b"a\r\n\x1b[2Jb"), option(60, b"\xc3\xa9")))

    assert made.details["hostname"] == b"a\r\n\x1b[2Jb".hex()
    assert made.details["vendor-class"] == "c3a9"


def test_details_are_bounded() -> None:
    long = option(60, b"v" * 255) + option(60, b"v" * 255) + option(61, b"i" * 255)

    details = sighting(message(frames.DISCOVER, long)).details

    assert max(map(len, details.values())) == 255


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (5, "link-selection"),
        (9, "relay-vendor-specific"),
        (10, "relay-flags"),
        (11, "server-override"),
        (12, "relay-id"),
        (151, "virtual-subnet"),
        (152, "virtual-subnet-control"),
    ],
)
def test_the_relays_other_sub_options_are_told(code: int, name: str) -> None:
    assert sighting(with_agent((code, b"\x0a\0\xff"))).details[name] == "0a00ff"


def test_the_subscriber_is_told_as_text() -> None:
    assert sighting(with_agent((6, b"sub-4711"))).details["subscriber-id"] == "sub-4711"


@pytest.mark.parametrize(
    ("code", "name", "shown"),
    [
        (12, "hostname", "told"),
        (43, "vendor-specific", b"told".hex()),
        (60, "vendor-class", "told"),
        (61, "client-id", b"told".hex()),
        (125, "vendor-identifying", b"told".hex()),
    ],
)
def test_what_helps_to_identify_the_client_is_told(code: int, name: str, shown: str) -> None:
    assert sighting(message(frames.DISCOVER, option(code, b"told"))).details[name] == shown


def test_vlans_are_told_outermost_first() -> None:
    packet = frames.ipv4(frames.udp(frames.bootp(frames.options())))
    heard = dhcp_frame.decode(frames.ethernet(packet, tags=((0x8100, 20),)), (10,))
    assert heard is not None

    assert sighting(heard).details["vlans"] == "10.20"


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_repeat_within_the_window_is_dropped_and_counted(clock: Clock) -> None:
    repeats = Repeats(10, clock)
    assert not repeats.drops(message(), True)

    clock.seconds = 9.9
    assert repeats.drops(message(), True)
    clock.seconds = 10.0
    assert not repeats.drops(message(), True)
    assert repeats.dropped == 1


def test_a_client_that_never_stops_is_heard_once_a_window(clock: Clock) -> None:
    repeats = Repeats(10, clock)
    heard = 0
    for second in range(40):
        clock.seconds = second
        heard += not repeats.drops(message(), True)

    assert heard == 4


@pytest.mark.parametrize(
    ("other", "trusted"),
    [
        (message(frames.REQUEST), True),
        (message(chaddr=b"\x02\0\x5e\x10\0\x02"), True),
        (message(ciaddr="10.82.1.17"), True),
        (with_agent((1, b"elsewhere"), (2, frames.REMOTE_ID)), True),
        (with_agent((1, frames.CIRCUIT_ID), (2, b"HWTCFFFFFFFF")), True),
        (message(), False),
    ],
    ids=["type", "client", "address", "circuit-id", "ONT behind the same circuit", "trust"],
)
def test_what_differs_is_no_repeat(clock: Clock, other: DhcpMessage, trusted: bool) -> None:
    repeats = Repeats(10, clock)
    repeats.drops(message(), True)

    assert not repeats.drops(other, trusted)


def test_a_client_that_left_is_heard_when_it_returns(clock: Clock) -> None:
    repeats = Repeats(10, clock)
    heard = [repeats.drops(message(kind), True) for kind in (frames.DISCOVER, frames.RELEASE, frames.DISCOVER)]

    assert heard == [False, False, False]


def test_a_client_that_moves_there_and_back_is_heard_each_time(clock: Clock) -> None:
    repeats = Repeats(10, clock)
    here, there = message(), with_agent((1, b"elsewhere"), (2, frames.REMOTE_ID))

    assert [repeats.drops(each, True) for each in (here, there, here, there)] == [False] * 4


def test_the_longest_silent_client_is_forgotten_first(clock: Clock) -> None:
    repeats = Repeats(10, clock, clients=2)
    first, second, third = (message(chaddr=bytes((2, 0, 0, 0, 0, n))) for n in range(3))
    repeats.drops(first, True)
    repeats.drops(second, True)
    repeats.drops(first, True)
    repeats.drops(third, True)

    assert repeats.drops(first, True)
    assert not repeats.drops(second, True)
    assert repeats.forgotten == 2


def test_one_client_cannot_crowd_out_the_others(clock: Clock) -> None:
    repeats = Repeats(10, clock, clients=2)
    quiet = message(chaddr=b"\x02\0\0\0\0\x09")
    repeats.drops(quiet, True)
    for number in range(100):
        repeats.drops(message(ciaddr=f"10.0.0.{number}"), True)

    assert repeats.drops(quiet, True)


def ear(clock: Clock, taken: list[Sighting], relay: str = "10.82.1.1") -> DhcpEar:
    def trusts(each: Message) -> bool:
        return isinstance(each, DhcpMessage) and each.giaddr == relay

    return DhcpEar(SHIPPED, trusts, Repeats(10, clock), lambda: HEARD_AT, taken.append)


def test_the_live_path_counts_what_becomes_of_every_frame(clock: Clock) -> None:
    taken: list[Sighting] = []
    hearing = ear(clock, taken)
    for frame in (frames.relayed(), frames.relayed(), frames.relayed(frames.NAK, op=2), b"not DHCP"):
        hearing.hear(frame)
    with pytest.raises(DhcpFrameError):
        hearing.hear(frames.relayed()[:-1])

    assert hearing.counts == DhcpCounts(sightings=1, repeats=1, other_types=1, not_dhcp=1, malformed=1)
    assert [each.serial for each in taken] == ["HWTC1A2B3C4D"]


def test_the_live_path_trusts_listed_relays_only(clock: Clock) -> None:
    taken: list[Sighting] = []
    hearing = ear(clock, taken, relay="10.82.1.1")
    hearing.hear(frames.relayed(giaddr="10.99.9.9"))
    hearing.hear(frames.relayed(giaddr="10.82.1.1"))

    assert [each.trusted for each in taken] == [False, True]


def test_the_live_path_keeps_the_tags_the_kernel_took_off(clock: Clock) -> None:
    taken: list[Sighting] = []
    ear(clock, taken).hear(frames.relayed(), (301,))

    assert taken[0].details["vlans"] == "301"
