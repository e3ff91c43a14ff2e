"""What is plugged into a switch: cables with their speeds, and devices that say who they are by LLDP."""

from dataclasses import dataclass

GIGABIT = 1_000_000_000


class NoSuchPort(ValueError):
    """The switch has no port of that name."""


class NoSuchNeighbour(ValueError):
    """Nobody is plugged in there."""


@dataclass(frozen=True, slots=True)
class Plugged:
    """One device on one port, and what it says of itself by LLDP."""

    port: str
    chassis_id: str
    chassis_id_type: str = "MAC_ADDRESS"
    port_id: str = "eth0"
    port_id_type: str = "INTERFACE_NAME"
    system_name: str | None = None
    system_description: str | None = None
    management_address: str | None = None
    capabilities: tuple[str, ...] = ()


class Wiring:
    """The cables and the devices at their ends."""

    def __init__(self, ports: tuple[str, ...]) -> None:
        self.ports = ports
        self._plugged: list[Plugged] = []
        self._cables: dict[str, int] = {}

    @property
    def plugged(self) -> tuple[Plugged, ...]:
        """Who is plugged in, in the order they came."""
        return tuple(self._plugged)

    @property
    def speeds(self) -> dict[str, int]:
        """The speed of each port with something at its end, in bit/s, were the port open."""
        return {device.port: GIGABIT for device in self._plugged} | self._cables

    def connect(self, port: str, bps: int = GIGABIT) -> None:
        """Plug in a cable with a silent device at its end; raises ``NoSuchPort``."""
        self._check_port(port)
        self._cables[port] = bps

    def plug(self, device: Plugged) -> None:
        """Plug a device in that says who it is; raises ``NoSuchPort``."""
        self._check_port(device.port)
        self._plugged.append(device)

    def unplug(self, port: str) -> None:
        """Unplug whatever is on a port; raises ``NoSuchNeighbour``."""
        left = [device for device in self._plugged if device.port != port]
        if len(left) == len(self._plugged) and port not in self._cables:
            raise NoSuchNeighbour(f"nobody is plugged into {port}")
        self._plugged = left
        self._cables.pop(port, None)

    def clear(self) -> None:
        """Unplug everything."""
        self._plugged.clear()
        self._cables.clear()

    def _check_port(self, port: str) -> None:
        if port not in self.ports:
            raise NoSuchPort(f"no port {port!r}; there are {', '.join(self.ports)}")
