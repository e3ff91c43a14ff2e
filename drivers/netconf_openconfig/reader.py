"""``drivers.base.ListsNeighbours`` for one switch with the OpenConfig models."""

import asyncio
from collections.abc import Sequence

import structlog

from drivers.base import Neighbour
from drivers.errors import Rejected
from drivers.netconf.malformed import Malformed
from drivers.netconf.session import NetconfSession
from drivers.netconf.settings import NetconfSettings
from drivers.netconf_openconfig.neighbours import LLDP, neighbours_filter, neighbours_of, ports_filter, ports_of

_log = structlog.get_logger()


class NetconfOpenconfigReader:
    """One switch over NETCONF; ``malformed_entries`` counts what could not be used of its lists."""

    def __init__(self, settings: NetconfSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self._told: Sequence[Malformed] = ()
        self._session = NetconfSession(settings)
        self._turn = asyncio.Lock()

    async def ports(self) -> frozenset[str]:
        """The Ethernet interfaces; raises ``Rejected`` when there is none, which no switch can mean."""
        async with self._turn:
            found = ports_of(await self._session.get(ports_filter()))
        if not found:
            answer = (
                "it lists no Ethernet interface in openconfig-interfaces; enable the module, or the user's right to it"
            )
            raise Rejected(self.name, "get", answer)
        return found

    async def list_neighbours(self) -> list[Neighbour]:
        """Every neighbour on any interface; raises ``Rejected`` where LLDP cannot be read, for none is an answer."""
        async with self._turn:
            await self._session.module((LLDP,), "it cannot tell its neighbours")
            data = await self._session.get(neighbours_filter())
        found, malformed = neighbours_of(data)
        self._count(malformed)
        return found

    async def close(self) -> None:
        """End the session; it opens again when used again."""
        async with self._turn:
            await self._session.close()

    def _count(self, malformed: Sequence[Malformed]) -> None:
        """Count them, and tell of them once: the list is read for ever, and anybody on a port may spoil their entry."""
        self.malformed_entries += len(malformed)
        if malformed and malformed != self._told:
            first = malformed[0]
            _log.warning(
                "entries_malformed", element=self.name, where=first.where, reason=first.reason, count=len(malformed)
            )
        self._told = malformed
