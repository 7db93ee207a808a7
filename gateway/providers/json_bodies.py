"""Fields of a request as the JSON dialects take them: an object, or a form with the same names."""

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.providers.base import WebRequest
from gateway.providers.forms import TooManyFields, parse_form

JSON: Final = "application/json"

_encode: Final = msgspec.json.Encoder().encode

Fields = Mapping[str, object]


class UnreadableFields(ValueError):
    """The body is neither an object nor a form."""


def read_fields(request: WebRequest) -> dict[str, object]:
    """All fields of the query and of the body; the body's win.

    Clients that write JSON do not always say so, and say so when they write a form: what begins with a brace is an
    object.

    Raises:
        UnreadableFields: too many fields, JSON that is none, or no object.
    """
    fields: dict[str, object] = {}
    try:
        fields.update(_texts(request.query))
        body = request.body
        if body.lstrip()[:1] == b"{":
            fields.update(msgspec.json.decode(body, type=dict[str, object]))
        elif request.content_type == JSON and body.strip():
            raise UnreadableFields("the body is no JSON object")
        else:
            fields.update(_texts(body))
    except TooManyFields as error:
        raise UnreadableFields(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFields(str(error)) from None
    return fields


def _texts(encoded: bytes) -> dict[str, object]:
    return {name: value.decode("utf-8") for name, value in parse_form(encoded)} if encoded else {}


def text_field(fields: Fields, name: str) -> str:
    """A field as text; empty where it is absent or null. Numbers are written as JSON had them.

    Raises:
        UnreadableFields: it is a list, an object, or true or false.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise UnreadableFields(f"{name} must be text")


def encode(content: object) -> bytes:
    """JSON."""
    return _encode(content)
