"""Recorded captures through the live path: formats, link types, times, broken frames and broken files."""

import struct
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, PcapWriter

from tests.conftest import ROOT
from tests.unit.discovery import frames
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import Message
from ztpd.discovery.replay import ReplayedFrame, ReplayError, replay
from ztpd.lab import dhcp as lab

SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))
NOT_DHCP = frames.ethernet(b"", ethertype=0x0806)


def trust(_: Message) -> bool:
    return True


def replayed(path: Path) -> list[ReplayedFrame]:
    return list(replay(path, SHIPPED, trust))


def pcap(path: Path, packets: Sequence[bytes], *, order: str = "<", nano: bool = False, linktype: int = 1) -> Path:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, linktype)]
    for packet in packets:
        fraction = 123_456_789 if nano else 123_456
        parts += [struct.pack(f"{order}IIII", 1_700_000_000, fraction, len(packet), len(packet)), packet]
    path.write_bytes(b"".join(parts))
    return path


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(padded) + 12)
    return struct.pack(f"{order}I", kind) + length + padded + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(options: bytes = b"", order: str = "<", linktype: int = 1) -> bytes:
    return block(1, struct.pack(f"{order}HHI", linktype, 0, 0) + options, order)


def packet(frame: bytes, ticks: int, order: str = "<", number: int = 0) -> bytes:
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def test_every_frame_has_its_number_and_what_became_of_it(tmp_path: Path) -> None:
    file = pcap(tmp_path / "c.pcap", [frames.relayed(), NOT_DHCP, frames.relayed()[:-1], frames.relayed()])

    results = replayed(file)

    assert [each.number for each in results] == [1, 2, 3, 4]
    assert [each.sighting is not None for each in results] == [True, False, False, True]
    assert results[2].refusal is not None
    assert "cut short" in results[2].refusal
    assert [each.refusal for each in results if each.number != 3] == [None] * 3


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_of_either_byte_order_and_resolution(tmp_path: Path, order: str, nano: bool) -> None:
    (result,) = replayed(pcap(tmp_path / "c.pcap", [frames.relayed()], order=order, nano=nano))

    assert result.sighting is not None
    assert result.sighting.heard_at == datetime.fromtimestamp(1_700_000_000, UTC).replace(microsecond=123_456)
    assert result.sighting.serial == "HWTC1A2B3C4D"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("resolution", "per_second"), [(None, 10**6), (9, 10**9), (3, 10**3), (0x80 | 20, 2**20)])
def test_pcapng_of_either_byte_order_and_any_resolution(
    tmp_path: Path, order: str, resolution: int | None, per_second: int
) -> None:
    options = b"" if resolution is None else struct.pack(f"{order}HHB3xHH", 9, 1, resolution, 0, 0)
    name = struct.pack(f"{order}HH", 2, 4) + b"eth0"
    file = tmp_path / "c.pcapng"
    at = 1_700_000_000 * per_second + per_second // 2
    blocks = (section(order), interface(name + options, order), packet(frames.relayed(), at, order))
    file.write_bytes(b"".join(blocks))

    (result,) = replayed(file)

    assert result.sighting is not None
    assert result.sighting.heard_at == datetime.fromtimestamp(1_700_000_000, UTC).replace(microsecond=500_000)


def test_pcapng_with_several_interfaces_sections_and_foreign_blocks(tmp_path: Path) -> None:
    file = tmp_path / "c.pcapng"
    at = 1_700_000_000 * 10**6
    first = section() + interface(linktype=105) + interface() + block(5, b"statistics..")
    first += packet(frames.relayed(), at, number=1) + packet(frames.relayed(), at, number=0)
    second = section(">") + interface(order=">") + packet(frames.relayed(), at, ">")
    file.write_bytes(first + second)

    results = replayed(file)

    assert [each.sighting is not None for each in results] == [True, False, True]
    assert results[1].refusal == "link type 105 is neither Ethernet nor Linux cooked"


def test_a_frame_without_a_time_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.pcapng"
    frame = frames.relayed()
    file.write_bytes(section() + interface() + block(3, struct.pack("<I", len(frame)) + frame))

    (result,) = replayed(file)

    assert result.refusal == "the capture does not say when the frame was heard"


def test_a_time_beyond_the_calendar_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.pcapng"
    file.write_bytes(section() + interface() + packet(frames.relayed(), 2**64 - 1))

    (result,) = replayed(file)

    assert result.refusal is not None
    assert "after 1970" in result.refusal


@pytest.mark.parametrize(
    ("linktype", "header"),
    [(113, b"\0\0\0\x01\0\x06\x02\0\0\0\0\x01\0\0\x08\0"), (276, b"\x08\0\0\0" + b"\0" * 16)],
)
def test_linux_cooked_captures(tmp_path: Path, linktype: int, header: bytes) -> None:
    cooked = header + frames.relayed()[14:]

    (result,) = replayed(pcap(tmp_path / "c.pcap", [cooked], linktype=linktype))

    assert result.sighting is not None
    assert result.sighting.mac == "02:00:5e:10:00:01"


