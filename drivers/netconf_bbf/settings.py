"""What is needed to reach one OLT, and to configure it."""

from dataclasses import dataclass

from drivers.netconf.settings import NetconfSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class NetconfBbfSettings(NetconfSettings):
    """One OLT; ``uplink`` is the interface towards the network on which VLAN sub-interfaces are made.

    With ``read_only`` nothing is written unasked: ports that announce nothing are left silent.
    """

    uplink: str
    commit_timeout_s: float = 120.0
    confirm_timeout_s: int = 60
    read_only: bool = False
