"""A lab OLT as a whole: the NETCONF server, the control API, and what can be done to it from the same process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from lxml import etree

from ztpd.lab.netconf.datastores import NOBODY
from ztpd.lab.olt.control import ControlServer
from ztpd.lab.olt.fibre import PluggedOnu
from ztpd.lab.olt.olt import Olt
from ztpd.lab.olt.server import OltServer
from ztpd.lab.olt.settings import LabOltPorts, LabOltSettings

GOOD_ONU_RX_DBM = -18.5
GOOD_OLT_RX_DBM = -20.3


class LabOlt:
    """A running lab OLT; what is done to it here is what the control API does."""

    def __init__(self, server: OltServer, control: ControlServer) -> None:
        self._server = server
        self._control = control

    @property
    def listening(self) -> LabOltPorts:
        """Where it listens and the host key that it shows now."""
        return LabOltPorts(
            self._server.settings.host, self._server.port, self._control.port, self._server.host_public_key
        )

    @property
    def netconf_port(self) -> int:
        """The NETCONF server's TCP port."""
        return self._server.port

    @property
    def control_port(self) -> int:
        """The control API's TCP port."""
        return self._control.port

    @property
    def host_public_key(self) -> str:
        """The host key as an OpenSSH public key line."""
        return self._server.host_public_key

    @property
    def olt(self) -> Olt:
        """The OLT behind the server: its fibres, faults and counters."""
        return self._server.olt

    @property
    def subscribers(self) -> int:
        """How many sessions listen to announcements."""
        return self._server.subscribers

    @property
    def sessions(self) -> int:
        """How many NETCONF sessions there are."""
        return self._server.sessions

    def send_notification(self, text: str) -> None:
        """Send subscribers a ``<notification>`` of any content, right or wrong."""
        self._server.send_notification(etree.fromstring(text))

    def plug(
        self,
        serial: str,
        port: str,
        *,
        onu_rx_dbm: float = GOOD_ONU_RX_DBM,
        olt_rx_dbm: float = GOOD_OLT_RX_DBM,
        registration_id: str | None = None,
    ) -> None:
        """Put an ONU on a port's fibre."""
        self.olt.plug(PluggedOnu(serial, port, onu_rx_dbm, olt_rx_dbm, registration_id))

    def unplug(self, serial: str, port: str | None = None) -> None:
        """Take an ONU off one port, or off every port it is on."""
        self.olt.unplug(serial, port)

    def running_config(self) -> bytes:
        """The running configuration, canonical (C14N), so that two of them can be compared byte for byte."""
        return etree.tostring(self.olt.datastores.config, method="c14n")

    def configure(self, config: str) -> None:
        """Change what runs as another client would, by a ``<config>``; raises ``RpcError``."""
        parsed = etree.fromstring(config, etree.XMLParser(remove_blank_text=True))
        self.olt.datastores.edit_running(parsed, "merge", NOBODY)

    def restart(self) -> None:
        """Cut every connection and start again with what was committed, and confirmed where it had to be."""
        self._server.end_sessions()
        self.olt.restart()

    def hold_lock(self) -> None:
        """Lock the candidate for another session."""
        self._server.hold_lock()

    def release_lock(self) -> None:
        """Release what ``hold_lock`` took."""
        self._server.release_lock()

    def end_sessions(self) -> None:
        """Cut every connection."""
        self._server.end_sessions()

    async def change_host_key(self) -> None:
        """Show another host key from now on."""
        await self._server.change_host_key()


@contextlib.asynccontextmanager
async def lab_olt(settings: LabOltSettings | None = None) -> AsyncIterator[LabOlt]:
    """A lab OLT that listens inside the context."""
    server = OltServer(settings or LabOltSettings())
    control = ControlServer(server)
    await server.start()
    try:
        await control.start()
        yield LabOlt(server, control)
    finally:
        await control.stop()
        await server.stop()


async def run(settings: LabOltSettings, ready: Callable[[LabOltPorts], None]) -> None:
    """Run a lab OLT until cancelled; ``ready`` is told where it listens, once it does."""
    async with lab_olt(settings) as lab:
        ready(lab.listening)
        await asyncio.Event().wait()
