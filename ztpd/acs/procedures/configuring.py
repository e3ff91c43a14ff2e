"""A CPE becomes what the intents say, or shows whether it is.

On a model that is known that is one SetParameterValues and one GetParameterValues of what can be read back. Instances
that nobody knows are found before (``discovering``), objects that are missing are made (``making``).
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

from ztpd.acs import discovery, verification
from ztpd.acs.datamodel import (
    Dialect,
    IntentError,
    Numbers,
    Setting,
    UnknownIntent,
    Wish,
    model_of,
    settings_of,
    wishes_for,
)
from ztpd.acs.messages import Answer, Fault, GetParameterValuesResponse, SetParameterValuesResponse
from ztpd.acs.procedures import discovering, making
from ztpd.acs.procedures.discovering import INVALID_NAME, Found
from ztpd.acs.procedures.protocol import Context, Procedure
from ztpd.acs.requests import GetParameterValues, Request, ScheduleInform, SetParameterValues
from ztpd.acs.verification import Watch
from ztpd.domain.cpe import CpeOutcome
from ztpd.domain.cpe_tasks import Configure, Inspect

LOOK_AGAIN_SECONDS = 45
"""When a CPE is asked to inform again whose login has not settled; one that cannot does so in its own time."""


@dataclass(slots=True)
class _Plan:
    """What a CPE is to be: its model in its own words, what is wished for, and what is known of its instances."""

    dialect: Dialect
    wishes: tuple[Wish, ...]
    needed: tuple[str, ...]
    known: Numbers
    learned: Numbers
    found: Found = field(default_factory=Found)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Every path with its text; raises ``UnknownIntent`` for what the device has not."""
        for wish in self.wishes:
            for name in wish.names:
                if name not in self.found.numbers:
                    raise UnknownIntent(wish.intent, f"the device has no {self.dialect.instance(name).said}")
        return settings_of(self.wishes, self.found.numbers)

    @property
    def watches(self) -> tuple[Watch, ...]:
        """What shows that hidden values are right."""
        names = dict.fromkeys(wish.target.check for wish in self.wishes if wish.target.check is not None)
        return tuple(verification.watch(self.dialect.check(name), self.found.numbers) for name in names)

    def outcome(self, outcome: CpeOutcome) -> CpeOutcome:
        """The outcome with what was learned on the way."""
        if not self.found.learned:
            return outcome
        return replace(outcome, instances={**self.learned, **self.found.learned})

    def forget(self) -> None:
        """Nothing is believed any more of what was known."""
        self.known, self.learned = {}, {}


def configure(task: Configure, context: Context) -> Procedure:
    """Set all values at once, then read back those that can be."""
    try:
        plan = _plan(task.values, context)
        if task.told:
            seen = yield from _look(plan)
            if seen is not None and not seen.differences:
                return seen
        return (yield from _become(plan, context.key))
    except IntentError as error:
        return verification.unsuited(error)


def inspect(task: Inspect, context: Context) -> Procedure:
    """Read what can be read, and compare."""
    try:
        plan = _plan(task.values, context)
        seen = yield from _look(plan)
        return CpeOutcome(ok=True) if seen is None else verification.as_difference(seen, plan.wishes)
    except IntentError as error:
        return verification.unsuited(error)


def _plan(values: Mapping[str, str | int | bool], context: Context) -> _Plan:
    dialect = model_of(context.models, context.parameters).of(context.device)
    wishes = wishes_for(dialect, context.device, values)
    learned = context.instances or {}
    return _Plan(dialect, wishes, discovery.needed(dialect, wishes), {**learned, **dialect.numbers()}, learned)


def _become(plan: _Plan, key: str) -> Procedure:
    yield from _find(plan)
    outcome, missing = yield from _attempt(plan, key)
    believed = plan.found.numbers
    if missing and plan.dialect.quirks.discover and any(name in plan.known for name in plan.needed):
        plan.forget()
        yield from _find(plan)
        if plan.found.numbers != believed:
            outcome, _ = yield from _attempt(plan, key)
    return plan.outcome(outcome)


def _find(plan: _Plan) -> Generator[Request, Answer, None]:
    plan.found = yield from discovering.find(plan.dialect, plan.needed, plan.known)


