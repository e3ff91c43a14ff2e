"""``drivers.base.Driver`` for one OLT that speaks TR-385, in either dialect (``dialects``)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

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
from pon.onu import ObservedOnu, Optics, PresentOnu, WantedOnu, differences

_log = structlog.get_logger()
_COMPONENT_DEPTH = 4


class NetconfBbfDriver:
    """One OLT over NETCONF.

    ``malformed_entries`` and ``lost_announcements`` count what could not be used, ``foreign_announcements`` what came
    in another dialect than the element's modules say: its ONUs are found when the list is read.

    Reads and writes share one session; ``watch`` has its own, because an element need not answer RPCs on a session
    that is subscribed (RFC 5277 §6 makes that a capability of its own), and because a long commit must not hold up
    announcements. Where the dialect has ``notifiable-onu-presence-states``, ``watch`` sets it on channel terminations
    that have none: without it they announce nothing. Nothing else is configured unasked.
    """

    def __init__(self, settings: NetconfBbfSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self.lost_announcements = 0
        self.foreign_announcements = 0
        self._settings = settings
        self._session = NetconfSession(settings)
        self._turn = asyncio.Lock()

    async def capabilities(self) -> Capabilities:
        """What this element can do; opens the session when there is none."""
        async with self._turn:
            offered = await self._session.capabilities()
        return Capabilities(
            technologies=frozenset({"pon"}),
            announces=transaction.offers(offered, "urn:ietf:params:netconf:capability:notification:"),
            confirmed_commit=transaction.offers_confirmed_commit(offered),
            measures_optics=True,
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

    async def list_discovered(self) -> list[PresentOnu]:
        """Every ONU present on any channel termination, configured or not."""
        async with self._turn:
            dialect = await _dialect(self._session)
            data = await self._session.get(filters.presence(dialect))
        found, malformed = presence.present_onus(data, index(data), dialect)
        self._count(malformed)
        return found

    async def list_provisioned(self) -> list[ObservedOnu]:
        """Every ONU that has a v-ANI with an expected serial number, whoever configured it."""
        async with self._turn:
            dialect = await _dialect(self._session)
            configuration = await self._configuration(filters.everything())
            states = presence.v_ani_states(await self._session.get(filters.v_ani_states()))
        found, malformed = reading.observed_onus(self._inventory(configuration))
        self._count(malformed)
        return [_with_presence(onu, states, dialect) for onu in found]

    async def read(self, serial: str) -> ObservedOnu | None:
        """The configuration and state of one ONU, or None when no v-ANI expects its serial."""
        async with self._turn:
            return await self._read(serial)

    async def plan(self, wanted: WantedOnu) -> Plan:
        """Read, and say what must change; raises ``Conflict`` if the serial is configured elsewhere or by another.

        Whether others hold the service or its VLAN is seen by ``apply``, which reads more.
        """
        async with self._turn:
            _, inventory = await self._around(wanted.serial)
        self._prepare(Batch(inventory), wanted)
        return Plan(wanted, differences(wanted, self._observed(inventory, wanted.serial)))

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true in one commit; when that is refused, one commit per plan, so that each fails alone."""
        pending = [plan for plan in plans if plan.changes]
        outcomes = {id(plan): Outcome(plan, changed=False) for plan in plans}
        if pending:
            async with self._turn, transaction.locked_candidate(self._session, self._settings):
                for outcome in await self._apply_together(pending):
                    outcomes[id(outcome.plan)] = outcome
        return [outcomes[id(plan)] for plan in plans]

    async def measure(self, serial: str) -> Optics:
        """Light levels in both directions now; what cannot be read is None."""
        v_ani = names.of_onu(serial).v_ani
        async with self._turn:
            data = await self._session.get(filters.optics(serial))
            onu_rx_dbm = await self._received_by(optics.onu_components(data, v_ani))
        return Optics(onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=optics.olt_rx_dbm(data, serial, v_ani))

    async def remove(self, serial: str) -> bool:
        """Take away everything made for the serial; False when there was nothing."""
        async with self._turn, transaction.locked_candidate(self._session, self._settings):
            inventory = await self._inventory_for([serial])
            try:
                edits = changes.edits_to_remove(inventory, serial)
            except Occupied as error:
                raise Conflict(self.name, "remove", str(error)) from error
            if edits:
                await transaction.commit_edits(self._session, self._settings, edits)
            return bool(edits)

    async def close(self) -> None:
        """End the session; the driver may be used again."""
        async with self._turn:
            await self._session.close()

    async def _apply_together(self, plans: Sequence[Plan]) -> list[Outcome]:
        try:
            return await self._attempt(plans)
        except Rejected as refused:
            if len(plans) == 1:
                return [Outcome(plans[0], changed=False, error=refused)]
        return [outcome for plan in plans for outcome in await self._apply_together([plan])]

    async def _attempt(self, plans: Sequence[Plan]) -> list[Outcome]:
        """One read and at most one commit; plans that conflict are left out, a refusal by the OLT is raised."""
        batch = Batch(await self._inventory_for([plan.wanted.serial for plan in plans]))
        outcomes: list[Outcome] = []
        writing: list[tuple[str, Sequence[Object]]] = []
        for plan in plans:
            try:
                objects = self._prepare(batch, plan.wanted)
                needed = bool(differences(plan.wanted, self._observed(batch.inventory, plan.wanted.serial)))
            except Rejected as error:
                outcomes.append(Outcome(plan, changed=False, error=error))
                continue
            if needed:
                writing.append((plan.wanted.serial, objects))
            outcomes.append(Outcome(plan, changed=needed))
        if writing:
            edits = changes.edits_to_provision(batch.inventory, writing)
            await transaction.commit_edits(self._session, self._settings, edits)
        return outcomes

    def _prepare(self, batch: Batch, wanted: WantedOnu) -> list[Object]:
        """The objects of a wanted ONU; raises ``Conflict`` or ``Rejected`` when it cannot be configured here."""
        try:
            return changes.objects_for(batch, wanted)
        except Occupied as error:
            raise Conflict(self.name, "plan", str(error)) from error
        except (NoSuchPort, Exhausted, ValueError) as error:
            raise Rejected(self.name, "plan", str(error)) from error

    def _observed(self, inventory: Inventory, serial: str) -> ObservedOnu | None:
        try:
            return reading.observed_onu(inventory, serial)
        except ValueError as error:
            raise Rejected(self.name, "read", f"the configuration of {serial} is malformed: {error}") from error

    async def _read(self, serial: str) -> ObservedOnu | None:
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


def _with_presence(onu: ObservedOnu, states: Mapping[str, Element], dialect: Dialect) -> ObservedOnu:
    state = states.get(names.of_onu(onu.serial).v_ani)
    return replace(onu, presence=presence.v_ani_presence(state, onu.port, dialect))
