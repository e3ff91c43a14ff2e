"""What the API is handed by the daemon, and its bounds."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drivers.access import Levels, ObservedAccess
from ztpd.api.tokens import Token
from ztpd.domain.adoption import Finding, ListedService
from ztpd.metrics import Metrics
from ztpd.store.files import FileSettings
from ztpd.store.store import Store

_VLANS = re.compile(r"(\.([1-9]|[1-9]\d{1,2}|[1-3]\d{3}|40[0-8]\d|409[0-4])){1,2}")

READY = "ok"
"""What ``readiness`` says of a part that works."""


@dataclass(frozen=True, slots=True)
class Element:
    """A configured element: the technologies it serves, and its ports where they are known (None: they are not).

    ``vlans_behind`` is whether up to two VLAN ids behind a port make a port as well (``eth1.201.301``). ``mode`` says
    what ztpd may do there, ``remark`` what an operator must know of it, ``up`` whether it answered when last asked.
    """

    technologies: frozenset[str]
    ports: frozenset[str] | None = None
    vlans_behind: bool = False
    mode: str = "active"
    remark: str = ""
    driver: str = ""
    up: bool = False

    def has(self, port: str) -> bool:
        """Whether there is such a port, as far as is known."""
        if self.ports is None or port in self.ports:
            return True
        behind = (port.removeprefix(each) for each in self.ports if port.startswith(each))
        return self.vlans_behind and any(_VLANS.fullmatch(each) for each in behind)


class Adopts(Protocol):
    """Takes over what others configured on an element."""

    async def adopt(
        self, element: str, listed: Sequence[ListedService], actor: str, *, dry_run: bool
    ) -> AsyncIterator[Finding]:
        """Read the element, then the findings as they are committed; raises before the first of them.

        ``Unknown``, ``Refused`` and ``drivers.errors.ElementError``.
        """
        ...


class Hands(Protocol):
    """What a person can have an element do at once; raises ``Unknown``, ``Refused`` and ``ElementError``."""

    async def reboot(self, service: str, actor: str) -> None:
        """Restart the device that a service ends in."""
        ...

    async def measure(self, service: str) -> tuple[ObservedAccess | None, Levels]:
        """What is configured for a service now, and what is measured of it."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what one caller may cost; times in seconds, sizes in bytes. ``list_`` is of a body that is a list.

    ``header_s`` bounds the wait for a request's header, and so the idle time of a connection; ``drain_s`` how long
    requests that are being answered may go on once the API stops.
    """

    body_bytes: int = 256 * 1024
    list_bytes: int = 16 * 1024 * 1024
    header_s: float = 10.0
    body_s: float = 15.0
    list_s: float = 60.0
    connections: int = 512
    drain_s: float = 2.0


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What the handlers work with.

    ``origin`` is this node as the ``source`` of CloudEvents; ``endpoints`` are the configured receivers of events;
    ``readiness`` maps each part of the daemon to ``READY`` or to why it does not work; ``hosts`` are the names, beside
    those of the loopback, that a Host header may carry. ``files`` is where files for CPEs lie: None where none do.
    """

    store: Store
    now: Callable[[], datetime]
    tokens: tuple[Token, ...]
    elements: Mapping[str, Element]
    endpoints: frozenset[str]
    origin: str
    readiness: Callable[[], Mapping[str, str]]
    metrics: Metrics
    hands: Hands
    adopter: Adopts
    hosts: frozenset[str] = frozenset()
    limits: Limits = Limits()
    files: FileSettings | None = None
