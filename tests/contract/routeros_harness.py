"""The RouterOS driver against the lab router, for subscribers by DHCP and by PPPoE."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.routeros import RouterosDriver, RouterosSettings
from tests.contract.rest_harness import RPC_TIMEOUT_S, RestHarness
from ztpd.lab.routeros import LabRouter, lab_router
from ztpd.lab.routeros.menus import ENTRIES, LEASES, QUEUES, SECRETS

if TYPE_CHECKING:
    from tests.contract.harness import ElementHarness, Traits


class RouterosHarness(RestHarness):
    """A lab router; by PPPoE a device dials in as the user that is named after it."""

    def __init__(self, lab: LabRouter, traits: "Traits", *, ppp: bool) -> None:
        super().__init__(lab.server, traits, (lab.router.ports[0], lab.router.ports[1]))
        self.lab = lab
        self._ppp = ppp

    def wanted(self, nth: int) -> WantedAccess:
        device = f"4c:5e:0c:00:00:{nth:02x}"
        return WantedAccess(
            service=f"SVC-{nth}",
            port=self.ports[0],
            device=device,
            s_vlan=201,
            c_vlan=301 + nth,
            downstream_bps=1_000_000_000,
            upstream_bps=500_000_000,
            assured_upstream_bps=50_000_000,
            address=f"10.20.0.{10 + nth}",
            ppp_user=_user(device) if self._ppp else None,
            ppp_password="s3cret-word" if self._ppp else None,
            description="job=J-1",
        )

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        return RouterosDriver(self.settings(password=password or "ztpd", rpc_timeout_s=rpc_timeout_s))

    def settings(self, **others: object) -> RouterosSettings:
        """How the lab router is reached, with some settings of the test's own."""
        own = RouterosSettings(
            name="router-1",
            url=self.server.url,
            username="ztpd",
            password="ztpd",
            certificate_sha256=self.certificate_sha256,
            poll_s=0.05,
        )
        return replace(own, **others)  # type: ignore[arg-type]

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        user = _user(device) if self._ppp else None
        self.lab.router.plug(device, port, user=user, signal_dbm=round(olt_rx_dbm))

    def unplug(self, device: str) -> None:
        self.lab.router.unplug(device)

    def configuration(self) -> bytes:
        return self.lab.router.configuration()

    def reset(self) -> None:
        self.lab.reset()

    async def restart(self) -> None:
        self.lab.restart()

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        router, name = self.lab.router, f"smith-{wanted.service}"
        up, down, assured = wanted.upstream_bps, wanted.downstream_bps, wanted.assured_upstream_bps
        limits = {"max-limit": f"{up}/{down}", "limit-at": f"{assured}/0", "disabled": "false", "comment": "Smith"}
        router.insert(QUEUES, {"name": name, "target": f"{wanted.address}/32", **limits})
        router.insert(QUEUES, {"name": f"staff-{name}", "target": "10.99.0.0/24", **limits})
        router.insert(ENTRIES, {"list": "staff", "address": "10.99.0.0/24", "disabled": "false", "comment": ""})
        own = {"comment": "Smith, first floor", "disabled": "false"}
        if self._ppp:
            secret = {"name": wanted.ppp_user or "", "password": "their-word", "profile": "gold", "service": "pppoe"}
            caller = {"remote-address": wanted.address or "", "caller-id": wanted.device.upper()}
            router.insert(SECRETS, {**secret, **caller, **own})
            return wanted
        lease = {"mac-address": wanted.device.upper(), "address": wanted.address or "", "block-access": "false"}
        router.insert(LEASES, {**lease, "server": f"dhcp-{wanted.port}", "status": "waiting", **own})
        return wanted


def _user(device: str) -> str:
    return f"u{device.replace(':', '')}"


@contextlib.asynccontextmanager
async def routeros(traits: "Traits", *, ppp: bool = False) -> AsyncIterator["ElementHarness"]:
    """A lab router for the contract."""
    async with lab_router() as lab:
        yield RouterosHarness(lab, traits, ppp=ppp)
