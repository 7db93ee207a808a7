"""The OpenAPI document, made of the operations and their types: nothing is written twice."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.web.endpoints import PREFIX, AnyOf, ListOf, Operation, answering
from gateway.web.errors import JSON, ErrorAnswer

OPENAPI: Final = "3.1.0"
_NAMES: Final = re.compile(r"\{(\w+)\}")
_ALWAYS: Final = (400, 401, 403, 500, 503)
"""Statuses that any operation may end with."""


def add_document(app: web.Application, operations: Sequence[Operation], title: str) -> None:
    """Serve GET /openapi.json; no key is needed."""
    document = msgspec.json.encode(describe(operations, title))

    async def show_document(_request: web.Request) -> web.Response:
        return web.Response(body=document, content_type=JSON)

    app.router.add_get(f"{PREFIX}/openapi.json", answering(show_document))


def describe(operations: Sequence[Operation], title: str) -> dict[str, Any]:
    """The document of these operations."""
    kinds = list(_kinds(operations))
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_kind)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": title,
            "version": _version(),
            "description": "Messages that are accepted are durable: an answer of 202 leaves after the commit.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _kinds(operations: Iterable[Operation]) -> Iterable[Any]:
    """Every type that occurs, once."""
    waiting: list[Any] = [ErrorAnswer]
    for operation in operations:
        waiting += [kind for kind in (operation.body, *operation.answers.values()) if kind is not None]
    seen: set[str] = set()
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, AnyOf):
            waiting += kind.kinds
        elif isinstance(kind, ListOf):
            waiting.append(kind.kind)
        elif repr(kind) not in seen:
            seen.add(repr(kind))
            yield kind


def _schema(kind: Any, schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(kind, AnyOf):
        return {"anyOf": [_schema(one, schemas) for one in kind.kinds]}
    if isinstance(kind, ListOf):
        return {"type": "array", "items": _schema(kind.kind, schemas)}
    return schemas[repr(kind)]


def _operation(operation: Operation, schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Needs a key with the role '{operation.role}'.",
        "tags": [operation.path.split("/")[1]],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation, schemas),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _schema(operation.body, schemas)}}}
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAMES.findall(operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    _, components = msgspec.json.schema_components([operation.query])
    described = components[operation.query.__name__]
    required = described.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inline(schema, components)}
        for name, schema in described["properties"].items()
    ]


def _inline(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter, whose null only says that it is left out."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        schema = choices[0]
    if "$ref" in schema:
        schema = dict(components[schema["$ref"].rpartition("/")[2]])
        schema.pop("title", None)
    if schema.get("default", "") is None:
        schema = {key: value for key, value in schema.items() if key != "default"}
    return schema


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.headers.items()
    ]


def _responses(operation: Operation, schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if kind is not None:
            responses[str(status)]["content"] = {JSON: {"schema": _schema(kind, schemas)}}
    for status in sorted({*_ALWAYS, *operation.errors} - operation.answers.keys()):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {JSON: {"schema": _schema(ErrorAnswer, schemas)}},
        }
    return responses


def _version() -> str:
    try:
        return version("smppkit")
    except PackageNotFoundError:
        return "0"
