"""A lab router as a whole: the server, and what can be done to it from the same process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ztpd.lab.rest.certificate import kept_in
from ztpd.lab.rest.control import NoSuchPlace, Station, StationControl
from ztpd.lab.rest.server import RestServer
from ztpd.lab.routeros.router import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRouterSettings:
    """One lab router."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = True
    ports: tuple[str, ...] = ("wlan1", "wlan2")
    username: str = "ztpd"
    password: str = field(default="ztpd", repr=False)
    certificate_file: Path | None = None


class LabRouter:
    """A running lab router."""

    def __init__(self, settings: LabRouterSettings) -> None:
        self.router = Router(settings.ports, settings.username, settings.password)
        file = settings.certificate_file
        certificate = None if file is None else kept_in(file)
        self.server = RestServer(self.router, settings.host, settings.port, tls=settings.tls, certificate=certificate)

    @property
    def ports(self) -> tuple[str, ...]:
        """Its radios."""
        return self.router.ports

    def stations(self) -> list[Station]:
        """Who is on a radio."""
        return self.router.stations()

    def connect(self, station: Station) -> None:
        """Let a router register on a radio, and ask for an address or dial in."""
        if station.port not in self.ports:
            raise NoSuchPlace(f"no radio {station.port!r}; there are {', '.join(self.ports)}")
        self.router.plug(station.mac, station.port, user=station.user, signal_dbm=station.signal_dbm)

    def disconnect(self, mac: str) -> None:
        """Let it go."""
        self.router.unplug(mac)

    def configuration(self) -> bytes:
        """What is configured."""
        return self.router.configuration()

    def restart(self) -> None:
        """Cut everybody off and come back with what was saved."""
        self.server.end_sessions()
        self.router.restart()

    def reset(self) -> None:
        """As it comes: no device, no configuration, no fault."""
        self.server.clear_faults()
        self.router.reset()


@contextlib.asynccontextmanager
async def lab_router(settings: LabRouterSettings | None = None) -> AsyncIterator[LabRouter]:
    """A lab router that listens inside the context."""
    lab = LabRouter(settings or LabRouterSettings())
    await lab.server.start()
    try:
        yield lab
    finally:
        await lab.server.stop()


async def run(settings: LabRouterSettings, control_port: int, ready: Callable[[LabRouter, int], None]) -> None:
    """Run a router until cancelled; ``ready`` is told of it and its control port, once both listen."""
    async with lab_router(settings) as lab:
        control = StationControl(lab, control_port)
        await control.start()
        try:
            ready(lab, control.port)
            await asyncio.Event().wait()
        finally:
            await control.stop()
