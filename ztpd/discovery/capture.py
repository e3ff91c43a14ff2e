"""DHCP frames off a network interface: an AF_PACKET socket with a kernel filter, read from the event loop.

What belongs here: the socket, the filter, VLAN tags out of the kernel's auxiliary data (packet(7)), counting. What
does not: what a frame means; it is handed on as bytes. Needs CAP_NET_RAW; nothing else in ztpd does.
"""

import asyncio
import ctypes
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import structlog

from ztpd.discovery.dhcp_frame import DhcpFrameError

# What is wanted behind any tags: DHCPv4, DHCPv6, and the first fragment of a DHCPv6 message, to be refused and counted
# as one of DHCPv4 is. Behind other extension headers UDP is not found: clients and relays are not known to send any.
_FRAGMENTED = (
    "ip6[6] = 44 and ip6[40] = 17 and ip6[42:2] & 0xfff8 = 0 and (ip6[48:2] & 0xfffe = 546 or ip6[50:2] & 0xfffe = 546)"
)
_DHCP = f"(ip and udp port 67) or (ip6 and (udp portrange 546-547 or ({_FRAGMENTED})))"
FILTER = f"{_DHCP} or (vlan and ({_DHCP} or (vlan and ({_DHCP}))))"

# FILTER as classic BPF (code, jump if true, jump if false, operand), from ``tcpdump -y EN10MB -dd``. Compiled for
# a file, not an interface, it reads tags from the frame's bytes alone: the outermost tag is taken off before a packet
# socket's filter runs, so a frame with one tag is seen with none, and one with two with one.
# fmt: off
PROGRAM = (
    (0x28, 0, 0, 0xC), (0x15, 0, 9, 0x800), (0x30, 0, 0, 0x17), (0x15, 0, 99, 0x11), (0x28, 0, 0, 0x14),
    (0x45, 97, 0, 0x1FFF), (0xB1, 0, 0, 0xE), (0x48, 0, 0, 0xE), (0x15, 93, 0, 0x43), (0x48, 0, 0, 0x10),
    (0x15, 91, 92, 0x43), (0x15, 0, 20, 0x86DD), (0x30, 0, 0, 0x14), (0x15, 0, 6, 0x11), (0x28, 0, 0, 0x36),
    (0x35, 0, 1, 0x222), (0x25, 0, 85, 0x223), (0x28, 0, 0, 0x38), (0x35, 0, 1, 0x222), (0x25, 0, 82, 0x223),
    (0x30, 0, 0, 0x14), (0x15, 0, 81, 0x2C), (0x30, 0, 0, 0x36), (0x15, 0, 79, 0x11), (0x28, 0, 0, 0x38),
    (0x45, 77, 0, 0xFFF8), (0x28, 0, 0, 0x3E), (0x54, 0, 0, 0xFFFE), (0x15, 73, 0, 0x222), (0x28, 0, 0, 0x40),
    (0x54, 0, 0, 0xFFFE), (0x15, 70, 71, 0x222), (0x15, 2, 0, 0x8100), (0x15, 1, 0, 0x88A8), (0x15, 0, 68, 0x9100),
    (0x28, 0, 0, 0x10), (0x15, 0, 9, 0x800), (0x30, 0, 0, 0x1B), (0x15, 0, 64, 0x11), (0x28, 0, 0, 0x18),
    (0x45, 62, 0, 0x1FFF), (0xB1, 0, 0, 0x12), (0x48, 0, 0, 0x12), (0x15, 58, 0, 0x43), (0x48, 0, 0, 0x14),
    (0x15, 56, 57, 0x43), (0x15, 0, 20, 0x86DD), (0x30, 0, 0, 0x18), (0x15, 0, 6, 0x11), (0x28, 0, 0, 0x3A),
    (0x35, 0, 1, 0x222), (0x25, 0, 50, 0x223), (0x28, 0, 0, 0x3C), (0x35, 0, 1, 0x222), (0x25, 0, 47, 0x223),
    (0x30, 0, 0, 0x18), (0x15, 0, 46, 0x2C), (0x30, 0, 0, 0x3A), (0x15, 0, 44, 0x11), (0x28, 0, 0, 0x3C),
    (0x45, 42, 0, 0xFFF8), (0x28, 0, 0, 0x42), (0x54, 0, 0, 0xFFFE), (0x15, 38, 0, 0x222), (0x28, 0, 0, 0x44),
    (0x54, 0, 0, 0xFFFE), (0x15, 35, 36, 0x222), (0x15, 2, 0, 0x8100), (0x15, 1, 0, 0x88A8), (0x15, 0, 33, 0x9100),
    (0x28, 0, 0, 0x14), (0x15, 0, 9, 0x800), (0x30, 0, 0, 0x1F), (0x15, 0, 29, 0x11), (0x28, 0, 0, 0x1C),
    (0x45, 27, 0, 0x1FFF), (0xB1, 0, 0, 0x16), (0x48, 0, 0, 0x16), (0x15, 23, 0, 0x43), (0x48, 0, 0, 0x18),
    (0x15, 21, 22, 0x43), (0x15, 0, 21, 0x86DD), (0x30, 0, 0, 0x1C), (0x15, 0, 6, 0x11), (0x28, 0, 0, 0x3E),
    (0x35, 0, 1, 0x222), (0x25, 0, 15, 0x223), (0x28, 0, 0, 0x40), (0x35, 0, 1, 0x222), (0x25, 0, 12, 0x223),
    (0x30, 0, 0, 0x1C), (0x15, 0, 11, 0x2C), (0x30, 0, 0, 0x3E), (0x15, 0, 9, 0x11), (0x28, 0, 0, 0x40),
    (0x45, 7, 0, 0xFFF8), (0x28, 0, 0, 0x46), (0x54, 0, 0, 0xFFFE), (0x15, 3, 0, 0x222), (0x28, 0, 0, 0x48),
    (0x54, 0, 0, 0xFFFE), (0x15, 0, 1, 0x222), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0x0),
)
# fmt: on

