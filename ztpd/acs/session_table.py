"""The sessions that are open, found by cookie: bounded in number and in age, one a device."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from ztpd.acs.identity import Identity
from ztpd.acs.messages import DeviceId
from ztpd.acs.session import Session
from ztpd.domain.cpe import CpeFacts, Proof

COOKIE = "session"
_TOKEN = re.compile(rf'(?:^|[;,\s]){COOKIE}\s*=\s*"?([0-9a-f]{{32}})\b', re.IGNORECASE)


class TableFull(Exception):
    """As many sessions are open as may be: the CPE must come back later."""


Key = tuple[str, str, str, int]
"""What there is one session of: a device with how well that is proven, or an address that has proven nothing."""


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session and what its POSTs need; ``turn`` lets one at a time in, over however many connections they come."""

    token: str
    device: Key
    peer_ip: str
    identity: Identity
    session: Session
    used_at: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def tokens_in(cookies: list[str]) -> list[str]:
    """The tokens that Cookie headers may name, as devices send them.

    Quoted values, commas between cookies, any case, older cookies beside the new one.
    """
    return [token.lower() for token in _TOKEN.findall(";".join(cookies))]


_STRENGTH = {Proof.NONE: 0, Proof.BOOTSTRAP: 1, Proof.DEVICE: 2, Proof.CERTIFICATE: 2}


def _key(oui: str, product_class: str, serial: str, proof: Proof, peer_ip: str) -> Key:
    return ("", "", peer_ip, 0) if proof is Proof.NONE else (oui, product_class, serial, _STRENGTH[proof])


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
        self._by_device: dict[Key, OpenSession] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self.lost = 0  # sessions that a CPE opened and never finished

    def __len__(self) -> int:
        return len(self._by_token)

    def open(self, device: DeviceId, session: Session, peer_ip: str, identity: Identity) -> OpenSession:
        """A new session of this device; an older one of the same device is over. Raises ``TableFull``.

        A claim ends nobody's session: only what is proven as well does.
        """
        key = _key(device.oui, device.product_class, device.serial, identity.proof, peer_ip)
        return self._keep(OpenSession(self._new_token(), key, peer_ip, identity, session, self._monotonic()))

    def adopt(self, token: str, facts: CpeFacts, session: Session, peer_ip: str, proof: Proof) -> OpenSession | None:
        """A session of this device that began elsewhere under this token; the one that is open, if it is already.

        None when the device has begun another one meanwhile. Raises ``TableFull``.
        """
        key = _key(facts.oui, facts.product_class, facts.serial, proof, peer_ip)
        for newest in self._of(key, 2):
            return newest if newest.token == token else None
        return self._keep(OpenSession(token, key, peer_ip, Identity(proof), session, self._monotonic()))

    def is_over(self, token: str) -> bool:
        """Whether a session of this token ended here not long ago."""
        return token in self._over

    def holds(self, oui: str, product_class: str, serial: str) -> bool:
        """Whether a session of this device is open."""
        self._expire()
        return bool(self._of((oui, product_class, serial, 2), 2))

    def _of(self, key: Key, strength: int) -> list[OpenSession]:
        """The open sessions of a device, or of an address, that are proven at most so well."""
        strengths = range(1, strength + 1) if key[3] else range(1)
        found = (self._by_device.get((*key[:3], each)) for each in strengths)
        return [session for session in found if session is not None]

    def _keep(self, opened: OpenSession) -> OpenSession:
        self._expire()
        key = opened.device
        for stale in self._of(key, key[3]):
            self.lost += 1
            self.close(stale)
        if len(self._by_token) >= self._capacity:
            raise TableFull
        self._by_token[opened.token] = opened
        self._by_device[key] = opened
        return opened

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
        if self._by_token.pop(session.token, None) is not None:
            self._over[session.token] = None
            if len(self._over) > self._capacity:
                self._over.popitem(last=False)
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
