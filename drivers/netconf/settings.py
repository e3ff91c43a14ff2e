"""What is needed to reach one element."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NetconfSettings:
    """One element: where it is, who we are to it, the host key it must show, and how long to wait.

    ``host_key`` is an OpenSSH public key line (``ssh-ed25519 AAAA…``), or ``known_hosts_file`` names a file in
    known_hosts format; one of the two is needed, for there is no trust on first use.
    """

    name: str
    host: str
    username: str
    port: int = 830
    password: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    host_key: str | None = None
    known_hosts_file: Path | None = None
    connect_timeout_s: float = 10.0
    rpc_timeout_s: float = 30.0
    max_reply_bytes: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.password is None and self.key_file is None:
            raise ValueError(f"{self.name}: a password or a key_file is needed")
        if (self.host_key is None) == (self.known_hosts_file is None):
            raise ValueError(f"{self.name}: exactly one of host_key and known_hosts_file is needed")
