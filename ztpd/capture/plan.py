"""What the capture process is told to do, as it passes from the interpreter that read the configuration to its own."""

import json
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.trust import Network


@dataclass(frozen=True, slots=True)
class Plan:
    """Plain values that JSON can hold, checked by who made them; ``circuit_ids`` is the table's TOML as parsed."""

    interfaces: tuple[str, ...]
    trusted_interfaces: tuple[str, ...]
    trusted_relays: tuple[str, ...]
    repeat_window_s: float
    circuit_ids: dict[str, Any]
    intake: str
    log_level: str
    log_format: Literal["console", "json"]

    def dumped(self) -> bytes:
        """The plan as bytes."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def loaded(cls, dumped: bytes) -> Self:
        """The plan that was dumped."""
        return cls(**json.loads(dumped))

    @property
    def relays(self) -> tuple[Network, ...]:
        """The networks whose relays are ours."""
        return tuple(map(ip_network, self.trusted_relays))

    @property
    def table(self) -> CircuitIdTable:
        """The patterns of circuit-ids."""
        return CircuitIdTable.from_toml(self.circuit_ids)

    @property
    def path(self) -> Path:
        """The socket of the core's intake."""
        return Path(self.intake)
