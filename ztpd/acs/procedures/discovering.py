"""Finding out which rows of a CPE's tables are meant: only the tables that are needed are read, never the root."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field

from ztpd.acs import discovery
from ztpd.acs.datamodel import Dialect, Instance, expand
from ztpd.acs.discovery import Rows
from ztpd.acs.messages import Answer, Fault, GetParameterNamesResponse, GetParameterValuesResponse
from ztpd.acs.requests import GetParameterNames, GetParameterValues, Request

INVALID_NAME = 9005
"""The CPE has no such parameter or object (TR-069 A.5.1)."""

MAX_ROWS = 64
"""How many rows of one table are looked at."""


@dataclass(slots=True)
class Found:
    """What is known of a CPE's instances so far.

    ``learned`` are the numbers that are worth keeping for others of the model; ``fresh`` are rows that are ours to fill
    in, ``claimed`` those that are to bear our mark from now on; ``missing`` are those that the CPE has not, each after
    those that its table lies in. ``tables`` is what was read.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    learned: dict[str, int] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    tables: dict[str, Rows] = field(default_factory=dict)


Finding = Generator[Request, Answer, Found]


def find(dialect: Dialect, names: Iterable[str], known: Mapping[str, int]) -> Finding:
    """Find the instances that are not known."""
    found = Found(numbers=dict(known))
    for name in discovery.in_order(dialect, names, known):
        instance = dialect.instance(name)
        if not dialect.quirks.discover:
            if instance.number is not None:
                found.numbers[name] = instance.number
            continue
        try:
            table = expand(instance.table, found.numbers)
        except KeyError:  # the row that its table lies in is missing itself
            found.missing.append(name)
            continue
        rows = yield from read_table(dialect, instance, table, found)
        pointed_at = None
        if instance.named_by is not None:
            pointed_at = yield from _pointed_at(instance, table, found)
        _place(dialect, instance, table, rows, pointed_at, found)
    return found


def _place(dialect: Dialect, instance: Instance, table: str, rows: Rows, pointed_at: int | None, found: Found) -> None:
    name = instance.name
    number = discovery.row_for(instance, rows, found.numbers, pointed_at)
    if number is not None:
        found.numbers[name] = number
        if instance.mark is not None and rows[number].get(instance.mark) != instance.marking:
            found.claimed.append(name)
        if not discovery.is_own(dialect, name) and not set(instance.references) & set(found.fresh):
            found.learned[name] = number
        return
    blank = discovery.blank_row(instance, rows) if discovery.can_be_made(instance, found.numbers) else None
    if blank is None:
        found.missing.append(name)
        return
    found.numbers[name] = blank
    found.fresh.append(name)
    found.tables[_as_read(instance, table)] = {number: row for number, row in rows.items() if number != blank}


def read_table(dialect: Dialect, instance: Instance, table: str, found: Found) -> Generator[Request, Answer, Rows]:
    """The rows of a table; one that the CPE has not is empty."""
    if _as_read(instance, table) in found.tables:
        return found.tables[_as_read(instance, table)]
    whole = dialect.quirks.whole_tables and not instance.exact
    rows: Rows | None = None
    if whole:
        answer = yield GetParameterValues((table,))
        if isinstance(answer, GetParameterValuesResponse):
            rows = discovery.rows_of(table, answer.parameters)
        elif isinstance(answer, Fault) and answer.code == INVALID_NAME:
            rows = {}
    if rows is None:
        rows = yield from _row_by_row(dialect, instance, table)
    found.tables[_as_read(instance, table)] = rows
    return rows


def _as_read(instance: Instance, table: str) -> str:
    """What a table is remembered by: of one that was not read whole, what was read of it."""
    return " ".join((table, *discovery.exact_parameters(instance))) if instance.exact else table


def _row_by_row(dialect: Dialect, instance: Instance, table: str) -> Generator[Request, Answer, Rows]:
    """The rows with nothing but what tells them apart."""
    answer = yield GetParameterNames(table, next_level=True)
    if not isinstance(answer, GetParameterNamesResponse):
        return {}
    numbers = sorted(discovery.rows_of(table, {f"{path}.": "" for path in answer.names}))[:MAX_ROWS]
    parameters = discovery.exact_parameters(instance)
    paths = [f"{table}{number}.{parameter}" for number in numbers for parameter in parameters]
    rows: dict[int, Mapping[str, str]] = {number: {} for number in numbers}
    batch = dialect.quirks.read_batch or len(paths) or 1
    for begin in range(0, len(paths), batch):
        read = yield GetParameterValues(tuple(paths[begin : begin + batch]))
        if isinstance(read, GetParameterValuesResponse):
            for number, row in discovery.rows_of(table, read.parameters).items():
                rows[number] = {**rows.get(number, {}), **row}
    return rows


def _pointed_at(instance: Instance, table: str, found: Found) -> Generator[Request, Answer, int | None]:
    try:
        path = expand(instance.named_by or "", found.numbers)
    except KeyError:
        return None
    answer = yield GetParameterValues((path,))
    if not isinstance(answer, GetParameterValuesResponse):
        return None
    return discovery.referred(table, answer.parameters.get(path, ""))
