"""A lab UISP as a whole: the server, and what can be done to it from the same process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ztpd.lab.rest.certificate import kept_in
from ztpd.lab.rest.control import NoSuchPlace, NoSuchStation, Station, StationControl
from ztpd.lab.rest.server import RestServer
from ztpd.lab.uisp.controller import Controller

STOCK = tuple(f"78:8a:20:00:00:{n:02x}" for n in range(16))
"""The radios that wait in the warehouse: known by their MAC addresses, not let in yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabUispSettings:
    """One lab UISP."""

    host: str = "127.0.0.1"
    port: int = 0
    access_points: tuple[str, ...] = ("Tower 1 North", "Tower 1 South")
    stock: tuple[str, ...] = STOCK
    token: str = field(default="ztpd", repr=False)
    certificate_file: Path | None = None


class LabUisp:
    """A running lab UISP."""

    def __init__(self, settings: LabUispSettings) -> None:
        self.controller = Controller(settings.access_points, settings.stock, settings.token)
        file = settings.certificate_file
        certificate = None if file is None else kept_in(file)
        self.server = RestServer(self.controller, settings.host, settings.port, certificate=certificate)

    @property
    def ports(self) -> tuple[str, ...]:
        """Its access points."""
        return self.controller.access_points

    def stations(self) -> list[Station]:
        """Who is connected to an access point."""
        return self.controller.connected()

    def connect(self, station: Station) -> None:
        """Let a radio of the stock connect to an access point."""
        if station.port not in self.ports:
            raise NoSuchPlace(f"no access point {station.port!r}; there are {', '.join(self.ports)}")
        if station.mac not in self.controller.stock:
            raise NoSuchStation(f"no radio {station.mac}; in stock are {', '.join(self.controller.stock)}")
        self.controller.plug(station.mac, station.port, station.signal_dbm)

    def disconnect(self, mac: str) -> None:
        """Let it go."""
        self.controller.unplug(mac)

    def configuration(self) -> bytes:
        """What is configured."""
        return self.controller.configuration()

    def restart(self) -> None:
        """Cut everybody off and come back with what was saved."""
        self.server.end_sessions()
        self.controller.restart()

    def reset(self) -> None:
        """As it comes: nobody connected, no client site, no fault."""
        self.server.clear_faults()
        self.controller.reset()


@contextlib.asynccontextmanager
async def lab_uisp(settings: LabUispSettings | None = None) -> AsyncIterator[LabUisp]:
    """A lab UISP that listens inside the context."""
    lab = LabUisp(settings or LabUispSettings())
    await lab.server.start()
    try:
        yield lab
    finally:
        await lab.server.stop()


async def run(settings: LabUispSettings, control_port: int, ready: Callable[[LabUisp, int], None]) -> None:
    """Run a UISP until cancelled; ``ready`` is told of it and its control port, once both listen."""
    async with lab_uisp(settings) as lab:
        control = StationControl(lab, control_port)
        await control.start()
        try:
            ready(lab, control.port)
            await asyncio.Event().wait()
        finally:
            await control.stop()
