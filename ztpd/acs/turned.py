"""POSTs that get no CWMP answer, and what they get instead."""

import secrets

from multidict import CIMultiDict


class Turned(Exception):
    """A POST gets no CWMP answer: the HTTP status, a sentence, headers, and what it is counted as."""

    def __init__(self, status: int, reason: str, counted: str, headers: CIMultiDict[str] | None = None) -> None:
        self.status = status
        self.reason = reason
        self.counted = counted
        self.headers = headers
        super().__init__(reason)


def later(least_seconds: int, reason: str, counted: str) -> Turned:
    """A 503: come back after at least so long, up to as much again at random, so that not all come back together."""
    seconds = least_seconds + secrets.randbelow(least_seconds + 1)
    return Turned(503, reason, counted, CIMultiDict({"Retry-After": str(seconds)}))
