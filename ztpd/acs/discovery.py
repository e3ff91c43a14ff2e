"""Which row of a table an instance is, by what the rows show.

Pure. The rules are the data files' (``Instance``); what they need is read by ``procedures.discovering``.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from ztpd.acs.datamodel import NAMED, Dialect, Instance, Numbers, Wish, expand

Rows = Mapping[int, Mapping[str, str]]
"""The rows of a table by instance number: values by the path below the row."""

_NUMBER = re.compile("[0-9]{1,10}")
_RANGE = re.compile(r"([0-9]{1,10})\.\.([0-9]{1,10})")


def needed(dialect: Dialect, wishes: Iterable[Wish]) -> tuple[str, ...]:
    """The instances that the wishes and the checks of them name."""
    names: list[str] = []
    for wish in wishes:
        names += wish.names
        if wish.target.check is not None:
            names += (name for path in dialect.check(wish.target.check).paths for name in NAMED.findall(path))
    return tuple(dict.fromkeys(names))


def families(dialect: Dialect, wishes: Iterable[Wish]) -> tuple[str, ...]:
    """The kinds of instances (``port_mapping*``) of which there are to be no more than the wishes say."""
    found: list[str | None] = []
    for wish in wishes:
        found += [wish.target.count, *map(dialect.family, wish.names)]
    return tuple(family for family in dict.fromkeys(found) if family is not None)


def is_own(dialect: Dialect, name: str) -> bool:
    """Whether an instance is one that ztpd made on this very device, or is found by one: others have others."""
    instance = dialect.instance(name)
    return instance.mark is not None or any(is_own(dialect, other) for other in instance.references)


def to_be_there(dialect: Dialect, names: Iterable[str]) -> frozenset[str]:
    """The names and those without which their rows cannot be; not what they are only found by."""
    there: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in there:
            there.add(name)
            instance = dialect.instance(name)
            texts = [instance.table, *(text for text in (instance.make or {}).values() if isinstance(text, str))]
            waiting += (other for text in texts for other in NAMED.findall(text))
    return frozenset(there)


def can_be_made(instance: Instance, numbers: Numbers) -> bool:
    """Whether there is a way to make the row, and all that it is to refer to is there."""
    made = [text for text in (instance.make or {}).values() if isinstance(text, str)]
    return instance.make is not None and all(name in numbers for text in made for name in NAMED.findall(text))


def in_order(dialect: Dialect, names: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """The names that are not known, each after those that it is found by."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in known or name in ordered:
            return
        for other in dialect.instance(name).references:
            visit(other)
        ordered[name] = None

    for name in names:
        visit(name)
    return tuple(ordered)


def rows_of(table: str, parameters: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """The rows of a table by what was read below it."""
    rows: dict[int, dict[str, str]] = {}
    for path, text in parameters.items():
        number = row_number(table, path)
        below = path[len(table) :].partition(".")[2]
        if number is not None and below:
            rows.setdefault(number, {})[below] = text
    return rows


def row_number(table: str, path: str) -> int | None:
    """The number of the table's row that a path is of or lies in; None when it lies elsewhere."""
    number = path[len(table) :].partition(".")[0]
    return int(number) if path.startswith(table) and _NUMBER.fullmatch(number) else None


def exact_parameters(instance: Instance) -> tuple[str, ...]:
    """The parameters that tell a row of this kind from its siblings, where only those are read."""
    named = [key for each in (*instance.where, instance.unless, instance.blank) for key in each]
    return tuple(dict.fromkeys([key for key in (*named, instance.mark) if key is not None and "*" not in key]))


def row_for(instance: Instance, rows: Rows, numbers: Numbers, pointed_at: int | None = None) -> int | None:
    """The number of the row that the instance is; ``pointed_at`` is what ``named_by`` refers to. None when none is."""
    if instance.mark is not None:
        marked = [number for number, row in sorted(rows.items()) if row.get(instance.mark) == instance.marking]
        if marked:
            return marked[0]
    if pointed_at is not None and (not rows or pointed_at in rows):
        return pointed_at
    for each in instance.where:
        found = [number for number, row in sorted(rows.items()) if _matches(row, each, numbers)]
        if len(found) >= instance.nth:
            return found[instance.nth - 1]
    usual = None if instance.number is None else rows.get(instance.number)
    contradicted = usual is not None and bool(instance.unless) and _matches(usual, instance.unless, numbers)
    return None if usual is None or contradicted else instance.number


def blank_row(instance: Instance, rows: Rows) -> int | None:
    """A row that was made and never written to, so that it is ours to use; None when there is none."""
    if not instance.blank:
        return None
    return next((number for number, row in sorted(rows.items()) if _matches(row, instance.blank, {})), None)


def surplus(dialect: Dialect, family: str, rows: Rows, wanted: Collection[str]) -> tuple[int, ...]:
    """The rows of a family that bear its mark and that nobody wants any more."""
    kind = dialect.instance(family)
    if kind.mark is None:
        return ()
    stem = f"ztpd-{family.rstrip('*')}"
    marks = {f"ztpd-{name}" for name in wanted}
    found = []
    for number, row in sorted(rows.items()):
        mark = row.get(kind.mark, "")
        if mark.startswith(stem) and mark[len(stem) :].isdigit() and mark not in marks:
            found.append(number)
    return tuple(found)


def referred(table: str, text: str) -> int | None:
    """The number of the table's row that a reference (TR-106 §3.2.4) leads to; None when it leads elsewhere."""
    for item in text.split(","):
        number = item.strip().removeprefix(table).rstrip(".")
        if item.strip().startswith(table) and _NUMBER.fullmatch(number):
            return int(number)
    return None


def _matches(row: Mapping[str, str], pattern: Mapping[str, str], numbers: Numbers) -> bool:
    try:
        wanted = {key: expand(text, numbers) for key, text in pattern.items()}
    except KeyError:  # what it is found by is not on this device
        return False
    return all(any(_fits(text, wanted[key]) for text in _shown(row, key)) for key in wanted)


def _shown(row: Mapping[str, str], key: str) -> list[str]:
    """The values of a parameter of the row, or of all that a ``*`` stands for."""
    if "*" not in key:
        return [row[key]] if key in row else []
    return [text for path, text in row.items() if fnmatchcase(path, key)]


def _fits(text: str, patterns: str) -> bool:
    """Whether a value, or one item of a list, fits one of the patterns (``a|b*|36..177``, ``!…`` none), in any case."""
    if patterns.startswith("!"):
        return not _fits(text, patterns[1:])
    values = {item.strip().rstrip(".").casefold() for item in (text, *text.split(","))}
    return any(_fits_one(value, pattern) for value in values for pattern in patterns.casefold().split("|"))


def _fits_one(value: str, pattern: str) -> bool:
    span = _RANGE.fullmatch(pattern)
    if span is not None:
        return value.isascii() and value.isdigit() and len(value) <= 10 and int(span[1]) <= int(value) <= int(span[2])
    return fnmatchcase(value, pattern.rstrip("."))
