"""Whether a POST comes from a CPE that knows the secret, and the challenge for one that has not shown it."""

import os
from collections.abc import Callable

from ztpd.acs.digest import (
    Credentials,
    DigestAnswer,
    NonceKey,
    Verdict,
    challenges,
    is_authentic,
    nonce_count,
    parse_authorization,
)
from ztpd.acs.replay import NonceCounts


class Authenticator:
    """Judges Authorization headers against one set of credentials; ``monotonic`` is in seconds.

    The nonce key lives as long as the process: after a restart every nonce is stale, and CPEs answer a new one.
    """

    def __init__(self, credentials: Credentials, monotonic: Callable[[], float], nonce_seconds: float = 300.0) -> None:
        self._credentials = credentials
        self._monotonic = monotonic
        self._key = NonceKey(os.urandom(32), nonce_seconds)
        self._used = NonceCounts()

    def judge(self, authorization: str | None, method: str, target: str) -> Verdict:
        """What the header is worth for this request; an accepted digest is accepted once."""
        answer = parse_authorization(authorization)
        if answer is None:
            return Verdict.ABSENT if authorization is None else Verdict.REFUSED
        if not is_authentic(answer, self._credentials, method, target):
            return Verdict.REFUSED
        if isinstance(answer, DigestAnswer):
            return self._judge_nonce(answer)
        return Verdict.ACCEPTED

    def _judge_nonce(self, answer: DigestAnswer) -> Verdict:
        count = nonce_count(answer)
        if count is None:
            return Verdict.REFUSED
        fresh = self._key.is_fresh(answer.nonce, self._monotonic())
        return Verdict.ACCEPTED if fresh and self._used.use(answer.nonce, count) else Verdict.STALE

    def challenges(self, *, stale: bool) -> list[str]:
        """The WWW-Authenticate values of a 401."""
        nonce = self._key.issue(self._monotonic(), os.urandom(8))
        return challenges(self._credentials, nonce, stale=stale)
