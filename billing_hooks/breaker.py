"""The circuit breaker of one endpoint: when everything fails, one probe at a time finds out if it is back. Pure."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Breaker:
    """Open from the ``threshold``-th failure in a row of the endpoint, whichever its delivery, until a success."""

    threshold: int
    failures: int = 0

    @property
    def is_open(self) -> bool:
        """Whether only probes may be sent."""
        return self.failures >= self.threshold

    def after(self, *, delivered: bool) -> "Breaker":
        """The breaker after one more attempt."""
        return replace(self, failures=0 if delivered else self.failures + 1)

    def concurrency(self, allowed: int) -> int:
        """How many posts may be in flight of the ``allowed`` ones."""
        return 1 if self.is_open else allowed