Deliver = Callable[[bytes, tuple[int, ...]], None]
Address = tuple[str, int, int, int, bytes]  # interface, protocol, packet type, hardware type, hardware address

# linux/if_packet.h and asm-generic/socket.h; the socket module lacks them.
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_ETH_P_ALL = 0x0003
_TP_STATUS_VLAN_VALID = 1 << 4

_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter
_AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
_STATISTICS = struct.Struct("=II")  # struct tpacket_stats

_LONGEST_FRAME = 16_384  # jumbo frames; UDP is not coalesced beyond that on its way to a packet socket
_FRAMES_PER_WAKE = 64  # then other callbacks have their turn
_RECEIVE_BUFFER = 8 * 1024 * 1024  # at 50,000 frames a second, some 150 ms of them
_MALFORMED_LOGGED = 10  # every one is counted, the first few are told

_log = structlog.get_logger()


class CaptureError(Exception):
    """No frames can be heard on ``interface``: ``problem`` says why, ``remedy`` what to do."""

    remedy = ""

    def __init__(self, interface: str, problem: str) -> None:
        self.interface = interface
        self.problem = problem
        super().__init__(f"capture on {interface}: {problem}; {self.remedy}")


class InterfaceMissing(CaptureError):
    """There is no interface of that name."""

    remedy = "name one that `ip link` lists"


class CaptureNotPermitted(CaptureError):
    """The process may not open a packet socket."""

    remedy = (
        "needs CAP_NET_RAW: start it by a unit that gives it (systemd/ztpd-capture.service), run as root, "
        "or use `ztpd replay`"
    )


class InterfaceLost(CaptureError):
    """The interface went down or away while it was heard, or was down from the start."""

    remedy = "bring it up; hearing can start again then"


@dataclass(slots=True)
class CaptureCounts:
    """What the socket brought since it was opened.

    ``frames`` were handed on, ``malformed`` of them refused by the decoder; ``own_output`` were this machine's own,
    ``oversize`` over 16 KiB, ``kernel_drops`` lost because they came faster than they were read.
    """

    frames: int = 0
    malformed: int = 0
    own_output: int = 0
    oversize: int = 0
    kernel_drops: int = 0


