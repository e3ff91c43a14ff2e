"""``drivers.base.Driver`` and ``ListsNeighbours`` for one access switch, in either family of modules (``families``)."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import structlog

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess, differences
from drivers.base import Capabilities, Heard, Neighbour, Outcome, Plan
from drivers.errors import Conflict, ElementError, Rejected, Unreachable
from drivers.netconf import modules, transaction
from drivers.netconf.malformed import Malformed
from drivers.netconf.modules import Module
from drivers.netconf.session import NetconfSession
from drivers.netconf.transaction import Write
from drivers.netconf.watching import Announcements, SessionEnded
from drivers.netconf.xml import Element
from drivers.netconf_switch import families
from drivers.netconf_switch.names import NotRepresentable
from drivers.netconf_switch.ownership import AccessPorts
from drivers.netconf_switch.port import Change, Dialect, Port, observed
from drivers.netconf_switch.settings import NetconfSwitchSettings
from drivers.places import Occupied, Places
from pon.onu import Presence

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of a switch at once."""

    dialect: Dialect
    access: AccessPorts
    configuration: Element
    state: Element


@dataclass(frozen=True, slots=True)
class _Step:
    """What one device of a batch comes to: refused, there already, or to be written."""

    device: str
    change: Change | None = None
    error: ElementError | None = None


