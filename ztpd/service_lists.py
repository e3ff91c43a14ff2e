"""Lists of services as other systems export them, CSV or NDJSON: rows become services, or problems with their lines."""

import csv
import difflib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from ztpd.domain.adoption import ListedService
from ztpd.domain.model import normalise_mac
from ztpd.domain.profile import Parameter, Profile

SHOWN_PROBLEMS = 50
_PARAMETER = "parameters."
_COLUMNS = (*(name for name in ListedService.model_fields if name != "parameters"), "device")
_DELIMITERS = ",;\t"
_WHOLE = re.compile(r"-?[0-9]{1,15}")


class BadList(Exception):
    """Rows of the list cannot be used; one problem a line, each with the line of the file."""

    def __init__(self, file: Path, problems: list[str]) -> None:
        shown = problems[:SHOWN_PROBLEMS]
        more = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
        super().__init__("\n".join(f"{file}: {problem}" for problem in (*shown, *more)))


@dataclass(frozen=True, slots=True)
class Row:
    """One service and the line of the file that it stands on."""

    line: int
    service: ListedService


def read_list(file: Path, profiles: Mapping[str, Profile]) -> list[Row]:
    """Every service of the list; raises ``BadList`` with the problems of all lines, and ``OSError``.

    A file that begins with ``{`` is NDJSON, any other CSV with a header: the fields of ``ListedService``, ``device``
    for a serial or MAC address in one column, and ``parameters.NAME`` for each parameter of the profile. What stands
    in a parameter's column is of the type that the profile says.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadList(file, [f"is not UTF-8 text at byte {error.start}"]) from None
    problems: list[str] = []
    rows: list[Row] = []
    given = _from_ndjson(text) if text.lstrip().startswith("{") else _from_csv(file, text, profiles)
    for line, fields in given:
        try:
            if isinstance(fields, str):
                problems.append(f"line {line}: {fields}")
            else:
                rows.append(Row(line, ListedService.model_validate(fields)))
        except ValidationError as error:
            problems += [f"line {line}: {_said(each)}" for each in error.errors(include_url=False)]
    if not rows and not problems:
        problems.append("has no service")
    if problems:
        raise BadList(file, problems)
    return rows


def _said(error: Any) -> str:
    field = ".".join(map(str, error["loc"]))
    problem = str(error["msg"]).removeprefix("Value error, ")
    return f"{field}: {problem}" if field else problem


Given = Iterator[tuple[int, dict[str, Any] | str]]
"""Lines with the fields on them, or with what is wrong."""


def _from_ndjson(text: str) -> Given:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield number, f"is no JSON: {error}"
            continue
        yield number, fields if isinstance(fields, dict) else "is no JSON object"


def _from_csv(file: Path, text: str, profiles: Mapping[str, Profile]) -> Given:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(file, header)
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) > len(header):
                yield reader.line_num, f"has {len(values)} values, the header {len(header)} columns"
                continue
            cells = {name: value.strip() for name, value in zip(header, values, strict=False) if value.strip()}
            yield reader.line_num, _fields(cells, profiles)
    except csv.Error as error:
        yield reader.line_num, f"is no CSV: {error}"


def _check_header(file: Path, header: list[str]) -> None:
    problems = [_unknown_column(name) for name in header if name not in _COLUMNS and not name.startswith(_PARAMETER)]
    problems += [f"column {name} is there twice" for name in dict.fromkeys(header) if header.count(name) > 1]
    needed = ("service", "account", "location", "profile")
    problems += [f"column {name} is missing" for name in needed if name not in header]
    if problems:
        raise BadList(file, [f"line 1: {problem}" for problem in problems])


def _unknown_column(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), _COLUMNS, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(_COLUMNS)} and {_PARAMETER}NAME"
    return f"column {name!r} is not known; {remedy}"


def _fields(cells: Mapping[str, str], profiles: Mapping[str, Profile]) -> dict[str, Any]:
    profile = profiles.get(cells.get("profile", ""))
    known = {} if profile is None else profile.parameters
    fields: dict[str, Any] = {name: value for name, value in cells.items() if not name.startswith(_PARAMETER)}
    given = {name.removeprefix(_PARAMETER): value for name, value in cells.items() if name.startswith(_PARAMETER)}
    if given:
        fields["parameters"] = {name: _typed(known.get(name), value) for name, value in given.items()}
    device = fields.pop("device", None)
    if device is not None:
        fields.setdefault("mac" if _is_mac(device) else "serial", device)
    return fields


def _typed(parameter: Parameter | None, text: str) -> str | int | bool:
    """The value of the type that the profile says; a text that spells none is left to be refused with its name."""
    if parameter is not None and parameter.type == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if parameter is not None and parameter.type == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


def _is_mac(text: str) -> bool:
    try:
        return bool(normalise_mac(text))
    except ValueError:
        return False
