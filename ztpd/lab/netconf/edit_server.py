"""The NETCONF server of an element that can be configured, and the lock on it that somebody else holds."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ztpd.lab.netconf.editing import Cancel, Editable, EditOperations
from ztpd.lab.netconf.server import NetconfServer, ServerSettings

T = TypeVar("T")


class Configurable(Editable[T], Protocol[T]):
    """An element that can be configured and counts what it was asked."""

    rpcs: Counter[str]


class EditServer(NetconfServer, Generic[T]):
    """Sessions of one element, which may be changed at any time."""

    def __init__(
        self,
        settings: ServerSettings,
        device: Configurable[T],
        operations: EditOperations[T],
        capabilities: Callable[[], tuple[str, ...]],
    ) -> None:
        super().__init__(settings, device, operations, capabilities)
        self._configurable = device
        self._lock_holder: int | None = None

    def hold_lock(self) -> None:
        """Lock what is written to for a session that nobody is in; raises ``RpcError`` when it is locked."""
        holder = self.next_session()
        self._configurable.datastores.lock(self._configurable.writable, holder)
        self._lock_holder = holder

    def release_lock(self) -> None:
        """Release what ``hold_lock`` took, if it did."""
        if self._lock_holder is not None:
            self._configurable.datastores.end_session(self._lock_holder)
            self._lock_holder = None


def schedule(seconds: float, call: Callable[[], None]) -> Cancel:
    """Call after seconds on the running loop, unless it is cancelled before."""
    return asyncio.get_running_loop().call_later(seconds, call).cancel
