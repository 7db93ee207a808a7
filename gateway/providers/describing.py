"""Each dialect described as OpenAPI 3.1, for tools that read such: made of the tables of its calls and their fields.

CATALOGUE (who serves which call) + FIELDS (what a call takes) ──► document(name)        `gateway openapi DIALECT`
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from gateway.providers.catalogue import CATALOGUE
from gateway.providers.checkmobi import fields as checkmobi
from gateway.providers.checkmobi import spec as checkmobi_spec
from gateway.providers.endpoints import Endpoint
from gateway.providers.fields import Field
from gateway.providers.lanck import fields as lanck
from gateway.providers.lanck import spec as lanck_spec
from gateway.providers.mobtexting import spec as mobtexting_spec
from gateway.providers.mocean import codes as mocean_codes
from gateway.providers.mocean import fields as mocean

OPENAPI: Final = "3.1.0"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
XML: Final = "application/xml"
CSV: Final = "text/csv"
OCTETS: Final = "application/octet-stream"
_NAMES: Final = re.compile(r"\{(\w+)\}")
_BODIES: Final = ("POST", "PUT", "PATCH")
_WEB: Final = (408, 413, 415)
"""What the web itself may turn away, in the dialect's words."""

Schema = dict[str, Any]


class Manner(NamedTuple):
    """How a dialect is spoken."""

    fields: Mapping[tuple[str, str], Sequence[Field]]
    """By method and path."""
    security: Mapping[str, Schema]
    takes: Sequence[str]
    """Media types of bodies."""
    says: Sequence[str]
    """Media types of answers."""
    statuses: frozenset[int]
    failure: Schema
    """What a refusal in JSON has."""


def _failing(*names: str) -> Schema:
    return {"type": "object", "required": list(names)}


MANNERS: Final[Mapping[str, Manner]] = {
    "mocean": Manner(
        mocean.FIELDS,
        {
            "token": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "query", "name": "mocean-api-key"},
            "secret": {"type": "apiKey", "in": "query", "name": "mocean-api-secret"},
        },
        (FORM,),
        (XML, JSON, CSV, OCTETS),
        frozenset({200, 202} | {code.http_status for table in mocean_codes.TABLES for code in table.values()}),
        {"anyOf": [_failing("status", "err_msg"), _failing("messages")]},
    ),
    "mobtexting": Manner(
        {},
        {"token": {"type": "http", "scheme": "bearer"}},
        (JSON, FORM),
        (JSON, OCTETS),
        frozenset({200, 201, 204, 500, 503} | {int(one) for one in mobtexting_spec.HTTP_STATUSES if one.isdigit()}),
        {"type": "object"},
    ),
    "lanck": Manner(
        lanck.FIELDS,
        {"token": {"type": "http", "scheme": "basic"}},
        (FORM, JSON),
        (JSON,),
        frozenset({200} | {error.http_status for error in lanck_spec.ERRORS.values()}),
        _failing("errorCode", "errorReason"),
    ),
    "checkmobi": Manner(
        checkmobi.FIELDS,
        {"key": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        (JSON,),
        (JSON,),
        frozenset(checkmobi_spec.HTTP_STATUSES),
        _failing("code", "error"),
    ),
}


def document(name: str) -> dict[str, Any]:
    """The description of one dialect, its paths below the dialect's prefix."""
    title, endpoints = CATALOGUE[name]
    manner = MANNERS[name]
    paths: dict[str, dict[str, Any]] = {}
    for row in endpoints:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, manner)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": f"{title}, as this gateway serves it",
            "version": "1",
            "description": "own: over any uplink. local: from what the gateway keeps. pass: by the provider itself.",
        },
        "servers": [{"url": f"/{name}"}],
        "security": [{one: []} for one in manner.security],
        "paths": paths,
        "components": {"securitySchemes": dict(manner.security)},
    }


def _operation(row: Endpoint, manner: Manner) -> Schema:
    fields = manner.fields.get((row.method, row.path), ())
    is_posted = row.method in _BODIES
    described: Schema = {
        "operationId": f"{row.method.lower()}{re.sub('[^A-Za-z0-9]+', '_', row.path)}",
        "summary": row.summary,
        "tags": [row.served],
        "responses": _responses(manner),
    }
    if row.limit:
        described["description"] = row.limit
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAMES.findall(row.path)
    ]
    if not is_posted:
        parameters += [_parameter(one) for one in fields]
    if parameters:
        described["parameters"] = parameters
    if is_posted:
        described["requestBody"] = {"content": {media: {"schema": _body(fields)} for media in manner.takes}}
    return described


def _parameter(one: Field) -> Schema:
    return {
        "name": one.name,
        "in": "query",
        "required": one.is_required,
        "description": one.note,
        "schema": one.schema(),
    }


def _body(fields: Iterable[Field]) -> Schema:
    properties = {one.name: {**one.schema(), **({"description": one.note} if one.note else {})} for one in fields}
    required = [one.name for one in fields if one.is_required]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _responses(manner: Manner) -> Schema:
    responses: Schema = {}
    for status in sorted(manner.statuses | set(_WEB)):
        schema = manner.failure if status >= 400 else {}
        content = {media: {"schema": schema if media == JSON else {}} for media in manner.says}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return responses
