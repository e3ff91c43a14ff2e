"""DHCP decodes a second, beside scapy's full dissection and dpkt's decoding of the same frame in the same run."""

import statistics
import time
from collections.abc import Callable

import dpkt
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from ztpd.discovery.dhcp_frame import decode

MEASURES = ("dhcp_decode", "dhcp_decode_dpkt")

_ROUNDS = 9
_DECODES, _DISSECTIONS, _DPKT_DECODES = 20_000, 500, 8_000


def relayed_discover() -> bytes:
    """A DISCOVER of 376 bytes as an OLT relays it: eight options, circuit-id and PON serial."""
    mac = bytes.fromhex("02005e100001")
    circuit_id, remote_id = b"OLT-01 xpon 0/1/0/3:17.1.100", b"HWTC1A2B3C4D"
    agent = bytes((1, len(circuit_id))) + circuit_id + bytes((2, len(remote_id))) + remote_id
    options = [
        ("message-type", "discover"),
        ("max_dhcp_size", 576),
        ("param_req_list", [1, 3, 6, 12, 15, 28, 42, 43]),
        ("hostname", b"cpe1"),
        ("vendor_class_id", b"dslforum.org"),
        ("client_id", b"\x01" + mac),
        ("relay_agent_information", agent),
        "end",
        "pad",
    ]
    relay = Ether(dst="a2:29:75:68:d9:68", src="7a:3c:55:a4:e7:74") / IP(src="10.82.0.2", dst="10.82.0.1")
    message = BOOTP(xid=0xC1941A61, hops=1, giaddr="10.82.1.1", chaddr=mac) / DHCP(options=options)
    return bytes(relay / UDP(sport=67, dport=67) / message)


def _rate(work: Callable[[bytes], object], frame: bytes, times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work(frame)
    return times / (time.perf_counter() - started)


def _by_dpkt(frame: bytes) -> dpkt.dhcp.DHCP:
    """From Ethernet to the list of DHCP options; what is inside option 82 dpkt leaves as it is."""
    return dpkt.dhcp.DHCP(dpkt.ethernet.Ethernet(frame).data.data.data)


def run() -> dict[str, dict[str, float | str]]:
    """Medians of several rounds of all in turn, so that a busy machine slows all of them."""
    frame = relayed_discover()
    works = ((decode, _DECODES), (Ether, _DISSECTIONS), (_by_dpkt, _DPKT_DECODES))
    rounds = [[_rate(work, frame, times) for work, times in works] for _ in range(_ROUNDS)]
    value, scapy, by_dpkt = map(statistics.median, zip(*rounds, strict=True))
    return {"dhcp_decode": _beside(value, scapy), "dhcp_decode_dpkt": _beside(value, by_dpkt)}


def _beside(value: float, limit: float) -> dict[str, float | str]:
    return {"value": value, "unit": "1/s", "better": "higher", "limit": limit, "ratio": value / limit}
