"""A thousand sockets that send a byte now and then, each from an address of its own, and come back when cut off.

``python -m tests.bench._slow_sockets PORT NUMBER`` prints ``ready`` once all are connected, and how often they were cut
off when its standard input ends. Half of them never end their header, half never end their body.
"""

import contextlib
import select
import socket
import sys

_TICK_S, _PARTS = 0.05, 10  # each socket sends once in half a second
_HEADER = b"POST /acs HTTP/1.1\r\nHost: acs\r\nX-Slow: "
_BODY = b"POST /acs HTTP/1.1\r\nHost: acs\r\nContent-Type: text/xml\r\nContent-Length: 2000\r\n\r\n<a>"


class Slow:
    """One of them."""

    def __init__(self, number: int, port: int) -> None:
        self._number = number
        self._port = port
        self.connect()

    def connect(self) -> None:
        """Come, or come back."""
        self._socket = socket.socket()
        self._socket.bind((f"127.200.{self._number >> 8}.{self._number & 255}", 0))
        self._socket.connect(("127.0.0.1", self._port))
        self._socket.setblocking(False)
        self._socket.send(_HEADER if self._number % 2 else _BODY)

    def drip(self) -> bool:
        """Send a byte; whether it was cut off and came back."""
        try:
            with contextlib.suppress(BlockingIOError):
                if self._socket.recv(4096) == b"":
                    raise ConnectionResetError
            self._socket.send(b"x")
        except OSError:
            self._socket.close()
            self.connect()
            return True
        return False


def main() -> None:
    """Drip until the input ends."""
    slow = [Slow(number, int(sys.argv[1])) for number in range(int(sys.argv[2]))]
    print("ready", flush=True)
    part = cut = 0
    while not select.select([sys.stdin], [], [], _TICK_S)[0]:
        cut += sum(each.drip() for each in slow[part::_PARTS])
        part = (part + 1) % _PARTS
    print(cut, flush=True)


if __name__ == "__main__":
    main()
