"""What an error means for the attempt: a stable code, and whether and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from drivers.errors import Busy, ElementError, Unreachable
from ztpd.domain.failures import Code, Failure

_CODES: tuple[tuple[type[ElementError], Code], ...] = (
    (Unreachable, Code.ELEMENT_UNREACHABLE),
    (Busy, Code.ELEMENT_BUSY),
    (ElementError, Code.ELEMENT_REJECTED),
)

RETRIED = frozenset({Code.ELEMENT_UNREACHABLE, Code.ELEMENT_BUSY})


def failure_of(error: Exception) -> Failure:
    """The failure that an error stands for, by its class.

    What is no ``ElementError`` is a flaw of the driver or an answer it did not foresee: a person has to look at it,
    so it counts as a refusal and is not repeated.
    """
    if not isinstance(error, ElementError):
        return Failure(Code.ELEMENT_REJECTED, f"unforeseen {type(error).__name__}: {error}")
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    return Failure(code, f"{error.element}, {error.operation}: {error.answer}")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often an attempt is put off and for how long: doubled each time, up to ``longest_s``, cut by up to half."""

    attempts: int = 60
    first_s: float = 2.0
    longest_s: float = 60.0

    def retry_at(self, failure: Failure, attempt: int, now: datetime, random: Random) -> datetime | None:
        """When to try again after the n-th attempt in a row, or None when it has failed for good."""
        if failure.code not in RETRIED or attempt >= self.attempts:
            return None
        pause_s = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, 32))
        return now + timedelta(seconds=pause_s * (1 - random.random() / 2))
