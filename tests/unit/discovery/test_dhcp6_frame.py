"""What the decoder of DHCPv6 reads from a frame, what it leaves alone, and where it says a frame is broken."""

import struct

import pytest

from tests.unit.discovery import frames, frames6
from tests.unit.discovery.frames6 import ethernet, extension, fragment, ipv6, message, option, relay, udp
from ztpd.discovery.dhcp6_frame import decode
from ztpd.discovery.dhcp6_message import Dhcp6Message, MessageType6, Relay
from ztpd.discovery.dhcp_frame import DhcpFrameError


def decoded(frame: bytes, tags: tuple[int, ...] = ()) -> Dhcp6Message:
    message = decode(frame, tags)
    assert message is not None
    return message


def direct(*more: bytes, duid: bytes | None = frames6.DUID_LLT) -> Dhcp6Message:
    """A SOLICIT as the client itself sends it."""
    return decoded(ethernet(ipv6(udp(message(frames6.SOLICIT, *more, duid=duid), source=546), source=frames6.CLIENT)))


def nearest(of: Dhcp6Message) -> Relay:
    assert of.nearest is not None
    return of.nearest


# A relayed SOLICIT as a real relay sent it, byte for byte: nothing here was built by code.
RECORDED = bytes.fromhex(
    "ce971e86e2a14aa7e2dad35386dd"
    "600deb05006e114020010db800020000000000000000000220010db8000200000000000000000001"
    "02230223006e5bf8"
    "0c0020010db8000100000000000000000001fe8000000000000000005efffe100001"
    "001200040100000000090038"
    "01b9bbb10001000e000100013295ea6402005e100001"
    "00060008001700180027001f0008000200000003000c5e10000100000e1000001518"
)


def test_reads_every_field_of_a_relayed_solicit() -> None:
    read = decoded(RECORDED)

    assert read.message_type is MessageType6.SOLICIT
    assert read.transaction_id == 0xB9BBB1
    assert read.source_ip == "2001:db8:2::2"
    assert read.vlans == ()
    assert read.duid == frames6.DUID_LLT
    assert (read.duid_type, read.duid_mac) == ("LLT", "02:00:5e:10:00:01")
    assert read.circuit_id == bytes.fromhex("01000000")
    assert (read.remote_id, read.hostname, read.vendor_class, read.leases) == (None, None, None, ())
    relay = nearest(read)
    assert (relay.message_type, relay.hop_count) == (MessageType6.RELAY_FORW, 0)
    assert (relay.link_address, relay.peer_address) == ("2001:db8:1::1", "fe80::5eff:fe10:1")
    assert relay.client_mac is None


@pytest.mark.parametrize(
    ("tags", "vlans"),
    [
        (((0x8100, 100),), (100,)),
        (((0x88A8, 4094), (0x8100, 1)), (4094, 1)),
        (((0x9100, 10), (0x8100, 20), (0x8100, 0xE000 | 30)), (10, 20, 30)),
    ],
)
def test_reads_any_stack_of_vlan_tags(tags: tuple[tuple[int, int], ...], vlans: tuple[int, ...]) -> None:
    assert decoded(ethernet(ipv6(udp(message())), tags=tags)).vlans == vlans


def test_tags_that_the_kernel_took_off_are_the_outer_ones() -> None:
    assert decoded(ethernet(ipv6(udp(message())), tags=((0x8100, 20),)), (10,)).vlans == (10, 20)


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 23, 36])
def test_reads_messages_of_every_type(kind: int) -> None:
    read = decoded(frames6.relayed(kind))

    assert read.message_type == kind
    assert read.circuit_id == frames6.INTERFACE_ID


@pytest.mark.parametrize("ports", [(546, 547), (547, 546), (547, 547), (1024, 547), (547, 1024)])
def test_hears_clients_relays_and_servers(ports: tuple[int, int]) -> None:
    packet = udp(message(), source=ports[0], destination=ports[1])

    assert decoded(ethernet(ipv6(packet))).duid == frames6.DUID_LLT


