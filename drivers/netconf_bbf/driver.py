"""``drivers.base.Driver`` for one OLT that speaks TR-385, in either dialect (``dialects``)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess, differences
from drivers.base import Capabilities, Heard, Outcome, Plan
from drivers.errors import Conflict, Rejected, Unreachable
from drivers.netconf.malformed import Malformed
from drivers.netconf.session import NetconfSession
from drivers.netconf.watching import Announcements, SessionEnded
from drivers.netconf_bbf import changes, dialects, filters, names, optics, payloads, presence, reading, transaction
from drivers.netconf_bbf.allocation import Exhausted
from drivers.netconf_bbf.changes import Batch, NoSuchPort, Occupied
from drivers.netconf_bbf.configuration import Configuration, index
from drivers.netconf_bbf.dialects import Dialect
from drivers.netconf_bbf.inventory import Inventory, inventory_of
from drivers.netconf_bbf.payloads import Object
from drivers.netconf_bbf.plant import plant_of, silent_ports
from drivers.netconf_bbf.settings import NetconfBbfSettings
from drivers.netconf_bbf.xml import Element

_log = structlog.get_logger()
_COMPONENT_DEPTH = 4


class NetconfBbfDriver:
    """One OLT over NETCONF.

    ``malformed_entries`` and ``lost_announcements`` count what could not be used, ``foreign_announcements`` what came
    in another dialect than the element's modules say: its ONUs are found when the list is read.

    Reads and writes share one session; ``watch`` has its own, because an element need not answer RPCs on a session
    that is subscribed (RFC 5277 §6 makes that a capability of its own), and because a long commit must not hold up
    announcements. Where the dialect has ``notifiable-onu-presence-states``, ``watch`` sets it on channel terminations
    that have none: without it they announce nothing. Nothing else is configured unasked, and with ``read_only`` not
    even that.
    """

    def __init__(self, settings: NetconfBbfSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self.lost_announcements = 0
        self.foreign_announcements = 0
        self._settings = settings
        self._session = NetconfSession(settings)
        self._turn = asyncio.Lock()
        self._adopted: set[str] = set()

    async def capabilities(self) -> Capabilities:
        """What this element can do; opens the session when there is none."""
        async with self._turn:
            offered = await self._session.capabilities()
        return Capabilities(
            technologies=frozenset({"pon"}),
            announces=transaction.offers(offered, "urn:ietf:params:netconf:capability:notification:"),
            confirmed_commit=transaction.offers_confirmed_commit(offered),
            measures=frozenset({"onu_rx_dbm", "olt_rx_dbm"}),
            reboots=False,
            saves=False,
        )

    async def ports(self) -> frozenset[str]:
        """The channel terminations that have a channel pair and a channel partition."""
        async with self._turn:
            return frozenset(plant_of(await self._configuration(filters.plant())).ports)

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Call ``heard`` for every announcement until cancelled; raises ``Unreachable`` when the session ends."""
        await self._let_ports_announce()
        session = NetconfSession(self._settings)
        announcements = Announcements()
        try:
            dialect = await _dialect(session)
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
            dialect = await _dialect(self._session)
            data = await self._session.get(filters.presence(dialect))
        found, malformed = presence.present_onus(data, index(data), dialect)
        self._count(malformed)
        return found

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Every ONU that has a v-ANI with an expected serial number, whoever configured it."""
        async with self._turn:
            dialect = await _dialect(self._session)
            configuration = await self._configuration(filters.everything())
            states = presence.v_ani_states(await self._session.get(filters.v_ani_states()))
        found, malformed = reading.observed_onus(self._inventory(configuration))
        self._count(malformed)
        return [_with_presence(onu, states, dialect) for onu in found]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and state of each ONU that a v-ANI expects."""
        async with self._turn:
            found = [await self._read(serial) for serial in devices]
        return {onu.device: onu for onu in found if onu is not None}

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say what must change; refused if the serial is configured elsewhere or by another.

        Whether others hold the service or its VLAN is seen by ``apply``, which reads more.
        """
        async with self._turn:
            return [await self._plan(each) for each in wanted]

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true in one commit; when that is refused, one commit per plan, so that each fails alone."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        pending = [n for n, plan in enumerate(plans) if plan.changes and plan.refused is None]
        if pending:
            async with self._turn, transaction.locked_candidate(self._session, self._settings):
                made = await self._apply_together([plans[n] for n in pending])
            for n, outcome in zip(pending, made, strict=True):
                outcomes[n] = outcome
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Enable or disable the v-ANIs of ONUs that ztpd made, in one commit."""
        async with self._turn, transaction.locked_candidate(self._session, self._settings):
            inventory = await self._inventory_for(devices)
            outcomes = [self._admin_outcome(inventory, serial, enabled) for serial in devices]
            edits = [payloads.admin(names.of_onu(each.device).v_ani, enabled) for each in outcomes if each.changed]
            if edits:
                await transaction.commit_edits(self._session, self._settings, edits)
        return outcomes

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """Light levels in both directions now; what cannot be read is None."""
        async with self._turn:
            return {serial: await self._measure(serial) for serial in devices}

    async def reboot(self, device: str) -> None:
        """Refused: the modules of TR-385 have no operation that restarts an ONU."""
        raise Rejected(self.name, "reboot", f"{device} cannot be restarted: TR-385 has no operation for it")

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take away everything made for the serials, one commit each, so that each fails alone."""
        async with self._turn, transaction.locked_candidate(self._session, self._settings):
            return [await self._remove(serial) for serial in devices]

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat the v-ANIs that expect these serials as ztpd's own."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Nothing: what is committed outlasts a restart."""

    async def close(self) -> None:
        """End the session; the driver may be used again."""
        async with self._turn:
            await self._session.close()

    async def _apply_together(self, plans: Sequence[Plan]) -> list[Outcome]:
        try:
            return await self._attempt(plans)
        except Rejected as refused:
            if len(plans) == 1:
                return [Outcome(plans[0].wanted.device, changed=False, error=refused)]
        return [outcome for plan in plans for outcome in await self._apply_together([plan])]

    async def _plan(self, wanted: WantedAccess) -> Plan:
        _, inventory = await self._around(wanted.device)
        try:
            self._prepare(Batch(inventory), wanted)
            return Plan(wanted, differences(wanted, self._observed(inventory, wanted.device)))
        except Rejected as refused:
            return Plan(wanted, (), refused)

    async def _measure(self, serial: str) -> Levels:
        v_ani = names.of_onu(serial).v_ani
        data = await self._session.get(filters.optics(serial))
        onu_rx_dbm = await self._received_by(optics.onu_components(data, v_ani))
        return Levels(onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=optics.olt_rx_dbm(data, serial, v_ani))

    async def _remove(self, serial: str) -> Outcome:
        inventory = await self._inventory_for([serial])
        try:
            edits = changes.edits_to_remove(inventory, serial)
            if edits:
                await transaction.commit_edits(self._session, self._settings, edits)
        except Occupied as error:
            return Outcome(serial, changed=False, error=Conflict(self.name, "remove", str(error)))
        except Rejected as refused:
            return Outcome(serial, changed=False, error=refused)
        return Outcome(serial, changed=bool(edits))

    def _admin_outcome(self, inventory: Inventory, serial: str, enabled: bool) -> Outcome:
        """What setting an ONU's state comes to: refused, changed, or there already."""
        try:
            if serial not in self._adopted:
                changes.check_not_foreign(inventory, serial)
            observed = self._observed(inventory, serial)
        except Occupied as error:
            return Outcome(serial, changed=False, error=Conflict(self.name, "set-admin", str(error)))
        except Rejected as refused:
            return Outcome(serial, changed=False, error=refused)
        if observed is None:
            missing = Rejected(self.name, "set-admin", f"serial {serial} is not configured")
            return Outcome(serial, changed=False, error=missing)
        return Outcome(serial, changed=observed.enabled != enabled)

    async def _attempt(self, plans: Sequence[Plan]) -> list[Outcome]:
        """One read and at most one commit; plans that conflict are left out, a refusal by the OLT is raised."""
        batch = Batch(await self._inventory_for([plan.wanted.device for plan in plans]))
        outcomes: list[Outcome] = []
        writing: list[tuple[str, Sequence[Object]]] = []
        for plan in plans:
            try:
                objects = self._prepare(batch, plan.wanted)
                needed = bool(differences(plan.wanted, self._observed(batch.inventory, plan.wanted.device)))
            except Rejected as error:
                outcomes.append(Outcome(plan.wanted.device, changed=False, error=error))
                continue
            if needed:
                writing.append((plan.wanted.device, objects))
            outcomes.append(Outcome(plan.wanted.device, changed=needed))
        if writing:
            edits = changes.edits_to_provision(batch.inventory, writing)
            await transaction.commit_edits(self._session, self._settings, edits)
        return outcomes

    def _prepare(self, batch: Batch, wanted: WantedAccess) -> list[Object]:
        """The objects of a wanted ONU; raises ``Conflict`` or ``Rejected`` when it cannot be configured here."""
        try:
            return changes.objects_for(batch, wanted)
        except Occupied as error:
            raise Conflict(self.name, "plan", str(error)) from error
        except (NoSuchPort, Exhausted, ValueError) as error:
            raise Rejected(self.name, "plan", str(error)) from error

    def _observed(self, inventory: Inventory, serial: str) -> ObservedAccess | None:
        try:
            return reading.observed_onu(inventory, serial)
        except ValueError as error:
            raise Rejected(self.name, "read", f"the configuration of {serial} is malformed: {error}") from error

    async def _read(self, serial: str) -> ObservedAccess | None:
        dialect = await _dialect(self._session)
        data, inventory = await self._around(serial)
        observed = self._observed(inventory, serial)
        return None if observed is None else _with_presence(observed, presence.v_ani_states(data), dialect)

    async def _around(self, serial: str) -> tuple[Element, Inventory]:
        """One ONU's state, and its configuration with the plant and whatever it shares with others."""
        data = await self._session.get(filters.of_onu(serial))
        own = self._inventory(index(data))
        membership, observed = own.membership_of(serial), self._observed(own, serial)
        if membership is None or observed is None or observed.s_vlan is None:
            return data, own
        network = names.network_sub_interface(self._settings.uplink, observed.s_vlan, observed.c_vlan)
        shared = await self._session.get_config(filters.of_forwarder(membership.forwarder, network))
        return data, self._inventory(index(data, shared))

    async def _received_by(self, components: list[str]) -> float | None:
        """What the one transceiver inside an ONU receives, some levels down its component tree."""
        for _ in range(_COMPONENT_DEPTH):
            if not components:
                return None
            data = await self._session.get(filters.components_in(components))
            level = optics.received_dbm(data)
            if level is not None:
                return level
            components = optics.component_names(data)
        return None

    async def _let_ports_announce(self) -> None:
        async with self._turn:
            notifiable = (await _dialect(self._session)).notifiable
            if notifiable is None:
                return
            silent = silent_ports(await self._configuration(filters.plant()), notifiable)
            if not silent:
                return
            if self._settings.read_only:
                _log.info("ports_left_silent", element=self.name, ports=silent)
                return
            _log.info("ports_let_announce", element=self.name, ports=silent)
            async with transaction.locked_candidate(self._session, self._settings):
                edits = [payloads.notifications_on(port, notifiable) for port in silent]
                await transaction.commit_edits(self._session, self._settings, edits)

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

    async def _configuration(self, subtree: list[Element]) -> Configuration:
        return index(await self._session.get_config(subtree))

    def _inventory(self, configuration: Configuration) -> Inventory:
        return inventory_of(configuration, self._settings.uplink)

    async def _inventory_for(self, serials: Iterable[str]) -> Inventory:
        """What a write to these ONUs has to know."""
        return self._inventory(await self._configuration(filters.for_writing(serials, self._settings.uplink)))


async def _dialect(session: NetconfSession) -> Dialect:
    """The dialect in which the element tells of ONUs; raises ``Rejected`` for none."""
    module = await session.module(tuple(dialects.BY_MODULE), "it cannot tell which ONUs are present")
    return dialects.BY_MODULE[module]


def _with_presence(onu: ObservedAccess, states: Mapping[str, Element], dialect: Dialect) -> ObservedAccess:
    state = states.get(names.of_onu(onu.device).v_ani)
    return replace(onu, presence=presence.v_ani_presence(state, onu.port, dialect))
