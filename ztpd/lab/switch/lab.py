"""A lab switch as a whole: the NETCONF server, the control API, and what can be done to it from the same process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from lxml import etree

from ztpd.lab.netconf.datastores import NOBODY
from ztpd.lab.switch.control import ControlServer
from ztpd.lab.switch.server import SwitchServer
from ztpd.lab.switch.settings import LabSwitchPorts, LabSwitchSettings
from ztpd.lab.switch.switch import Switch
from ztpd.lab.switch.wiring import GIGABIT, Plugged


class LabSwitch:
    """A running lab switch; what is done to it here is what the control API does."""

    def __init__(self, settings: LabSwitchSettings, server: SwitchServer) -> None:
        self.settings = settings
        self._server = server
        self.control = ControlServer(server, settings.control_port)

    @property
    def switch(self) -> Switch:
        """The switch behind the server: its datastores, wiring, faults and counters."""
        return self._server.switch

    @property
    def listening(self) -> LabSwitchPorts:
        """Where it listens and the host key that it shows now."""
        server = self._server
        return LabSwitchPorts(self.settings.host, server.port, self.control.port, server.host_public_key)

    @property
    def sessions(self) -> int:
        """How many NETCONF sessions there are."""
        return self._server.sessions

    def plug(self, port: str, chassis_id: str, **said: Any) -> None:
        """Plug a device in, named by its MAC address unless ``said`` says otherwise (``Plugged``)."""
        self.switch.plug(Plugged(port, chassis_id, **said))

    def connect(self, port: str, bps: int = GIGABIT) -> None:
        """Plug in a cable with a silent device at its end."""
        self.switch.wiring.connect(port, bps)

    def unplug(self, port: str) -> None:
        """Unplug whatever is on a port."""
        self.switch.wiring.unplug(port)

    def running_config(self) -> bytes:
        """The running configuration, canonical (C14N), so that two of them can be compared byte for byte."""
        return etree.tostring(self.switch.datastores.running, method="c14n")

    def configure(self, config: str) -> None:
        """Change what runs as another client would, by a ``<config>``, and save it; raises ``RpcError``."""
        parsed = etree.fromstring(config, etree.XMLParser(remove_blank_text=True))
        datastores = self.switch.datastores
        datastores.edit_running(parsed, "merge", NOBODY)
        datastores.startup = datastores.running

    def hold_lock(self) -> None:
        """Lock what is written to for another session."""
        self._server.hold_lock()

    def release_lock(self) -> None:
        """Release what ``hold_lock`` took."""
        self._server.release_lock()

    def restart(self) -> None:
        """Cut every connection and run what the switch starts with."""
        self._server.restart()

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
    server = SwitchServer(settings)
    lab = LabSwitch(settings, server)
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
