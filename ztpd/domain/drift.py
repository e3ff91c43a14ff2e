"""What is done about a CPE that is not any more as its service wants: a profile's rule, and how long a fight may last.

Pure.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from ztpd.domain.model import Strict

UNRULED = timedelta(days=1)
"""When it is asked again whether a CPE is to be looked at that no rule or no active service speaks for."""

_FIRST, _LONGEST = timedelta(minutes=15), timedelta(days=1)


class DriftRule(Strict):
    """How often a CPE is looked at, and what is done when it differs.

    It is looked at by an Inform that comes ``every_s`` seconds or more after the last look, and ``at_boot`` by those
    that tell of a restart. ``restore`` puts it right, ``restore_at_most`` times in a row; then, and with ``report``, it
    is told only. ``ignore`` looks at nothing.
    """

    action: Literal["restore", "report", "ignore"] = "report"
    every_s: Annotated[float, Field(ge=60, le=31_536_000)] = 86_400.0
    at_boot: bool = True
    restore_at_most: Annotated[int, Field(ge=1, le=100)] = 3

    @property
    def every(self) -> timedelta:
        """``every_s`` as a duration."""
        return timedelta(seconds=self.every_s)

    def restores(self, times: int) -> bool:
        """Whether a CPE is put right that was put right so often in a row."""
        return self.action == "restore" and times < self.restore_at_most


def pause_after(times: int) -> timedelta:
    """How long a CPE that was put right so often in a row is left alone before the next time: fourfold, up to a day."""
    return timedelta(0) if times == 0 else min(_LONGEST, _FIRST * 4.0 ** min(times - 1, 8))
