"""Bodies that are lists, one JSON object a line (NDJSON), read line by line so that nobody waits for a long one."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar, get_args

from pydantic import BaseModel

from ztpd.api.documents import MAX_ITEMS, read_document
from ztpd.api.problems import Invalid, Malformed
from ztpd.domain.model import Strict

MEDIA_TYPE: Final = "application/x-ndjson"

Item = TypeVar("Item", bound=BaseModel)
_AT_ONCE: Final = 100
"""How many lines are read before others have their turn."""


class LinesOf(Strict, Generic[Item]):
    """A body of lines; each becomes an item."""

    items: tuple[Item, ...]


def item_of(model: type[BaseModel]) -> type[BaseModel] | None:
    """What each line of a body must be; None when the body is no list."""
    if not issubclass(model, LinesOf):
        return None
    item: type[BaseModel] = get_args(model.model_fields["items"].annotation)[0]
    return item


async def read_lines(model: type[BaseModel], data: bytes) -> BaseModel:
    """The body that lines of JSON spell; raises ``Malformed`` and ``Invalid``, which count lines from 1."""
    item = item_of(model)
    if item is None:
        raise TypeError(f"{model.__name__} is no body of lines")
    items: list[BaseModel] = []
    problems: list[Mapping[str, Any]] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            try:
                items.append(read_document(item, line))
            except Malformed as error:
                raise Malformed(f"line {number}: {error.detail}", "send one JSON object a line") from None
            except Invalid as error:
                problems += [{**each, "field": f"line {number}: {each['field']}"} for each in error.errors]
        if len(problems) >= MAX_ITEMS:
            break
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    if problems:
        raise Invalid(problems[:MAX_ITEMS])
    return model.model_construct(items=tuple(items))
