"""Which nonces were used, so that a recorded Authorization header opens no second session (RFC 7616 §5.5)."""

from collections import OrderedDict


class NonceCounts:
    """Remembers the highest count used with each nonce, for the last ``capacity`` nonces.

    A nonce pushed out by newer ones counts as unused again until it expires; its lifetime bounds that.
    """

    def __init__(self, capacity: int = 65_536) -> None:
        self._capacity = capacity
        self._highest: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._highest)

    def use(self, nonce: str, count: int) -> bool:
        """Whether this count is above all that were used with the nonce; remembers it if so."""
        if count <= self._highest.get(nonce, 0):
            return False
        self._highest[nonce] = count
        self._highest.move_to_end(nonce)
        if len(self._highest) > self._capacity:
            self._highest.popitem(last=False)
        return True
