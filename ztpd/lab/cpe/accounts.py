"""Who has which password on the lab's network: a TOML file with a table for each kind of account. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Accounts:
    """Passwords by user, by kind (``pppoe``, ``voice``); of a kind that is absent everybody is let in."""

    passwords: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def accept(self, kind: str, user: str, password: str) -> bool:
        """Whether this user is let in with this password."""
        known = self.passwords.get(kind)
        return bool(user and password) if known is None else known.get(user) == password


def read_accounts(text: str) -> Accounts:
    """The accounts in a TOML file: a table for each kind, with users and their passwords. Raises ``ValueError``."""
    said = tomllib.loads(text)
    for kind, known in said.items():
        if not isinstance(known, dict) or not all(isinstance(password, str) for password in known.values()):
            raise ValueError(f"[{kind}] must be users with their passwords as text")
    return Accounts(said)
