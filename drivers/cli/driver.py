"""``drivers.base.Driver`` for one OLT with a command line, whatever its platform."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess, differences
from drivers.base import Capabilities, Heard, Outcome, Plan
from drivers.cli.access import NotRepresentable, facts_of, is_foreign, service_of
from drivers.cli.commands import NotAllowed
from drivers.cli.facts import Facts, Values
from drivers.cli.planning import admin_change, with_flags
from drivers.cli.platform import load
from drivers.cli.reading import Reader
from drivers.cli.session import CliSession
from drivers.cli.sessions import Sessions
from drivers.cli.settings import CliSettings
from drivers.cli.writing import Writer
from drivers.errors import Conflict, Rejected, Unreachable
from drivers.places import Occupied, Places
from pon.serial import is_canonical

_log = structlog.get_logger()
_WHOSE = ("port", "onu_id", "admin", "description")
_DEVICE = {"port", "onu_id"}


class CliDriver:
    """One OLT, by its platform's file. ``malformed_entries`` counts what of its lists could not be read.

    Writes go one after the other through one session. Those of one ONU are not atomic: when one is refused, those
    before it are taken back by their opposites, and when the session breaks, the next ``apply`` goes on from what it
    then reads. What was written is saved by ``save``, once for all that was written since; ``set_admin`` saves by
    itself.
    """

    def __init__(self, settings: CliSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self._platform = load(settings.platform)
        self._settings = settings
        self._values = _values(settings)
        self._sessions = Sessions(settings, self._platform.dialogue)
        self._ports: frozenset[str] = frozenset()
        self._adopted: set[str] = set()
        # What ran before this may have written and not come to saving.
        self._written, self._saved = 1, 0
        self._saving = asyncio.Lock()

    async def capabilities(self) -> Capabilities:
        """What this platform can do; logs in when that has not been done."""
        async with self._sessions.reading():
            pass
        measure = self._platform.measure
        rules = [rule for query in (measure.queries if measure is not None else ()) for rule in query.rules]
        return Capabilities(
            technologies=self._platform.technologies,
            announces=False,
            confirmed_commit=False,
            measures=frozenset(name for rule in rules for name in rule.pattern.groupindex if name.endswith("_dbm")),
            reboots=bool(self._platform.reboot),
            saves=bool(self._platform.save),
        )

    async def ports(self) -> frozenset[str]:
        """The ports as the element lists them now."""
        async with self._sessions.reading() as session:
            self._ports = await self._reader(session).ports()
        return self._ports

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Hold a session; raises ``Unreachable`` when it ends. Nothing is ever heard: the element announces nothing."""
        async with self._sessions.reading() as session:
            pass
        listening()
        while not session.ended.is_set():
            try:
                async with asyncio.timeout(self._settings.keepalive_s):
                    await session.ended.wait()
            except TimeoutError:
                async with self._sessions.reading() as now:
                    await now.keep_alive()
        raise Unreachable(self.name, "watch", "the session ended")

    async def list_discovered(self) -> list[PresentDevice]:
        """Every ONU that is seen on any port, configured or not."""
        async with self._sessions.reading() as session:
            reader = self._reader(session)
            found = await reader.discovered()
            self.malformed_entries += reader.unread
        return found

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Every ONU that is configured, by whomever."""
        async with self._sessions.reading() as session:
            reader = self._reader(session)
            return await reader.observed((await reader.all_facts()).values())

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and state of each ONU that is configured."""
        async with self._sessions.reading() as session:
            reader = self._reader(session)
            facts = await reader.many_facts([serial for serial in devices if is_canonical(serial)])
            return {each.device: each for each in await reader.observed(facts.values())}

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say what must change; refused if the serial or service is elsewhere, or another's."""
        async with self._sessions.reading() as session:
            reader = self._reader(session)
            facts = await reader.many_facts([each.device for each in wanted if is_canonical(each.device)])
            return [await self._plan(reader, each, facts.get(each.device)) for each in wanted]

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true one after the other; each fails alone and leaves its ONU as it was."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        pending = [n for n, plan in enumerate(plans) if plan.changes and plan.refused is None]
        if pending:
            taken = Places()
            async with self._sessions.writing() as session:
                writer = self._writer(session)
                for n in pending:
                    outcomes[n] = await self._applied(writer, plans[n].wanted, taken)
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Let ONUs carry traffic or stop them, and save: once for all that others write at the same time."""
        async with self._sessions.writing() as session:
            writer = self._writer(session)
            facts = await writer.reader.many_facts([serial for serial in devices if is_canonical(serial)], _WHOSE)
            outcomes = [await self._with_admin(writer, serial, facts.get(serial), enabled) for serial in devices]
        if any(outcome.error is None for outcome in outcomes):
            await self.save()
        return outcomes

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """Light levels now; what cannot be read is None."""
        async with self._sessions.reading() as session:
            reader = self._reader(session)
            found: dict[str, Levels] = {}
            for serial in devices:
                facts = await reader.facts(serial, _DEVICE) if is_canonical(serial) else None
                found[serial] = Levels() if facts is None else await reader.levels(facts.values)
        return found

    async def reboot(self, device: str) -> None:
        """Restart an ONU; raises ``Rejected`` for one that is not configured, or where the platform cannot."""
        if not self._platform.reboot:
            raise Rejected(self.name, "reboot", f"{device} cannot be restarted: {self._platform.title} has no command")
        async with self._sessions.writing() as session:
            writer = self._writer(session)
            facts = await writer.reader.facts(device, _DEVICE) if is_canonical(device) else None
            if facts is None:
                raise Rejected(self.name, "reboot", f"serial {device} is not configured")
            for step in self._platform.reboot:
                await writer.step(step, facts.values)

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take ONUs away with everything that was made for them, each alone."""
        async with self._sessions.writing() as session:
            writer = self._writer(session)
            return [await self._removed(writer, serial) for serial in devices]

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat the ONUs of these serials as ztpd's own."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Save what was written since the last time, if anything was; many who ask at once are served by one."""
        wanted = self._written
        async with self._saving:
            if self._saved >= wanted or not self._platform.save:
                return
            async with self._sessions.writing() as session:
                written = self._written
                writer = Writer(self._reader(session))
                for step in self._platform.save:
                    await writer.step(step, self._values, self._settings.save_timeout_s)
                self._saved = written
                _log.info("saved", element=self.name, writes=written)

    async def close(self) -> None:
        """Log out; the driver may be used again."""
        await self._sessions.close()

    async def _plan(self, reader: Reader, wanted: WantedAccess, facts: Facts | None) -> Plan:
        try:
            await self._checked(reader, wanted, facts)
            return Plan(wanted, differences(wanted, await _observed(reader, facts)))
        except Rejected as refused:
            return Plan(wanted, (), refused)

    async def _applied(self, writer: Writer, wanted: WantedAccess, taken: Places) -> Outcome:
        try:
            facts = await writer.reader.facts(wanted.device)
            values = await self._checked(writer.reader, wanted, facts)
            self._take(wanted, taken)
            if not differences(wanted, await _observed(writer.reader, facts)):
                return Outcome(wanted.device, changed=False)
            await writer.provision(facts, values)
        except Rejected as refused:
            return Outcome(wanted.device, changed=False, error=refused)
        return Outcome(wanted.device, changed=True)

    async def _removed(self, writer: Writer, serial: str) -> Outcome:
        try:
            facts = await writer.reader.facts(serial) if is_canonical(serial) else None
            if facts is None:
                return Outcome(serial, changed=False)
            self._check_ours("remove", facts)
            await writer.remove(facts)
        except Rejected as refused:
            return Outcome(serial, changed=False, error=refused)
        return Outcome(serial, changed=True)

    async def _with_admin(self, writer: Writer, serial: str, facts: Facts | None, enabled: bool) -> Outcome:
        try:
            if facts is None:
                raise Rejected(self.name, "set-admin", f"serial {serial} is not configured")
            self._check_ours("set-admin", facts)
            if ("enabled" in with_flags(self._platform, facts.values)) == enabled:
                return Outcome(serial, changed=False)
            await writer.act(admin_change(self._platform, facts.values, enabled))
        except NotAllowed as error:
            return Outcome(serial, changed=False, error=Rejected(self.name, "set-admin", str(error)))
        except Rejected as refused:
            return Outcome(serial, changed=False, error=refused)
        return Outcome(serial, changed=True)

    async def _checked(self, reader: Reader, wanted: WantedAccess, facts: Facts | None) -> Values:
        """What is wanted as facts; raises ``Conflict`` or ``Rejected`` when it cannot be had here."""
        if not is_canonical(wanted.device):
            raise Rejected(self.name, "plan", f"{wanted.device[:40]!r} is no PON serial")
        try:
            values = facts_of(self._platform, self._values, wanted)
        except NotRepresentable as error:
            raise Rejected(self.name, "plan", str(error)) from error
        if wanted.port not in self._ports:
            self._ports = await reader.ports()
        if wanted.port not in self._ports:
            known = ", ".join(sorted(self._ports)) or "none"
            raise Rejected(self.name, "plan", f"there is no port {wanted.port!r}; there are: {known}")
        if facts is not None:
            self._check_ours("plan", facts)
            if facts.values["port"] != wanted.port:
                place = facts.values["port"]
                raise Conflict(self.name, "plan", f"{wanted.device} is configured on {place}, not on {wanted.port}")
        await self._check_service_free(reader, wanted, values, facts)
        if facts is not None and is_foreign(self._platform, facts.values):
            return {**values, "description": facts.values.get("description", values["description"])}
        return values

    async def _check_service_free(
        self, reader: Reader, wanted: WantedAccess, values: Values, facts: Facts | None
    ) -> None:
        if facts is not None and service_of(self._platform, facts.values) == wanted.service:
            return
        own = None if facts is None else (facts.values["port"], facts.values["onu_id"])
        for owner in await reader.owners_of(values):
            place = owner.values["port"], owner.values["onu_id"]
            if place != own:
                answer = f"service {wanted.service} is configured already, as {place[1]} on {place[0]}"
                raise Conflict(self.name, "plan", answer)

    def _check_ours(self, operation: str, facts: Facts) -> None:
        """Raise ``Conflict`` for an ONU that another has configured and that was not adopted."""
        serial = facts.values["serial"]
        if serial not in self._adopted and is_foreign(self._platform, facts.values):
            place = f"{facts.values['onu_id']} on {facts.values['port']}"
            raise Conflict(self.name, operation, f"{serial} is configured as {place} by another than ztpd")

    def _take(self, wanted: WantedAccess, taken: Places) -> None:
        places = [f"serial {wanted.device}", f"service {wanted.service}"]
        if wanted.c_vlan is not None:
            places.append(f"VLAN {wanted.s_vlan}.{wanted.c_vlan}")
        try:
            taken.take(wanted, *places)
        except Occupied as error:
            raise Conflict(self.name, "apply", str(error)) from error

    def _reader(self, session: CliSession) -> Reader:
        return Reader(self.name, self._platform, session, self._values)

    def _writer(self, session: CliSession) -> Writer:
        return Writer(self._reader(session), self._note_write)

    def _note_write(self) -> None:
        self._written += 1


async def _observed(reader: Reader, facts: Facts | None) -> ObservedAccess | None:
    found = await reader.observed([] if facts is None else [facts])
    return found[0] if found else None


def _values(settings: CliSettings) -> Values:
    """What the platform leaves to the operator, as he says it or as it comes; raises ``ValueError``."""
    platform = load(settings.platform)
    unknown = set(settings.values) - set(platform.defaults)
    if unknown:
        raise ValueError(f"{settings.name}: {platform.title} has no values {', '.join(sorted(unknown))}")
    values = {**platform.defaults, **settings.values}
    missing = ", ".join(name for name, value in values.items() if not value)
    if missing:
        raise ValueError(f"{settings.name}: {platform.title} needs a value for {missing}")
    for name, value in values.items():
        pattern = platform.fields.get(name)
        if pattern is not None and not (value.isascii() and pattern.fullmatch(value)):
            raise ValueError(f"{settings.name}: {name} {value!r} is nothing that {platform.title} takes")
    return values
