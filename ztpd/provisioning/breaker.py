"""When an element is left alone because it does not answer, and when it is asked again; pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Open from the first time that an element does not answer until it answers a probe.

    Pauses between probes double from ``first_s`` up to ``longest_s``, and begin anew only after a write succeeded: an
    element that answers probes and nothing else is not asked ever faster.
    """

    first_s: float
    longest_s: float
    is_open: bool = False
    _probes: int = 0

    def failed(self) -> None:
        """The element did not answer."""
        self.is_open = True

    def next_pause_s(self) -> float:
        """How long to wait before the next probe."""
        self._probes += 1
        return float(min(self.longest_s, self.first_s * 2.0 ** min(self._probes - 1, 32)))

    def answered(self) -> None:
        """The element answered a probe: work goes on."""
        self.is_open = False

    def succeeded(self) -> None:
        """The element did what it was asked."""
        self._probes = 0
