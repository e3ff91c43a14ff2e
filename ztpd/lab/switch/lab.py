"""A lab switch as a whole: the NETCONF server, the control API, and what can be done to it from the same process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from ztpd.lab.netconf.operations import BASE_10, BASE_11, Operations
from ztpd.lab.netconf.schema import OC_INTERFACES, OC_LLDP
from ztpd.lab.netconf.server import NetconfServer, ServerSettings
from ztpd.lab.switch.control import ControlServer
from ztpd.lab.switch.switch import Plugged, Switch

_INTERFACES = f"{OC_INTERFACES}?module=openconfig-interfaces&revision=2022-10-25"
_LLDP = f"{OC_LLDP}?module=openconfig-lldp&revision=2018-11-21"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSwitchSettings(ServerSettings):
    """One lab switch; ``lldp`` is whether its hello says that it has the module."""

    control_port: int = 0
    ports: int = 8
    lldp: bool = True


@dataclass(frozen=True, slots=True)
class LabSwitchPorts:
    """Where a lab switch listens, and the host key it shows as an OpenSSH public key line."""

    host: str
    netconf_port: int
    control_port: int
    host_public_key: str


class LabSwitch:
    """A running lab switch; what is done to it here is what the control API does."""

    def __init__(self, settings: LabSwitchSettings, switch: Switch, server: NetconfServer) -> None:
        self.switch = switch
        self.settings = settings
        self._server = server
        self.control = ControlServer(server, switch, settings.control_port)

    @property
    def listening(self) -> LabSwitchPorts:
        """Where it listens and the host key that it shows now."""
        server = self._server
        return LabSwitchPorts(self.settings.host, server.port, self.control.port, server.host_public_key)

    def plug(self, port: str, chassis_id: str, **said: Any) -> None:
        """Plug a device in, named by its MAC address unless ``said`` says otherwise (``Plugged``)."""
        self.switch.plug(Plugged(port, chassis_id, **said))

    def unplug(self, port: str) -> None:
        """Unplug whatever is on a port."""
        self.switch.unplug(port)

    def end_sessions(self) -> None:
        """Cut every connection."""
        self._server.end_sessions()

    async def change_host_key(self) -> None:
        """Show another host key from now on."""
        await self._server.change_host_key()


@contextlib.asynccontextmanager
async def lab_switch(settings: LabSwitchSettings | None = None) -> AsyncIterator[LabSwitch]:
    """A lab switch that listens inside the context."""
    settings = settings or LabSwitchSettings()
    switch = Switch(settings.ports)
    offered = (BASE_10, BASE_11, _INTERFACES, *((_LLDP,) if settings.lldp else ()))
    server = NetconfServer(settings, switch, Operations(switch), lambda: offered)
    lab = LabSwitch(settings, switch, server)
    await server.start()
    try:
        await lab.control.start()
        yield lab
    finally:
        await lab.control.stop()
        await server.stop()


async def run(settings: LabSwitchSettings, ready: Callable[[LabSwitchPorts], None]) -> None:
    """Run a lab switch until cancelled; ``ready`` is told where it listens, once it does."""
    async with lab_switch(settings) as lab:
        ready(lab.listening)
        await asyncio.Event().wait()
