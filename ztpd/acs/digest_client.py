"""HTTP digest authentication, the client's side: a CPE asks who we are (RFC 2617, RFC 7616). Pure.

CPEs offer what their firmware knew: several challenges in one header or many, no qop, auth-int only, MD5-sess.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ztpd.acs.connection_request import Secret
from ztpd.acs.digest import Algorithm, parameters_of

_SCHEME = re.compile(r"(?:^|,)\s*(Digest|Basic)\b", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONGEST = 4096

_ALGORITHMS = (Algorithm.SHA256, Algorithm.MD5)
"""The strongest first (RFC 7616 §3.7)."""


class NoAnswer(Exception):
    """None of the challenges can be answered; ``reason`` is for the operator."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One digest challenge (RFC 7616 §3.3); ``algorithm`` is as it was sent and empty when it was not."""

    realm: str
    nonce: str
    algorithm: str = ""
    qop: tuple[str, ...] = ()
    opaque: str | None = None

    @property
    def hash(self) -> str:
        """The algorithm without ``-sess``, in upper case; none named is MD5."""
        return self.algorithm.upper().removesuffix("-SESS") or "MD5"


def authorization(headers: Iterable[str], secret: Secret, target: str, cnonce: str) -> str:
    """The Authorization header for a GET of ``target``, to the best of the challenges; raises ``NoAnswer``.

    ``headers`` are the WWW-Authenticate headers of the 401. A password itself (basic) is never shown: TR-069 §3.2.2
    asks CPEs for digest, and over TLS we do not know who would read it.
    """
    schemes = [scheme for header in headers for scheme in _schemes(header[:_LONGEST])]
    digests = [found for name, text in schemes if name == "digest" and (found := _challenge(text)) is not None]
    for algorithm in _ALGORITHMS:
        for challenge in digests:
            if challenge.hash == algorithm:
                return _digest(challenge, algorithm, secret, target, cnonce)
    if any(name == "basic" for name, _ in schemes):
        raise NoAnswer("asks for the password in clear text (basic authentication), which is not shown to it")
    if digests:
        raise NoAnswer("asks for a digest of a kind that we do not know")
    raise NoAnswer("asks for authentication and does not say how")


def _schemes(header: str) -> list[tuple[str, str]]:
    """The challenges of one header, each with its scheme in lower case; commas inside quotes part nothing."""
    blank = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), header)
    found = list(_SCHEME.finditer(blank))
    ends = [*(match.start() for match in found), len(header)][1:]
    return [(match[1].lower(), header[match.end() : end]) for match, end in zip(found, ends, strict=False)]


def _challenge(text: str) -> Challenge | None:
    given = parameters_of(text)
    if not given.get("nonce") or "realm" not in given:
        return None
    qop = tuple(each.strip().lower() for each in given.get("qop", "").split(",") if each.strip())
    return Challenge(given["realm"], given["nonce"], given.get("algorithm", ""), qop, given.get("opaque"))


def _digest(challenge: Challenge, algorithm: Algorithm, secret: Secret, target: str, cnonce: str) -> str:
    """RFC 7616 §3.4.1; without qop as RFC 2069 had it. A nonce is used once, so its count is always 1."""

    def hashed(*parts: str) -> str:
        return algorithm.of(":".join(parts))

    secret_hash = hashed(secret.username, challenge.realm, secret.password)
    if challenge.algorithm.upper().endswith("-SESS"):
        secret_hash = hashed(secret_hash, challenge.nonce, cnonce)
    given = {"username": secret.username, "realm": challenge.realm, "nonce": challenge.nonce, "uri": target}
    if challenge.opaque is not None:
        given["opaque"] = challenge.opaque
    if not challenge.qop:
        response = hashed(secret_hash, challenge.nonce, hashed("GET", target))
        return _header(given | {"response": response}, _algorithm(challenge))
    qop = "auth-int" if challenge.qop == ("auth-int",) else "auth"
    request = hashed("GET", target, hashed("")) if qop == "auth-int" else hashed("GET", target)
    response = hashed(secret_hash, challenge.nonce, "00000001", cnonce, qop, request)
    bare = _algorithm(challenge) | {"qop": qop, "nc": "00000001"}
    return _header(given | {"cnonce": cnonce, "response": response}, bare)


def _algorithm(challenge: Challenge) -> dict[str, str]:
    return {"algorithm": challenge.algorithm} if challenge.algorithm else {}


def _header(quoted: dict[str, str], bare: dict[str, str]) -> str:
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in quoted.items()}
    parts = [f'{name}="{value}"' for name, value in escaped.items()] + [
        f"{name}={value}" for name, value in bare.items()
    ]
    return "Digest " + ", ".join(parts)
