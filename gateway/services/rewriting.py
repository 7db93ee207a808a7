"""Rewrites a request that is passed on: other credentials, other callback addresses. Pure.

query, form, JSON, multipart ──► fields left out, or with another value; all else stays octet for octet
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_from_bytes

from gateway.providers.forms import parse_form

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

Change = Callable[[str, str], str | None]
"""Name and value of a field to its new value; None: the field is left out."""


def form(encoded: bytes, change: Change, more: Mapping[str, str]) -> bytes:
    """A form or a query string with some fields changed and others added.

    Raises:
        gateway.providers.forms.TooManyFields: it is not taken apart.
    """
    pieces = []
    is_changed = bool(more)
    for name, value in parse_form(encoded):
        old = value.decode("utf-8", "surrogateescape")
        new = change(name, old)
        is_changed = is_changed or new != old
        if new is not None:
            pieces.append(_field(name, new.encode("utf-8", "surrogateescape")))
    if not is_changed:
        return encoded
    pieces += [_field(name, value.encode()) for name, value in more.items()]
    return "&".join(pieces).encode("ascii")


def _field(name: str, value: bytes) -> str:
    return f"{quote_from_bytes(name.encode(), safe='[]')}={quote_from_bytes(value, safe='')}"


def json_body(body: bytes, change: Change, more: Mapping[str, str]) -> bytes:
    """A JSON body with some fields changed, however deep, and others added at its top.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        content = json.loads(body)
        changed = _walk(content, change)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if changed == content and not more:
        return body
    if isinstance(changed, dict):
        changed.update(more)
    return json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _walk(value: Any, change: Change) -> Any:
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    new: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, str):
            text = change(name, item)
            if text is not None:
                new[name] = text
        else:
            new[name] = _walk(item, change)
    return new


def multipart(body: bytes, content_type: str, left_out: Sequence[str]) -> bytes:
    """A multipart form without some of its fields."""
    boundary = _boundary(content_type)
    if not boundary or not left_out:
        return body
    mark = b"--" + boundary
    pieces = body.split(mark)
    return mark.join(piece for piece in pieces if _part_name(piece) not in left_out)


def _boundary(content_type: str) -> bytes:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "boundary":
            return value.strip('"').encode("latin-1", "replace")
    return b""


def _part_name(piece: bytes) -> str:
    head = piece.partition(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-disposition:"):
            _, _, rest = line.decode("utf-8", "replace").partition(' name="')
            return rest.partition('"')[0].lower()
    return ""
