"""The NETCONF switch driver against the lab switch, in each of its models, as the driver contract handles them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.netconf_switch import NetconfSwitchDriver, NetconfSwitchSettings
from tests.contract import foreign_port
from tests.contract.harness import RPC_TIMEOUT_S, ElementHarness, Traits
from tests.contract.netconf_element import NetconfElement
from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch

PORTS = 8


class SwitchHarness(NetconfElement):
    """One lab switch; a device is its port. Only OpenConfig has rates, only a provider's bridge has two tags."""

    def __init__(self, lab: LabSwitch) -> None:
        super().__init__(lab, lab.switch)
        self._lab = lab
        self._host_key = lab.listening.host_public_key
        self.ports = (lab.switch.ports[0], lab.switch.ports[1])
        self.traits = Traits(
            moves=False,
            batches=lab.settings.writable == "candidate" or lab.settings.rollback,
            shares_ports=False,
            light=False,
            rates=lab.settings.models == "openconfig",
        )

    def wanted(self, nth: int) -> WantedAccess:
        port = self._lab.switch.ports[nth]
        return WantedAccess(
            service=f"SVC-{nth}",
            port=port,
            device=port,
            s_vlan=201,
            c_vlan=301 + nth if self._lab.settings.models == "provider" else None,
            downstream_bps=1_000_000_000,
            upstream_bps=500_000_000,
            description="job=J-1",
        )

    def elsewhere(self, wanted: WantedAccess, port: str) -> WantedAccess:
        return replace(wanted, port=port, device=port)

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        settings = NetconfSwitchSettings(
            name="sw-1",
            host="127.0.0.1",
            port=self._lab.listening.netconf_port,
            username="ztpd",
            password=password or "ztpd",
            host_key=self._host_key,
            rpc_timeout_s=rpc_timeout_s,
            commit_timeout_s=rpc_timeout_s,
        )
        return NetconfSwitchDriver(settings)

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        self._lab.connect(port)

    def subscribed(self) -> bool:
        return self._lab.sessions > 0

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        configuration = foreign_port.CONFIGURATION[self._lab.settings.models]
        self._lab.configure(configuration(wanted, 1 + self._lab.switch.ports.index(wanted.port)))
        return wanted


@contextlib.asynccontextmanager
async def switch_with(settings: LabSwitchSettings) -> AsyncIterator[ElementHarness]:
    """A lab switch and how the contract handles it."""
    async with lab_switch(settings) as lab:
        yield SwitchHarness(lab)


OPENCONFIG = LabSwitchSettings(ports=PORTS)
"""OpenConfig, by a candidate that is confirmed."""

IETF = LabSwitchSettings(ports=PORTS, models="ietf", writable="running")
"""The IETF's and the IEEE's modules on a bridge of customer VLANs, on what runs, all or none."""

PROVIDER = LabSwitchSettings(ports=PORTS, models="provider", writable="running", rollback=False)
"""The same on a provider's edge bridge, where a refused edit may be left half made."""