Attempt = Generator[Request, Answer, tuple[CpeOutcome, bool]]
"""Ends with the outcome, and whether the CPE said that it has no such path."""


def _attempt(plan: _Plan, key: str) -> Attempt:
    families = discovery.families(plan.dialect, plan.wishes)
    refused = yield from making.unmake(plan.dialect, families, plan.needed, plan.found, key)
    refused = refused or (yield from making.make(plan.dialect, plan.needed, plan.found, key))
    if refused is not None:
        return verification.not_made(*refused), refused[1].code == INVALID_NAME
    settings = (*making.filled_in(plan.dialect, plan.found), *plan.settings)
    if not settings:
        return CpeOutcome(ok=True), False
    answer = yield from _set(settings, plan.dialect, key)
    if isinstance(answer, Fault):
        return verification.refused(settings, answer), _names_nothing(answer)
    read = yield from _read(settings, plan.watches, plan.dialect)
    if isinstance(read, Fault):
        return verification.refused(settings, read), _names_nothing(read)
    outcome = verification.outcome(settings, read, plan.watches, answer.status)
    if outcome.pending and not outcome.ok:
        yield ScheduleInform(LOOK_AGAIN_SECONDS, key)  # one that cannot answers with a fault, and comes when it comes
    return outcome, False


def _look(plan: _Plan) -> Generator[Request, Answer, CpeOutcome | None]:
    """What the CPE shows without being told anything; None when there is nothing that it could show."""
    yield from _find(plan)
    missing = tuple(wish for wish in plan.wishes if not set(wish.names) <= set(plan.found.numbers))
    there = tuple(wish for wish in plan.wishes if wish not in missing)
    settings = settings_of(there, plan.found.numbers)
    watches = plan.watches if not missing else ()
    if not settings and not missing:
        return None
    read = yield from _read(settings, watches, plan.dialect)
    if isinstance(read, Fault) and _names_nothing(read) and plan.known and plan.dialect.quirks.discover:
        plan.forget()
        return (yield from _look(plan))
    if isinstance(read, Fault):
        return verification.refused(settings, read)
    outcome = verification.outcome(settings, read, watches, None)
    return plan.outcome(verification.compared(outcome, settings, read, missing))


def _set(
    settings: tuple[Setting, ...], dialect: Dialect, key: str
) -> Generator[Request, Answer, SetParameterValuesResponse | Fault]:
    """All at once, or as many at a time as the device takes."""
    batch = dialect.quirks.set_batch or len(settings)
    status = 0
    for begin in range(0, len(settings), batch):
        some = settings[begin : begin + batch]
        answer = yield SetParameterValues(tuple(each.as_parameter(dialect.quirks.literals) for each in some), key)
        if isinstance(answer, Fault):
            return answer
        assert isinstance(answer, SetParameterValuesResponse)
        status = max(status, answer.status)
    return SetParameterValuesResponse(status)


def _read(
    settings: tuple[Setting, ...], watches: tuple[Watch, ...], dialect: Dialect
) -> Generator[Request, Answer, Mapping[str, str] | Fault]:
    """What can be read back, and what shows whether the rest works; a device that has none of that need not show it."""
    paths = verification.readable_paths(settings)
    watched = tuple(path for each in watches for path in each.paths)
    read = yield from _values((*paths, *watched), dialect)
    if isinstance(read, Fault) and read.code == INVALID_NAME and watched:
        read = yield from _values(paths, dialect)
    return read


def _values(paths: tuple[str, ...], dialect: Dialect) -> Generator[Request, Answer, Mapping[str, str] | Fault]:
    read: dict[str, str] = {}
    batch = dialect.quirks.read_batch or len(paths) or 1
    for begin in range(0, len(paths), batch):
        answer = yield GetParameterValues(paths[begin : begin + batch])
        if isinstance(answer, Fault):
            return answer
        assert isinstance(answer, GetParameterValuesResponse)
        read |= answer.parameters
    return read


def _names_nothing(fault: Fault) -> bool:
    return fault.code == INVALID_NAME or any(each.code == INVALID_NAME for each in fault.parameters)