class NetconfSwitchDriver:
    """One switch over NETCONF; ``malformed_entries`` counts what could not be used of its lists.

    A port is the device. It is ours by its description (``names``); one that is configured otherwise is another's. A
    port that a service leaves is as a port that never had one. Reads and writes share one session; ``watch`` holds one
    of its own and hears nothing on it: no module announces that a link comes up.
    """

    def __init__(self, settings: NetconfSwitchSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self._settings = settings
        self._session = NetconfSession(settings)
        self._locked_in = 0
        self._turn = asyncio.Lock()
        self._adopted: set[str] = set()
        self._unsaved = True  # what ran before this may have written and not come to saving
        self._told: dict[str, Sequence[Malformed]] = {}
        self._modules: tuple[frozenset[str], dict[str, Module]] | None = None

    async def capabilities(self) -> Capabilities:
        """What this element can do; opens the session when there is none."""
        async with self._turn:
            offer = transaction.offered(await self._session.capabilities())
        return Capabilities(
            technologies=frozenset({"ethernet"}),
            announces=False,
            confirmed_commit=offer.takes_back,
            measures=frozenset({"link_bps"}),
            reboots=False,
            saves=offer.startup,
        )

    async def ports(self) -> frozenset[str]:
        """The Ethernet ports but for the uplinks; raises ``Rejected`` when there is none, which no switch can mean."""
        async with self._turn:
            found = frozenset((await self._see()).access.ports)
        if not found:
            raise Rejected(self.name, "get", "it lists no Ethernet port; give the user the right to read interfaces")
        return found

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Hold a session until cancelled; raises ``Unreachable`` when it ends. Nothing is ever heard."""
        session = NetconfSession(self._settings)
        announcements = Announcements()
        try:
            await session.listen(announcements)
            listening()
            while True:
                await announcements.next()
        except SessionEnded:
            raise Unreachable(self.name, "notification", "the session ended") from None
        finally:
            await session.close()

    async def list_discovered(self) -> list[PresentDevice]:
        """Every port whose link is up; who is at its end is heard otherwise."""
        async with self._turn:
            access = (await self._see()).access
        return [_present(port, access) for port in access.ports.values() if port.link_up]

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Every port that is configured, whoever did it."""
        async with self._turn:
            seen = await self._see()
        return [each for port in seen.access.ports.values() if (each := _observed(seen, port)) is not None]

    async def list_neighbours(self) -> list[Neighbour]:
        """Every neighbour on an access port; raises ``Rejected`` where LLDP cannot be read, for none is an answer."""
        async with self._turn:
            dialect, told = await self._dialect()
            module = families.lldp_module(dialect)
            if module.name not in told:
                answer = (
                    f"{module.name} is not in its hello or YANG library, so it cannot tell its neighbours; enable it"
                )
                raise Rejected(self.name, "hello", answer)
            data = await self._session.get(dialect.neighbours_filter())
        found, malformed = dialect.neighbours(data)
        self._count("neighbours", malformed)
        return [neighbour for neighbour in found if neighbour.port not in self._settings.uplinks]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and state of each port that is configured."""
        async with self._turn:
            seen = await self._see()
        ports = (seen.access.ports.get(device) for device in devices)
        found = (_observed(seen, port) for port in ports if port is not None)
        return {each.device: each for each in found if each is not None}

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say what must change; refused where the port or the service is taken."""
        async with self._turn:
            seen = await self._see()
        return [self._plan(seen, each) for each in wanted]

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true, in one write where the switch takes all or none; one that is refused fails alone."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        # What a lost session left to be confirmed looks like what runs: only under its lock is it known to be gone.
        unsure = not self._session.is_open or self._session.opened != self._locked_in
        pending = [n for n, plan in enumerate(plans) if plan.refused is None and (plan.changes or unsure)]
        if pending:
            chosen = [plans[n].wanted for n in pending]
            made = await self._write(lambda seen: self._serving(seen, chosen))
            self._locked_in = self._session.opened
            for n, outcome in zip(pending, made, strict=True):
                outcomes[n] = outcome
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Open or shut the ports of services, touch nothing else of them, and save."""
        outcomes = await self._write(lambda seen: [self._admin(seen, device, enabled) for device in devices])
        if any(outcome.error is None for outcome in outcomes):
            await self.save()
        return outcomes

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """The negotiated speed of each port whose link is up; None is unknown."""
        async with self._turn:
            ports = (await self._see()).access.ports
        return {device: Levels(link_bps=ports[device].link_bps) for device in devices if device in ports}

    async def reboot(self, device: str) -> None:
        """Refused: a port restarts nothing, and power over it is not modelled."""
        raise Rejected(
            self.name, "reboot", f"what is on {device} cannot be restarted: these modules have no word for it"
        )

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Make the ports as those that no service has."""
        outcomes = await self._write(lambda seen: [self._freeing(seen, device) for device in devices])
        self._adopted.difference_update(outcome.device for outcome in outcomes if outcome.error is None)
        return outcomes

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat what is configured on these ports as ztpd's own, until it is removed."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Copy what runs to what the switch starts with, where these are two and something was written since."""
        async with self._turn:
            if self._unsaved:
                await transaction.save(self._session, self._settings)
            self._unsaved = False

    async def close(self) -> None:
        """End the session; the driver may be used again."""
        async with self._turn:
            await self._session.close()

    def _plan(self, seen: _Seen, wanted: WantedAccess) -> Plan:
        try:
            port = self._port_for(seen, wanted, Places())
        except Rejected as refused:
            return Plan(wanted, (), refused)
        return Plan(wanted, differences(wanted, _observed(seen, port)))

    def _port_for(self, seen: _Seen, wanted: WantedAccess, places: Places) -> Port:
        try:
            port = seen.access.port_for(wanted, seen.dialect)
            places.take(wanted, f"port {wanted.port}", f"service {wanted.service}")
        except (NotRepresentable, Occupied) as error:
            self._refuse("plan", error)
        return port

    def _serving(self, seen: _Seen, batch: Sequence[WantedAccess]) -> list[_Step]:
        steps: list[_Step] = []
        places = Places()
        for wanted in batch:
            try:
                port = self._port_for(seen, wanted, places)
            except Rejected as refused:
                steps.append(_Step(wanted.device, error=refused))
                continue
            needed = differences(wanted, _observed(seen, port))
            steps.append(_Step(wanted.device, Change(serve=(wanted,)) if needed else None))
        return steps

    def _admin(self, seen: _Seen, device: str, enabled: bool) -> _Step:
        port = seen.access.ports.get(device)
        if port is None or not port.configured:
            missing = Rejected(self.name, "set-admin", f"port {device} is not configured")
            return _Step(device, error=missing)
        try:
            seen.access.check_owned(port)
        except Occupied as error:
            return _Step(device, error=Conflict(self.name, "set-admin", str(error)))
        return _Step(device, Change(admin={device: enabled}) if port.enabled != enabled else None)

    def _freeing(self, seen: _Seen, device: str) -> _Step:
        port = seen.access.ports.get(device)
        if port is None or not port.configured:
            return _Step(device)
        try:
            seen.access.check_owned(port)
        except Occupied as error:
            return _Step(device, error=Conflict(self.name, "remove", str(error)))
        return _Step(device, Change(free=(device,)))

    async def _write(self, steps_for: Callable[[_Seen], Sequence[_Step]]) -> list[Outcome]:
        """Read, decide and write under one lock: together where that is all or none, and else one by one."""
        async with self._turn, transaction.locked(self._session, self._settings) as write:
            seen = await self._see()
            steps = steps_for(seen)
            changes = [step for step in steps if step.change is not None]
            self._unsaved = self._unsaved or bool(changes)
            refused: dict[str, Rejected] = {}
            if len(changes) == 1 or (changes and not write.offer.all_or_none):
                refused = await self._one_by_one(write, seen, changes)
            elif changes:
                try:
                    await write.make(_config(seen, changes))
                except Rejected:
                    refused = await self._one_by_one(write, await self._see(), changes)
        return [_outcome(step, None if step.change is None else refused.get(step.device)) for step in steps]

    async def _one_by_one(self, write: Write, seen: _Seen, steps: Sequence[_Step]) -> dict[str, Rejected]:
        """Write each alone; what was refused, by device."""
        refused: dict[str, Rejected] = {}
        for n, step in enumerate(steps):
            # What a port shares with others, such as a VLAN's entry, is as the last write left it.
            now = seen if n == 0 else await self._see()
            try:
                await write.make(_config(now, [step]))
            except Rejected as error:
                refused[step.device] = error
        return refused

    async def _see(self) -> _Seen:
        dialect, _ = await self._dialect()
        configuration = await self._session.get_config(dialect.configuration_filter())
        state = await self._session.get(dialect.state_filter())
        found = dialect.ports(configuration, state)
        self._count("ports", found.malformed)
        ports = {name: port for name, port in found.by_name.items() if name not in self._settings.uplinks}
        return _Seen(dialect, AccessPorts(ports, frozenset(self._adopted)), configuration, state)

    async def _dialect(self) -> tuple[Dialect, dict[str, Module]]:
        """The family of modules, and all that are known; asked again when the hello is another than before."""
        capabilities = await self._session.capabilities()
        if self._modules is None or self._modules[0] != capabilities:
            self._modules = capabilities, await self._known_modules(capabilities)
        told = self._modules[1]
        try:
            return families.dialect_of(told, self._settings), told
        except families.NoFamily as error:
            raise Rejected(self.name, "hello", str(error)) from error

    async def _known_modules(self, capabilities: frozenset[str]) -> dict[str, Module]:
        """What the hello lists and, as it need not list all (RFC 7950 §5.6.4), what the YANG library does."""
        told = families.told_by_hello(capabilities)
        try:
            reply = await self._session.request(
                "get", lambda manager: manager.get(filter=modules.library(capabilities, families.KNOWN))
            )
        except Rejected:
            return told
        return told | families.told_by_library(reply)

    def _refuse(self, operation: str, error: Exception) -> NoReturn:
        kind = Conflict if isinstance(error, Occupied) else Rejected
        raise kind(self.name, operation, str(error)) from error

    def _count(self, listed: str, malformed: Sequence[Malformed]) -> None:
        """Count them, and tell of the same only once: lists are read for ever."""
        self.malformed_entries += len(malformed)
        if malformed and malformed != self._told.get(listed):
            first = malformed[0]
            _log.warning(
                "entries_malformed", element=self.name, where=first.where, reason=first.reason, count=len(malformed)
            )
        self._told[listed] = malformed


def _outcome(step: _Step, refused: Rejected | None) -> Outcome:
    """What became of a step that was written, or of one that need not or could not be."""
    return Outcome(step.device, step.change is not None and refused is None, step.error or refused)


def _config(seen: _Seen, steps: Iterable[_Step]) -> Element:
    """The ``<config>`` that makes all the steps."""
    changes = [step.change for step in steps if step.change is not None]
    together = Change(
        serve=[wanted for change in changes for wanted in change.serve],
        free=list(dict.fromkeys(port for change in changes for port in change.free)),
        admin={port: enabled for change in changes for port, enabled in change.admin.items()},
    )
    return seen.dialect.config(together, seen.configuration, seen.state)


def _present(port: Port, access: AccessPorts) -> PresentDevice:
    presence = Presence.INTENDED if access.owns(port) else Presence.UNKNOWN
    return PresentDevice(port=port.name, device=port.name, presence=presence, raw_state=port.link_state)


def _observed(seen: _Seen, port: Port) -> ObservedAccess | None:
    return observed(port, seen.dialect.unmodelled) if port.configured else None
