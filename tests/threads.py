"""Threads that a test waits for."""

import contextlib
import threading
import time
from collections.abc import Iterable

LONGEST_S = 20.0
"""One that is ending may take as long as paramiko bounds its handshake by, 15 s."""


def others(*prefixes: str) -> list[threading.Thread]:
    """The threads that are neither the main one nor named with one of the prefixes."""
    return [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.name.startswith(prefixes)
    ]


def going_on(threads: Iterable[threading.Thread]) -> list[threading.Thread]:
    """Those that do not end."""
    return [thread for thread in threads if not _ended(thread)]


def _ended(thread: threading.Thread) -> bool:
    """Wait for its end; a thread that is only being started is listed already, and cannot be waited for yet."""
    until = time.monotonic() + LONGEST_S
    while thread in threading.enumerate() and time.monotonic() < until:
        with contextlib.suppress(RuntimeError):
            thread.join(until - time.monotonic())
            break
        time.sleep(0.001)
    return not thread.is_alive()
