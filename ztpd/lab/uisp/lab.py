"""A lab UISP as a whole: the server, and what can be done to it from the same process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

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


class LabUisp:
    """A running lab UISP."""

    def __init__(self, settings: LabUispSettings) -> None:
        self.controller = Controller(settings.access_points, settings.stock, settings.token)
        self.server = RestServer(self.controller, settings.host, settings.port)

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
