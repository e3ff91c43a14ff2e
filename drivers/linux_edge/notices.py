"""Word of changed links and neighbours, by rtnetlink(7) on the event loop."""

import asyncio
import errno
import socket

from drivers.errors import Unreachable

_RTMGRP_LINK, _RTMGRP_NEIGH = 0x1, 0x4
_MESSAGES = 1 << 16


class NetlinkNotices:
    """A socket in the namespace of the thread that makes it. What is said is not read: it is a hint to look."""

    def __init__(self, element: str) -> None:
        self._element = element
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        try:
            self._socket.setblocking(False)
            self._socket.bind((0, _RTMGRP_LINK | _RTMGRP_NEIGH))
        except OSError:
            self._socket.close()
            raise

    async def next(self) -> None:
        """Wait until something changed; messages that did not fit (ENOBUFS) are word of it too."""
        try:
            await asyncio.get_running_loop().sock_recv(self._socket, _MESSAGES)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise Unreachable(self._element, "notification", str(error)) from error

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
