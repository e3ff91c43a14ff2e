"""The sessions that are open, found by cookie: bounded in number and in age, one a device."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from ztpd.acs.messages import DeviceId
from ztpd.acs.session import Session
from ztpd.domain.cpe import CpeFacts, Proof

COOKIE = "session"
_TOKEN = re.compile(rf'(?:^|[;,\s]){COOKIE}\s*=\s*"?([0-9a-f]{{32}})\b', re.IGNORECASE)


class TableFull(Exception):
    """As many sessions are open as may be: the CPE must come back later."""


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session and what its POSTs need; ``turn`` lets one at a time in, over however many connections they come."""

    token: str
    device: tuple[str, str, str]
    peer_ip: str
    proof: Proof
    session: Session
    used_at: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def tokens_in(cookies: list[str]) -> list[str]:
    """The tokens that Cookie headers may name, as devices send them.

    Quoted values, commas between cookies, any case, older cookies beside the new one.
    """
    return [token.lower() for token in _TOKEN.findall(";".join(cookies))]


class SessionTable:
    """Open sessions by token, least recently used first.

    ``ttl_seconds`` counts from the last POST; ``monotonic`` is in seconds; ``new_token`` makes 32 hex digits that
    nobody can guess: a token stands for the authentication of its Inform.
    """

    def __init__(
        self, capacity: int, ttl_seconds: float, monotonic: Callable[[], float], new_token: Callable[[], str]
    ) -> None:
        self._capacity = capacity
        self._ttl_seconds = ttl_seconds
        self._monotonic = monotonic
        self._new_token = new_token
        self._by_token: OrderedDict[str, OpenSession] = OrderedDict()
        self._by_device: dict[tuple[str, str, str], OpenSession] = {}
        self.lost = 0  # sessions that a CPE opened and never finished

    def __len__(self) -> int:
        return len(self._by_token)

    def open(self, device: DeviceId, session: Session, peer_ip: str, proof: Proof) -> OpenSession:
        """A new session of this device; an older one of the same device is over. Raises ``TableFull``."""
        key = (device.oui, device.product_class, device.serial)
        return self._keep(OpenSession(self._new_token(), key, peer_ip, proof, session, self._monotonic()))

    def adopt(self, token: str, facts: CpeFacts, session: Session, peer_ip: str) -> OpenSession:
        """A session of this device that began elsewhere under this token. Raises ``TableFull``."""
        key = (facts.oui, facts.product_class, facts.serial)
        return self._keep(OpenSession(token, key, peer_ip, Proof.NONE, session, self._monotonic()))

    def _keep(self, opened: OpenSession) -> OpenSession:
        self._expire()
        key = opened.device
        stale = self._by_device.get(key)
        if stale is not None:
            self.lost += 1
            self.close(stale)
        if len(self._by_token) >= self._capacity:
            raise TableFull
        self._by_token[opened.token] = opened
        self._by_device[key] = opened
        return opened

    def holds(self, oui: str, product_class: str, serial: str) -> bool:
        """Whether a session of this device is open."""
        self._expire()
        return (oui, product_class, serial) in self._by_device

    def find(self, cookies: list[str]) -> OpenSession | None:
        """The session that one of these Cookie headers names, and keeps it alive; None when there is none."""
        self._expire()
        for token in tokens_in(cookies):
            found = self._by_token.get(token)
            if found is not None:
                found.used_at = self._monotonic()
                self._by_token.move_to_end(found.token)
                return found
        return None

    def close(self, session: OpenSession) -> None:
        """Forget the session; nothing when it is forgotten already."""
        self._by_token.pop(session.token, None)
        if self._by_device.get(session.device) is session:
            del self._by_device[session.device]

    def _expire(self) -> None:
        horizon = self._monotonic() - self._ttl_seconds
        while self._by_token:
            oldest = next(iter(self._by_token.values()))
            if oldest.used_at > horizon:
                return
            self.lost += 1
            self.close(oldest)
