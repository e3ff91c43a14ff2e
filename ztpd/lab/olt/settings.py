"""What a lab OLT is started with, and where it then listens."""

from dataclasses import dataclass

from ztpd.lab.netconf.server import ServerSettings
from ztpd.lab.olt.dialect import Issue, ModulesIn


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOltSettings(ServerSettings):
    """One lab OLT.

    ``commit_seconds`` passes for every commit that changes what runs, and ``commit_seconds_per_onu`` for every ONU
    that it adds or takes away: real OLTs take their time. ``dialect`` is the issue of TR-385 in which it tells of ONUs,
    ``modules_in`` where a client finds out which.
    """

    control_port: int = 0
    ports: int = 4
    commit_seconds: float = 0.0
    commit_seconds_per_onu: float = 0.0
    dialect: Issue = "i3"
    modules_in: ModulesIn = "hello"


@dataclass(frozen=True, slots=True)
class LabOltPorts:
    """Where a lab OLT listens, and the host key it shows as an OpenSSH public key line."""

    host: str
    netconf_port: int
    control_port: int
    host_public_key: str
