"""The description follows from the route table and is whole."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from ztpd.api.app import ROUTES, description

DOCUMENT: dict[str, Any] = orjson.loads(description())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    if isinstance(value, list):
        for member in value:
            yield from references(member)


def test_it_lists_exactly_the_routes_of_the_table() -> None:
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert described == {(row.method, row.path) for row in ROUTES}
    assert len(ROUTES) == len(described)


def test_every_reference_resolves() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        value = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            value = value[step]


def test_every_schema_is_referred_to() -> None:
    referred = {reference.rpartition("/")[2] for reference in references(DOCUMENT)}
    assert set(DOCUMENT["components"]["schemas"]) <= referred


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: f"{row.method} {row.path}")
def test_an_operation_tells_what_the_row_says(row: Any) -> None:
    operation = DOCUMENT["paths"][row.path][row.method.lower()]
    assert operation["summary"]
    assert {int(status) for status in operation["responses"] if status != "default"} == set(row.statuses)
    assert {scope for each in operation["security"] for scope in each["token"]} == set(row.scopes)
    in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
    assert in_path == {part[1:-1] for part in row.path.split("/") if part.startswith("{")}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)