async def capture(
    interface: str,
    deliver: Deliver,
    *,
    counts: CaptureCounts | None = None,
    listening: asyncio.Event | None = None,
) -> None:
    """Hand every DHCP frame that comes in on ``interface`` to ``deliver``, with its VLAN tags, until cancelled.

    The tags given are those that the kernel took off, outermost first; inner ones stay in the bytes. ``deliver`` runs
    in the event loop and must not block; a ``DhcpFrameError`` it raises is counted, any other exception ends the
    capture. ``listening`` is set once no further frame is missed. Raises ``CaptureError``; the caller starts again.
    """
    counts = counts if counts is not None else CaptureCounts()
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    with closing(open_socket(interface)) as packets:
        reader = _Reader(interface, packets, deliver, counts)

        def wake() -> None:
            try:
                reader.read_batch()
            except Exception as problem:
                loop.remove_reader(packets)
                if not ended.done():
                    ended.set_exception(problem)

        loop.add_reader(packets, wake)
        try:
            if listening is not None:
                listening.set()
            _log.info("dhcp-is-heard", interface=interface)
            await ended
        finally:
            loop.remove_reader(packets)


def open_socket(interface: str) -> socket.socket:
    """A non-blocking packet socket that hears the filter's frames on one interface; raises ``CaptureError``."""
    try:
        # Protocol 0 hears nothing: no frame gets in between opening and filtering.
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except PermissionError:
        raise CaptureNotPermitted(interface, "a packet socket is not permitted") from None
    try:
        _attach_filter(packets)
        packets.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        _enlarge_receive_buffer(packets)
        packets.bind((interface, _ETH_P_ALL))
    except OSError as problem:
        packets.close()
        if problem.errno in (errno.ENODEV, errno.ENXIO):
            raise InterfaceMissing(interface, "no such interface") from None
        raise
    return packets


def _attach_filter(packets: socket.socket) -> None:
    program = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*each) for each in PROGRAM))
    sock_fprog = struct.pack("@HP", len(PROGRAM), ctypes.addressof(program))
    packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, sock_fprog)


def _enlarge_receive_buffer(packets: socket.socket) -> None:
    try:
        packets.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:  # without CAP_NET_ADMIN the system's limit holds
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


class _Reader:
    """Reads one packet socket in bounded batches."""

    def __init__(self, interface: str, packets: socket.socket, deliver: Deliver, counts: CaptureCounts) -> None:
        self._interface = interface
        self._packets = packets
        self._deliver = deliver
        self._counts = counts

    def read_batch(self) -> None:
        """Deliver what is there, up to a batch; raises ``InterfaceLost`` and what ``deliver`` raises."""
        for _ in range(_FRAMES_PER_WAKE):
            try:
                received = self._packets.recvmsg(_LONGEST_FRAME, _ANCILLARY_SPACE)
            except BlockingIOError:
                break
            except OSError as problem:
                raise InterfaceLost(self._interface, problem.strerror or str(problem)) from problem
            self._sort(*received)
        statistics = self._packets.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        self._counts.kernel_drops += _STATISTICS.unpack(statistics)[1]  # reading it starts it anew

    def _sort(self, frame: bytes, ancillary: list[tuple[int, int, bytes]], flags: int, address: Address) -> None:
        if address[2] == socket.PACKET_OUTGOING:  # on the loopback interface each frame is heard again coming in
            self._counts.own_output += 1
            return
        if flags & socket.MSG_TRUNC:
            self._counts.oversize += 1
            return
        self._counts.frames += 1
        try:
            self._deliver(frame, _stripped_tags(ancillary))
        except DhcpFrameError as problem:
            self._counts.malformed += 1
            if self._counts.malformed <= _MALFORMED_LOGGED:
                _log.warning("dhcp-frame-malformed", interface=self._interface, reason=str(problem))


_ANCILLARY_SPACE = socket.CMSG_SPACE(_AUXDATA.size)


def _stripped_tags(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, ...]:
    for level, kind, data in ancillary:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = _AUXDATA.unpack_from(data)
            if status & _TP_STATUS_VLAN_VALID:
                return (tci & 0x0FFF,)
    return ()
