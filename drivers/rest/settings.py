"""What is needed to reach one element's JSON API."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSettings:
    """One element: where its API is, the certificate it must show, and how long to wait.

    ``url`` is scheme, host and port alone (``https://10.0.0.1``). The certificate is pinned by
    ``certificate_sha256`` (the SHA-256 of its DER form in hex, colons allowed), or must be signed for the host in
    ``url`` by an authority in ``ca_file``; one of the two is needed, for there is no trust on first use.
    ``plain_http`` allows an ``http://`` URL, where everything including the credentials can be read on the way.
    ``poll_s`` is how often an element is asked whether it is still there while it is watched. Raises ``ValueError``.
    """

    name: str
    url: str
    certificate_sha256: str | None = None
    ca_file: Path | None = None
    plain_http: bool = False
    connect_timeout_s: float = 10.0
    rpc_timeout_s: float = 30.0
    poll_s: float = 15.0
    max_body_bytes: int = 32 * 1024 * 1024
    max_connections: int = 2

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"{self.name}: url is no https://host[:port]")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ValueError(f"{self.name}: url has more than scheme, host and port")
        if parts.scheme == "http" and not self.plain_http:
            raise ValueError(f"{self.name}: http:// sends the credentials in the clear; plain_http allows it")
        if parts.scheme == "https" and self.certificate_sha256 is None and self.ca_file is None:
            raise ValueError(f"{self.name}: a certificate_sha256 or a ca_file is needed")
        if self.certificate_sha256 is not None and _FINGERPRINT.fullmatch(self.fingerprint) is None:
            raise ValueError(f"{self.name}: certificate_sha256 is no SHA-256 in hex")

    @property
    def fingerprint(self) -> str:
        """The pinned certificate's SHA-256 in lower-case hex without colons, or the empty string."""
        return (self.certificate_sha256 or "").replace(":", "").lower()