@pytest.mark.parametrize(
    ("duid", "kind", "mac"),
    [
        (frames6.DUID_LLT, "LLT", "02:00:5e:10:00:01"),
        (frames6.DUID_LL, "LL", "02:00:5e:10:00:01"),
        (bytes.fromhex("000200000de9") + b"serial-1", "EN", None),
        (b"\0\x04" + bytes(range(16)), "UUID", None),
        (b"\0\x09\x01", "9", None),
        (bytes.fromhex("00030006") + bytes.fromhex("02005e100001"), "LL", None),  # not of Ethernet
        (bytes.fromhex("00030001") + bytes(6), "LL", None),
        (bytes.fromhex("00030001") + bytes.fromhex("02005e10000102"), "LL", None),
        (b"\0\x01\0", "LLT", None),
        (None, None, None),
    ],
    ids=["LLT", "LL", "EN", "UUID", "unregistered", "IEEE 802", "all zero", "seven bytes", "cut short", "none"],
)
def test_a_duid_may_hold_a_mac(duid: bytes | None, kind: str | None, mac: str | None) -> None:
    read = direct(duid=duid)

    assert (read.duid, read.duid_type, read.duid_mac) == (duid, kind, mac)


def test_reads_addresses_and_prefixes_with_their_lifetimes() -> None:
    read = direct(
        frames6.ia_na(("2001:db8::17", 600), ("2001:db8::18", 0), status=option(13, b"\0\0ok")),
        frames6.ia_pd(("2001:db8:100::", 48, 1200)),
    )

    assert [(str(lease), lease.valid_seconds) for lease in read.leases] == [
        ("2001:db8::17", 600),
        ("2001:db8::18", 0),
        ("2001:db8:100::/48", 1200),
    ]


def test_reads_what_the_client_says_of_itself() -> None:
    read = direct(
        option(16, struct.pack("!IH", 3561, 12) + b"dslforum.org" + b"\0\x02v2"),
        option(17, struct.pack("!IHH", 3561, 1, 2) + b"ab"),
        option(39, b"\x01\x03cpe\x07example\0"),
    )

    assert (read.vendor_enterprise, read.vendor_class) == (3561, b"dslforum.org")
    assert read.vendor_options == bytes.fromhex("00000de9000100026162")
    assert read.hostname == b"cpe.example"


@pytest.mark.parametrize(
    ("name", "hostname"),
    [
        (b"\x03cpe", b"cpe"),  # a partial name lacks its end, RFC 4704 §4.2
        (b"cpe", b"cpe"),
        (b"\x09cpe", b"\x09cpe"),
        (b"", b""),
        (b"\x01a" * 200, b"\x01a" * 200),
    ],
    ids=["partial", "text", "runs over", "empty", "too long"],
)
def test_a_name_that_is_no_domain_name_is_kept_as_it_came(name: bytes, hostname: bytes) -> None:
    assert direct(option(39, b"\0" + name)).hostname == hostname


@pytest.mark.parametrize("raw", [b"", b"\0\0\x0d", b"\0\0\x0d\xe9", b"\0\0\x0d\xe9\0\x09short"])
def test_a_malformed_vendor_class_is_kept_as_it_came(raw: bytes) -> None:
    assert direct(option(16, raw)).vendor_class == raw


def test_reads_what_the_relay_adds() -> None:
    link_layer = option(79, b"\0\x01" + frames.MAC)
    read = decoded(frames6.frame(relay(message(), frames6.ids(), option(38, b"sub-4711"), link_layer)))

    assert (read.circuit_id, read.remote_id) == (frames6.INTERFACE_ID, b"HWTC1A2B3C4D")
    assert nearest(read).remote_id_enterprise == 3561
    assert nearest(read).subscriber_id == b"sub-4711"
    assert nearest(read).client_mac == "02:00:5e:10:00:01"
    assert not nearest(read).ambiguous


@pytest.mark.parametrize("raw", [b"", b"\0", b"\0\x01", b"\0\x06" + frames.MAC, b"\0\x01" + bytes(6)])
def test_only_an_ethernet_address_of_the_client_is_a_mac(raw: bytes) -> None:
    assert nearest(decoded(frames6.frame(relay(message(), option(79, raw))))).client_mac is None


