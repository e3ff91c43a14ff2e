"""Whatever the bytes: a message, nothing, or the one error; and what another program builds is read as it meant it."""

import tomllib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

from tests.conftest import ROOT
from tests.unit.discovery import frames
from ztpd.discovery.circuit_id import GROUPS, LONGEST, CircuitIdTable
from ztpd.discovery.dhcp import sighting_of
from ztpd.discovery.dhcp_frame import DhcpFrameError, DhcpMessage, decode

HEARD_AT = datetime(2026, 1, 1, tzinfo=UTC)
SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))
RELAYED = frames.relayed(
    frames.REQUEST,
    frames.option(50, b"\x0a\0\0\x01"),
    frames.option(52, b"\x03"),
    frames.option(61, b"\x01" + frames.MAC),
    frames.option(125, b"\0\0\x0d\xe9\x02\x01\0"),
    file=frames.option(60, b"dslforum.org") + frames.END,
    sname=frames.option(12, b"cpe") + frames.END,
)

addresses = st.ip_addresses(v=4).map(str)
ids = st.binary(min_size=1, max_size=120)


def use(frame: bytes, tags: tuple[int, ...] = ()) -> DhcpMessage | None:
    """Decode, and read everything a message offers; None for a refusal too."""
    try:
        message = decode(frame, tags)
    except DhcpFrameError as refused:
        frame[refused.offset]  # the place it names is in the frame
        return None
    if message is not None:
        for name in dir(type(message)):
            if not name.startswith("_"):
                getattr(message, name)
        sighting_of(message, SHIPPED, HEARD_AT, True)
    return message


@given(st.binary(max_size=700), st.lists(st.integers(0, 4095), max_size=2).map(tuple))
def test_any_bytes_are_answered(frame: bytes, tags: tuple[int, ...]) -> None:
    use(frame, tags)


@given(st.binary(max_size=700))
def test_any_bytes_behind_the_headers_are_answered(payload: bytes) -> None:
    use(frames.ethernet(frames.ipv4(frames.udp(payload))))


@given(st.binary(max_size=400), st.binary(max_size=64), st.binary(max_size=128))
def test_any_options_are_answered(tail: bytes, sname: bytes, file: bytes) -> None:
    use(frames.ethernet(frames.ipv4(frames.udp(frames.bootp(frames.COOKIE + tail, sname=sname, file=file)))))


def test_every_truncation_is_refused_or_nothing() -> None:
    assert [use(RELAYED[:length]) for length in range(len(RELAYED))] == [None] * len(RELAYED)


@given(st.lists(st.tuples(st.integers(0, len(RELAYED) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_spoiled_bytes_are_answered(changes: list[tuple[int, int]]) -> None:
    frame = bytearray(RELAYED)
    for at, value in changes:
        frame[at] = value
    use(bytes(frame))


@given(
    mac=st.binary(min_size=6, max_size=6).filter(any),
    xid=st.integers(0, 2**32 - 1),
    ciaddr=addresses,
    giaddr=addresses,
    source=addresses,
    hostname=ids,
    client_id=ids,
    circuit_id=ids,
    remote_id=ids,
    vlans=st.lists(st.integers(0, 4095), max_size=3),
    kind=st.sampled_from(["discover", "request", "decline", "release", "inform"]),
)
def test_what_scapy_builds_is_read_as_it_meant_it(
    mac: bytes,
    xid: int,
    ciaddr: str,
    giaddr: str,
    source: str,
    hostname: bytes,
    client_id: bytes,
    circuit_id: bytes,
    remote_id: bytes,
    vlans: list[int],
    kind: str,
) -> None:
    agent = frames.option(1, circuit_id) + frames.option(2, remote_id)
    told = [("message-type", kind), ("hostname", hostname), ("client_id", client_id)]
    layers = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    for vlan in vlans:
        layers /= Dot1Q(vlan=vlan)
    layers /= IP(src=source, dst="192.0.2.1") / UDP(sport=67, dport=67)
    layers /= BOOTP(xid=xid, ciaddr=ciaddr, giaddr=giaddr, chaddr=mac)
    layers /= DHCP(options=[*told, ("relay_agent_information", agent), "end"])

    message = decode(bytes(layers))

    assert message is not None
    assert message.message_type.name == kind.upper()
    assert (message.mac, message.xid) == (mac.hex(":"), xid)
    assert (message.ciaddr, message.giaddr, message.source_ip) == (ciaddr, giaddr, source)
    assert (message.hostname, message.client_id) == (hostname, client_id)
    assert (message.circuit_id, message.remote_id) == (circuit_id, remote_id)
    assert message.vlans == tuple(vlans)


@given(st.binary(max_size=300) | st.text(alphabet="olt-1 xponeth0123456789/.:|", max_size=255).map(str.encode))
def test_any_circuit_id_is_explained_or_not(raw: bytes) -> None:
    match = SHIPPED.explain(raw)

    assert match is None or len(raw) <= LONGEST
    if match is not None:
        assert set(match.groups) <= GROUPS
        assert all(value.isprintable() for value in match.groups.values())
