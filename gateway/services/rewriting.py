"""Rewrites a request that is passed on: other credentials, other callback addresses. Pure.

query, form, JSON ──► fields left out, or with another value; all else stays octet for octet (`multipart` has the rest)
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote_from_bytes

from gateway.providers.forms import parse_form

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class Changes(Protocol):
    """What is to become of fields."""

    def drops(self, name: str) -> bool:
        """Whether a field is left out, whatever it holds."""

    def change(self, name: str, value: str) -> str | None:
        """The new value of one that holds text; None: it is left out."""


def form(encoded: bytes, changes: Changes, more: Mapping[str, str]) -> bytes:
    """A form or a query string with some fields changed and others added.

    Raises:
        gateway.providers.forms.TooManyFields: it is not taken apart.
    """
    pieces = []
    is_changed = bool(more)
    for name, value in parse_form(encoded):
        old = value.decode("utf-8", "surrogateescape")
        new = None if changes.drops(name) else changes.change(name, old)
        is_changed = is_changed or new != old
        if new is not None:
            pieces.append(_field(name, new.encode("utf-8", "surrogateescape")))
    if not is_changed:
        return encoded
    pieces += [_field(name, value.encode()) for name, value in more.items()]
    return "&".join(pieces).encode("ascii")


def _field(name: str, value: bytes) -> str:
    return f"{quote_from_bytes(name.encode(), safe='[]')}={quote_from_bytes(value, safe='')}"


def json_body(body: bytes, changes: Changes, more: Mapping[str, str]) -> bytes:
    """A JSON body with some fields changed, however deep, and others added at its top.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        content = json.loads(body)
        changed = _walk(content, changes)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if changed == content and not more:
        return body
    if isinstance(changed, dict):
        changed.update(more)
    return json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass")


def json_text(text: str, changes: Changes) -> str:
    """JSON that is itself the value of a field; what is none stays as it is."""
    try:
        return json_body(text.encode("utf-8", "surrogatepass"), changes, {}).decode("utf-8", "surrogatepass")
    except ValueError:
        return text


def _walk(value: Any, changes: Changes) -> Any:
    if isinstance(value, list):
        return [_walk(item, changes) for item in value]
    if not isinstance(value, dict):
        return value
    new: dict[str, Any] = {}
    for name, item in value.items():
        if changes.drops(name):
            continue
        if isinstance(item, str):
            text = changes.change(name, item)
            if text is not None:
                new[name] = text
        else:
            new[name] = _walk(item, changes)
    return new
