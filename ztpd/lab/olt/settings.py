"""What a lab OLT is started with, and where it then listens."""

from dataclasses import dataclass, field
from pathlib import Path

from ztpd.lab.olt.dialect import Issue, ModulesIn


@dataclass(frozen=True, slots=True)
class LabOltSettings:
    """One lab OLT; port 0 takes any free one.

    ``host_key_file`` is created if it is absent (mode 0600); None makes a key that lives as long as the process.
    ``commit_seconds`` passes for every commit that changes what runs, and ``commit_seconds_per_onu`` for every ONU
    that it adds or takes away: real OLTs take their time. ``base_11`` is whether chunked framing is offered (RFC 6242).
    ``dialect`` is the issue of TR-385 in which it tells of ONUs, ``modules_in`` where a client finds out which.
    """

    host: str = "127.0.0.1"
    netconf_port: int = 0
    control_port: int = 0
    username: str = "ztpd"
    password: str = field(default="ztpd", repr=False)
    authorized_key: str | None = None
    host_key_file: Path | None = None
    ports: int = 4
    commit_seconds: float = 0.0
    commit_seconds_per_onu: float = 0.0
    base_11: bool = True
    dialect: Issue = "i3"
    modules_in: ModulesIn = "hello"


@dataclass(frozen=True, slots=True)
class LabOltPorts:
    """Where a lab OLT listens, and the host key it shows as an OpenSSH public key line."""

    host: str
    netconf_port: int
    control_port: int
    host_public_key: str
