"""SNMP traps and informs from elements: each that is authentic, and of the kinds asked for, is a hint.

pysnmp takes 50 MB: it is imported only where traps are received.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ztpd.discovery.datagrams import Address, hearing
from ztpd.discovery.hints import Hints, Outcome, plain_address
from ztpd.discovery.snmp_header import Level
from ztpd.discovery.turns import Turns

Auth = Literal["sha", "sha224", "sha256", "sha384", "sha512"]
Priv = Literal["aes128", "aes192", "aes256"]


@dataclass(frozen=True, slots=True)
class TrapUser:
    """A user of SNMPv3 (RFC 3414, 7860, 3826): its messages must be authenticated, and encrypted if ``priv`` is given.

    ``engine_ids`` are the only engines that may use it; empty for any that proves to know the passwords.
    """

    name: str
    auth: Auth
    auth_password: str = field(repr=False)
    priv: Priv | None = None
    priv_password: str | None = field(default=None, repr=False)
    engine_ids: frozenset[bytes] = frozenset()

    @property
    def level(self) -> Level:
        """The level its messages must have."""
        return Level.AUTH_NO_PRIV if self.priv is None else Level.AUTH_PRIV


@dataclass(frozen=True, slots=True)
class TrapSettings:
    """Whose traps count, and which: ``kinds`` are prefixes of ``snmpTrapOID``, empty for all."""

    communities: tuple[str, ...] = field(default=(), repr=False)
    users: tuple[TrapUser, ...] = ()
    kinds: tuple[tuple[int, ...], ...] = ()


class TrapRefused(Exception):
    """A message that is no trap of ours: ``outcome`` is what it counts as, ``context`` tells more for the log."""

    def __init__(self, outcome: Outcome, reason: str, **context: str) -> None:
        self.outcome = outcome
        self.reason = reason
        self.context = context
        super().__init__(reason)


def of_kind(oid: tuple[int, ...], kinds: Sequence[tuple[int, ...]]) -> bool:
    """Whether a trap's OID is one of the kinds or below one; any is when there are none."""
    return not kinds or any(oid[: len(kind)] == kind for kind in kinds)


async def receive_traps(sock: socket.socket, settings: TrapSettings, hints: Hints) -> None:
    """Receive on a bound socket, which it owns, until cancelled."""
    from ztpd.discovery.trap_engine import TrapEngine

    waiting: Turns[tuple[bytes, Address]] = Turns()

    def heard(datagram: bytes, address: Address) -> None:
        sender = plain_address(address[0])
        if hints.knows(sender) and not waiting.put(sender, (datagram, address)):
            hints.refuse(sender, Outcome.REFUSED, "more traps than are read in its turn")

    async with hearing(sock, heard) as transport:
        engine = TrapEngine(settings, transport.sendto)

        def read(sender: str, received: tuple[bytes, Address]) -> None:
            try:
                oid = engine.read(*received)
            except TrapRefused as refused:
                hints.refuse(sender, refused.outcome, refused.reason, **refused.context)
                return
            if oid is not None and of_kind(oid, settings.kinds):
                hints.nudge(sender)
            else:
                hints.ends(Outcome.NO_MATCH)

        await waiting.read_each(read)
