"""The route table as an OpenAPI 3.1 description, schemas from the models. Pure.

Source: OpenAPI Specification 3.1.0, §4.8; its schemas are JSON Schema 2020-12, which is what pydantic writes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from ztpd.api import lines
from ztpd.api.answers import ProblemShown
from ztpd.api.problems import MEDIA_TYPE
from ztpd.api.routing import Nothing, Route

_REF_TEMPLATE: Final = "#/components/schemas/{model}"
_PROBLEM: Final = {"$ref": "#/components/responses/Problem"}

References = Mapping[tuple[type[BaseModel], JsonSchemaMode], dict[str, Any]]


def describe(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The whole description, ready to be written as JSON."""
    rows = tuple(routes)
    references, schemas = _schemas(rows)
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, references, schemas)
    inputs = {_name(references[model, "validation"]) for row in rows for model in (row.path_model, row.query_model)}
    problem = {"schema": references[ProblemShown, "serialization"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ztpd", "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {
            # Paths and queries are described as parameters, one by one.
            "schemas": {name: schema for name, schema in schemas.items() if name not in inputs},
            "responses": {"Problem": {"description": "Not answered as asked", "content": {MEDIA_TYPE: problem}}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(rows: tuple[Route, ...]) -> tuple[References, dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemShown, "serialization"): None}
    for row in rows:
        wanted |= dict.fromkeys((model, "validation") for model in (row.path_model, row.query_model, _sent(row)[1]))
        if not isinstance(row.answer, str):
            wanted[row.answer, "serialization"] = None
    references, definitions = models_json_schema(list(wanted), ref_template=_REF_TEMPLATE)
    return {key: references[key] for key in wanted}, definitions["$defs"]


def _sent(row: Route) -> tuple[str, type[BaseModel]]:
    """In what media type a body is sent, and what it, or each line of it, must be."""
    item = lines.item_of(row.body_model)
    return ("application/json", row.body_model) if item is None else (lines.MEDIA_TYPE, item)


def _name(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _operation(row: Route, references: References, schemas: Mapping[str, Any]) -> dict[str, Any]:
    path = schemas[_name(references[row.path_model, "validation"])]
    query = schemas[_name(references[row.query_model, "validation"])]
    operation: dict[str, Any] = {
        "operationId": row.handler.__name__,
        "summary": row.summary,
        "tags": [_tag(row.path)],
        "parameters": [*_parameters(path, "path"), *_parameters(query, "query")],
        "responses": _responses(row, references),
        # Scopes of a bearer token are named as roles (§4.8.30); any one of them is enough.
        "security": [{"token": [scope]} for scope in sorted(row.scopes)],
    }
    if row.body_model is not Nothing:
        media_type, model = _sent(row)
        content = {media_type: {"schema": references[model, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _tag(path: str) -> str:
    match = re.match(r"/v1/([a-z]+)", path)
    return match.group(1) if match else "daemon"


def _parameters(schema: Mapping[str, Any], place: Literal["path", "query"]) -> Iterator[dict[str, Any]]:
    for name, member in schema.get("properties", {}).items():
        yield {"name": name, "in": place, "required": place == "path", "schema": member}


def _responses(row: Route, references: References) -> dict[str, Any]:
    if isinstance(row.answer, str):
        content = {row.answer: {"schema": {"type": "string"} if row.answer == "text/plain" else {}}}
    else:
        content = {"application/json": {"schema": references[row.answer, "serialization"]}}
    answered = {str(status): {"description": _PHRASES[status], "content": content} for status in row.statuses}
    return {**answered, "default": _PROBLEM}


_PHRASES: Final = {200: "As asked", 201: "New", 202: "Asked for"}
