"""Whether a connection request comes from who may make it: digest over HTTP (TR-069 §3.2.2), HMAC over UDP (Annex G).

Pure but for the nonces, which are random.
"""

import hashlib
import hmac
import re
import secrets
from collections import deque
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_REALM = "ztpd lab"
_MOST_NONCES = 1024
_DIRECTIVE = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^",\s]+))')


class Challenges:
    """Digest by MD5 as CPEs ask for it (RFC 2617 §3.2); each nonce is good once."""

    def __init__(self) -> None:
        self._nonces: deque[str] = deque(maxlen=_MOST_NONCES)

    def ask(self) -> str:
        """A WWW-Authenticate header."""
        self._nonces.append(secrets.token_hex(16))
        return f'Digest realm="{_REALM}", nonce="{self._nonces[-1]}", algorithm=MD5, qop="auth"'

    def proves(self, authorization: str, method: str, username: str, password: str) -> bool:
        """Whether an Authorization header shows that its sender knows the password."""
        scheme, _, rest = authorization.partition(" ")
        said = {name.lower(): quoted or bare for name, quoted, bare in _DIRECTIVE.findall(rest)}
        nonce = said.get("nonce", "")
        if scheme.lower() != "digest" or nonce not in self._nonces:
            return False
        self._nonces.remove(nonce)
        first = _md5(username, _REALM, password)
        counted = [said[name] for name in ("nc", "cnonce", "qop") if said.get(name)]
        wanted = _md5(first, nonce, *counted, _md5(method, said.get("uri", "")))
        return said.get("username") == username and hmac.compare_digest(wanted, said.get("response", ""))


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """When a UDP connection request was made, by the ACS's clock, and its number."""

    seconds: int = 0
    number: str = ""


def stamp_of(datagram: bytes, username: str, password: str) -> Stamp | None:
    """The stamp of a UDP connection request that is signed for this user; None for any other datagram (G.2.2.3)."""
    try:
        line = datagram.decode("ascii").partition("\r\n")[0]
        method, url, version = line.split(" ")
        said = {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
        stamp = Stamp(int(said["ts"]), said["id"])
        text = said["ts"] + said["id"] + said["un"] + said["cn"]
        signature = said["sig"]
    except (ValueError, KeyError):
        return None
    wanted = hmac.digest(password.encode(), text.encode(), "sha1").hex()
    signed = hmac.compare_digest(wanted, signature.lower().encode("ascii", "replace").decode())
    well_formed = (method, version) == ("GET", "HTTP/1.1") and said["un"] == username
    return stamp if signed and well_formed else None


def is_new(stamp: Stamp, last: Stamp) -> bool:
    """Whether this is no copy and no repetition of a request that was followed before."""
    return stamp.seconds > last.seconds and stamp.number != last.number
