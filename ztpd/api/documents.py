"""JSON and query strings become models, or a list of everything that is wrong with them. Pure.

Bodies must be I-JSON (RFC 7493): UTF-8, no name twice in an object, numbers that every receiver reads alike; what is
beyond that is refused rather than interpreted.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ztpd.api.problems import Invalid, Item, Malformed

Model = TypeVar("Model", bound=BaseModel)

MAX_ITEMS: Final = 50
_MAX_SHOWN: Final = 100
_LARGEST: Final = 2**53 - 1
"""The largest number that a receiver with IEEE 754 doubles reads exactly (RFC 7493 §2.2)."""

_HIDDEN_BELOW: Final = frozenset({"parameters", "url", "connection_request"})
"""Members whose values may be secret and are never repeated."""


def read_document(model: type[Model], data: bytes) -> Model:
    """The model that a JSON body spells, without guessing at types; raises ``Malformed`` and ``Invalid``."""
    document = parse(data)
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
    if any(each["type"] == "json_invalid" for each in found):
        # The stricter parser behind the model refuses what the language allows: lone surrogates, endless nesting.
        raise _malformed("nested too deeply, or with an escape that is no character")
    raise Invalid(_items(found, document))


def read_strings(model: type[Model], values: Iterable[tuple[str, str]]) -> Model:
    """The model that names and texts of a path or query spell; raises ``Invalid``."""
    pairs = list(values)
    given = dict(pairs)
    repeated = _repeated(pairs)
    if repeated:
        raise Invalid([Item(field=name[:_MAX_SHOWN], problem="is given more than once") for name in repeated])
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise Invalid(_items(error.errors(include_url=False), given)) from None


def parse(data: bytes) -> Any:
    """The value that a JSON text spells; raises ``Malformed``, without repeating what may be secret."""
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_exact,
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise _malformed("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None


def _malformed(what: str) -> Malformed:
    return Malformed(f"the body is not acceptable JSON: {what}", "send one JSON object in UTF-8 (RFC 7493)")


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    repeated = _repeated(pairs)
    if repeated:
        raise _malformed(f"the member {repeated[0][:_MAX_SHOWN]!a} is there twice")
    return dict(pairs)


def _repeated(pairs: Iterable[tuple[str, Any]]) -> list[str]:
    """The names that occur more than once, at most ``MAX_ITEMS``."""
    counted = Counter(name for name, _ in pairs)
    return [name for name, times in counted.items() if times > 1][:MAX_ITEMS]


def _refuse_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _malformed("a number is out of range")
    return number


def _exact(text: str) -> int:
    # Measured before it is converted: that takes quadratic time and Python refuses it beyond 4,300 digits.
    if len(text) > len(str(-_LARGEST)) or abs(int(text)) > _LARGEST:
        raise _malformed("a whole number is beyond 2^53 - 1")
    return int(text)


def _items(found: Sequence[ErrorDetails], document: Any) -> list[Item]:
    """One item a field; what a union of types complains of in turn is joined."""
    items: dict[str, Item] = {}
    for error in found:
        item = _item(error, document)
        known = items.setdefault(item["field"], item)
        if item["problem"] not in known["problem"].split(", or: "):
            known["problem"] += f", or: {item['problem']}"
        if len(items) == MAX_ITEMS:
            break
    return list(items.values())


def _item(error: ErrorDetails, document: Any) -> Item:
    path = _path(error["loc"], document)
    field = ".".join(map(str, path))[:_MAX_SHOWN] or "body"
    if error["type"] == "extra_forbidden":
        return Item(field=field, problem="is not known here", remedy="remove it, or correct its spelling")
    problem = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    hidden = bool(path) and path[0] in _HIDDEN_BELOW
    if hidden or not isinstance(value, str | int | float | bool):
        return Item(field=field, problem=problem)
    return Item(field=field, problem=problem, value=value[:_MAX_SHOWN] if isinstance(value, str) else value)


def _path(loc: Sequence[str | int], document: Any) -> list[str | int]:
    """The part of an error's location that leads through the document; the rest names members of a union."""
    path: list[str | int] = []
    for step in loc:
        if isinstance(document, Mapping):
            path.append(step)
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            path.append(step)
            document = document[step]
        else:
            break
    return path
