"""What may be made to go wrong, and when: decided per request, counted from the moment a fault is set."""

import enum
from dataclasses import dataclass, field


class Moment(enum.StrEnum):
    """When a connection is cut: before the request has any effect, or when only its answer is missing."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class RestFaults:
    """The faults that wait to happen.

    ``cut_at`` is the request at which its connection breaks; it and ``refusals`` (the writes that are refused next)
    happen once. ``hangs``, ``busy_status`` (429 or 503, with ``retry_after_s``) and ``barred`` (devices that no write
    may concern) stay until they are cleared.
    """

    cut_at: int | None = None
    cut_moment: Moment = Moment.BEFORE
    refusals: int = 0
    hangs: bool = False
    busy_status: int | None = None
    retry_after_s: int = 1
    barred: set[str] = field(default_factory=set)

    def cut(self) -> Moment | None:
        """When the connection of the request that just came breaks, if it does."""
        if self.cut_at is None:
            return None
        self.cut_at -= 1
        if self.cut_at > 0:
            return None
        self.cut_at = None
        return self.cut_moment

    def refusal_of(self, write: str) -> str | None:
        """Why the write that just came is refused, if it is."""
        if self.refusals:
            self.refusals -= 1
            return "refused by the operator of the lab"
        barred = next((text for text in self.barred if text in write.lower()), None)
        return None if barred is None else f"no licence for {barred}"
