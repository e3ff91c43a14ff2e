"""What a lab switch is started with, and where it then listens."""

from dataclasses import dataclass
from typing import Literal

from ztpd.lab.netconf.server import ServerSettings

Models = Literal["openconfig", "ietf", "provider"]
Writable = Literal["candidate", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSwitchSettings(ServerSettings):
    """One lab switch.

    ``models`` are the modules that it has: OpenConfig's, or the IETF's and the IEEE's as a bridge of customer VLANs or
    as a provider's edge bridge. ``lldp`` is whether its hello says that it has the module for neighbours, ``qos`` the
    same for rates (OpenConfig). ``writable`` is the datastore by which it is configured: the candidate is confirmed and
    outlasts a restart, the running one is not and needs to be saved; ``rollback`` is whether a refused edit of it
    leaves nothing behind.
    """

    control_port: int = 0
    ports: int = 8
    models: Models = "openconfig"
    lldp: bool = True
    qos: bool = True
    writable: Writable = "candidate"
    rollback: bool = True


@dataclass(frozen=True, slots=True)
class LabSwitchPorts:
    """Where a lab switch listens, and the host key it shows as an OpenSSH public key line."""

    host: str
    netconf_port: int
    control_port: int
    host_public_key: str
