"""How many devices a minute are written to one element; pure."""

from dataclasses import dataclass

_BURST_S = 10.0


@dataclass(slots=True)
class Throttle:
    """Spreads writes evenly: at most ``per_minute`` devices, in bursts of ten seconds' worth; None is no limit."""

    per_minute: float | None
    _free_at: float = 0.0

    def room(self, batch: int) -> int:
        """How many of a batch may be written at a time."""
        return batch if self.per_minute is None else max(1, min(batch, int(self.per_minute * _BURST_S / 60)))

    def wait_s(self, now: float) -> float:
        """How long the next write has to wait, in seconds."""
        return max(0.0, self._free_at - now)

    def wrote(self, devices: int, now: float) -> None:
        """So many devices were written."""
        if self.per_minute is not None:
            self._free_at = max(now, self._free_at) + 60.0 * devices / self.per_minute
