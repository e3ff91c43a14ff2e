"""Word of changed links, by rtnetlink(7) on the event loop."""

import asyncio
import errno
import socket

from drivers.errors import Unreachable
from drivers.linux_edge.kernel import Notices

_RTMGRP_LINK = 0x1
_MESSAGES = 1 << 16


class NetlinkNotices:
    """A socket in the namespace of the thread that makes it. What is said is not read: it is a hint to look."""

    def __init__(self, element: str) -> None:
        self._element = element
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        try:
            self._socket.setblocking(False)
            self._socket.bind((0, _RTMGRP_LINK))
        except OSError:
            self._socket.close()
            raise

    async def next(self) -> None:
        """Wait until something changed, and take all that was said of it."""
        try:
            await asyncio.get_running_loop().sock_recv(self._socket, _MESSAGES)
            while self._socket.recv(_MESSAGES):
                pass
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # what did not fit is word of a change too
                raise Unreachable(self._element, "notification", str(error)) from error

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


class NoticesUntil:
    """Word from a kernel until it is let go: what opens it anew may be another one."""

    def __init__(self, element: str, notices: Notices, ended: asyncio.Event) -> None:
        self._element = element
        self._notices = notices
        self._ended = ended

    async def next(self) -> None:
        """Wait until something changed; raises ``Unreachable`` when the kernel was let go."""
        word, end = (asyncio.ensure_future(each) for each in (self._notices.next(), self._ended.wait()))
        try:
            await asyncio.wait({word, end}, return_when=asyncio.FIRST_COMPLETED)
            if not word.done():
                raise Unreachable(self._element, "notification", "the kernel was let go")
            word.result()
        finally:
            word.cancel()
            end.cancel()
            await asyncio.gather(word, end, return_exceptions=True)

    def close(self) -> None:
        """Hear no more."""
        self._notices.close()
