"""What is needed to reach one element with a command line, and to configure it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class CliSettings:
    """One element: which platform it is, where it is, who we are to it, and how long to wait.

    Over SSH, ``host_key`` (an OpenSSH public key line) or ``known_hosts_file`` says which key it must show; there is no
    trust on first use. ``legacy_algorithms`` also allows what SSH servers of the 2000s need (SHA-1, CBC). Telnet shows
    the password to whoever listens, and nothing proves who answers: it is for elements that have nothing else, and has
    to be asked for. ``values`` are what the platform's file leaves to the operator (its ``defaults``). ``sessions`` is
    how many logins are held at most, one of which writes.
    """

    name: str
    platform: str
    host: str
    username: str
    transport: Literal["ssh", "telnet"] = "ssh"
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    enable_password: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    host_key: str | None = None
    known_hosts_file: Path | None = None
    legacy_algorithms: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    sessions: int = 2
    connect_timeout_s: float = 20.0
    command_timeout_s: float = 60.0
    save_timeout_s: float = 300.0
    keepalive_s: float = 60.0
    max_answer_chars: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.sessions < 1:
            raise ValueError(f"{self.name}: sessions must be at least 1")
        if self.transport == "telnet":
            if self.password is None:
                raise ValueError(f"{self.name}: telnet needs a password")
            return
        if self.password is None and self.key_file is None:
            raise ValueError(f"{self.name}: a password or a key_file is needed")
        if (self.host_key is None) == (self.known_hosts_file is None):
            raise ValueError(f"{self.name}: exactly one of host_key and known_hosts_file is needed")
