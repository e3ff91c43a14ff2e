"""An ONU as an OLT sees it on a port."""

import enum
from dataclasses import dataclass


class Presence(enum.StrEnum):
    """Where a device stands on a port (TR-385 ``onu-presence-state``, grouped by what it means to us).

    Other technologies use the same words: a switch port whose link is up and a radio that is associated are intended.
    """

    UNKNOWN = "unknown"  # present, no configuration claims it
    INTENDED = "intended"  # present and working where its configuration says
    MISPLACED = "misplaced"  # present, configured for another channel termination
    IN_ERROR = "in-error"  # present, configured, not coming up (O7, emergency stopped …)
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class PresentOnu:
    """One ONU in an OLT's list of those that it sees.

    ``raw_state`` is the OLT's own word for ``presence``; ``registration_id`` is hex as reported.
    """

    port: str
    serial: str
    presence: Presence
    raw_state: str = ""
    onu_id: int | None = None
    registration_id: str | None = None