def test_options_that_only_a_relay_may_add_do_not_count_in_the_clients_own_message() -> None:
    forged = frames6.ids() + option(79, b"\0\x01" + frames.MAC)
    read = decoded(frames6.frame(relay(message(frames6.SOLICIT, forged))))

    assert (read.circuit_id, read.remote_id, nearest(read).client_mac) == (None, None, None)


def test_the_relay_nearest_to_the_client_says_where_it_is() -> None:
    inner = relay(message(), frames6.ids(), link="::")
    outer = relay(inner, frames6.ids(b"uplink", b"\0\0\0\x09agg"), hop_count=1, peer="2001:db8:1::2")
    read = decoded(frames6.frame(outer))

    assert (read.circuit_id, read.remote_id) == (frames6.INTERFACE_ID, b"HWTC1A2B3C4D")
    assert [each.interface_id for each in read.relays] == [b"uplink", frames6.INTERFACE_ID]
    assert [each.hop_count for each in read.relays] == [1, 0]
    assert read.inner_relays == (frames6.address("2001:db8:1::2"),)


def nested(levels: int, *, kind: int = frames6.RELAY_FORW) -> bytes:
    inside = message()
    for hop_count in range(levels):
        inside = relay(inside, option(18, b"level-%d" % hop_count), hop_count=hop_count, kind=kind)
    return frames6.frame(inside)


@pytest.mark.parametrize("kind", [frames6.RELAY_FORW, frames6.RELAY_REPL])
def test_relays_nest_as_deep_as_the_hop_limit_lets_them(kind: int) -> None:
    read = decoded(nested(9, kind=kind))

    assert [each.hop_count for each in read.relays] == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert read.circuit_id == b"level-0"


def test_two_values_of_a_relays_option_are_told_and_the_last_stands() -> None:
    read = decoded(frames6.frame(relay(message(), option(18, b"a"), option(18, b"b"), option(37, bytes(5)) * 2)))

    assert read.circuit_id == b"b"
    assert nearest(read).ambiguous == {18}


@pytest.mark.parametrize(
    "packet",
    [
        ipv6(extension(17) + udp(message()), next_header=0),
        ipv6(extension(60) + extension(43, 2) + extension(17, 1) + udp(message()), next_header=0),
        ipv6(bytes((17, 4)) + bytes(22) + udp(message()), next_header=51),
        ipv6(fragment() + udp(message()), next_header=44),
    ],
    ids=["hop-by-hop", "three", "authentication", "a fragment that is all"],
)
def test_skips_extension_headers(packet: bytes) -> None:
    assert decoded(ethernet(packet)).duid == frames6.DUID_LLT


def test_ignores_what_follows_the_packet() -> None:
    assert decoded(frames6.relayed() + b"trailer").circuit_id == frames6.INTERFACE_ID


GOOD = udp(message())


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        ethernet(b""),
        ethernet(ipv6(GOOD))[:50],
        ethernet(ipv6(GOOD))[:58],
        ethernet(ipv6(GOOD, version=4)),
        frames.ethernet(ipv6(GOOD)),
        frames.ethernet(frames.ipv4(GOOD)),
        ethernet(ipv6(GOOD), tags=((0x8100, 1),) * 9),
        ethernet(ipv6(GOOD, next_header=6)),
        ethernet(ipv6(GOOD, next_header=59)),
        ethernet(ipv6(udp(message(), source=53, destination=5353))),
        ethernet(ipv6(fragment(offset=9) + GOOD, next_header=44)),
        ethernet(ipv6(extension(0) * 8 + extension(17) + GOOD, next_header=0)),
        ethernet(ipv6(bytes((17, 200)) + bytes(6) + GOOD, next_header=0)),
        ethernet(ipv6(b"\x11", next_header=0)),
    ],
    ids=[
        "empty",
        "no packet",
        "half an IPv6 header",
        "half a UDP header",
        "version 4 in IPv6",
        "IPv6 called IPv4",
        "IPv4",
        "nine tags",
        "TCP",
        "no next header",
        "other ports",
        "later fragment",
        "nine extension headers",
        "an extension header longer than the frame",
        "half an extension header",
    ],
)
def test_a_frame_of_something_else_is_nothing(frame: bytes) -> None:
    assert decode(frame) is None


