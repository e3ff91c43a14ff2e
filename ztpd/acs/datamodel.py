"""What an intent is called on a device: ``wifi.2ghz.ssid`` to paths, types and texts of TR-181 or TR-098.

Pure. The knowledge is in TOML files (``ztpd.acs.models``, read by ``model_files``): a new device is an ``[[override]]``
there, not code here. A path may name instances (``Device.WiFi.SSID.{ssid_5ghz}.SSID``); which number that is on a
device is known, learned or found (``discovery``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ztpd.acs.lexical import Literals, as_sent, fits, same, text_of
from ztpd.acs.messages import DeviceId
from ztpd.acs.requests import ParameterValue
from ztpd.domain.profile import Value

NAMED = re.compile(r"\{([a-z][a-z0-9_]*\*?)\}")
_NUMBERED = re.compile(r"\.([1-9][0-9]{0,2})\.")
_FAMILY = re.compile(r"([a-z_]+?)([1-9][0-9]{0,2})")

MOST_COUNTED = 32
"""How many instances of a kind can be wanted by their number."""

Numbers = Mapping[str, int]
"""Instance numbers by name."""


class IntentError(Exception):
    """Work cannot be put into a device's words; ``intent`` is the one, or None when it is the device itself."""

    def __init__(self, intent: str | None, problem: str) -> None:
        self.intent = intent
        self.problem = problem
        super().__init__(f"{intent}: {problem}" if intent else problem)


class UnknownIntent(IntentError):
    """No data file says what the intent is called on this device, or the device has no such thing."""


class InvalidValue(IntentError):
    """The value does not fit the parameter's type; the value itself is not shown, it may be a secret."""


