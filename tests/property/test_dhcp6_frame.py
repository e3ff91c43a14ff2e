"""Whatever the bytes: a DHCPv6 message, nothing or the one error; and what scapy builds is read as it was meant."""

import tomllib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import dhcp6 as scapy6
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1Q, Ether

from tests.conftest import ROOT
from tests.unit.discovery import frames, frames6
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import Repeats, decode, sighting_of
from ztpd.discovery.dhcp6_message import Dhcp6Message
from ztpd.discovery.dhcp_frame import DhcpFrameError

HEARD_AT = datetime(2026, 1, 1, tzinfo=UTC)
SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))
REPEATS = Repeats(10, lambda: 0.0, clients=4)
LEASES = frames6.ia_na(("2001:db8::17", 600)) + frames6.ia_pd(("2001:db8:100::", 48, 600))
CLIENTS_OPTIONS = (
    LEASES,
    frames6.option(16, b"\0\0\x0d\xe9\0\x0cdslforum.org"),
    frames6.option(17, b"\0\0\x0d\xe9\0\1\0\2ab"),
    frames6.option(39, b"\0\x03cpe\x07example\0"),
)
RELAYS_OPTIONS = frames6.ids() + frames6.option(38, b"sub") + frames6.option(79, b"\0\x01" + frames.MAC)
NEAREST = frames6.relay(frames6.message(frames6.REQUEST, *CLIENTS_OPTIONS), RELAYS_OPTIONS)
NESTED = frames6.frame(frames6.relay(NEAREST, frames6.ids(b"uplink"), hop_count=1))
SAMPLES = (
    NESTED,
    frames6.replied(LEASES),
    frames6.ethernet(
        frames6.ipv6(
            frames6.extension(44) + frames6.fragment() + frames6.udp(frames6.message(), source=546), next_header=0
        ),
        tags=((0x88A8, 7), (0x8100, 8)),
    ),
)

addresses = st.ip_addresses(v=6).map(str)
ids = st.binary(min_size=1, max_size=120)
codes = st.sampled_from([1, 3, 5, 9, 16, 17, 18, 25, 26, 37, 38, 39, 79]) | st.integers(0, 65535)
options = st.lists(st.builds(frames6.option, codes, st.binary(max_size=60)), max_size=8).map(b"".join)
kinds = st.integers(0, 37)


def use(frame: bytes, tags: tuple[int, ...] = ()) -> Dhcp6Message | None:
    """Decode, and read everything a message and its relays offer; None for a refusal too."""
    try:
        message = decode(frame, tags)
    except DhcpFrameError as refused:
        frame[refused.offset]  # the place it names is in the frame
        return None
    if not isinstance(message, Dhcp6Message):
        return None
    for part in (message, *message.relays, *message.leases):
        str(part)
        for name in dir(type(part)):
            if not name.startswith("_"):
                getattr(part, name)
    made = sighting_of(message, SHIPPED, HEARD_AT, True)
    assert made is None or all(len(value) <= 255 and value.isprintable() for value in made.details.values())
    REPEATS.drops(message, True)
    return message


@given(st.binary(max_size=700), st.lists(st.integers(0, 4095), max_size=2).map(tuple))
def test_any_bytes_in_ipv6_are_answered(packet: bytes, tags: tuple[int, ...]) -> None:
    use(frames6.ethernet(packet), tags)


@given(st.binary(max_size=700), st.sampled_from([0, 17, 43, 44, 51, 60]))
def test_any_bytes_behind_the_ipv6_header_are_answered(payload: bytes, next_header: int) -> None:
    use(frames6.ethernet(frames6.ipv6(payload, next_header=next_header)))


@given(st.binary(min_size=4, max_size=700))
def test_any_message_is_answered(payload: bytes) -> None:
    use(frames6.frame(payload))


@given(kinds, options | st.binary(max_size=300))
def test_any_options_are_answered(kind: int, tail: bytes) -> None:
    use(frames6.frame(frames6.message(kind, tail)))


@given(kinds, st.lists(st.tuples(st.sampled_from([12, 13]), st.integers(0, 255), options), max_size=11), options)
def test_any_nesting_of_relays_is_answered(kind: int, relays: list[tuple[int, int, bytes]], tail: bytes) -> None:
    inside = frames6.message(kind, tail)
    for relay_kind, hop_count, more in relays:
        inside = frames6.relay(inside, more, kind=relay_kind, hop_count=hop_count)
    use(frames6.frame(inside))


@given(st.sampled_from(SAMPLES), st.data())
def test_any_truncation_is_refused_or_nothing(frame: bytes, data: st.DataObject) -> None:
    assert use(frame) is not None
    assert use(frame[: data.draw(st.integers(0, len(frame) - 1))]) is None


def test_every_truncation_is_refused_or_nothing() -> None:
    for frame in SAMPLES:
        assert [use(frame[:length]) for length in range(len(frame))] == [None] * len(frame)


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_any_spoiled_bytes_are_answered(sample: bytes, changes: list[tuple[int, int]]) -> None:
    frame = bytearray(sample)
    for at, value in changes:
        frame[at % len(frame)] = value
    use(bytes(frame))


@given(
    mac=st.binary(min_size=6, max_size=6).filter(any),
    transaction_id=st.integers(0, 2**24 - 1),
    sources=st.tuples(addresses, addresses, addresses),
    interface_id=ids,
    remote_id=ids,
    enterprise=st.integers(0, 2**32 - 1),
    lease=addresses.filter(lambda text: text != "::"),
    vlans=st.lists(st.integers(0, 4095), max_size=3),
    extensions=st.lists(st.sampled_from([IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt]), max_size=2),
    kind=st.sampled_from([scapy6.DHCP6_Request, scapy6.DHCP6_Renew, scapy6.DHCP6_Rebind, scapy6.DHCP6_Release]),
)
def test_what_scapy_builds_is_read_as_it_meant_it(
    mac: bytes,
    transaction_id: int,
    sources: tuple[str, str, str],
    interface_id: bytes,
    remote_id: bytes,
    enterprise: int,
    lease: str,
    vlans: list[int],
    extensions: list[type],
    kind: type,
) -> None:
    source, link, peer = sources
    message = kind(trid=transaction_id)
    message /= scapy6.DHCP6OptClientId(duid=scapy6.DUID_LL(lladdr=mac.hex(":")))
    message /= scapy6.DHCP6OptIA_NA(ianaopts=[scapy6.DHCP6OptIAAddress(addr=lease)])
    relayed = scapy6.DHCP6_RelayForward(linkaddr=link, peeraddr=peer)
    relayed /= scapy6.DHCP6OptIfaceId(ifaceid=interface_id)
    relayed /= scapy6.DHCP6OptRemoteID(enterprisenum=enterprise, remoteid=remote_id)
    relayed /= scapy6.DHCP6OptRelayMsg(message=message)
    layers = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for vlan in vlans:
        layers /= Dot1Q(vlan=vlan)
    layers /= IPv6(src=source, dst="2001:db8::1")
    for extension in extensions:
        layers /= extension()

    read = use(bytes(layers / UDP(sport=547, dport=547) / relayed))

    assert read is not None
    assert (read.message_type.value, read.transaction_id) == (message.msgtype, transaction_id)
    assert (read.source_ip, read.duid_mac) == (source, mac.hex(":"))
    assert [(relay.link_address, relay.peer_address) for relay in read.relays] == [(link, peer)]
    assert (read.circuit_id, read.remote_id) == (interface_id, remote_id)
    assert read.relays[0].remote_id_enterprise == enterprise
    assert [str(each) for each in read.leases] == [lease]
    assert read.vlans == tuple(vlans)
