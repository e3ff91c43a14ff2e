"""The OLT's NETCONF server: announcements, and the time that commits take."""

import asyncio
from datetime import UTC, datetime

from lxml import etree

from ztpd.lab.netconf.edit_server import EditServer, schedule
from ztpd.lab.netconf.operations import ClientSession
from ztpd.lab.olt.dialect import DIALECTS, capabilities, library
from ztpd.lab.olt.olt import Olt
from ztpd.lab.olt.operations import CAPABILITIES, OltOperations
from ztpd.lab.olt.plant import v_anis
from ztpd.lab.olt.settings import LabOltSettings
from ztpd.lab.olt.tree import Tree

Element = etree._Element


class OltServer(EditServer[Tree]):
    """Sessions of one OLT; ``olt`` may be changed at any time, its announcements go to whoever subscribed."""

    def __init__(self, settings: LabOltSettings) -> None:
        self.settings = settings
        dialect = DIALECTS[settings.dialect]
        modules = library(dialect, settings.modules_in)
        self.olt = Olt(settings.ports, self.send_notification, lambda: datetime.now(UTC), dialect, modules)
        super().__init__(settings, self.olt, OltOperations(self.olt, schedule), self._offered)

    async def answer(self, session: ClientSession, rpc: Element) -> Element:
        """The reply to an RPC, once what it committed runs."""
        before = self.olt.datastores.running
        reply = await super().answer(session, rpc)
        if self.olt.datastores.running is not before:
            await self._take_time(before, self.olt.datastores.running)
        return reply

    def _offered(self) -> tuple[str, ...]:
        return (*CAPABILITIES, *capabilities(self.olt.dialect, self.settings.modules_in))

    async def _take_time(self, before: Tree, after: Tree) -> None:
        onus = abs(len(v_anis(after)) - len(v_anis(before)))
        await asyncio.sleep(self.settings.commit_seconds + self.settings.commit_seconds_per_onu * onus)