class UnknownModel(IntentError):
    """No parameter of the Inform lies below the root object of a known model."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an intent goes: every path gets the value; ``hidden`` ones read back empty and are never shown.

    ``said`` is what people call it. ``values`` are the words it may have, each with the text for each path. ``check``
    names what shows that a hidden value was right. ``count`` is the family of instances that the value counts.
    """

    paths: tuple[str, ...] = ()
    type: str = "string"
    hidden: bool = False
    said: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    check: str | None = None
    count: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A row of a table that paths name, and how it is known from its siblings.

    ``number`` is the usual one. ``where`` are tried in turn: parameters below the row and the patterns that their
    values must have, and the ``nth`` that has them is meant, else the row of the usual number, ``unless`` it looks so.
    ``named_by`` is a path whose value refers to the row, which weighs more than any of that.
    ``mark`` is a parameter that holds ``ztpd-<name>`` in rows that are ztpd's, which are looked for on every device.
    What has ``make`` is made where it is missing, with these values; ``blank`` is how a row looks that was made and
    never written to. ``exact`` reads single parameters where the whole table would be too much.
    """

    name: str
    table: str
    said: str = ""
    number: int | None = None
    where: tuple[Mapping[str, str], ...] = ()
    nth: int = 1
    unless: Mapping[str, str] = field(default_factory=dict)
    named_by: str | None = None
    mark: str | None = None
    make: Mapping[str, Value] | None = None
    blank: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False

    @property
    def marking(self) -> str:
        """What the mark of this row is."""
        return f"ztpd-{self.name}"

    @property
    def references(self) -> Iterator[str]:
        """The names of other instances by which this one is found."""
        texts = [self.table, self.named_by or "", *(text for each in self.where for text in each.values())]
        made = [value for value in (self.make or {}).values() if isinstance(value, str)]
        return (name for text in (*texts, *made) for name in NAMED.findall(text))


@dataclass(frozen=True, slots=True)
class Check:
    """How it shows that what cannot be read back was right: ``status`` is a path that becomes ``settled`` (a pattern).

    ``error`` is a path; ``failed`` maps patterns of its value to what a technician is told.
    """

    said: str
    status: str
    settled: str
    error: str | None = None
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """What is read for it."""
        return (self.status,) if self.error is None else (self.status, self.error)


@dataclass(frozen=True, slots=True)
class Quirks:
    """What a device cannot: ``read_batch`` and ``set_batch`` are the most paths it takes at once, None is any number.

    ``discover`` is False where looking for instances does harm: then the usual numbers count. ``whole_tables`` is False
    where reading an object with all below it does.
    """

    read_batch: int | None = None
    set_batch: int | None = None
    discover: bool = True
    whole_tables: bool = True
    literals: Literals = field(default_factory=Literals)


@dataclass(frozen=True, slots=True)
class Override:
    """What is true of one make only: patterns (``alcl*|nokia*``, any case) that keys of the DeviceId must match.

    ``numbers`` are instance numbers that need not be looked for.
    """

    device: Mapping[str, str]
    targets: Mapping[str, Target] = field(default_factory=dict)
    instances: Mapping[str, Instance] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    quirks: Quirks | None = None

    def applies_to(self, device: DeviceId) -> bool:
        """Whether every pattern matches."""
        return all(
            any(fnmatchcase(getattr(device, key).casefold(), pattern) for pattern in patterns.split("|"))
            for key, patterns in self.device.items()
        )


@dataclass(frozen=True, slots=True)
class Model:
    """One data model: its root object with the dot, its knowledge, and the overrides, later ones first."""

    name: str
    root: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    instances: Mapping[str, Instance] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

    def of(self, device: DeviceId) -> "Dialect":
        """The model as this device speaks it."""
        return Dialect(self, tuple(override for override in self.overrides if override.applies_to(device)))


@dataclass(frozen=True, slots=True)
class Dialect:
    """One model as devices of one make speak it."""

    model: Model
    overrides: tuple[Override, ...] = ()

    def target(self, intent: str) -> Target | None:
        """Where the intent goes; None when nothing says it. Of ``nat.port_mapping.3.…`` the 3 stands for any number."""
        found = self._target(intent)
        number = _NUMBERED.search(intent)
        if found is not None or number is None:
            return found
        family = self._target(f"{intent[: number.start()]}.*.{intent[number.end() :]}")
        return None if family is None else _member(family, number[1])

    def instance(self, name: str) -> Instance:
        """The named instance; raises ``KeyError``, which no checked file lets happen."""
        for instances in (*(override.instances for override in self.overrides), self.model.instances):
            if name in instances:
                return instances[name]
        family = self.family(name)
        if family is None:
            raise KeyError(name)
        return replace(self.instance(family), name=name)

    def family(self, name: str) -> str | None:
        """The kind of instances (``port_mapping*``) that a name with a number is one of; None for one of its own."""
        for instances in (*(override.instances for override in self.overrides), self.model.instances):
            if name in instances:
                return None
        numbered = _FAMILY.fullmatch(name)
        return None if numbered is None else f"{numbered[1]}*"

    def check(self, name: str) -> Check:
        """What shows whether hidden values were right."""
        return next(
            checks[name]
            for checks in (*(override.checks for override in self.overrides), self.model.checks)
            if name in checks
        )

    def numbers(self) -> Numbers:
        """The instance numbers that the files vouch for on this make."""
        known: dict[str, int] = {}
        for override in reversed(self.overrides):
            known |= override.numbers
        return known

    @property
    def quirks(self) -> Quirks:
        """What the device cannot."""
        return next((each.quirks for each in self.overrides if each.quirks is not None), Quirks())

    def _target(self, intent: str) -> Target | None:
        for override in self.overrides:
            if intent in override.targets:
                return override.targets[intent]
        return self.model.targets.get(intent)


def _member(family: Target, number: str) -> Target:
    paths = tuple(path.replace("*}", f"{number}}}") for path in family.paths)
    return replace(family, paths=paths, said=family.said.replace("*", number))


@dataclass(frozen=True, slots=True)
class Wish:
    """One intent in a device's words, before its instances are known: a text for each path of the target.

    ``members`` are the instances that a wanted number of them comes to.
    """

    intent: str
    target: Target
    texts: tuple[str, ...] = field(repr=False)
    members: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """What people call it."""
        return self.target.said or self.intent

    @property
    def names(self) -> tuple[str, ...]:
        """The instances that its paths name, and its texts where those are the data files'; those that are counted."""
        texts = (*self.target.paths, *(self.texts if self.target.values else ()))
        return tuple(dict.fromkeys((*self.members, *(name for text in texts for name in NAMED.findall(text)))))

    def text(self, text: str, numbers: Numbers) -> str:
        """One of its texts, with the instances that a data file's may name."""
        return expand(text, numbers) if self.target.values else text


