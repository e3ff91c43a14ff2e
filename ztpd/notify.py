"""Telling the service manager how the daemon is (sd_notify(3): one datagram to ``$NOTIFY_SOCKET``)."""

import socket
from collections.abc import Mapping

import structlog

log = structlog.get_logger()

_PATIENCE_S = 1.0


def notify(state: str, environment: Mapping[str, str]) -> None:
    """Send ``READY=1``, ``STOPPING=1`` …; does nothing where no manager listens.

    A manager that cannot be told is logged and no reason to end: it decides by itself what to do about it.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # A leading @ stands for the abstract namespace's zero byte.
    path = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(_PATIENCE_S)
            manager.sendto(state.encode(), path)
    except OSError as error:
        log.warning("the service manager cannot be told", state=state, address=address, reason=str(error))
