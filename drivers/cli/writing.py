"""Writing to one element: actions one after the other, each noted in a journal that takes them back when one fails."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog

from drivers.cli.commands import NotAllowed
from drivers.cli.dialogue import Said
from drivers.cli.facts import Facts, Values, read_one, rows
from drivers.cli.planning import Action, Typed, changes, merged, removals, shared, steps_of, typed, with_flags
from drivers.cli.platform import Kind, Object, Platform, Step
from drivers.cli.reading import Reader
from drivers.errors import Conflict, Rejected

_log = structlog.get_logger()
_MADE_ALREADY = frozenset({Kind.ALREADY})
_LEFT = frozenset({Kind.IN_USE, Kind.MISSING})


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was done: how it is taken back (None: it cannot be), or the shared object that was made."""

    what: str
    undo: tuple[Typed, ...] | None = None
    made: tuple[Object, Values] | None = None


@dataclass(slots=True)
class Journal:
    """What was done, in order."""

    entries: list[Done] = field(default_factory=list)


class Writer:
    """One use of the session that writes; ``writing`` is called before whatever may change something."""

    def __init__(self, reader: Reader, writing: Callable[[], None] = lambda: None) -> None:
        self.reader = reader
        self._writing = writing
        self._platform: Platform = reader.platform
        self._used: dict[tuple[str, str], set[int]] = {}

    async def provision(self, facts: Facts | None, values: Values) -> None:
        """Make an ONU as it is wanted; when that is refused, it is as it was. Raises ``Rejected`` and ``Conflict``.

        ``Unreachable`` and ``Busy`` leave it as far as it came: the next time goes on from what is read then.
        """
        have = {} if facts is None else facts.values
        journal = Journal()
        try:
            values = await self._with_numbers(have, values)
            await self._make_shared(have, values, journal)
            with self._only_allowed():
                actions = changes(self._platform, have, values)
            for action in actions:
                await self._act(action, journal)
            await self._check_numbers(have, values)
        except Rejected as refused:
            raise await self._taken_back(journal, refused) from refused
        await self._leave_shared(have, values)

    async def remove(self, facts: Facts) -> None:
        """Take an ONU away; when that is refused, it is as it was. Raises as ``provision``."""
        journal = Journal()
        try:
            with self._only_allowed():
                actions = removals(self._platform, facts)
            for action in actions:
                await self._act(action, journal)
        except Rejected as refused:
            raise await self._taken_back(journal, refused) from refused
        await self._leave_shared(facts.values, {})

    async def act(self, action: Action) -> None:
        """Do one thing, or leave it as it was; raises as ``provision``."""
        journal = Journal()
        try:
            await self._act(action, journal)
        except Rejected as refused:
            raise await self._taken_back(journal, refused) from refused

    async def step(self, step: Step, values: Values, timeout_s: float | None = None) -> None:
        """Type one command that concerns no object; raises ``Busy`` and ``Rejected``."""
        with self._only_allowed():
            command = typed(self._platform, step, values)
        said = await self.reader.say(command, timeout_s)
        if said.refusal is not None and not (step.accepts is not None and step.accepts.search(said.refusal[1])):
            raise self.reader.error(said)

    async def _with_numbers(self, have: Values, values: Values) -> Values:
        """What is wanted, with the numbers that the ONU has or gets."""
        made = dict(values)
        for name, number in self._platform.numbers.items():
            if name in have:
                made[name] = have[name]
                continue
            used = self._used.setdefault((name, values["port"]), set())
            made[name] = await self.reader.number(name, number, {**have, **made}, used)
            used.add(int(made[name]))
        return made

    async def _check_numbers(self, have: Values, values: Values) -> None:
        """Read back where the element has put an ONU that is new; raises ``Rejected``."""
        if "onu_id" in have:
            return
        facts = await self.reader.facts(values["serial"], ("port", "onu_id"))
        found = None if facts is None else (facts.values["port"], facts.values["onu_id"])
        if found != (values["port"], values["onu_id"]):
            answer = f"{values['serial']} was made {values['onu_id']} on {values['port']}, and is read back at {found}"
            raise Rejected(self.reader.name, "read back", answer)

    async def _make_shared(self, have: Values, values: Values, journal: Journal) -> None:
        given = merged(self._platform, with_flags(self._platform, have), values)
        for each in shared(self._platform):
            if have.get(each.there) == values.get(each.there) or each.there not in values:
                continue
            if await self._find_shared(each, given) is None:
                for name, number in each.numbers.items():
                    given = {**given, name: await self.reader.number(name, number, given, set())}
                await self._act(self._making(each, given), journal, (each, given))
                self.reader.forget()

    async def _leave_shared(self, have: Values, values: Values) -> None:
        """Delete the shared objects of ours that an ONU had and has no more; others may use them: then they stay."""
        kept = {values[each.there] for each in shared(self._platform) if each.there in values}
        for each in reversed(shared(self._platform)):
            name = have.get(each.there)
            if name is not None and name not in kept:
                await self._delete_shared(each, have)

    async def _delete_shared(self, each: Object, values: Values) -> None:
        """Delete a shared object if it is ours and nobody uses it; raises ``Busy`` only."""
        if each.ours is None or not each.ours.search(values[each.there]):
            return
        found = await self._find_shared(each, values)
        if found is None:
            return
        with self._only_allowed():
            commands = steps_of(self._platform, each.delete, found)
        for command in commands:
            said = await self._send(command)
            if said.refusal is None:
                self.reader.forget()
            elif said.refusal[0] not in _LEFT:
                error = self.reader.error(said)
                if not isinstance(error, Rejected):
                    raise error
                _log.warning("shared_object_left", element=self.reader.name, command=said.command, said=error.answer)

    async def _find_shared(self, each: Object, values: Values) -> Values | None:
        """The facts with those of a shared object that is there, or None."""
        if each.exists is None:
            return values
        lines = await self.reader.ask(each.exists, values)
        if lines is None:
            return None
        join = each.exists.join
        found = [row for row in rows(each.exists, lines) if all(row.values.get(n) == values[n] for n in join)]
        if each.exists.rules and not found:
            return None
        read = Facts({name: values[name] for name in join})
        read_one(self._platform, each.exists, lines, read)
        return {**values, **read.values}

    def _making(self, each: Object, values: Values) -> Action:
        with self._only_allowed():
            steps = steps_of(self._platform, each.create, values)
        return Action(f"make {each.name}", steps, None, _MADE_ALREADY)

    async def _act(self, action: Action, journal: Journal, made: tuple[Object, Values] | None = None) -> None:
        """Do one thing. It is in the journal from its first command on; raises ``Busy`` and ``Rejected``."""
        noted = False
        for command in action.do:
            said = await self._send(command)
            if said.refusal is not None:
                if said.refusal[0] in action.tolerated:
                    continue
                raise self.reader.error(said)
            if not noted:
                journal.entries.append(Done(action.what, action.undo, made))
                noted = True

    async def _send(self, command: Typed) -> Said:
        self._writing()
        return await self.reader.say(command)

    async def _taken_back(self, journal: Journal, refused: Rejected) -> Rejected:
        """Undo what was done, the last first; the refusal, and with it whatever could not be undone."""
        left: list[str] = []
        for done in reversed(journal.entries):
            if done.made is not None:
                await self._delete_shared(*done.made)
                continue
            problem = await self._undo(done.undo)
            if problem is not None:
                left.append(f"{done.what}: {problem}")
        if not left:
            return refused
        answer = f"{refused.answer}; what was done before could not be undone: {', '.join(left)}"
        kind = Conflict if isinstance(refused, Conflict) else Rejected
        return kind(refused.element, refused.operation, answer)

    async def _undo(self, commands: tuple[Typed, ...] | None) -> str | None:
        """Take one thing back; what stands in the way if it cannot be."""
        if commands is None:
            return "there is no way back"
        for command in commands:
            said = await self._send(command)
            if said.refusal is not None and said.refusal[0] not in _LEFT:
                return said.refusal[1]
        return None

    @contextlib.contextmanager
    def _only_allowed(self) -> Iterator[None]:
        try:
            yield
        except NotAllowed as error:
            raise Rejected(self.reader.name, "plan", str(error)) from error
