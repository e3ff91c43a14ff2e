"""Making the rows that a CPE lacks and taking away those of ours that nobody wants: what is done twice adds nothing.

A row that is made is filled in by the SetParameterValues that follows, its mark with it. Between the two a session may
break off: then the row is blank (``Instance.blank``), and the next time it is used instead of another one.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence

from ztpd.acs import discovery
from ztpd.acs.datamodel import Dialect, Instance, Setting, expand
from ztpd.acs.lexical import text_of
from ztpd.acs.messages import AddObjectResponse, Answer, DeleteObjectResponse, Fault
from ztpd.acs.procedures.discovering import Found, read_table
from ztpd.acs.requests import AddObject, DeleteObject, Request
from ztpd.domain.profile import Value

Making = Generator[Request, Answer, tuple[Instance, Fault] | None]
"""Ends with what the CPE refused and why; None when all is as wanted."""


def make(dialect: Dialect, names: Iterable[str], found: Found, key: str) -> Making:
    """Add the missing rows that are needed and can be made; the others stay missing."""
    needed = discovery.to_be_there(dialect, names)
    for name in list(found.missing):
        instance = dialect.instance(name)
        if name not in needed or not discovery.can_be_made(instance, found.numbers):
            continue
        try:
            table = expand(instance.table, found.numbers)
        except KeyError:  # what it lies in cannot be made
            continue
        answer = yield AddObject(table, key)
        if isinstance(answer, Fault):
            return instance, answer
        assert isinstance(answer, AddObjectResponse)
        found.numbers[name] = answer.instance
        found.missing.remove(name)
        found.fresh.append(name)
    return None


def unmake(dialect: Dialect, families: Iterable[str], wanted: Sequence[str], found: Found, key: str) -> Making:
    """Delete what is ours of each family and not wanted any more."""
    for family in families if dialect.quirks.discover else ():
        instance = dialect.instance(family)
        try:
            table = expand(instance.table, found.numbers)
        except KeyError:
            continue
        rows = yield from read_table(dialect, instance, table, found)
        for number in discovery.surplus(dialect, family, rows, wanted):
            answer = yield DeleteObject(f"{table}{number}.", key)
            if isinstance(answer, Fault):
                return instance, answer
            assert isinstance(answer, DeleteObjectResponse)
    return None


def filled_in(dialect: Dialect, found: Found) -> tuple[Setting, ...]:
    """What rows are given that are new: their mark, and what they must have to be what they are."""
    new = [(dialect.instance(name), dialect.instance(name).make or {}) for name in found.fresh]
    claimed: list[tuple[Instance, Mapping[str, Value]]] = [(dialect.instance(name), {}) for name in found.claimed]
    return tuple(setting for instance, made in (*new, *claimed) for setting in _filled_in(instance, made, found))


def _filled_in(instance: Instance, made: Mapping[str, Value], found: Found) -> Iterable[Setting]:
    row = f"{expand(instance.table, found.numbers)}{found.numbers[instance.name]}."
    given = dict(made)
    if instance.mark is not None:
        given[instance.mark] = instance.marking
    for parameter, value in given.items():
        type_ = "boolean" if isinstance(value, bool) else "unsignedInt" if isinstance(value, int) else "string"
        text = expand(text_of(value), found.numbers)
        yield Setting(instance.name, f"{row}{parameter}", type_, text, said=instance.said)
