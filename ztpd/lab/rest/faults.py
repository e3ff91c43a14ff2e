"""What may be made to go wrong, and when: decided per request, counted from the moment a fault is set."""

from dataclasses import dataclass, field

from ztpd.lab.cuts import Cuts


@dataclass(slots=True)
class RestFaults(Cuts):
    """The faults that wait to happen.

    ``cut_at`` is the request at which its connection breaks; it and ``refusals`` (the writes that are refused next)
    happen once. ``hangs``, ``busy_status`` (429 or 503, with ``retry_after_s``) and ``barred`` (devices that no write
    may concern) stay until they are cleared.
    """

    refusals: int = 0
    hangs: bool = False
    busy_status: int | None = None
    retry_after_s: int = 1
    barred: set[str] = field(default_factory=set)

    def refusal_of(self, write: str) -> str | None:
        """Why the write that just came is refused, if it is."""
        if self.refusals:
            self.refusals -= 1
            return "refused by the operator of the lab"
        barred = next((text for text in self.barred if text in write.lower()), None)
        return None if barred is None else f"no licence for {barred}"