def test_files_of_other_writers(tmp_path: Path) -> None:
    client = lab.LabClient("02:00:5e:10:00:07", b"olt-2 xpon 0/1/0/9:1.1.100", b"HWTC00000007")
    packet = Ether(lab.frame(lab.discover(client)))
    packet.time = 1_700_000_000.5
    old, new = tmp_path / "old.pcap", tmp_path / "new.pcapng"
    for writer in (PcapWriter(str(old)), PcapNgWriter(str(new))):
        with writer:
            writer.write(packet)

    for file in (old, new):
        (result,) = replayed(file)
        assert result.sighting is not None
        assert (result.sighting.element, result.sighting.serial) == ("olt-2", "HWTC00000007")
        assert result.sighting.heard_at == datetime.fromtimestamp(1_700_000_000, UTC).replace(microsecond=500_000)


def test_the_lab_writes_what_replay_reads(tmp_path: Path) -> None:
    client = lab.LabClient("02:00:5e:10:00:07", b"olt-2 xpon 0/1/0/9:1.1.100")
    spoken = (
        lab.discover(client),
        lab.request(client, "10.82.1.17", "10.82.0.1"),
        lab.acknowledge(client, "10.82.1.17", "10.82.0.1"),
        lab.release(client, "10.82.1.17", "10.82.0.1"),
    )
    file = tmp_path / "lab.pcap"
    written = lab.write_pcap(file, [(1_700_000_000.5 + n, lab.frame(each)) for n, each in enumerate(spoken)])

    heard = [each.sighting for each in replayed(file) if each.sighting is not None]

    assert written == len(heard) == 4
    assert [(each.presence.value, each.ip) for each in heard] == [
        ("present", None),
        ("present", "10.82.1.17"),
        ("present", "10.82.1.17"),
        ("absent", "10.82.1.17"),
    ]
    assert heard[1].heard_at.microsecond == 500_000


@pytest.mark.parametrize("cut", [1, 5, 17, 100])
def test_a_file_that_ends_early_gives_what_came_before(tmp_path: Path, cut: int) -> None:
    file = pcap(tmp_path / "c.pcap", [frames.relayed(), frames.relayed()])
    file.write_bytes(file.read_bytes()[:-cut])
    results = replay(file, SHIPPED, trust)

    assert next(results).sighting is not None
    with pytest.raises(ReplayError, match="bytes early"):
        next(results)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "ends 4 bytes early"),
        (b"\x1f\x8b\x08\0packed", "neither pcap nor pcapng, at byte 0"),
        (struct.pack("<IHH", 0xA1B2C3D4, 2, 4), "bytes early"),
        (struct.pack("<IHHiIIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 1, 0, 0, 2**31, 0), "at most 262144"),
        (b"\x0a\x0d\x0d\x0a" + bytes(24), "byte-order magic"),
        (section()[:-4] + b"\0\0\0\0", "two lengths differ"),
        (section() + struct.pack("<II", 6, 8), "a block of 8 bytes"),
        (section() + struct.pack("<II", 6, 2**31), "at most"),
        (section() + b"\x06\0", "bytes early"),
        (section() + packet(b"", 0), "no interface"),
        (section() + interface() + block(6, bytes(16)), "cut short"),
        (section() + interface() + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99)), "longer than its block"),
        (section() + block(1, bytes(4)), "cut short"),
        (section() + block(3, bytes(4)), "no interface"),
    ],
)
def test_a_damaged_file_is_refused_with_where(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "c.pcap"
    file.write_bytes(content)

    with pytest.raises(ReplayError, match=problem) as refused:
        replayed(file)

    assert refused.value.path == file
    assert f"at byte {refused.value.offset}" in str(refused.value)


def test_a_recorded_exchange_of_a_real_server_and_relay(data_folder: Path) -> None:
    results = replayed(data_folder / "dhcp/relayed-discover-option82.pcap")

    told = [each.sighting for each in results if each.sighting is not None]
    assert [each.refusal for each in results] == [None] * 4
    assert [each.details["message-type"] for each in told] == ["DISCOVER", "REQUEST", "ACK"]
    assert {(each.mac, each.serial, each.element, each.port) for each in told} == {
        ("02:00:5e:10:00:01", "HWTC1A2B3C4D", "OLT-01", "0/1/3")
    }
    assert told[-1].ip == "10.82.1.17"


def test_a_recorded_dhcpv6_exchange_through_a_real_relay(data_folder: Path) -> None:
    results = replayed(data_folder / "dhcp/relayed-solicit-option18.pcap")

    told = [each.sighting for each in results if each.sighting is not None]
    assert [each.refusal for each in results] == [None] * 2
    assert [each.details["message-type"] for each in told] == ["SOLICIT", "SOLICIT"]
    assert {(each.mac, each.circuit_id, each.details["link-address"]) for each in told} == {
        ("02:00:5e:10:00:01", "01000000", "2001:db8:1::1")
    }
