"""What the decoder reads from a frame, what it leaves alone, and where it says a frame is broken."""

from typing import Any

import pytest

from tests.unit.discovery import frames
from tests.unit.discovery.frames import bootp, ethernet, ipv4, option, options, relay_agent, relayed, udp
from ztpd.discovery import dhcp_frame
from ztpd.discovery.dhcp_frame import DhcpFrameError, DhcpMessage, MessageType, decode


def decoded(frame: bytes, tags: tuple[int, ...] = ()) -> DhcpMessage:
    message = decode(frame, tags)
    assert message is not None
    return message


def from_options(*more: bytes) -> DhcpMessage:
    return decoded(ethernet(ipv4(udp(bootp(options(frames.DISCOVER, *more))))))


# A relayed DISCOVER as an OLT sends it, byte for byte: nothing here was built by code.
RECORDED = bytes.fromhex(
    "a2297568d9687a3c55a4e7740800"
    "4500016a29ca40004011fb120a5200020a520001"
    "0043004301560000"
    "01010601c1941a6100000000000000000000000000000000"
    "0a520101"
    "02005e10000100000000000000000000" + "00" * 192 + "63825363"
    "350101" "39020240" "37080103060c0f1c2a2b" "0c0463706531"
    "3c0c64736c666f72756d2e6f7267" "3d070102005e100001"
    "522c011c4f4c542d30312078706f6e20302f312f302f333a31372e312e313030" "020c485754433141324233433444"
    "ff00"
)  # fmt: skip


def test_reads_every_field_of_a_relayed_discover() -> None:
    message = decoded(RECORDED)

    assert message.message_type is MessageType.DISCOVER
    assert message.mac == "02:00:5e:10:00:01"
    assert message.chaddr == frames.MAC
    assert message.xid == 0xC1941A61
    assert (message.ciaddr, message.yiaddr, message.giaddr) == ("0.0.0.0", "0.0.0.0", "10.82.1.1")
    assert message.source_ip == "10.82.0.2"
    assert message.vlans == ()
    assert message.circuit_id == b"OLT-01 xpon 0/1/0/3:17.1.100"
    assert message.remote_id == b"HWTC1A2B3C4D"
    assert message.hostname == b"cpe1"
    assert message.vendor_class == b"dslforum.org"
    assert message.client_id == b"\x01" + frames.MAC
    assert message.parameter_requests == bytes((1, 3, 6, 12, 15, 28, 42, 43))
    assert message.requested_ip is None
    assert message.server_ip is None


def test_reads_the_addresses_of_an_answer() -> None:
    message = decoded(relayed(frames.ACK, option(54, b"\x0a\x52\0\x01"), op=2, yiaddr="10.82.1.17"))

    assert message.message_type is MessageType.ACK
    assert message.yiaddr == "10.82.1.17"
    assert message.server_ip == "10.82.0.1"


def test_reads_the_address_a_client_asks_for() -> None:
    assert from_options(option(50, b"\xc0\0\x02\x09")).requested_ip == "192.0.2.9"


def test_reads_vendor_options() -> None:
    message = from_options(option(43, b"\x01\x02ab"), option(125, b"\0\0\x0d\xe9\x02\x01\0"))

    assert message.vendor_specific == b"\x01\x02ab"
    assert message.vendor_identifying == b"\0\0\x0d\xe9\x02\x01\0"


@pytest.mark.parametrize(
    ("tags", "vlans"),
    [
        ([(0x8100, 100)], (100,)),
        ([(0x88A8, 4094), (0x8100, 1)], (4094, 1)),
        ([(0x9100, 10), (0x8100, 20), (0x8100, 30)], (10, 20, 30)),
        ([(0x8100, 0xE000 | 7)], (7,)),  # priority and drop eligibility are no part of the identifier
    ],
)
def test_reads_any_stack_of_vlan_tags(tags: list[tuple[int, int]], vlans: tuple[int, ...]) -> None:
    frame = ethernet(ipv4(udp(bootp(options()))), tags=tuple(tags))

    assert decoded(frame).vlans == vlans


def test_tags_that_the_kernel_took_off_are_the_outer_ones() -> None:
    frame = ethernet(ipv4(udp(bootp(options()))), tags=((0x8100, 20),))

    assert decoded(frame, (10,)).vlans == (10, 20)


def test_more_tags_than_any_network_stacks_are_not_followed() -> None:
    packet = ipv4(udp(bootp(options())))

    assert decoded(ethernet(packet, tags=((0x8100, 1),) * 8)).vlans == (1,) * 8
    assert decode(ethernet(packet, tags=((0x8100, 1),) * 9)) is None
    assert decode(ethernet(packet, tags=((0x8100, 1),) * 60_000)) is None


