"""Whether a POST comes from a CPE that knows a secret, and the challenge for one that has not shown it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ztpd.acs.device_secrets import DeviceSecrets
from ztpd.acs.digest import (
    BasicAnswer,
    Credentials,
    DigestAnswer,
    NonceKey,
    Verdict,
    challenges,
    is_authentic,
    nonce_count,
    parse_authorization,
)
from ztpd.acs.identity import Account, clipped
from ztpd.acs.replay import NonceCounts

_LONGEST_NAME = 512


@dataclass(frozen=True, slots=True)
class GivenAccount:
    """A user that an operator gave a CPE himself; ``device`` is its OUI-Serial or OUI-ProductClass-Serial."""

    password: str = field(repr=False)
    device: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """Whose passwords are accepted: the shared one, those that an operator gave, those that ztpd derives."""

    bootstrap: Credentials
    given: Mapping[str, GivenAccount] = field(default_factory=dict, repr=False)
    secrets: DeviceSecrets | None = None

    def find(self, username: str) -> tuple[Account, str] | None:
        """The account of a user name and its password; None when nobody can have that name."""
        if username == self.bootstrap.username:
            return Account(username), self.bootstrap.password
        given = self.given.get(username)
        if given is not None:
            return Account(username, given.device, own_scheme=True), given.password
        if self.secrets is None or not username or len(username) > _LONGEST_NAME:
            return None
        return Account(username, username), self.secrets.password(username)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an Authorization header is worth; ``account`` is whose secret it shows, ``detail`` says what is wrong."""

    verdict: Verdict
    account: Account | None = None
    detail: str = ""


class Authenticator:
    """Judges Authorization headers against accounts; ``monotonic`` is in seconds.

    The nonce key lives as long as the process: after a restart every nonce is stale, and CPEs answer a new one.
    """

    def __init__(self, accounts: Accounts, monotonic: Callable[[], float], nonce_seconds: float = 300.0) -> None:
        self._accounts = accounts
        self._monotonic = monotonic
        self._key = NonceKey(os.urandom(32), nonce_seconds)
        self._used = NonceCounts()

    def judge(self, authorization: str | None, method: str, target: str, *, secure: bool = False) -> Judged:
        """What the header is worth for this request; an accepted digest is accepted once.

        ``secure`` says that it may hold the password itself: nobody on the way can read it, or nobody minds.
        """
        answer = parse_authorization(authorization)
        if answer is None:
            if authorization is None:
                return Judged(Verdict.ABSENT, detail="it shows no user name and password")
            return Judged(Verdict.REFUSED, detail="its Authorization header cannot be read")
        if isinstance(answer, BasicAnswer) and not secure:
            return Judged(Verdict.REFUSED, detail="it sends its password as it is (basic) without TLS")
        found = self._accounts.find(answer.username)
        if found is None:
            return Judged(Verdict.REFUSED, detail=f"nobody has its user name {clipped(answer.username)}")
        account, password = found
        shared = self._accounts.bootstrap
        credentials = Credentials(shared.realm, answer.username, password, shared.offered, basic=secure)
        if not is_authentic(answer, credentials, method, target):
            return Judged(Verdict.REFUSED, detail=f"its password is not that of user {clipped(answer.username)}")
        if isinstance(answer, DigestAnswer):
            verdict = self._judge_nonce(answer)
            return Judged(verdict, account if verdict is Verdict.ACCEPTED else None)
        return Judged(Verdict.ACCEPTED, account)

    def _judge_nonce(self, answer: DigestAnswer) -> Verdict:
        count = nonce_count(answer)
        if count is None:
            return Verdict.REFUSED
        fresh = self._key.is_fresh(answer.nonce, self._monotonic())
        return Verdict.ACCEPTED if fresh and self._used.use(answer.nonce, count) else Verdict.STALE

    def challenges(self, *, stale: bool, secure: bool = False) -> list[str]:
        """The WWW-Authenticate values of a 401."""
        nonce = self._key.issue(self._monotonic(), os.urandom(8))
        return challenges(replace(self._accounts.bootstrap, basic=secure), nonce, stale=stale)
