"""Names of the objects that one service on one ONU is made of: derived from serial, service and VLANs alone.

Nothing is remembered between calls: the same ONU always has the same objects, and what bears none of these names is
not ours.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

TRAFFIC_CLASSES = (0, 5)
"""One GEM port each: best effort, and expedited for voice."""

NETWORK_PORT = "network"
_USER_PORT = "user."
_SHARED = re.compile(r"up-\d+-\d+(-\d+)?|down-\d+|(fwd-|fdb-).+")

MAX_NAME = 64
"""``bbf-yang-types:string-ascii64``."""


@dataclass(frozen=True, slots=True)
class OnuNames:
    """The objects that belong to one ONU and to nothing else."""

    v_ani: str
    ani: str
    onu_v_enet: str
    olt_v_enet: str
    user_sub_interface: str
    tcont: str
    gemports: tuple[str, ...]

    @property
    def interfaces(self) -> tuple[str, ...]:
        """Those that are entries of ``/interfaces``."""
        return (self.v_ani, self.ani, self.onu_v_enet, self.olt_v_enet, self.user_sub_interface)


@lru_cache(maxsize=4096)
def of_onu(serial: str) -> OnuNames:
    """The names for a canonical serial."""
    return OnuNames(
        v_ani=f"vani-{serial}",
        ani=f"ani-{serial}",
        onu_v_enet=f"onuvenet-{serial}.1",
        olt_v_enet=f"venet-{serial}.1",
        user_sub_interface=f"venet-{serial}.1.internet",
        tcont=f"tcont-{serial}.1",
        gemports=tuple(f"gem-{serial}.1.tc{traffic_class}" for traffic_class in TRAFFIC_CLASSES),
    )


def network_sub_interface(uplink: str, s_vlan: int, c_vlan: int | None) -> str:
    """The sub-interface that takes the VLAN off the uplink."""
    return f"{uplink}.{s_vlan}" if c_vlan is None else f"{uplink}.{s_vlan}.{c_vlan}"


def forwarder(service: str, uplink: str, s_vlan: int, c_vlan: int | None) -> str:
    """The forwarder of a service: its own for a VLAN of its own (1:1), the S-VLAN's for a shared one (N:1)."""
    return f"fwd-{network_sub_interface(uplink, s_vlan, None)}" if c_vlan is None else f"fwd-{service}"


def forwarding_database(uplink: str, s_vlan: int) -> str:
    """The MAC table of a shared S-VLAN."""
    return f"fdb-{network_sub_interface(uplink, s_vlan, None)}"


def user_port(service: str) -> str:
    """The port by which a service joins its forwarder."""
    return f"{_USER_PORT}{service}"


def service_of_port(port: str) -> str | None:
    """The service that a forwarder's port belongs to, or None when the port is not one of ours."""
    return port.removeprefix(_USER_PORT) if port.startswith(_USER_PORT) else None


def upstream_profile(upstream_bps: int, assured_bps: int, fixed_bps: int = 0) -> str:
    """The traffic descriptor profile of a rate, shared by all that have it (OLTs hold few hundreds of them)."""
    name = f"up-{upstream_bps}-{assured_bps}"
    return f"{name}-{fixed_bps}" if fixed_bps else name


def downstream_shaper(downstream_bps: int) -> str:
    """The shaper profile of a rate, shared by all that have it."""
    return f"down-{downstream_bps}"


def is_shared_name(name: str) -> bool:
    """Whether a profile, forwarder or database was named here, so that its last user may take it away."""
    return _SHARED.fullmatch(name) is not None


def is_network_sub_interface(name: str, uplink: str) -> bool:
    """Whether a sub-interface of the uplink was named here."""
    return re.fullmatch(rf"{re.escape(uplink)}\.\d+(\.\d+)?", name) is not None