def test_skips_ipv4_header_options() -> None:
    frame = ethernet(ipv4(udp(bootp(options())), header_options=b"\x94\x04\0\0" * 3))

    assert decoded(frame).mac == "02:00:5e:10:00:01"


def test_ignores_what_follows_the_packet() -> None:
    assert decoded(relayed() + b"\x35\x01\x07trailer").message_type is MessageType.DISCOVER


def test_joins_an_option_that_came_in_parts() -> None:
    message = from_options(option(60, b"a" * 255), option(12, b"cpe"), option(60, b"b" * 45))

    assert message.vendor_class == b"a" * 255 + b"b" * 45


@pytest.mark.parametrize(
    ("code", "field"), [(12, "hostname"), (43, "vendor_specific"), (61, "client_id"), (125, "vendor_identifying")]
)
def test_joins_a_long_option_whatever_stands_between_its_parts(code: int, field: str) -> None:
    message = from_options(option(code, b"a" * 255), option(55, b"\x01"), option(code, b""), option(code, b"b"))

    assert getattr(message, field) == b"a" * 255 + b"b"


def test_joins_option_82_before_reading_what_is_in_it() -> None:
    inside = option(1, b"c" * 200) + option(2, b"r" * 100) + option(6, b"sub")
    message = from_options(option(82, inside[:255]), option(82, inside[255:]))

    assert (message.circuit_id, message.remote_id, message.subscriber_id) == (b"c" * 200, b"r" * 100, b"sub")
    assert not message.ambiguous


@pytest.mark.parametrize(("overload", "vendor_class"), [(1, b"x-file"), (2, b"x-sname"), (3, b"x-file-sname")])
def test_reads_options_in_file_and_sname_in_that_order(overload: int, vendor_class: bytes) -> None:
    parts = {1: (b"-file", b""), 2: (b"", b"-sname"), 3: (b"-file", b"-sname")}[overload]
    file, sname = (option(60, part) + frames.END if part else b"" for part in parts)
    tail = options(frames.DISCOVER, option(52, bytes((overload,))), option(60, b"x"))

    message = decoded(ethernet(ipv4(udp(bootp(tail, file=file, sname=sname)))))

    assert message.vendor_class == vendor_class


def test_option_82_may_stand_in_an_overloaded_field() -> None:
    tail = options(frames.DISCOVER, option(52, b"\x01"))
    file = relay_agent((1, b"port-1")) + frames.END

    assert decoded(ethernet(ipv4(udp(bootp(tail, file=file))))).circuit_id == b"port-1"


def test_does_not_read_file_and_sname_unless_told() -> None:
    file = option(12, b"boot-file-name") + frames.END

    assert decoded(ethernet(ipv4(udp(bootp(options(), file=file))))).hostname is None


def test_an_option_list_may_lack_its_end() -> None:
    tail = frames.COOKIE + option(53, b"\x01") + option(12, b"cpe")

    assert decoded(ethernet(ipv4(udp(bootp(tail))))).hostname == b"cpe"


def test_reads_every_sub_option_of_the_relay() -> None:
    codes = (
        dhcp_frame.AGENT_CIRCUIT_ID,
        dhcp_frame.AGENT_REMOTE_ID,
        dhcp_frame.AGENT_LINK_SELECTION,
        dhcp_frame.AGENT_SUBSCRIBER_ID,
        dhcp_frame.AGENT_VENDOR_SPECIFIC,
        dhcp_frame.AGENT_FLAGS,
        dhcp_frame.AGENT_SERVER_OVERRIDE,
        dhcp_frame.AGENT_RELAY_ID,
        dhcp_frame.AGENT_VIRTUAL_SUBNET,
        dhcp_frame.AGENT_VIRTUAL_SUBNET_CONTROL,
    )
    message = from_options(relay_agent(*((code, b"v%d" % code) for code in codes)))

    assert codes == (1, 2, 5, 6, 9, 10, 11, 12, 151, 152)
    assert message.relay_agent == {code: b"v%d" % code for code in codes}
    assert message.subscriber_id == b"v6"


def test_a_sub_option_repeated_word_for_word_is_no_contradiction() -> None:
    message = from_options(relay_agent((1, b"a"), (1, b"a")))

    assert message.circuit_id == b"a"
    assert not message.ambiguous


def test_two_values_for_a_sub_option_are_told_and_the_last_stands() -> None:
    message = from_options(relay_agent((1, b"client's"), (2, b"r")), relay_agent((1, b"relay's")))

    assert message.circuit_id == b"relay's"
    assert message.ambiguous == {1}


def test_sub_options_that_contradict_each_other_by_the_thousand_are_told() -> None:
    inside = b"".join(option(code, bytes((turn,))) for turn in range(60) for code in range(1, 255))

    message = from_options(*(option(82, inside[at : at + 255]) for at in range(0, len(inside), 255)))

    assert message.ambiguous == set(range(1, 255))
    assert set(message.relay_agent.values()) == {b"\x3b"}


