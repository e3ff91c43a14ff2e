"""How fast the provisioner works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds; ``batch`` jobs at most go into one commit of an element."""

    batch: int = 64
    poll_s: float = 1.0
    verify_timeout_s: float = 90.0
    verify_poll_s: float = 1.0
    store_pause_s: float = 2.0
