"""Which bindings CPEs have proven, and how much each address may ask: bounded, in memory, for both expire. Pure.

After a restart a CPE is asked to sign again, and until then is reached where its last Inform said.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ztpd.acs.stun import Endpoint


@dataclass(frozen=True, slots=True)
class _Seen:
    endpoint: Endpoint
    at: float


class Bindings:
    """The last proven binding by STUN user, the one seen longest ago forgotten first; ``monotonic`` is in seconds."""

    def __init__(self, capacity: int, ttl_s: float, monotonic: Callable[[], float]) -> None:
        self._capacity = capacity
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._by_user: OrderedDict[str, _Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_user)

    def keep(self, user: str, endpoint: Endpoint) -> None:
        """A user has proven a binding, or kept it alive."""
        self._by_user[user] = _Seen(endpoint, self._monotonic())
        self._by_user.move_to_end(user)
        if len(self._by_user) > self._capacity:
            self._by_user.popitem(last=False)

    def of(self, user: str) -> Endpoint | None:
        """Where a user's binding is; None when it has proven none, or it has been silent for too long."""
        seen = self._by_user.get(user)
        if seen is None:
            return None
        if self._monotonic() - seen.at > self._ttl_s:
            del self._by_user[user]
            return None
        return seen.endpoint


class Rates:
    """At most ``per_second`` datagrams from one address, and twice as many at once.

    Remembers the last ``capacity`` addresses; one that was pushed out by others begins anew.
    """

    def __init__(self, per_second: float, capacity: int, monotonic: Callable[[], float]) -> None:
        self._per_second = per_second
        self._capacity = capacity
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def allows(self, address: str) -> bool:
        """Whether one more datagram of the address is answered; counts it if so."""
        now, most = self._monotonic(), 2 * self._per_second
        left, at = self._left.get(address, (most, now))
        left = min(most, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        self._left.move_to_end(address)
        if len(self._left) > self._capacity:
            self._left.popitem(last=False)
        return allowed
