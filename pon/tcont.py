"""What bandwidth a T-CONT is given, and what it shares beyond that (ITU-T G.984.3 §7.4.4, G.9807.1 §C.7.2)."""

import enum
from dataclasses import dataclass


class Sharing(enum.StrEnum):
    """What a T-CONT may have beyond what is fixed and assured to it."""

    NONE = "none"
    NON_ASSURED = "non-assured"
    BEST_EFFORT = "best-effort"


class BandwidthError(ValueError):
    """The rates do not make a T-CONT; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A traffic descriptor, in bit/s: what is reserved, what is granted on demand whatever the load, and the limit."""

    maximum_bps: int
    assured_bps: int = 0
    fixed_bps: int = 0

    @property
    def guaranteed_bps(self) -> int:
        """What no load takes away."""
        return self.fixed_bps + self.assured_bps

    def check(self) -> None:
        """Raise ``BandwidthError`` unless 0 ≤ fixed + assured ≤ maximum and maximum > 0."""
        if min(self.fixed_bps, self.assured_bps) < 0 or self.maximum_bps <= 0:
            raise BandwidthError(f"bandwidths of {self} are not positive")
        if self.guaranteed_bps > self.maximum_bps:
            raise BandwidthError(
                f"fixed {self.fixed_bps} and assured {self.assured_bps} bit/s together are more than upstream_bps "
                f"{self.maximum_bps}"
            )

    @property
    def sharing(self) -> Sharing:
        """Eligibility for additional bandwidth: none when nothing is left, non-assured only with something assured.

        Non-assured bandwidth is shared in proportion to what is fixed and assured, so of nothing there is no share.
        """
        if self.guaranteed_bps >= self.maximum_bps:
            return Sharing.NONE
        return Sharing.NON_ASSURED if self.guaranteed_bps else Sharing.BEST_EFFORT
