"""The UISP driver against the lab UISP."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.uisp import UispDriver, UispSettings
from tests.contract.rest_harness import RPC_TIMEOUT_S, RestHarness
from ztpd.lab.rest.server import Asked
from ztpd.lab.uisp import LabUisp, lab_uisp
from ztpd.lab.uisp.controller import BASE
from ztpd.lab.uisp.lab import STOCK

if TYPE_CHECKING:
    from tests.contract.harness import ElementHarness, Traits


class UispHarness(RestHarness):
    """A lab UISP with two access points; devices are the radios of its stock."""

    def __init__(self, lab: LabUisp, traits: "Traits") -> None:
        super().__init__(lab.server, traits, (lab.controller.access_points[0], lab.controller.access_points[1]))
        self.lab = lab

    def wanted(self, nth: int) -> WantedAccess:
        return WantedAccess(
            service=f"SVC-{nth}",
            port=self.ports[0],
            device=STOCK[nth],
            s_vlan=201,
            c_vlan=301 + nth,
            downstream_bps=1_000_000_000,
            upstream_bps=500_000_000,
            description="job=J-1",
        )

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        return UispDriver(self.settings(token=password or "ztpd", rpc_timeout_s=rpc_timeout_s))

    def settings(self, **others: object) -> UispSettings:
        """How the lab UISP is reached, with some settings of the test's own."""
        own = UispSettings(
            name="uisp-1",
            url=self.server.url,
            token="ztpd",
            certificate_sha256=self.certificate_sha256,
            poll_s=0.05,
        )
        return replace(own, **others)  # type: ignore[arg-type]

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        self.lab.controller.plug(device, port, round(olt_rx_dbm))

    def unplug(self, device: str) -> None:
        self.lab.controller.unplug(device)

    def configuration(self) -> bytes:
        return self.lab.controller.configuration()

    def reset(self) -> None:
        self.lab.reset()

    async def restart(self) -> None:
        self.lab.restart()

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        controller = self.lab.controller
        site = self._asked("POST", "/sites", name="Smith", type="endpoint", parentSiteId=controller.tower)["id"]
        device = next(key for key, each in controller.devices.items() if each["identification"]["mac"] == wanted.device)
        self._asked(
            "PUT",
            f"/sites/{site}/qos",
            enabled=True,
            propagation="all",
            downloadSpeed=wanted.downstream_bps,
            downloadBurstSize=65536,
            uploadSpeed=wanted.upstream_bps,
            uploadBurstSize=65536,
            aggregation=1,
        )
        self._asked("POST", "/devices/authorize", siteId=site, deviceIds=[device])
        self._asked("POST", "/sites", name="Office", type="endpoint", parentSiteId=controller.tower, note="staff")
        return wanted

    def _asked(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """What another client of UISP is answered."""
        answered = self.lab.controller.answer(Asked(method, f"{BASE}{path}", {}, {}, body))
        assert answered.status == 200, answered
        found: dict[str, Any] = answered.body
        return found


@contextlib.asynccontextmanager
async def uisp(traits: "Traits") -> AsyncIterator["ElementHarness"]:
    """A lab UISP for the contract."""
    async with lab_uisp() as lab:
        yield UispHarness(lab, traits)
