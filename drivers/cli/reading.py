"""Reading one element through one session: a platform's queries, and what their answers come to."""

from collections.abc import Iterable, Sequence

import structlog

from drivers.access import Levels, ObservedAccess, PresentDevice
from drivers.cli.access import observed, presence_of
from drivers.cli.commands import NotAllowed
from drivers.cli.dialogue import Said
from drivers.cli.facts import NO_PORT, Facts, Values, complete, placeholders, read_many, read_one, rows, wanted
from drivers.cli.planning import Typed, typed
from drivers.cli.platform import Kind, Number, Platform, Query
from drivers.cli.session import CliSession
from drivers.errors import Busy, Conflict, Rejected
from pon.autofind import Autofind, AutofindError, parse
from pon.onu import Presence

_log = structlog.get_logger()

Place = tuple[str, str]
"""Port and ONU id."""


class Reader:
    """One use of one session. ``unread`` counts entries of lists that could not be read.

    ``given`` is what the operator says (``defaults``), which queries may use too. What an answer about a shared object
    said is remembered for the time of this use; ``forget`` when one is written.
    """

    def __init__(self, name: str, platform: Platform, session: CliSession, given: Values) -> None:
        self.name = name
        self.platform = platform
        self.unread = 0
        self._session = session
        self._given = given
        self._remembered: dict[str, Said] = {}
        self._ports: frozenset[str] | None = None
        self._everyone: list[Facts] | None = None

    async def say(self, command: Typed, timeout_s: float | None = None) -> Said:
        """The answer to a command, whatever it is."""
        return await self._session.run(
            command.command, command.mode, command.enter, confirm=command.confirm, timeout_s=timeout_s
        )

    async def ask(self, query: Query, values: Values) -> tuple[str, ...] | None:
        """The lines of an answer, or None when there is nothing; raises ``Busy`` and ``Rejected``."""
        command = self._typed(query, values)
        said = self._remembered.get(command.command) if query.join else None
        if said is None:
            said = await self.say(command)
            if query.join:
                self._remembered[command.command] = said
        if query.absent is not None and any(query.absent.search(line) for line in said.lines):
            return None
        if said.refusal is not None:
            if said.refusal[0] is Kind.MISSING:
                return None
            raise self.error(said)
        return said.lines

    def forget(self) -> None:
        """Ask anew from now on."""
        self._remembered.clear()

    def error(self, said: Said) -> Rejected | Busy:
        """What a refused command is raised as."""
        kind, line = said.refusal or (Kind.REJECTED, said.text)
        if kind is Kind.BUSY:
            return Busy(self.name, said.command, line)
        if kind is Kind.CONFLICT:
            return Conflict(self.name, said.command, line)
        return Rejected(self.name, said.command, line)

    async def facts(self, serial: str, enough: Iterable[str] = ()) -> Facts | None:
        """What is configured for a serial, or None; with ``enough``, no more is asked once these are known."""
        known = wanted(self.platform, {"serial": serial})
        facts = Facts()
        for query in self.platform.read:
            values = {**known, **facts.values}
            if any(name not in values for name in query.needs):
                continue
            if self._is_general(query, values):
                read_one(self.platform, query, await self.ask(query, values) or (), facts, self._given)
            elif "onu_id" not in facts.values:
                await self._look_for(serial, query, facts)
            if not all(name in facts.values for name in self.platform.identity):
                return None
            if enough and all(name in facts.values for name in enough):
                break
        if facts.values.setdefault("serial", serial) != serial:
            raise Rejected(self.name, "read", f"asked for {serial}, the element tells of {facts.values['serial']}")
        facts.values.setdefault("port", NO_PORT)
        return facts

    async def _look_for(self, serial: str, query: Query, facts: Facts) -> None:
        """Add what a query about a port's ONUs tells of a serial, on the first port that has it."""
        for port in await self._each_port(query):
            for row in rows(query, await self.ask(query, port) or ()):
                complete(self.platform, row.values)
                if row.values.get("serial") == serial:
                    facts.learn(row.values, row.each)
                    return

    async def all_facts(self, queries: Sequence[Query] | None = None) -> dict[str, Facts]:
        """What is configured for every serial."""
        onus: dict[Place, Facts] = {}
        for nth, query in enumerate(self.platform.read_all if queries is None else queries):
            used = frozenset(port for port, _ in onus) if nth else None
            for command in await self._everywhere(query, used):
                lines = await self.ask(query, command)
                if lines is not None:
                    read_many(self.platform, query, lines, onus, self._given)
        for facts in onus.values():
            facts.values.setdefault("port", NO_PORT)
        return {facts.values["serial"]: facts for facts in onus.values() if "serial" in facts.values}

    async def many_facts(self, serials: Sequence[str], enough: Iterable[str] = ()) -> dict[str, Facts]:
        """What is configured for each of the serials, in the way that takes fewer commands."""
        if len(serials) >= self.platform.many:
            everything = await self.all_facts()
            return {serial: everything[serial] for serial in serials if serial in everything}
        found = {serial: await self.facts(serial, enough) for serial in serials}
        return {serial: facts for serial, facts in found.items() if facts is not None}

    async def observed(self, facts: Iterable[Facts]) -> list[ObservedAccess]:
        """What was read in the words of all drivers; one that is absent may be on another port, which is looked up."""
        read = [(each, presence_of(self.platform, each.values)) for each in facts]
        lost = any(presence is Presence.ABSENT for _, presence in read)
        elsewhere = {onu.device for onu in await self.unknown()} if lost else set()
        found = [
            observed(
                self.platform,
                each.values,
                Presence.MISPLACED if presence is Presence.ABSENT and each.values["serial"] in elsewhere else presence,
            )
            for each, presence in read
        ]
        return [each for each in found if each is not None]

    async def unknown(self) -> list[PresentDevice]:
        """Every ONU that is seen where it is not configured."""
        found: list[PresentDevice] = []
        for query in self.platform.discovered:
            for values in await self._everywhere(query):
                found += self._present(await self._autofind(self._typed(query, values)))
        return found

    async def discovered(self) -> list[PresentDevice]:
        """Every ONU that is seen anywhere, configured or not."""
        unknown = await self.unknown()
        states = await self.all_facts(_telling_presence(self.platform))
        found = [
            PresentDevice(
                each.port,
                each.device,
                Presence.MISPLACED if each.device in states else Presence.UNKNOWN,
                each.raw_state,
                registration_id=each.registration_id,
            )
            for each in unknown
        ]
        seen = {each.device for each in found}
        for serial, facts in states.items():
            presence = presence_of(self.platform, facts.values)
            if presence is not Presence.ABSENT and serial not in seen:
                onu_id = facts.values["onu_id"]
                number = int(onu_id) if onu_id.isdigit() else None
                found.append(PresentDevice(facts.values["port"], serial, presence, facts.values["state"], number))
        return found

    async def ports(self) -> frozenset[str]:
        """The element's own names of its ports."""
        if self._ports is not None:
            return self._ports
        found: list[Values] = [{}]
        for query in self.platform.ports:
            told: list[Values] = []
            for values in found:
                lines = await self.ask(query, values)
                told += [{**values, **row.values} for row in rows(query, lines or ())]
            found = told
        for values in found:
            complete(self.platform, values)
        self._ports = frozenset(values["port"] for values in found if "port" in values)
        return self._ports

    async def number(self, name: str, number: Number, values: Values, used: set[int]) -> str:
        """The number to take: the lowest that neither the element nor ``used`` has; raises ``Rejected``."""
        if number.free is not None:
            found = await self._numbers(name, number.free, values)
            if found:
                return str(min(found))
            raise Rejected(self.name, number.free.command, f"the element tells no free {name}")
        taken = used | (await self._numbers(name, number.taken, values) if number.taken is not None else set())
        for free in range(number.low, number.high + 1):
            if free not in taken:
                return str(free)
        raise Rejected(self.name, "allocate", f"no free {name} is left on {values.get('port')}")

    async def owners_of(self, values: Values) -> list[Facts]:
        """What is configured for ONUs that have the description of a service already."""
        query = self.platform.find_service
        if query is None:
            return await self._owners_among_all(values)
        owners: list[Facts] = []
        for row in rows(query, await self.ask(query, values) or ()):
            complete(self.platform, row.values)
            hint = row.values.get("description")
            if hint is not None and hint != values["description"]:
                continue
            if not all(name in row.values for name in self.platform.identity):
                return await self._owners_among_all(values)
            facts = Facts({name: value for name, value in row.values.items() if name != "description"})
            await self._learn_place(facts)
            if facts.values.get("description") == values["description"]:
                owners.append(facts)
        return owners

    async def _owners_among_all(self, values: Values) -> list[Facts]:
        """As ``owners_of``, by what is configured for everyone: read once in a use."""
        if self._everyone is None:
            self._everyone = list((await self.all_facts()).values())
        return [each for each in self._everyone if each.values.get("description") == values["description"]]

    async def _learn_place(self, facts: Facts) -> None:
        """Add what is configured at a port and ONU id."""
        for query in self.platform.read:
            if query.needs and all(name in facts.values for name in query.needs) and not query.join:
                read_one(self.platform, query, await self.ask(query, facts.values) or (), facts, self._given)
        facts.values.setdefault("port", NO_PORT)

    async def levels(self, values: Values) -> Levels:
        """The light of an ONU; what cannot be read is None."""
        measured = Facts()
        for query in self.platform.measure.queries if self.platform.measure is not None else ():
            try:
                lines = await self.ask(query, values)
            except Rejected:
                continue  # as for an ONU that is not there
            read_one(self.platform, query, lines or (), measured)
        return Levels(_dbm(measured.values.get("onu_rx_dbm")), _dbm(measured.values.get("olt_rx_dbm")))

    async def _numbers(self, name: str, query: Query, values: Values) -> set[int]:
        found = rows(query, await self.ask(query, values) or ())
        return {int(row.values[name]) for row in found if row.values.get(name, "").isdigit()}

    async def _everywhere(self, query: Query, ports: frozenset[str] | None = None) -> list[Values]:
        """The facts by which a query about everything is filled in: for one about a port, those of each of them."""
        return [{}] if self._is_general(query, {}) else await self._each_port(query, ports)

    async def _each_port(self, query: Query, ports: frozenset[str] | None = None) -> list[Values]:
        """The facts of each port by which a query is filled in, once where several ports have the same."""
        chosen = await self.ports() if ports is None else ports
        places = [wanted(self.platform, {"port": port}) for port in sorted(chosen)]
        return list({self._typed(query, values): values for values in places}.values())

    def _is_general(self, query: Query, values: Values) -> bool:
        """Whether a query can be filled in with these facts, so that it need not be asked for each port."""
        try:
            typed(self.platform, query, {**self._given, **values})
        except NotAllowed:
            return False
        return True

    async def _autofind(self, command: Typed) -> Autofind:
        said = await self.say(command)
        if said.refusal is not None and said.refusal[0] is Kind.BUSY:
            raise self.error(said)
        try:
            return parse(self.platform.autofind, "\n".join(said.lines))
        except AutofindError as error:
            raise Rejected(self.name, command.command, str(error)) from error

    def _present(self, found: Autofind) -> list[PresentDevice]:
        self.unread += len(found.unread)
        for entry in found.unread:
            _log.warning("entry_malformed", element=self.name, where=f"line {entry.number}", reason=entry.reason)
        return [
            PresentDevice(
                each.onu.port,
                each.onu.serial,
                each.onu.presence,
                each.onu.raw_state,
                registration_id=each.onu.registration_id,
            )
            for each in found.onus
        ]

    def _typed(self, query: Query, values: Values) -> Typed:
        try:
            return typed(self.platform, query, {**self._given, **values})
        except NotAllowed as error:
            raise Rejected(self.name, query.command, str(error)) from error


def _telling_presence(platform: Platform) -> list[Query]:
    """Of the queries about everything, those that tell which ONU is there."""
    telling = {"serial", "state"}.union(*(placeholders(way.value) for way in platform.derived.get("serial", ())))
    return [query for query in platform.read_all if any(telling & set(rule.pattern.groupindex) for rule in query.rules)]


def _dbm(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