MESSAGE_AT = 14 + 40 + 8
RELAY_OPTIONS_AT = MESSAGE_AT + 34


@pytest.mark.parametrize(
    ("frame", "what", "offset"),
    [
        (ethernet(ipv6(fragment(more=True) + GOOD, next_header=44)), "a fragment", 14 + 40),
        (ethernet(ipv6(GOOD))[:-1], "cut short", 14 + 4),
        (ethernet(ipv6(GOOD, length=11)), "UDP length", 14 + 40 + 4),
        (ethernet(ipv6(udp(message(), length=11))), "UDP length 11", 14 + 40 + 4),
        (ethernet(ipv6(udp(message(), length=9999))), "UDP length 9999", 14 + 40 + 4),
        (frames6.frame(message(0)), "message type 0", MESSAGE_AT),
        (frames6.frame(message(255)), "message type 255", MESSAGE_AT),
        (frames6.frame(message(1, b"\0\x06\0", duid=None)), "header runs over", MESSAGE_AT + 4),
        (frames6.frame(message(1, b"\0\x06\0\x01", duid=None)), "option 6 runs over", MESSAGE_AT + 4),
        (frames6.frame(message(duid=b"\0\x03")), "DUID of 2 bytes", MESSAGE_AT + 4),
        (frames6.frame(message(duid=bytes(131))), "DUID of 131 bytes", MESSAGE_AT + 4),
        (frames6.frame(message(1, option(1, frames6.DUID_LL))), "identifies itself twice", MESSAGE_AT + 4),
        (frames6.frame(message(1, option(3, b""), duid=None)), "association of 0 bytes", MESSAGE_AT + 4),
        (frames6.frame(message(1, option(3, bytes(11)), duid=None)), "association of 11 bytes", MESSAGE_AT + 4),
        (
            frames6.frame(message(1, option(3, bytes(12) + option(5, bytes(23))), duid=None)),
            "leased address of 23 bytes",
            MESSAGE_AT + 20,
        ),
        (
            frames6.frame(message(1, option(25, bytes(12) + option(26, bytes(24))), duid=None)),
            "cut short or over 128",
            MESSAGE_AT + 20,
        ),
        (frames6.frame(message(1, frames6.ia_pd(("::", 129, 1)), duid=None)), "over 128 bits", MESSAGE_AT + 20),
        (frames6.frame(b"\x0c" + bytes(32)), "33 bytes is no whole header", MESSAGE_AT),
        (frames6.frame(b"\x0c" + bytes(33)), "passes on no message", MESSAGE_AT),
        (frames6.frame(relay(message()) + option(9, message())), "two messages", RELAY_OPTIONS_AT + 26),
        (frames6.frame(relay(b"\x01\0\0")), "3 bytes, which are no message", RELAY_OPTIONS_AT),
        (frames6.frame(relay(message(), hop_count=9)), "hop-count 9", MESSAGE_AT + 1),
        (frames6.frame(relay(message(), option(18, bytes(256)))), "option 18 is 256", MESSAGE_AT),
        (frames6.frame(relay(message(), option(38, bytes(256)))), "option 38 is 256", MESSAGE_AT),
        (frames6.frame(relay(message(), option(37, bytes(3)))), "option 37 is 3", MESSAGE_AT),
        (frames6.frame(relay(message(), option(37, bytes(260)))), "option 37 is 260", MESSAGE_AT),
        (frames6.frame(relay(relay(message()), kind=13)), "the reverse", RELAY_OPTIONS_AT + 4),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_frame_is_refused_with_what_and_where(frame: bytes, what: str, offset: int) -> None:
    with pytest.raises(DhcpFrameError, match=what) as refused:
        decode(frame)

    assert refused.value.offset == offset
    assert f"at byte {offset}" in str(refused.value)


def test_envelopes_beyond_the_hop_limit_are_refused_whatever_they_count() -> None:
    inside = message()
    for _ in range(10):
        inside = relay(inside)

    with pytest.raises(DhcpFrameError, match="over 9 relays"):
        decode(frames6.frame(inside))
    with pytest.raises(DhcpFrameError, match="hop-count 9"):
        decode(nested(10))
