"""From what an element shows to what is wanted: which objects are made, changed and taken away, and how that is undone.

A step is a command with its mode, filled in. The journal that undoes an action is made here too, so that what is undone
is what was read before, not what somebody remembers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from drivers.cli.commands import NotAllowed, command
from drivers.cli.facts import Facts, Values, applies
from drivers.cli.platform import Kind, Object, Platform, Query, Step

_MADE_ALREADY = frozenset({Kind.ALREADY})
_GONE_ALREADY = frozenset({Kind.MISSING})
_RATES = frozenset({"down_kbps", "up_kbps", "assured_kbps", "fixed_kbps"})


@dataclass(frozen=True, slots=True)
class Typed:
    """One command, and the mode it is typed in with the command that enters that."""

    command: str
    mode: str
    enter: str
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """Commands that belong together. ``undo`` are those that take them back, None where there is no way, and none where
    what is undone after them takes them along.

    ``tolerated`` are refusals that mean that it is so already.
    """

    what: str
    do: tuple[Typed, ...]
    undo: tuple[Typed, ...] | None
    tolerated: frozenset[Kind] = frozenset()


def typed(platform: Platform, step: Step | Query, values: Mapping[str, str]) -> Typed:
    """A step with its facts; raises ``NotAllowed``."""
    script = platform.dialogue
    mode = step.mode or script.home
    enter = command(platform, script.modes[mode].enter, values)
    confirm = isinstance(step, Step) and step.confirm
    return Typed(command(platform, step.command, values), mode, enter, confirm)


def own(platform: Platform) -> list[Object]:
    """The objects that belong to one ONU alone."""
    return [each for each in platform.objects if not each.shared]


def shared(platform: Platform) -> list[Object]:
    """The objects that ONUs share."""
    return [each for each in platform.objects if each.shared]


def with_flags(platform: Platform, values: Values) -> Values:
    """What is read, with ``enabled`` or ``disabled`` as for what is wanted."""
    made = {name: value for name, value in values.items() if name not in ("enabled", "disabled")}
    if "admin" in made:
        made["disabled" if made["admin"] == platform.admin.disabled else "enabled"] = "yes"
    return made


def merged(platform: Platform, have: Values, wanted: Values) -> Values:
    """The facts by which commands are filled in: what nobody compares stays as it was made, but for the rates."""
    compared = {fact for each in platform.objects for fact in each.facts}
    told_otherwise = compared | _RATES | {"enabled", "disabled"}
    kept = {name: value for name, value in have.items() if name not in told_otherwise}
    given = {name: have[name] for name in (*platform.defaults, *platform.numbers) if name in have}
    return {**kept, **wanted, **given}


def changes(platform: Platform, have: Values, wanted: Values) -> list[Action]:
    """What makes an ONU's own objects as they are wanted, in order; raises ``NotAllowed``."""
    before = with_flags(platform, have)
    values = merged(platform, before, wanted)
    actions: list[Action] = []
    for each in own(platform):
        if each.there not in have:
            made = _creation(platform, each, values)
            actions.append(made if _host(platform, each, have) else replace(made, undo=()))
        else:
            actions += _alterations(platform, each, before, values)
    return actions


def removals(platform: Platform, facts: Facts) -> list[Action]:
    """What takes an ONU's own objects away, the last made first; raises ``NotAllowed``."""
    before = with_flags(platform, facts.values)
    actions: list[Action] = []
    for each in reversed(own(platform)):
        if each.there in before and (each.goes_with is None or not _host(platform, each, before)):
            others = [{**before, **more} for more in facts.more.get(each.there, [])]
            actions += [_deletion(platform, each, values) for values in (*others, before)]
    return actions


def admin_change(platform: Platform, have: Values, enabled: bool) -> Action:
    """What lets an ONU carry traffic or stops it; raises ``NotAllowed`` and ``LookupError`` if nothing can."""
    before = with_flags(platform, have)
    values = {name: value for name, value in before.items() if name not in ("enabled", "disabled")}
    values |= {
        "admin": platform.admin.enabled if enabled else platform.admin.disabled,
        "enabled" if enabled else "disabled": "yes",
    }
    changed = next(each for each in own(platform) if "admin" in each.change)
    return _change(platform, changed, "admin", before, values)


def _host(platform: Platform, each: Object, have: Mapping[str, str]) -> bool:
    """Whether what an object goes with is there; so it is where it goes with nothing."""
    return all(other.there in have for other in platform.objects if other.name == each.goes_with)


def _alterations(platform: Platform, each: Object, before: Values, values: Values) -> list[Action]:
    differing = [fact for fact in each.facts if before.get(fact) != values.get(fact)]
    if all(fact in each.change for fact in differing):
        return [_change(platform, each, fact, before, values) for fact in differing]
    return [_deletion(platform, each, before), _creation(platform, each, values)]


def _creation(platform: Platform, each: Object, values: Values) -> Action:
    steps = steps_of(platform, each.create, values)
    return Action(f"make {each.name}", steps, _undo(platform, each.delete, values), _MADE_ALREADY)


def _deletion(platform: Platform, each: Object, values: Values) -> Action:
    steps = steps_of(platform, each.delete, values)
    return Action(f"delete {each.name}", steps, _undo(platform, each.create, values), _GONE_ALREADY)


def _change(platform: Platform, each: Object, fact: str, before: Values, values: Values) -> Action:
    steps = each.change[fact]
    undo = _undo(platform, steps, before) if fact in before else None
    return Action(f"change {fact} of {each.name}", steps_of(platform, steps, values), undo)


def steps_of(platform: Platform, steps: Sequence[Step], values: Values) -> tuple[Typed, ...]:
    """Those of the steps that apply, filled in; raises ``NotAllowed``."""
    return tuple(typed(platform, step, values) for step in _applying(steps, values))


def _undo(platform: Platform, steps: Sequence[Step], values: Values) -> tuple[Typed, ...] | None:
    try:
        return steps_of(platform, steps, values) or None
    except NotAllowed:
        return None


def _applying(steps: Iterable[Step], values: Values) -> list[Step]:
    return [step for step in steps if applies(step.when, values)]
