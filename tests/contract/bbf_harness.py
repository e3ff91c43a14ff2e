"""The NETCONF driver for TR-385 against the lab OLT."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Literal

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from tests.contract import foreign_onu
from tests.contract.harness import RPC_TIMEOUT_S, ElementHarness, Traits, wanted_onu
from ztpd.lab.cuts import Moment
from ztpd.lab.netconf.faults import Refusal
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt


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
        return NetconfBbfDriver(self.settings(password=password, rpc_timeout_s=rpc_timeout_s))

    def settings(self, *, password: str | None, rpc_timeout_s: float) -> NetconfBbfSettings:
        return NetconfBbfSettings(
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

    async def restart(self) -> None:
        self._lab.restart()

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        self._lab.configure(foreign_onu.configuration(wanted, self._lab.olt.configured_onus))
        return wanted


@contextlib.asynccontextmanager
async def netconf_bbf(dialect: Literal["i1", "i3"]) -> AsyncIterator[ElementHarness]:
    """A lab OLT that speaks a dialect."""
    async with lab_olt(LabOltSettings(ports=2, dialect=dialect)) as lab:
        yield NetconfBbfHarness(lab)
