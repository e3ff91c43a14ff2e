"""Connections that break on demand: at which request, and when."""

import enum
from dataclasses import dataclass


class Moment(enum.StrEnum):
    """When a connection is cut: before the request has any effect, or when only its answer is missing."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class Cuts:
    """``cut_at`` is the request, counted from now, at which its connection breaks; it happens once."""

    cut_at: int | None = None
    cut_moment: Moment = Moment.BEFORE

    def cut(self) -> Moment | None:
        """When the connection of the request that just came breaks, if it does."""
        if self.cut_at is None:
            return None
        self.cut_at -= 1
        if self.cut_at > 0:
            return None
        self.cut_at = None
        return self.cut_moment