@pytest.mark.parametrize("padding", [b"\0", b"\xff", b"\xff\0"])
def test_padding_inside_option_82_is_overlooked(padding: bytes) -> None:
    message = from_options(option(82, option(1, b"port-1") + padding))

    assert message.circuit_id == b"port-1"


@pytest.mark.parametrize("fields", [{"htype": 6}, {"hlen": 0}, {"hlen": 16}, {"chaddr": bytes(6)}], ids=repr)
def test_only_a_48_bit_address_of_a_device_is_a_mac(fields: dict[str, Any]) -> None:
    assert decoded(relayed(**fields)).mac is None


GOOD = udp(bootp(options()))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0" * 13,
        ethernet(ipv4(GOOD), ethertype=0x0806),
        ethernet(ipv4(GOOD), ethertype=0x86DD),
        ethernet(b"", ethertype=0x8100),
        ethernet(ipv4(GOOD))[:30],
        ethernet(ipv4(GOOD))[:38],
        ethernet(b"\x60" + ipv4(GOOD)[1:]),
        ethernet(b"\x44" + ipv4(GOOD)[1:]),
        ethernet(ipv4(GOOD, protocol=6)),
        ethernet(ipv4(GOOD, fragment=185)),
        ethernet(ipv4(udp(bootp(options()), source=53, destination=5353))),
        ethernet(ipv4(udp(bootp(b"\0" * 64)))),
        ethernet(ipv4(udp(bootp(frames.COOKIE + option(12, b"bootp") + frames.END)))),
    ],
    ids=[
        "empty",
        "half an Ethernet header",
        "ARP",
        "IPv6",
        "tag without a frame",
        "half an IPv4 header",
        "half a UDP header",
        "version 6 in IPv4",
        "IPv4 header of 16 bytes",
        "TCP",
        "later fragment",
        "other ports",
        "no cookie",
        "plain BOOTP",
    ],
)
def test_a_frame_of_something_else_is_nothing(frame: bytes) -> None:
    assert decode(frame) is None


OPTIONS_AT = 14 + 20 + 8 + 240


def with_agent(inside: bytes) -> bytes:
    return ethernet(ipv4(udp(bootp(options(frames.DISCOVER, option(82, inside))))))


@pytest.mark.parametrize(
    ("frame", "what", "offset"),
    [
        (ethernet(ipv4(GOOD, fragment=0x2000)), "fragment", 14 + 6),
        (ethernet(ipv4(GOOD))[:-1], "cut short", 14 + 2),
        (ethernet(ipv4(GOOD, length=28)), "UDP length", 14 + 20 + 4),
        (ethernet(ipv4(udp(bootp(options()), length=9))), "UDP length 9", 14 + 20 + 4),
        (ethernet(ipv4(udp(bootp(options()), length=9999))), "UDP length 9999", 14 + 20 + 4),
        (relayed(op=3), "operation 3", 14 + 20 + 8),
        (relayed(hlen=17), "length 17", 14 + 20 + 8 + 2),
        (ethernet(ipv4(udp(bootp(frames.COOKIE + b"\x35")))), "option 53", OPTIONS_AT),
        (ethernet(ipv4(udp(bootp(options()[:-1] + b"\x0c\x05cpe")))), "option 12", OPTIONS_AT + 3),
        (relayed(0), "message type 00", OPTIONS_AT),
        (relayed(frames.DISCOVER, option(53, b"\x01")), "message type 0101", OPTIONS_AT),
        (relayed(frames.REQUEST, option(50, b"abc")), "option 50 is 3 bytes", OPTIONS_AT),
        (relayed(frames.REQUEST, option(54, b"abcde")), "option 54 is 5 bytes", OPTIONS_AT),
        (relayed(frames.DISCOVER, option(52, b"\x04")), "overload 04", OPTIONS_AT),
        (with_agent(b"\x01\x09short"), "sub-option 1", OPTIONS_AT),
        (with_agent(b"\x01\x00\x02"), "sub-option 2", OPTIONS_AT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_frame_is_refused_with_what_and_where(frame: bytes, what: str, offset: int) -> None:
    with pytest.raises(DhcpFrameError, match=what) as refused:
        decode(frame)

    assert refused.value.offset == offset
    assert f"at byte {offset}" in str(refused.value)


def test_an_overloaded_field_ends_where_it_ends() -> None:
    tail = options(frames.DISCOVER, option(52, b"\x02"))
    frame = ethernet(ipv4(udp(bootp(tail, sname=b"\0" * 60 + b"\x0c\x20ab"))))

    with pytest.raises(DhcpFrameError, match="option 12 runs over"):
        decode(frame)
