"""What the driver contract needs of an element: a real server on a loopback socket that can be made to fail.

A later driver joins by one class in a file of its own and one line in ``tests/contract/harnesses.py``.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from drivers.access import WantedAccess
from drivers.base import Driver

RPC_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What kind of element it is; a test of what it has not is skipped by name.

    ``moves``: a device may show up on another port than it is configured for. ``batches``: many are written in one
    commit, all or none, so that a refused change leaves everything as it was. ``shares_ports``: one port carries many
    services. ``rates``: it is told the speed of a service. ``vlans``: it is told the VLANs of a service. ``light``: it
    measures light, ``unknown_light``: also that of an ONU that nobody has configured. ``locks``: another party can hold
    its configuration. ``logs_in``: it has a password; ``shows_identity``: it proves who it is. ``sessions``: it is
    reached over a connection that can break and hang. ``bars``: what is barred is refused whatever is written of it,
    not only when it is made. ``reads_others``: what another configured is told whole, its speeds too; a kernel's queues
    say as little of a service as their names do.
    """

    moves: bool = True
    batches: bool = True
    shares_ports: bool = True
    rates: bool = True
    vlans: bool = True
    light: bool = True
    unknown_light: bool = True
    locks: bool = True
    logs_in: bool = True
    shows_identity: bool = True
    sessions: bool = True
    bars: bool = True
    reads_others: bool = True


class ElementHarness(Protocol):
    """One lab element. Ports are the element's own names; light is in dBm."""

    ports: tuple[str, str]
    traits: Traits

    def wanted(self, nth: int) -> WantedAccess:
        """A service that the element can have, the n-th of at least eight that can be there together.

        Those on an element whose ports are shared lie on the first port.
        """
        ...

    def elsewhere(self, wanted: WantedAccess, port: str) -> WantedAccess:
        """The same service on a port by its name, which the element may not have."""
        ...

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        """A new driver for the element."""
        ...

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        """Connect a device; light matters to an OLT only."""
        ...

    def unplug(self, device: str) -> None:
        """Disconnect a device."""
        ...

    def configuration(self) -> bytes:
        """The running configuration, comparable byte for byte."""
        ...

    def writes(self) -> int:
        """How many requests changed or tried to change the configuration."""
        ...

    def requests(self) -> int:
        """How many requests came at all."""
        ...

    def reset(self) -> None:
        """As it comes: no device, no configuration, no fault."""
        ...

    def subscribed(self) -> bool:
        """Whether somebody listens to announcements."""
        ...

    def cut_at_request(self, nth: int, *, after_its_effect: bool) -> None:
        """Break the connection at the n-th request from now."""
        ...

    def hang(self) -> None:
        """Answer nothing from now on."""
        ...

    def recover(self) -> None:
        """Answer again."""
        ...

    def refuse_next_write(self) -> None:
        """Refuse the next write, whatever it is."""
        ...

    def bar(self, device: str) -> None:
        """Refuse every write that configures this device."""
        ...

    def lock(self) -> None:
        """Let somebody else hold the configuration."""
        ...

    def unlock(self) -> None:
        """Let them give it back."""
        ...

    def end_sessions(self) -> None:
        """Break every connection."""
        ...

    async def change_host_key(self) -> None:
        """Show another identity from now on."""
        ...


@runtime_checkable
class Restarts(Protocol):
    """A harness whose element can be restarted."""

    async def restart(self) -> None:
        """Restart: every connection breaks, and what was not made to last is gone."""
        ...


@runtime_checkable
class HasOthers(Protocol):
    """A harness whose element another party configures too, in a way of its own."""

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        """Let another party configure a service, with the numbers that are free, and something that is no service.

        The service as the element names it then.
        """
        ...


@runtime_checkable
class CanBeFull(Protocol):
    """A harness whose element turns users away when there are too many of them."""

    def crowd(self) -> None:
        """Let nobody more in until ``recover``."""
        ...


RADIO = Traits(batches=False, vlans=False, light=False)
"""What is told the speed of a subscriber, one by one, and nothing of VLANs."""


def wanted_onu(nth: int, port: str) -> WantedAccess:
    """The n-th service on a port of an OLT."""
    return WantedAccess(
        service=f"SVC-{nth}",
        port=port,
        device=f"HWTC1A2B3C{nth:02X}",
        s_vlan=201,
        c_vlan=301 + nth,
        downstream_bps=1_000_000_000,
        upstream_bps=500_000_000,
        assured_upstream_bps=50_000_000,
        description="job=J-1",
    )
