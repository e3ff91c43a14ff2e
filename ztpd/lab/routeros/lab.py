"""A lab router as a whole: the server, and what can be done to it from the same process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

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


class LabRouter:
    """A running lab router."""

    def __init__(self, settings: LabRouterSettings) -> None:
        self.router = Router(settings.ports, settings.username, settings.password)
        self.server = RestServer(self.router, settings.host, settings.port, tls=settings.tls)

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
