"""Logging in at a lab element over SSH, whatever is spoken behind it."""

from typing import Protocol

import asyncssh


class Account(Protocol):
    """Whom it lets in."""

    @property
    def username(self) -> str:
        """The one user."""
        ...

    @property
    def password(self) -> str:
        """His password."""
        ...


class Login(asyncssh.SSHServer):
    """Lets one user in by password; ``connections`` are those that are open."""

    def __init__(self, account: Account, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._account = account
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep it."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Everybody has to log in."""
        return True

    def password_auth_supported(self) -> bool:
        """By password, at least."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Whether it is the user."""
        return (username, password) == (self._account.username, self._account.password)
