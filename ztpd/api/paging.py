"""A page of a list, and where the next one begins."""

from collections.abc import Sequence
from typing import Any

from ztpd.api.routing import Answer


def one_more(limit: int) -> int:
    """How many rows to read, so that ``page`` sees whether there are more."""
    return limit + 1


def page(rows: Sequence[dict[str, Any]], limit: int) -> Answer:
    """The first ``limit`` rows; ``next`` is the id of the last of them if there are more."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return Answer({"items": shown, "next": str(shown[-1]["id"]) if more else None})
