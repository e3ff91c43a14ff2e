"""What the driver contract needs of an element: a real server on a loopback socket that can be made to fail.

A later driver joins by one class like ``NetconfBbfHarness`` and one line in ``HARNESSES``.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from drivers.base import Driver
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from ztpd.lab.netconf.faults import Moment, Refusal
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt

RPC_TIMEOUT_S = 5.0


class ElementHarness(Protocol):
    """One lab element. Ports are the element's own names; light is in dBm."""

    ports: tuple[str, str]

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        """A new driver for the element."""
        ...

    def plug(self, serial: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        """Connect an ONU."""
        ...

    def unplug(self, serial: str) -> None:
        """Disconnect an ONU."""
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
        """As it comes: no ONU, no configuration, no fault."""
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

    def bar(self, serial: str) -> None:
        """Refuse every write that configures this ONU."""
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


class NetconfBbfHarness:
    """The NETCONF driver for TR-385 against the lab OLT, in the dialect that the lab speaks."""

    def __init__(self, lab: LabOlt) -> None:
        self._lab = lab
        self._host_key = lab.host_public_key
        self.ports = (lab.olt.ports[0], lab.olt.ports[1])

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

    def plug(self, serial: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        self._lab.plug(serial, port, onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=olt_rx_dbm)

    def unplug(self, serial: str) -> None:
        self._lab.unplug(serial)

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

    def bar(self, serial: str) -> None:
        self._lab.olt.faults.barred_serials.add(serial)

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


HARNESSES: dict[str, Callable[[], AbstractAsyncContextManager[ElementHarness]]] = {
    "netconf-bbf": lambda: _netconf_bbf("i3"),
    "netconf-bbf-i1": lambda: _netconf_bbf("i1"),
}
