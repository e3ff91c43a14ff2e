"""How often one source may do something: token buckets, of which only so many are kept. Pure."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network


class Buckets:
    """A bucket of ``burst`` tokens for each source, filled at ``per_second``; ``monotonic`` is in seconds.

    The bucket that was used longest ago is forgotten for a new one, and with it what was taken: only a sender with
    more addresses than ``capacity`` gains by it.
    """

    def __init__(self, per_second: float, burst: float, monotonic: Callable[[], float], capacity: int = 16_384) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._capacity = capacity
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, source: str) -> bool:
        """Whether the source may do it once more now; takes a token if so."""
        now = self._monotonic()
        left, at = self._left.pop(source, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        allowed = left >= 1.0
        self._left[source] = (left - 1.0 if allowed else left, now)
        if len(self._left) > self._capacity:
            self._left.popitem(last=False)
        return allowed


def source_of(address: str) -> str:
    """What an address counts as: one subscriber has a whole /64 of IPv6 (RFC 6177)."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found.packed[:8] + bytes(8), 64)))
