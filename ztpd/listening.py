"""Addresses of this machine that the daemon listens on: bound before it is ready, or a plain word on why not."""

import errno
import os
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class CannotListen(Exception):
    """An address of this machine cannot be bound; says which keys name it, and why."""

    def __init__(self, section: str, host: str, port: int, error: OSError, key: str = "port") -> None:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        keys = f"{section}.host and {section}.{key}"
        remedy = f"Stop what has the address, or change {keys}"
        if error.errno == errno.EACCES:
            remedy = f"A port below 1024 needs CAP_NET_BIND_SERVICE (in the unit), or change {keys}"
        super().__init__(f"{section} cannot listen on {host} port {port}: {why}. {remedy}")


async def bind(section: str, host: str, port: int, binding: Awaitable[T], key: str = "port") -> T:
    """What ``binding`` gives; raises ``CannotListen`` for its ``OSError``."""
    try:
        return await binding
    except OSError as error:
        raise CannotListen(section, host, port, error, key) from error
