"""What a dialogue needs of a transport, and what can go wrong before it begins."""

import os
from enum import StrEnum
from typing import Protocol


class Reason(StrEnum):
    """Why there is no session."""

    UNREACHABLE = "unreachable"
    IDENTITY = "identity"  # it is not who it should be
    CREDENTIALS = "credentials"  # it does not know us
    FULL = "full"  # it has no place for one more


class ConnectFailed(Exception):
    """There is no session, and why."""

    def __init__(self, reason: Reason, said: str) -> None:
        self.reason = reason
        self.said = said
        super().__init__(said)


def in_words(error: Exception) -> str:
    """What an error says, without the numbers and tuples that the system adds."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class Wire(Protocol):
    """Bytes to and from one terminal. ``typed_login``: name and password are typed like everything else."""

    typed_login: bool

    async def read(self) -> bytes:
        """What came; nothing at its end, however it ended."""
        ...

    def write(self, data: bytes) -> None:
        """Send; what cannot be sent is noticed by ``read``."""
        ...

    def abort(self) -> None:
        """Drop the connection."""
        ...

    async def close(self) -> None:
        """End the connection in order, within a few seconds."""
        ...
