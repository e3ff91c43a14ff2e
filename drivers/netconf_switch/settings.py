"""What is needed to reach one switch, and to configure it."""

from dataclasses import dataclass
from typing import Literal

from drivers.netconf.settings import NetconfSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class NetconfSwitchSettings(NetconfSettings):
    """One switch.

    ``uplinks`` are ports that are never configured nor listed. ``free_vlan`` is the VLAN of a port that no service has,
    in which new devices are heard; None where such a port is given none, and ``free_enabled`` is whether it is open.
    ``rates`` is whether rates are set where the switch has a model for them. ``models`` takes one family of modules
    where a switch has both; unsaid, OpenConfig. How VLANs leave the switch by its uplinks is the operator's.
    """

    uplinks: frozenset[str] = frozenset()
    free_vlan: int | None = None
    free_enabled: bool = True
    rates: bool = True
    models: Literal["openconfig", "ietf"] | None = None
    commit_timeout_s: float = 60.0
    confirm_timeout_s: int = 60

    def __post_init__(self) -> None:
        NetconfSettings.__post_init__(self)
        if self.free_vlan is not None and not 1 <= self.free_vlan <= 4094:
            raise ValueError(f"{self.name}: free_vlan {self.free_vlan} is no VLAN (1 to 4094)")
