"""Who may call what: bearer tokens (RFC 6750), known by their hashes, and the scopes they carry."""

import enum
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from ztpd.api.problems import Forbidden, Unauthenticated
from ztpd.domain.model import Identifier, Strict

_REALM = 'Bearer realm="ztpd"'


class Scope(enum.StrEnum):
    """What a token is for."""

    READ = "read"
    DISPATCH = "dispatch"  # describe places, order work, open visits
    FIELD = "field"  # report completions
    BILLING = "billing"  # read events
    ADMIN = "admin"  # everything


class Token(Strict):
    """One token as it is configured: whose it is, what for, and the SHA-256 of its text as hex.

    The text itself is kept nowhere; it must be long and random, for the hash is not slow.
    """

    name: Identifier
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$"), AfterValidator(str.lower)]

    def covers(self, scopes: Iterable[Scope]) -> bool:
        """Whether one of the scopes is the token's; admin covers all."""
        return Scope.ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)


def authenticate(header: str | None, tokens: Sequence[Token]) -> Token:
    """The token that an Authorization header presents; raises ``Unauthenticated``."""
    scheme, _, presented = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise Unauthenticated(
            "a bearer token is needed", "send Authorization: Bearer TOKEN", headers={"WWW-Authenticate": _REALM}
        )
    found = _find(presented.strip(), tokens)
    if found is None:
        challenge = f'{_REALM}, error="invalid_token"'
        raise Unauthenticated("the token is not known", "use a valid token", headers={"WWW-Authenticate": challenge})
    return found


def _find(presented: str, tokens: Sequence[Token]) -> Token | None:
    # Header bytes that are no UTF-8 arrive as lone surrogates; every text has a hash, and only a known one passes.
    digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()
    # Every hash is compared, to its end: the time tells nothing about which one was near.
    matching = [token for token in tokens if hmac.compare_digest(token.sha256, digest)]
    return matching[0] if matching else None


def authorize(token: Token, scopes: frozenset[Scope]) -> None:
    """Let a token pass that covers one of the scopes; raises ``Forbidden``, which names what is missing."""
    if token.covers(scopes):
        return
    missing = " or ".join(sorted(scopes))
    challenge = f'{_REALM}, error="insufficient_scope", scope="{" ".join(sorted(scopes))}"'
    raise Forbidden(
        f"token {token.name} lacks the scope {missing}",
        "use a token that has it",
        headers={"WWW-Authenticate": challenge},
    )