@dataclass(frozen=True, slots=True)
class Setting:
    """One path to set for one intent; ``text`` is in the type's lexical form, ``said`` what people call it."""

    intent: str
    path: str
    type: str
    text: str = field(repr=False)
    hidden: bool = False
    said: str = ""

    def as_parameter(self, literals: Literals | None = None) -> ParameterValue:
        """What SetParameterValues carries."""
        text = self.text if literals is None else as_sent(self.text, self.type, literals)
        return ParameterValue(self.path, text, "string" if self.type == "list" else self.type)

    def agrees(self, read: str) -> bool:
        """Whether a text read back is the value wanted, compared as its type (``TRUE`` is ``1``, ``042`` is ``42``)."""
        return same(self.type, self.text, read)


def wishes_for(dialect: Dialect, device: DeviceId, values: Mapping[str, Value]) -> tuple[Wish, ...]:
    """The intents in the device's words, in the values' order; raises ``UnknownIntent`` or ``InvalidValue``."""
    wishes = []
    for intent, value in values.items():
        target = dialect.target(intent)
        if target is None:
            model = f"{device.manufacturer} {device.product_class} in model {dialect.model.name}"
            raise UnknownIntent(intent, f"no path is known for {model}")
        wishes.append(Wish(intent, target, _texts(intent, target, value)))
    return tuple(_counted(dialect, wish, wishes, values[wish.intent]) for wish in wishes)


def _counted(dialect: Dialect, wish: Wish, wishes: Iterable[Wish], value: Value) -> Wish:
    """A wish for a number of instances, with the ones that it comes to: those that others name, and the first free."""
    family = wish.target.count
    if family is None:
        return wish
    wanted = int(value)
    if wanted > MOST_COUNTED:
        raise InvalidValue(wish.intent, f"the value is above {MOST_COUNTED}")
    named = {name for other in wishes for name in other.names if dialect.family(name) == family}
    if len(named) > wanted:
        raise InvalidValue(wish.intent, f"the value is below the {len(named)} that other intents name")
    free = (name for number in range(1, MOST_COUNTED + 1) if (name := f"{family[:-1]}{number}") not in named)
    return replace(wish, members=(*sorted(named), *(next(free) for _ in range(wanted - len(named)))))


def _texts(intent: str, target: Target, value: Value) -> tuple[str, ...]:
    text = text_of(value)
    if target.values:
        chosen = target.values.get(text)
        if chosen is None:  # the device's own word will do too
            chosen = next((texts for texts in target.values.values() if texts[0] == text), None)
        if chosen is None:
            raise InvalidValue(intent, f"the value must be one of {', '.join(target.values)}")
        return chosen
    if not fits(target.type, value):
        raise InvalidValue(intent, f"the value is no {target.type}")
    return (text,) * len(target.paths)


def settings_of(wishes: Iterable[Wish], numbers: Numbers) -> tuple[Setting, ...]:
    """The paths and texts of the wishes, once every instance that they name has a number."""
    return tuple(
        Setting(
            wish.intent,
            expand(path, numbers),
            wish.target.type,
            wish.text(text, numbers),
            wish.target.hidden,
            wish.said,
        )
        for wish in wishes
        for path, text in zip(wish.target.paths, wish.texts, strict=True)
    )


def expand(path: str, numbers: Numbers) -> str:
    """A path with numbers in the place of names; raises ``KeyError`` for one that has none."""
    return NAMED.sub(lambda named: str(numbers[named[1]]), path)


def settings_for(
    models: tuple[Model, ...], device: DeviceId, parameters: Mapping[str, str], values: Mapping[str, Value]
) -> tuple[Setting, ...]:
    """The paths and texts by the numbers that instances usually have; the first of what is made.

    Raises ``UnknownModel``, ``UnknownIntent``, ``InvalidValue``.
    """
    dialect = model_of(models, parameters).of(device)
    wishes = wishes_for(dialect, device, values)
    names = {name for wish in wishes for name in wish.names}
    usual = {name: dialect.instance(name).number or 1 for name in names} | dict(dialect.numbers())
    return settings_of(wishes, usual)


def model_of(models: tuple[Model, ...], parameters: Mapping[str, str]) -> Model:
    """The model whose root object the Inform's parameters lie below; raises ``UnknownModel``."""
    for path in parameters:
        for model in models:
            if path.startswith(model.root):
                return model
    roots = " or ".join(model.root for model in models)
    raise UnknownModel(None, f"the Inform has no parameter below {roots}")
