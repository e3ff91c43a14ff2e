"""What the driver contract needs of an element: a real server on a loopback socket that can be made to fail.

A later driver joins by one class like ``NetconfBbfHarness`` and one line in ``HARNESSES``.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from tests.contract.routeros_harness import routeros
from tests.contract.uisp_harness import uisp
from ztpd.lab.netconf.faults import Moment, Refusal
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt

RPC_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What kind of element it is; a test of what it has not is skipped by name.

    ``moves``: a device may show up on another port than it is configured for. ``batches``: many are written in one
    commit, all or none, so that a refused change leaves everything as it was. ``shares_ports``: one port carries many
    services. ``rates``: it is told the speed of a service. ``vlans``: it is told the VLANs of a service. ``light``: it
    measures light. ``locks``: another party can hold its configuration. ``logs_in``: it has a password and shows an
    identity. ``sessions``: it is reached over a connection that can break and hang.
    """

    moves: bool = True
    batches: bool = True
    shares_ports: bool = True
    rates: bool = True
    vlans: bool = True
    light: bool = True
    locks: bool = True
    logs_in: bool = True
    sessions: bool = True


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


class NetconfBbfHarness:
    """The NETCONF driver for TR-385 against the lab OLT, in the dialect that the lab speaks."""

    traits = Traits()

    def __init__(self, lab: LabOlt) -> None:
        self._lab = lab
        self._host_key = lab.host_public_key
        self.ports = (lab.olt.ports[0], lab.olt.ports[1])

    def wanted(self, nth: int) -> WantedAccess:
        return wanted_onu(nth, self.ports[0])

    def elsewhere(self, wanted: WantedAccess, port: str) -> WantedAccess:
        return replace(wanted, port=port)

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        settings = NetconfBbfSettings(
            name="olt-1",
            host="127.0.0.1",
            port=self._lab.netconf_port,
            username="ztpd",
            password=password or "ztpd",
            host_key=self._host_key,
            uplink="uplink-1",
            rpc_timeout_s=rpc_timeout_s,
            commit_timeout_s=rpc_timeout_s,
        )
        return NetconfBbfDriver(settings)

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        self._lab.plug(device, port, onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=olt_rx_dbm)

    def unplug(self, device: str) -> None:
        self._lab.unplug(device)

    def configuration(self) -> bytes:
        return self._lab.running_config()

    def writes(self) -> int:
        return self._lab.olt.writes

    def requests(self) -> int:
        return self._lab.olt.rpcs.total()

    def reset(self) -> None:
        self._lab.olt.reset()

    def subscribed(self) -> bool:
        return self._lab.subscribers > 0

    def cut_at_request(self, nth: int, *, after_its_effect: bool) -> None:
        self._lab.olt.faults.cut_at = nth
        self._lab.olt.faults.cut_moment = Moment.AFTER if after_its_effect else Moment.BEFORE

    def hang(self) -> None:
        self._lab.olt.faults.hang_after = 0

    def recover(self) -> None:
        self._lab.olt.clear_faults()

    def bar(self, device: str) -> None:
        self._lab.olt.faults.barred_serials.add(device)

    def refuse_next_write(self) -> None:
        self._lab.olt.faults.refuse("edit-config", 1, Refusal("operation-failed", "no such profile"))

    def lock(self) -> None:
        self._lab.hold_lock()

    def unlock(self) -> None:
        self._lab.release_lock()

    def end_sessions(self) -> None:
        self._lab.end_sessions()

    async def change_host_key(self) -> None:
        await self._lab.change_host_key()


@contextlib.asynccontextmanager
async def _netconf_bbf(dialect: Literal["i1", "i3"]) -> AsyncIterator[ElementHarness]:
    async with lab_olt(LabOltSettings(ports=2, dialect=dialect)) as lab:
        yield NetconfBbfHarness(lab)


def _switch(kind: str) -> AbstractAsyncContextManager[ElementHarness]:
    from tests.contract import switch_harness  # its classes are made of those here

    return switch_harness.switch_with(getattr(switch_harness, kind))

RADIO = Traits(batches=False, vlans=False, light=False)

HARNESSES: dict[str, Callable[[], AbstractAsyncContextManager[ElementHarness]]] = {
    "netconf-bbf": lambda: _netconf_bbf("i3"),
    "netconf-bbf-i1": lambda: _netconf_bbf("i1"),
    "netconf-switch-openconfig": lambda: _switch("OPENCONFIG"),
    "netconf-switch-ietf": lambda: _switch("IETF"),
    "netconf-switch-provider": lambda: _switch("PROVIDER"),
    "routeros-dhcp": lambda: routeros(RADIO),
    "routeros-ppp": lambda: routeros(RADIO, ppp=True),
    "uisp": lambda: uisp(RADIO),
}
