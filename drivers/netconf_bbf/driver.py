"""``drivers.base.Driver`` for one OLT that speaks TR-385, in either dialect (``dialects``)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess
from drivers.base import Capabilities, Heard, Outcome, Plan
from drivers.errors import Rejected, Unreachable
from drivers.netconf import transaction
from drivers.netconf.malformed import Malformed
from drivers.netconf.session import NetconfSession
from drivers.netconf.sources import Source
from drivers.netconf.watching import Announcements, SessionEnded
from drivers.netconf_bbf import editing, filters, presence, reading
from drivers.netconf_bbf.changes import Batch
from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.dialects import Dialect
from drivers.netconf_bbf.inventory import Inventory, inventory_of
from drivers.netconf_bbf.plant import plant_of, silent_ports
from drivers.netconf_bbf.reader import AT_ONCE, Reader, chunks, dialect_of
from drivers.netconf_bbf.settings import NetconfBbfSettings
from drivers.netconf_bbf.writer import Writer
from drivers.netconf_bbf.xml import Element

_log = structlog.get_logger()


class NetconfBbfDriver:
    """One OLT over NETCONF.

    ``malformed_entries`` and ``lost_announcements`` count what could not be used, ``foreign_announcements`` what came
    in another dialect than the element's modules say: its ONUs are found when the list is read.

    Without a ``source`` the OLT is dialled; one that calls home (``drivers.netconf.call_home``) must do so twice, for
    reads and writes share one session; ``watch`` has its own, because an element need not answer RPCs on a session
    that is subscribed (RFC 5277 §6 makes that a capability of its own), and because a long commit must not hold up
    announcements. Where the dialect has ``notifiable-onu-presence-states``, ``watch`` sets it on channel terminations
    that have none: without it they announce nothing. Nothing else is configured unasked, and with ``read_only`` not
    even that.
    """

    def __init__(self, settings: NetconfBbfSettings, source: Source | None = None) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self.lost_announcements = 0
        self.foreign_announcements = 0
        self._settings = settings
        self._source = source
        self._session = NetconfSession(settings, source)
        self._reader = Reader(settings, self._session)
        self._writer = Writer(settings, self._session, self._reader)
        self._locked_in = 0
        self._turn = asyncio.Lock()
        self._adopted: set[str] = set()

    async def capabilities(self) -> Capabilities:
        """What this element can do; opens the session when there is none."""
        async with self._turn:
            capabilities = await self._session.capabilities()
        return Capabilities(
            technologies=frozenset({"pon"}),
            announces=transaction.offers(capabilities, "notification"),
            confirmed_commit=transaction.offered(capabilities).takes_back,
            measures=frozenset({"onu_rx_dbm", "olt_rx_dbm"}),
            reboots=False,
            saves=False,
        )

    async def ports(self) -> frozenset[str]:
        """The channel terminations that have a channel pair and a channel partition."""
        async with self._turn:
            return frozenset(plant_of(await self._reader.configuration(filters.plant())).ports)

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Call ``heard`` for every announcement until cancelled; raises ``Unreachable`` when the session ends."""
        await self._let_ports_announce()
        session = NetconfSession(self._settings, self._source)
        announcements = Announcements()
        try:
            dialect = await dialect_of(session)
            await session.listen(announcements)
            await session.request("create-subscription", lambda manager: manager.create_subscription())
            listening()
            while True:
                self._hear(await announcements.next(), dialect, heard)
        except SessionEnded:
            raise Unreachable(self.name, "notification", "the session ended") from None
        finally:
            self.lost_announcements += announcements.lost
            await session.close()

    async def list_discovered(self) -> list[PresentDevice]:
        """Every ONU present on any channel termination, configured or not."""
        async with self._turn:
            dialect = await self._reader.dialect()
            data = await self._session.get(filters.presence(dialect))
        found, malformed = presence.present_onus(data, index(data), dialect)
        self._count(malformed)
        return found

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Every ONU that has a v-ANI with an expected serial number, whoever configured it."""
        async with self._turn:
            dialect = await self._reader.dialect()
            configuration = await self._reader.configuration(filters.everything())
            states = presence.v_ani_states(await self._session.get([filters.v_ani_states()]))
        inventory = inventory_of(configuration, self._settings.uplink)
        found, malformed = reading.observed_onus(inventory)
        self._count(malformed)
        return [_with_presence(onu, inventory, states, dialect) for onu in found]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and state of each ONU that a v-ANI expects."""
        found: dict[str, ObservedAccess] = {}
        for serials in chunks(devices):
            async with self._turn:
                dialect = await self._reader.dialect()
                known = await self._reader.around(serials, dialect)
                states = presence.v_ani_states(known.documents[0])
                foreign = [name for serial in serials if (name := known.inventory.foreign_v_ani(serial)) is not None]
                if foreign:
                    states |= presence.v_ani_states(await self._session.get([filters.v_ani_states(foreign)]))
            for serial in serials:
                onu = self._writer.observed(known.inventory, serial)
                if onu is not None:
                    found[serial] = _with_presence(onu, known.inventory, states, dialect)
        return found

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say what must change; refused if the serial is configured elsewhere or by another.

        Whether others hold the service or its VLAN is seen by ``apply``, which reads more.
        """
        plans: list[Plan] = []
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            async with self._turn:
                known = await self._reader.around(list(dict.fromkeys(each.device for each in some)))
            plans.extend(self._plan(known.inventory, each) for each in some)
        return plans

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true in one commit; when that is refused, in smaller ones, so that each fails alone."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        # What a lost session left to be confirmed looks like what runs: only under its lock is it known to be gone.
        unsure = not self._session.is_open or self._session.opened != self._locked_in
        pending = [n for n, plan in enumerate(plans) if plan.refused is None and (plan.changes or unsure)]
        if pending:
            async with self._turn:
                made = await self._writer.apply([plans[n] for n in pending], frozenset(self._adopted))
                self._locked_in = self._session.opened
            for n, outcome in zip(pending, made, strict=True):
                outcomes[n] = outcome
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Enable or disable the v-ANIs of ONUs, in one commit; when that is refused, in smaller ones."""
        async with self._turn:
            return await self._writer.set_admin(devices, enabled, frozenset(self._adopted))

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """Light levels in both directions now; what cannot be read is None."""
        found: dict[str, Levels] = {}
        for serials in chunks(devices):
            async with self._turn:
                found |= await self._reader.levels(serials)
        return found

    async def reboot(self, device: str) -> None:
        """Refused: the modules of TR-385 have no operation that restarts an ONU."""
        raise Rejected(self.name, "reboot", f"{device} cannot be restarted: TR-385 has no operation for it")

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take away everything made for the serials, in one commit; when that is refused, in smaller ones."""
        async with self._turn:
            return await self._writer.remove(devices, frozenset(self._adopted))

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat the v-ANIs that expect these serials as ztpd's own."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Nothing: what is committed outlasts a restart."""

    async def close(self) -> None:
        """End the session; the driver may be used again."""
        async with self._turn:
            await self._session.close()

    def _plan(self, inventory: Inventory, wanted: WantedAccess) -> Plan:
        try:
            return Plan(wanted, self._writer.check(Batch(inventory, frozenset(self._adopted)), wanted).changes)
        except Rejected as refused:
            return Plan(wanted, (), refused)

    async def _let_ports_announce(self) -> None:
        async with self._turn:
            notifiable = (await self._reader.dialect()).notifiable
            if notifiable is None:
                return
            silent = silent_ports(await self._reader.configuration(filters.plant()), notifiable)
            if not silent:
                return
            if self._settings.read_only:
                _log.info("ports_left_silent", element=self.name, ports=silent)
                return
            _log.info("ports_let_announce", element=self.name, ports=silent)
            async with transaction.locked(self._session, self._settings, candidate_only=True) as write:
                await write.make(editing.config(editing.notifications_on(port, notifiable) for port in silent))

    def _hear(self, raw: str, dialect: Dialect, heard: Heard) -> None:
        announcement = presence.announced_onus(raw, dialect)
        for onu in announcement.onus:
            heard(onu)
        self._count(announcement.malformed)
        if announcement.foreign and not self.foreign_announcements:
            _log.warning("announced_in_another_dialect", element=self.name, expected=dialect.module)
        self.foreign_announcements += announcement.foreign

    def _count(self, malformed: Iterable[Malformed]) -> None:
        for entry in malformed:
            self.malformed_entries += 1
            _log.warning("entry_malformed", element=self.name, where=entry.where, reason=entry.reason)


def _with_presence(
    onu: ObservedAccess, inventory: Inventory, states: Mapping[str, Element], dialect: Dialect
) -> ObservedAccess:
    state = states.get(inventory.names_of(onu.device).v_ani)
    return replace(onu, presence=presence.v_ani_presence(state, onu.port, dialect))
