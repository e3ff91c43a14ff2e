"""What the kernel tells of network interfaces: that one came up, as soon as it does (rtnetlink(7), RTMGRP_LINK).

Read by hand: importing pyroute2 for this one message takes 12 MB, a quarter of what the capture process may have.
Needs no privilege.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager

import structlog

# linux/rtnetlink.h, linux/if_link.h, linux/if.h
_RTMGRP_LINK = 1
_RTM_NEWLINK = 16
_IFLA_IFNAME = 3
_IFF_UP = 1

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, hardware type, index, flags, which flags changed
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type
_KERNEL = 0

_MESSAGE_BYTES = 32 * 1024
_MESSAGES_PER_WAKE = 32

_log = structlog.get_logger()


def came_up(datagram: bytes) -> frozenset[str]:
    """The names of the interfaces that a netlink datagram says are up; any bytes will do."""
    return frozenset(name for kind, body in _messages(datagram) if kind == _RTM_NEWLINK for name in _name_if_up(body))


def _messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(datagram):
        length, kind, _, _, _ = _HEADER.unpack_from(datagram, at)
        if length < _HEADER.size:
            return
        yield kind, datagram[at + _HEADER.size : at + length]
        at += _aligned(length)


def _name_if_up(body: bytes) -> Iterator[str]:
    if len(body) < _LINK.size or not _LINK.unpack_from(body)[3] & _IFF_UP:
        return
    at = _LINK.size
    while at + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, at)
        if length < _ATTRIBUTE.size:
            return
        if kind == _IFLA_IFNAME:
            yield body[at + _ATTRIBUTE.size : at + length].rstrip(b"\0").decode("utf-8", "replace")
            return
        at += _aligned(length)


def _aligned(length: int) -> int:
    """Netlink begins every message and attribute at a multiple of four bytes."""
    return (length + 3) & ~3


@contextmanager
def watching(interface: str) -> Iterator[asyncio.Event]:
    """An event that is set each time the kernel says that ``interface`` is up; the caller clears it.

    It may be set for nothing. Where netlink is not to be had it never is, which is logged.
    """
    up = asyncio.Event()
    try:
        told = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        told.bind((0, _RTMGRP_LINK))
    except OSError as problem:
        _log.warning("links are not watched", interface=interface, reason=problem.strerror)
        yield up
        return
    loop = asyncio.get_running_loop()
    with closing(told):
        loop.add_reader(told, _read, told, interface, up)
        try:
            yield up
        finally:
            loop.remove_reader(told)


def _read(told: socket.socket, interface: str, up: asyncio.Event) -> None:
    for _ in range(_MESSAGES_PER_WAKE):
        try:
            datagram, (sender, _) = told.recvfrom(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError as problem:
            if problem.errno != errno.ENOBUFS:
                raise
            up.set()  # messages were lost: it may have been among them
            continue
        if sender == _KERNEL and interface in came_up(datagram):
            up.set()
