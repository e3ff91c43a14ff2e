"""The driver for command lines against the lab's OLTs, one for each platform (``PLATFORMS``)."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.cli import CliDriver, CliSettings
from tests.contract import foreign_cli
from tests.contract.harness import RPC_TIMEOUT_S, ElementHarness, Traits, wanted_onu
from ztpd.lab.cli_olt import vsol
from ztpd.lab.cli_olt.lab import LabCliOlt, LabCliOltSettings, lab_cli_olt

Transport = Literal["ssh", "telnet"]


@dataclass(frozen=True, slots=True)
class CliPlatform:
    """What a platform leaves to the operator, how old its SSH server is, and what of the contract it has not."""

    values: Mapping[str, str] = field(default_factory=dict)
    legacy: bool = False
    enable_password: str | None = None
    traits: Traits = field(default_factory=lambda: Traits(batches=False, unknown_light=False))


PLATFORMS: Mapping[str, CliPlatform] = {
    "huawei-smartax": CliPlatform({"line_profile": "10", "service_profile": "10", "user_vlan": "100"}),
    "zte-c300": CliPlatform({"onu_type": "ALL"}),
    "zte-c600": CliPlatform({"onu_type": "ALL"}, legacy=True),
    "v-sol": CliPlatform(legacy=True, enable_password=vsol.ENABLE_PASSWORD),
    "calix-axos": CliPlatform({"profile": "844GE", "uni": "x1"}),
    "nokia-isam": CliPlatform({"user_vlan": "100"}),
}


class CliHarness:
    """One lab OLT with a command line, as its platform has it."""

    def __init__(self, lab: LabCliOlt, platform: str, transport: Transport) -> None:
        self.lab = lab
        self.traits = replace(PLATFORMS[platform].traits, shows_identity=transport == "ssh")
        self._platform = platform
        self._transport: Transport = transport
        self._host_key = lab.server.host_public_key
        self.ports = (lab.shelf.ports[0], lab.shelf.ports[1])

    def wanted(self, nth: int) -> WantedAccess:
        return wanted_onu(nth, self.ports[0])

    def elsewhere(self, wanted: WantedAccess, port: str) -> WantedAccess:
        return replace(wanted, port=port)

    def settings(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> CliSettings:
        ssh = self._transport == "ssh"
        return CliSettings(
            name="olt-1",
            platform=self._platform,
            host="127.0.0.1",
            transport=self._transport,
            port=self.lab.server.ssh_port if ssh else self.lab.server.telnet_port,
            username="ztpd",
            password=password or "ztpd",
            host_key=self._host_key if ssh else None,
            values=PLATFORMS[self._platform].values,
            legacy_algorithms=PLATFORMS[self._platform].legacy,
            enable_password=PLATFORMS[self._platform].enable_password,
            command_timeout_s=rpc_timeout_s,
        )

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        return CliDriver(self.settings(password=password, rpc_timeout_s=rpc_timeout_s))

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        self.lab.plug(device, port, onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=olt_rx_dbm)

    def unplug(self, device: str) -> None:
        self.lab.shelf.unplug(device)

    def configuration(self) -> bytes:
        return self.lab.shelf.configuration()

    def writes(self) -> int:
        return self.lab.shelf.writes

    def requests(self) -> int:
        return self.lab.shelf.commands.total()

    def reset(self) -> None:
        self.lab.reset()

    def subscribed(self) -> bool:
        return self.lab.server.sessions > 0

    def cut_at_request(self, nth: int, *, after_its_effect: bool) -> None:
        self.lab.cut_at(nth, after_its_effect=after_its_effect)

    def hang(self) -> None:
        self.lab.shelf.faults.hang_after = 0

    def recover(self) -> None:
        self.lab.shelf.clear_faults()

    def refuse_next_write(self) -> None:
        self.lab.shelf.faults.refusals = 1

    def bar(self, device: str) -> None:
        self.lab.shelf.faults.barred_serials.add(device)

    def lock(self) -> None:
        self.lab.shelf.faults.locked = True

    def unlock(self) -> None:
        self.lab.shelf.faults.locked = False

    def end_sessions(self) -> None:
        self.lab.server.end_sessions()

    async def change_host_key(self) -> None:
        await self.lab.server.change_host_key()

    async def restart(self) -> None:
        await self.lab.restart()

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        lines = foreign_cli.COMMANDS[self._platform](wanted, len(self.lab.shelf.objects("onu")))
        printed = self.lab.type(*lines, password=PLATFORMS[self._platform].enable_password or "")
        assert not foreign_cli.REFUSED.search(printed), printed
        assert self.lab.shelf.onu_of(wanted.device) is not None
        return wanted

    def crowd(self) -> None:
        self.lab.shelf.faults.slots = 0


@contextlib.asynccontextmanager
async def cli_element(platform: str, transport: Transport = "ssh") -> AsyncIterator[ElementHarness]:
    """A lab OLT of a platform."""
    async with lab_cli_olt(LabCliOltSettings(vendor=platform, legacy=PLATFORMS[platform].legacy)) as lab:
        yield CliHarness(lab, platform, transport)
