"""How fast the provisioner works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds; ``batch`` jobs at most go into one commit of an element.

    An element that does not answer is asked again after ``probe_first_s``, and then ever later up to
    ``probe_longest_s``; nothing is claimed for it meanwhile.
    """

    batch: int = 64
    poll_s: float = 1.0
    verify_timeout_s: float = 90.0
    verify_poll_s: float = 1.0
    store_pause_s: float = 2.0
    probe_first_s: float = 0.5
    probe_longest_s: float = 30.0
