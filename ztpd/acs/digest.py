"""HTTP digest and basic authentication of a CPE, server's side (RFC 7616, RFC 2617, RFC 7617).

Pure: time and randomness are handed in. Nonces carry their own time and a MAC, so that none has to be remembered
to be checked; which ones were used is ``replay``'s matter.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import re
from dataclasses import dataclass, field

_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9*_-]{0,30})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_ESCAPED = re.compile(r"\\(.)")
_NONCE = re.compile(r"([0-9a-f]{12})([0-9a-f]{16})([0-9a-f]{32})")
_NONCE_COUNT = re.compile(r"[0-9A-Fa-f]{1,8}")


class Algorithm(enum.StrEnum):
    """How a digest is made; the value is the name on the wire."""

    MD5 = "MD5"
    SHA256 = "SHA-256"

    def of(self, text: str) -> str:
        """The hash of a text in lower-case hex; bytes of a header that are no UTF-8 count as they came."""
        hashed = hashlib.md5 if self is Algorithm.MD5 else hashlib.sha256
        return hashed(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


class Verdict(enum.Enum):
    """What an Authorization header is worth."""

    ACCEPTED = "accepted"
    STALE = "stale"  # the secret is known, the nonce is too old, used or not ours: try again with a new one
    REFUSED = "refused"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom to accept: one user of one realm; ``basic`` also takes the password itself, for use over TLS only.

    ``offered`` is what the challenge names, in the order of preference. Only MD5 by default: CPEs with an older
    libcurl give up at an algorithm they do not know, and answer none. SHA-256 is accepted even when not offered.
    """

    realm: str
    username: str
    password: str = field(repr=False)
    offered: tuple[Algorithm, ...] = (Algorithm.MD5,)
    basic: bool = False


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """The parameters of a Digest Authorization header (RFC 7616 §3.4); absent ones are empty."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = ""
    qop: str = ""
    nonce_count: str = ""
    cnonce: str = ""


@dataclass(frozen=True, slots=True)
class BasicAnswer:
    """User and password of a Basic Authorization header (RFC 7617)."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NonceKey:
    """Makes and recognises nonces; ``lifetime`` is in seconds, ``secret`` at least 16 random bytes."""

    secret: bytes = field(repr=False)
    lifetime: float = 300.0

    def issue(self, now: float, salt: bytes) -> str:
        """A nonce of this moment; ``now`` in seconds of any clock that never goes back, ``salt`` 8 random bytes."""
        head = f"{int(now * 1000):012x}{salt.hex()}"
        return head + self._mac(head)

    def is_fresh(self, nonce: str, now: float) -> bool:
        """Whether the nonce is ours and not older than its lifetime."""
        match = _NONCE.fullmatch(nonce)
        if match is None:
            return False
        stamp, salt, mac = match.groups()
        age = now - int(stamp, 16) / 1000
        return hmac.compare_digest(mac, self._mac(stamp + salt)) and age <= self.lifetime

    def _mac(self, head: str) -> str:
        # BLAKE2 with a key is a MAC by itself (RFC 7693 §2.9), and so short a text lets no other thread in between.
        return hashlib.blake2b(head.encode(), key=self.secret, digest_size=16).hexdigest()


def challenges(credentials: Credentials, nonce: str, *, stale: bool) -> list[str]:
    """The values of the WWW-Authenticate headers of a 401, one each (RFC 7616 §3.3)."""
    tail = ", stale=true" if stale else ""
    offered = [
        f'Digest realm="{credentials.realm}", nonce="{nonce}", qop="auth", algorithm={algorithm}{tail}'
        for algorithm in credentials.offered
    ]
    return [*offered, f'Basic realm="{credentials.realm}"'] if credentials.basic else offered


def parse_authorization(header: str | None) -> DigestAnswer | BasicAnswer | None:
    """What an Authorization header says; None for one that is absent, of another scheme, or malformed."""
    scheme, _, rest = (header or "").strip().partition(" ")
    if scheme.lower() == "digest":
        return _digest_answer(rest)
    if scheme.lower() == "basic":
        return _basic_answer(rest)
    return None


def parameters_of(text: str) -> dict[str, str]:
    """What follows the scheme in a challenge or an answer: values by name in lower case, quoted or not."""
    return {
        name.lower(): _ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted or bare
        for name, quoted, bare in _PARAMETER.findall(text)
    }


def _digest_answer(text: str) -> DigestAnswer | None:
    given = parameters_of(text)
    if not {"username", "realm", "nonce", "uri", "response"} <= given.keys():
        return None
    return DigestAnswer(
        username=given["username"],
        realm=given["realm"],
        nonce=given["nonce"],
        uri=given["uri"],
        response=given["response"].lower(),
        algorithm=given.get("algorithm", ""),
        qop=given.get("qop", ""),
        nonce_count=given.get("nc", ""),
        cnonce=given.get("cnonce", ""),
    )


def _basic_answer(text: str) -> BasicAnswer | None:
    try:
        username, colon, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return BasicAnswer(username, password) if colon else None


def is_authentic(answer: DigestAnswer | BasicAnswer, credentials: Credentials, method: str, target: str) -> bool:
    """Whether the answer proves the secret for this request; says nothing of the nonce's age.

    ``target`` is the request's path with its query. Compared in constant time.
    """
    if isinstance(answer, BasicAnswer):
        return credentials.basic and _same(
            f"{answer.username}:{answer.password}", f"{credentials.username}:{credentials.password}"
        )
    algorithm = _algorithm(answer, credentials)
    if algorithm is None or answer.realm != credentials.realm or not _names(answer.uri, target):
        return False
    expected = _expected_response(answer, credentials, method, algorithm)
    return _same(answer.username, credentials.username) & _same(answer.response, expected)


def _algorithm(answer: DigestAnswer, credentials: Credentials) -> Algorithm | None:
    """The algorithm answered with, if it may be used: none named is MD5 (RFC 7616 §3.3)."""
    named = answer.algorithm.upper() or Algorithm.MD5
    for algorithm in {*credentials.offered, Algorithm.SHA256}:
        if named == algorithm:
            return algorithm
    return None


def _expected_response(answer: DigestAnswer, credentials: Credentials, method: str, algorithm: Algorithm) -> str:
    ha1 = algorithm.of(f"{credentials.username}:{credentials.realm}:{credentials.password}")
    ha2 = algorithm.of(f"{method}:{answer.uri}")
    if not answer.qop:  # RFC 2069, still sent by old devices
        return algorithm.of(f"{ha1}:{answer.nonce}:{ha2}")
    return algorithm.of(f"{ha1}:{answer.nonce}:{answer.nonce_count}:{answer.cnonce}:{answer.qop}:{ha2}")


def nonce_count(answer: DigestAnswer) -> int | None:
    """The nonce count of a qop=auth answer; 1 for one without qop, which has none; None for a malformed one."""
    if not answer.qop:
        return 1
    if answer.qop.lower() != "auth" or not _NONCE_COUNT.fullmatch(answer.nonce_count):
        return None
    return int(answer.nonce_count, 16)


def _names(uri: str, target: str) -> bool:
    """Whether the uri of an answer is the request's target; some devices put the whole URL there (RFC 7616 §3.4.6)."""
    return uri == target or (uri.startswith(("http://", "https://")) and "/" + uri.split("/", 3)[-1] == target)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
