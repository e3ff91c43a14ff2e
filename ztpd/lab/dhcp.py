"""A lab CPE's DHCP: messages as a relay with option 82 passes them on, sent or written to a file.

Built by scapy from what the client is, so nothing here knows how the daemon decodes.
"""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.utils import PcapWriter

SERVER_PORT = 67
_LARGEST_MESSAGE = 576
_PARAMETERS = [1, 3, 6, 12, 15, 28, 42, 43]


@dataclass(frozen=True, slots=True)
class LabClient:
    """What a CPE and its relay say: ``mac`` is ``aa:bb:cc:dd:ee:ff``; no option 82 where both ids are None."""

    mac: str
    circuit_id: bytes | None = None
    remote_id: bytes | None = None
    hostname: str = "cpe"
    vendor_class: str = "dslforum.org"
    giaddr: str = "10.82.1.1"
    xid: int = 0x5A545044


def discover(client: LabClient) -> bytes:
    """A DISCOVER's BOOTP message: the client looks for a server."""
    return _message(client, "discover")


def request(client: LabClient, address: str, server: str) -> bytes:
    """A REQUEST's BOOTP message: the client takes the offered address."""
    return _message(client, "request", options=[("requested_addr", address), ("server_id", server)])


def acknowledge(client: LabClient, address: str, server: str) -> bytes:
    """The server's ACK on its way back through the relay, option 82 echoed (RFC 3046 §2.2)."""
    return _message(client, "ack", op=2, yiaddr=address, options=[("server_id", server), ("lease_time", 600)])


def release(client: LabClient, address: str, server: str) -> bytes:
    """A RELEASE's BOOTP message: the client gives its address up and goes."""
    return _message(client, "release", ciaddr=address, options=[("server_id", server)])


def frame(
    message: bytes, *, source: str = "10.82.1.1", destination: str = "10.82.0.1", vlans: Sequence[int] = ()
) -> bytes:
    """The Ethernet frame of a relayed message; of two or more VLANs the outermost is a service tag (802.1ad)."""
    layers = Ether(src="02:00:5e:00:00:01", dst="02:00:5e:00:00:02")
    for depth, vlan in enumerate(vlans):
        tag = Dot1AD if depth == 0 and len(vlans) > 1 else Dot1Q
        layers = layers / tag(vlan=vlan)
    packet = IP(src=source, dst=destination) / UDP(sport=SERVER_PORT, dport=SERVER_PORT)
    return bytes(layers / packet / message)


def send_udp(messages: Iterable[bytes], host: str = "127.0.0.1", port: int = SERVER_PORT) -> int:
    """Send BOOTP messages from this machine by UDP, which needs no privilege; the number sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sum(1 for message in messages if sender.sendto(message, (host, port)))


def send_frames(interface: str, frames: Iterable[bytes]) -> int:
    """Send frames on an interface as they are, which needs CAP_NET_RAW; the number sent."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        return sum(1 for each in frames if sender.send(each))


def write_pcap(path: Path, frames: Iterable[tuple[float, bytes]]) -> int:
    """Write frames with their times (Unix seconds) as a capture file; the number written."""
    written = 0
    with PcapWriter(str(path), linktype=1) as file:
        file.write_header(None)
        for seconds, each in frames:
            whole, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
            file.write_packet(each, sec=whole, usec=microseconds)
            written += 1
    return written


def _message(
    client: LabClient,
    kind: str,
    *,
    op: int = 1,
    ciaddr: str = "0.0.0.0",  # noqa: S104 -- an empty field
    yiaddr: str = "0.0.0.0",  # noqa: S104
    options: Sequence[tuple[str, object]] = (),
) -> bytes:
    hardware_address = bytes.fromhex(client.mac.replace(":", ""))
    header = BOOTP(
        op=op,
        hops=1,
        xid=client.xid,
        ciaddr=ciaddr,
        yiaddr=yiaddr,
        giaddr=client.giaddr,
        chaddr=hardware_address,
    )
    told: list[object] = [("message-type", kind), *options]
    if op == 1:
        told += [
            ("max_dhcp_size", _LARGEST_MESSAGE),
            ("param_req_list", _PARAMETERS),
            ("hostname", client.hostname.encode()),
            ("vendor_class_id", client.vendor_class.encode()),
        ]
    told.append(("client_id", b"\x01" + hardware_address))
    if client.circuit_id is not None or client.remote_id is not None:
        told.append(("relay_agent_information", _relay_agent_information(client)))
    return bytes(header / DHCP(options=[*told, "end"]))


def _relay_agent_information(client: LabClient) -> bytes:
    """Option 82's inside: circuit-id, then remote-id (RFC 3046 §2.0)."""
    ids = ((1, client.circuit_id), (2, client.remote_id))
    return b"".join(bytes((code, len(value))) + value for code, value in ids if value is not None)
