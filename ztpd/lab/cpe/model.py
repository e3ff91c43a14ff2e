"""A model of device: its parameters, its tables and who made it, read from one of the files in ``models``.

A file says ``fixed`` and ``settable`` parameters by their name below the root, and a ``[[table]]`` for each kind of
instance. A bare value gives the type (TOML's boolean, whole number, text); ``{ value, type, range, length, secret }``
gives the rest. ``own`` are values of single instances where they differ, by instance numbers joined with dots. A
``[[subscription]]`` says which parameters follow whether user and password are right.
"""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

_BOOLEANS = frozenset({"0", "1", "true", "false"})
_MOST_INSTANCES = 32


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; ``lengths`` bounds a string, ``numbers`` a number; a hidden one reads back empty."""

    value: str = field(default="", repr=False)
    type: str = "string"
    writable: bool = True
    hidden: bool = False
    lengths: tuple[int, int] = (0, 256)
    numbers: tuple[int, int] = (0, 4_294_967_295)

    def accepts(self, text: str) -> bool:
        """Whether the text may be set."""
        match self.type:
            case "boolean":
                return text.lower() in _BOOLEANS
            case "unsignedInt":
                return text.isascii() and text.isdigit() and self.numbers[0] <= int(text) <= self.numbers[1]
            case "int":
                return re.fullmatch(r"[+-]?[0-9]{1,10}", text) is not None
            case "dateTime":
                return re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", text) is not None
            case _:
                return self.lengths[0] <= len(text) <= self.lengths[1]


@dataclass(frozen=True, slots=True)
class Table:
    """Instances of one kind: ``path`` with ``{i}`` for numbers, ends in a dot; ``template`` is what each has."""

    path: str
    addable: bool
    template: Mapping[str, Parameter]

    def holds(self, path: str) -> bool:
        """Whether this is a table's path of this kind."""
        return _pattern(self.path).fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What instances of a table show while they ``works``, are ``refused`` or are ``off``, by name within the instance.

    ``enable``, ``user`` and ``password`` name the parameters that decide; ``kind`` is that of the account.
    """

    kind: str
    table: str
    enable: str
    user: str
    password: str
    works: Mapping[str, str]
    refused: Mapping[str, str]
    off: Mapping[str, str]


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{i\}", "[0-9]+"))


@dataclass(frozen=True, slots=True)
class Model:
    """One model; ``parameters`` are those it leaves the factory with, by full path, shared by all of its devices.

    ``inform`` are the paths that every Inform shows.
    """

    name: str
    description: str
    root: str
    manufacturer: str
    oui: str
    product_class: str
    inform: tuple[str, ...]
    parameters: Mapping[str, Parameter] = field(repr=False)
    tables: tuple[Table, ...] = field(repr=False)
    subscriptions: tuple[Subscription, ...] = field(default=(), repr=False)

    def table_of(self, path: str) -> Table | None:
        """The kind of table that this path, which ends in a dot, is one of."""
        return next((table for table in self.tables if table.holds(path)), None)


def names() -> list[str]:
    """The models there are."""
    files = (resources.files(__package__) / "models").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


@functools.cache
def model(name: str) -> Model:
    """The model of this name; raises ``LookupError`` that lists those there are."""
    if name not in names():
        raise LookupError(f"there is no model {name!r}; there are {', '.join(names())}")
    return parsed(name, (resources.files(__package__) / "models" / f"{name}.toml").read_text("utf-8"))


def parsed(name: str, text: str) -> Model:
    """The model that a file says."""
    said = tomllib.loads(text)
    root: str = said["root"]
    parameters = {root + path: parameter for path, parameter in _parameters(said)}
    tables = []
    for each in said.get("table", []):
        template = dict(_parameters(each))
        table = Table(root + each["path"], each.get("addable", False), template)
        tables.append(table)
        for numbers in each.get("instances", []):
            below = instance(table.path, numbers)
            own = each.get("own", {}).get(numbers, {})
            parameters |= {below + rest: template[rest] for rest in template if rest not in own}
            parameters |= {below + rest: _with(template[rest], value) for rest, value in own.items()}
    return Model(
        name=name,
        description=said["description"],
        root=root,
        manufacturer=said["manufacturer"],
        oui=said["oui"],
        product_class=said["product_class"],
        inform=tuple(root + name for name in said["inform"]),
        parameters=parameters,
        tables=tuple(tables),
        subscriptions=tuple(_subscription(root, each) for each in said.get("subscription", [])),
    )


def _subscription(root: str, said: Mapping[str, Any]) -> Subscription:
    def shown(end: str) -> dict[str, str]:
        return {name: _text(value) for name, value in said[end].items()}

    words = {name: said[name] for name in ("kind", "enable", "user", "password")}
    return Subscription(
        table=root + said["table"], works=shown("works"), refused=shown("refused"), off=shown("off"), **words
    )


def instance(table: str, numbers: str) -> str:
    """The path of the instance ``1.2`` of ``A.{i}.B.``: ``A.1.B.2.``."""
    *outer, last = numbers.split(".")
    for number in outer:
        table = table.replace("{i}", number, 1)
    return f"{table}{last}."


def _with(parameter: Parameter, value: Any) -> Parameter:
    return replace(parameter, value=_text(value))


def _parameters(said: Mapping[str, Any]) -> Iterator[tuple[str, Parameter]]:
    for kind in ("fixed", "settable"):
        for path, value in said.get(kind, {}).items():
            yield path, _parameter(value, writable=kind == "settable")


def _parameter(said: Any, *, writable: bool) -> Parameter:
    if not isinstance(said, dict):
        return Parameter(_text(said), type=_type(said), writable=writable)
    value = said.get("value", "")
    return Parameter(
        _text(value),
        type=said.get("type", _type(value)),
        writable=writable,
        hidden=said.get("secret", False),
        lengths=tuple(said.get("length", (0, 256))),
        numbers=tuple(said.get("range", (0, 4_294_967_295))),
    )


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "unsignedInt" if isinstance(value, int) else "string"


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
