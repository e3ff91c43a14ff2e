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
from tests.contract.netconf_element import NetconfElement
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt


class NetconfBbfHarness(NetconfElement):
    """The NETCONF driver for TR-385 against the lab OLT, in the dialect that the lab speaks."""

    traits = Traits()

    def __init__(self, lab: LabOlt) -> None:
        super().__init__(lab, lab.olt)
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

    def subscribed(self) -> bool:
        return self._lab.subscribers > 0

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        self._lab.configure(foreign_onu.configuration(wanted, self._lab.olt.configured_onus))
        return wanted


@contextlib.asynccontextmanager
async def netconf_bbf(dialect: Literal["i1", "i3"]) -> AsyncIterator[ElementHarness]:
    """A lab OLT that speaks a dialect."""
    async with lab_olt(LabOltSettings(ports=2, dialect=dialect)) as lab:
        yield NetconfBbfHarness(lab)
