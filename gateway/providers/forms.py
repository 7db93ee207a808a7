"""What comes in strings from outside: forms and query strings, web addresses, message ids.

Forms are kept as octets until somebody knows their charset.

`application/x-www-form-urlencoded` says nothing of the octets that percent signs stand for; several providers carry
a charset in another field of the same form, so names are read as text and values stay bytes.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_plus, urlsplit

MAX_FIELDS: Final = 1000
MAX_URL_LENGTH: Final = 2048

_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_OCTETS: Final = {b"%02X" % octet: bytes((octet,)) for octet in range(256)}

_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9._:\-]{1,128}")

Form = list[tuple[str, bytes]]
"""Fields in the order they came; a name may come twice."""


class TooManyFields(ValueError):
    """More fields than any request of ours has: refused before they are taken apart."""


def parse_form(encoded: bytes, *, max_fields: int = MAX_FIELDS) -> Form:
    """Read a form or a query string.

    A percent sign without two hex digits stands for itself, as everywhere on the web.

    Raises:
        TooManyFields: there are more than `max_fields`.
    """
    if encoded.count(b"&") >= max_fields:
        raise TooManyFields(f"at most {max_fields} fields")
    form = []
    for field in encoded.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            form.append((unquote(name).decode("utf-8", "replace"), unquote(value)))
    return form


def unquote(encoded: bytes) -> bytes:
    """Undo percent- and plus-encoding."""
    if b"+" in encoded:
        encoded = encoded.replace(b"+", b" ")
    if b"%" not in encoded:
        return encoded
    return _ESCAPE.sub(lambda escape: _OCTETS[escape[1].upper()], encoded)


def encode_form(fields: Iterable[tuple[str, str]]) -> str:
    """Write a form; text goes as UTF-8."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields)


def is_web_address(url: str) -> bool:
    """Whether this is an absolute http or https address; what it resolves to is judged when it is called."""
    if not url or len(url) > MAX_URL_LENGTH or any(character <= " " or character == "\x7f" for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def is_message_id(written: str) -> bool:
    """Whether this could be an id of ours; what could not is never looked for."""
    return _MESSAGE_ID.fullmatch(written) is not None
