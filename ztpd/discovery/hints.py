"""Hints: what an element sends unasked (a trap, a line of syslog) and what becomes of it.

A hint has an element's list read and is never a fact: anybody who can send from an element's address can give one, and
gets nothing by it but a reading. Whose it is, the source address alone tells.
"""

import asyncio
import enum
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

import structlog

log = structlog.get_logger()

RESOLVE_S = 300.0
"""How long a name of an element holds until it is looked up again."""

TELL_S = 60.0
"""How long nothing is said of what was said already."""


class Outcome(enum.StrEnum):
    """What becomes of a hint."""

    NUDGED = "nudged"
    NO_MATCH = "no-match"
    UNKNOWN_SOURCE = "unknown-source"
    MALFORMED = "malformed"
    REFUSED = "refused"


def plain_address(host: str) -> str:
    """An address as a socket tells it, without zone, IPv4 inside IPv6 as IPv4."""
    host = host.partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host


class Senders:
    """Which elements an address stands for: several may share one.

    ``hosts`` are names and addresses by element. Addresses hold at once, names once ``follow`` has looked them up.
    """

    def __init__(self, hosts: Mapping[str, Sequence[str]]) -> None:
        self._fixed: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        self._resolved: dict[str, frozenset[str]] = {}
        for element, named in hosts.items():
            for host in named:
                address = _literal(host)
                kind, key = (self._names, host) if address is None else (self._fixed, address)
                kind.setdefault(key, set()).add(element)
        self._elements = _frozen(self._fixed)

    def elements(self, address: str) -> tuple[str, ...]:
        """The elements that send from an address (``plain_address``); empty for a stranger's."""
        return self._elements.get(address, ())

    async def follow(self) -> None:
        """Look the names up now and again, until cancelled; one that has no answer keeps the addresses it had."""
        seldom = Seldom()
        while True:
            for name in self._names:
                try:
                    self._resolved[name] = await _addresses_of(name)
                except OSError as error:
                    if seldom.due(name):
                        log.warning("name of an element has no address", host=name, reason=str(error))
            found = {address: set(elements) for address, elements in self._fixed.items()}
            for name, addresses in self._resolved.items():
                for address in addresses:
                    found.setdefault(address, set()).update(self._names[name])
            self._elements = _frozen(found)
            await asyncio.sleep(RESOLVE_S)


def _literal(host: str) -> str | None:
    try:
        return plain_address(str(ip_address(host)))
    except ValueError:
        return None


async def _addresses_of(name: str) -> frozenset[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return frozenset(plain_address(str(sockaddr[0])) for *_, sockaddr in found)


def _frozen(elements: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {address: tuple(sorted(named)) for address, named in elements.items()}


class Seldom:
    """What is told at most once in ``TELL_S`` for each of a few reasons, however often it happens."""

    REASONS = 32

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._untold: Counter[str] = Counter()
        self._quiet_until: dict[str, float] = {}

    def due(self, reason: str) -> int:
        """Count it; how often it happened since it was told last, or 0 while it is not to be told."""
        known = reason if reason in self._quiet_until or len(self._quiet_until) < self.REASONS else "others"
        self._untold[known] += 1
        if self._now() < self._quiet_until.get(known, 0.0):
            return 0
        self._quiet_until[known] = self._now() + TELL_S
        return self._untold.pop(known)


class Hints:
    """Hints of one kind (``source``): each is counted, those of an element nudge it, of the others a little is told.

    ``report`` hears of each hint once, with the source and the outcome.
    """

    def __init__(
        self, source: str, senders: Senders, nudge: Callable[[str], None], report: Callable[[str, str], None]
    ) -> None:
        self._source = source
        self._senders = senders
        self._nudge = nudge
        self._report = report
        self._seldom = Seldom()

    def knows(self, address: str) -> bool:
        """Whether an element sends from the address; a stranger's hint ends here."""
        if self._senders.elements(address):
            return True
        self.ends(Outcome.UNKNOWN_SOURCE)
        times = self._seldom.due(Outcome.UNKNOWN_SOURCE)
        if times:
            log.warning("hint from an unknown source", source=self._source, address=address, times=times)
        return False

    def nudge(self, address: str) -> None:
        """Have the lists of the address's elements read."""
        for element in self._senders.elements(address):
            self._nudge(element)
        self.ends(Outcome.NUDGED)

    def ends(self, outcome: Outcome) -> None:
        """Count a hint of which nothing is to be said."""
        self._report(self._source, outcome)

    def refuse(self, address: str, outcome: Outcome, reason: str, **context: str) -> None:
        """Count a hint of an element that is not followed, and tell why when it is news."""
        self.ends(outcome)
        elements = ", ".join(self._senders.elements(address)) or address
        times = self._seldom.due(f"{elements}: {reason}")
        if times:
            log.warning(
                "hint not followed", source=self._source, elements=elements, reason=reason, times=times, **context
            )
