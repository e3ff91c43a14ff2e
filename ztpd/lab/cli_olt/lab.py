"""A simulated OLT with a command line as a whole, and what can be done to it from the same process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ztpd.lab.cli_olt import axos, huawei, isam, vsol, zte
from ztpd.lab.cli_olt.control import GOOD_OLT_RX_DBM, GOOD_ONU_RX_DBM, CliControl
from ztpd.lab.cli_olt.language import Ask, Language
from ztpd.lab.cli_olt.server import CliServer, CliServerSettings
from ztpd.lab.cli_olt.shelf import PluggedOnu, Shelf
from ztpd.lab.cuts import Moment


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's OLT: its ports, the command line of a session, and what it asks for before it lets one configure."""

    ports: tuple[str, ...]
    language: Callable[[Shelf], Language]
    enable_password: str | None = None


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "calix-axos": Vendor(axos.PORTS, axos.AxosCli),
        "huawei-smartax": Vendor(huawei.PORTS, huawei.HuaweiCli),
        "zte-c300": Vendor(zte.C300_PORTS, zte.ZteC300Cli),
        "zte-c600": Vendor(zte.C600_PORTS, zte.ZteC600Cli),
        "v-sol": Vendor(vsol.PORTS, vsol.VsolCli, vsol.ENABLE_PASSWORD),
        "nokia-isam": Vendor(isam.PORTS, isam.IsamCli),
    }
)
"""By the name of the platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabCliOltSettings(CliServerSettings):
    """One simulated OLT of a vendor in ``VENDORS``."""

    vendor: str = "huawei-smartax"


class LabCliOlt:
    """A running simulated OLT: ``shelf`` is the OLT, ``server`` its door."""

    def __init__(self, server: CliServer) -> None:
        self.server = server
        self.shelf = server.shelf

    def plug(
        self, serial: str, port: str, *, onu_rx_dbm: float = GOOD_ONU_RX_DBM, olt_rx_dbm: float = GOOD_OLT_RX_DBM
    ) -> None:
        """Put an ONU on a port's fibre."""
        self.shelf.plug(PluggedOnu(serial, port, onu_rx_dbm, olt_rx_dbm))

    def cut_at(self, nth: int, *, after_its_effect: bool) -> None:
        """Break the connection at the n-th command from now."""
        self.shelf.faults.cut_at = nth
        self.shelf.faults.cut_moment = Moment.AFTER if after_its_effect else Moment.BEFORE

    def type(self, *lines: str, password: str = "") -> str:
        """Let another operator type commands at the element's console; what it prints.

        He says yes where he is asked, and the password where that is. Raises ``Refused`` and ``Busy``.
        """
        language = self.server.language(self.shelf)
        return "".join(_answer(language, line, password) for line in lines)

    async def restart(self) -> None:
        """Power off and on: every session breaks, and what was not saved is gone."""
        await self.server.stop()
        self.shelf.restart()
        await self.server.start()

    def reset(self) -> None:
        """As it comes: no ONU, no configuration, no fault, counters at zero."""
        self.shelf.reset()
        self.server.reset_counters()


def _answer(language: Language, line: str, password: str) -> str:
    printed, typed = "", ""
    answer = language.run(line)
    with contextlib.suppress(StopIteration):
        while True:
            said = answer.send(typed) if typed else next(answer)
            typed = (password if said.secret else "y") if isinstance(said, Ask) else ""
            printed += "" if isinstance(said, Ask) else said
    return printed


@contextlib.asynccontextmanager
async def lab_cli_olt(settings: LabCliOltSettings | None = None) -> AsyncIterator[LabCliOlt]:
    """A simulated OLT that listens inside the context."""
    settings = settings or LabCliOltSettings()
    vendor = VENDORS[settings.vendor]
    server = CliServer(settings, Shelf(vendor.ports), vendor.language)
    await server.start()
    try:
        yield LabCliOlt(server)
    finally:
        await server.stop()


async def run(settings: LabCliOltSettings, control_port: int, ready: Callable[[CliServer, int], None]) -> None:
    """Run an OLT until cancelled; ``ready`` is told its server and its control port, once both listen."""
    async with lab_cli_olt(settings) as lab:
        control = CliControl(lab.server, control_port)
        await control.start()
        try:
            ready(lab.server, control.port)
            await asyncio.Event().wait()
        finally:
            await control.stop()
