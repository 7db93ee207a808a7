"""Webhooks that an app composes itself: method, address, parameters, headers and body with {{variables}} of a report.

The provider's portal makes them; here they are fields of developer/webhooks: `method`, `params`, `headers`, `body`. A
body that is text goes as it is, one that is an object as a form's data.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from gateway.providers.forms import is_web_address
from gateway.providers.json_bodies import JSON
from gateway.providers.mobtexting.request import Asked, invalid, object_of

METHODS: Final = ("GET", "POST", "PUT")
DEFAULT_METHOD: Final = "GET"
MAX_LENGTH: Final = 4_096
"""Of all of it: it is kept with each message whose report it makes."""
MAX_FIELDS: Final = 50
FIELDS: Final = ("method", "params", "headers", "body")

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.]{1,64})\s*\}\}")
_LIKE_JSON: Final = re.compile(r"\s*(\{(?!\{)|\[)")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "user-agent", "expect", "upgrade", "te", "trailer"}
)
"""Headers that frame the request: they are not the app's to choose."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NOT_LATIN: Final = re.compile(r"[^\x20-\x7e\xa0-\xff]")


class Composed(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a report is put."""

    url: str
    method: str = DEFAULT_METHOD
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: str = ""
    form: dict[str, str] = {}


class Request(msgspec.Struct, frozen=True):
    """A report as it goes out."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    content_type: str
    body: bytes


def read_composed(asked: Asked, uri: str) -> Composed | None:
    """What a request says of a webhook of its own making; None: it is one like others.

    Raises:
        Refused: a field cannot be.
    """
    given = asked.fields
    if not any(given.get(name) for name in FIELDS) and not _VARIABLE.search(uri):
        return None
    method = (asked.text("method") or DEFAULT_METHOD).upper()
    if method not in METHODS:
        raise invalid("method", "The selected method is invalid.")
    headers = _texts(asked, "headers")
    for name in headers:
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise invalid("headers", f"The header {name[:64]!r} cannot be set.")
    body, form = given.get("body"), dict[str, str]()
    if isinstance(body, Mapping):
        form, body = _texts(asked, "body"), ""
    elif body is not None and not isinstance(body, str):
        raise invalid("body", "The body must be text or an object.")
    made = Composed(uri, method, _texts(asked, "params"), headers, body or "", form)
    if method == "GET" and (made.body or made.form):
        raise invalid("body", "A GET request has no body.")
    if len(msgspec.json.encode(made)) > MAX_LENGTH:
        raise invalid("body", f"A webhook may not take more than {MAX_LENGTH} octets.")
    return made


def _texts(asked: Asked, name: str) -> dict[str, str]:
    fields = object_of(asked.fields, name)
    if len(fields) > MAX_FIELDS or not all(isinstance(value, (str, int)) for value in fields.values()):
        raise invalid(name, f"The {name} must be an object of at most {MAX_FIELDS} texts.")
    return {str(key): str(value) for key, value in fields.items()}


def is_address(uri: str) -> bool:
    """Whether this is a web address whose variables, if it has any, stand behind its host."""
    filled = _VARIABLE.sub("x", uri)
    return is_web_address(filled) and "{{" not in urlsplit(uri).netloc


def plain_address(uri: str) -> str:
    """An address up to its first variable: where it leads, whatever they hold."""
    return uri.partition("{{")[0]


def compose(wanted: Composed, values: Mapping[str, object]) -> Request:
    """The request that reports these values."""
    texts = {name: _text(value) for name, value in values.items()}
    url = _fill(wanted.url, texts, lambda value: quote(value, safe=""))
    for name, template in wanted.params.items():
        joint = "&" if "?" in url else "?"
        url += f"{joint}{quote(name, safe='')}={quote(_fill(template, texts), safe='')}"
    headers = {name: _header(_fill(template, texts)) for name, template in wanted.headers.items()}
    content_type = next((headers.pop(name) for name in list(headers) if name.lower() == "content-type"), "")
    if wanted.form:
        content_type, body = _form_data({name: _fill(value, texts) for name, value in wanted.form.items()})
    else:
        is_json = JSON in content_type if content_type else _LIKE_JSON.match(wanted.body) is not None
        body = _fill(wanted.body, texts, _in_json if is_json else None).encode()
        content_type = content_type or (JSON if is_json else "text/plain; charset=utf-8") if body else ""
    return Request(url, wanted.method, tuple(headers.items()), content_type, body)


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _fill(template: str, values: Mapping[str, str], escape: Callable[[str], str] | None = None) -> str:
    """A template with its variables in place; one that a report does not have is empty."""

    def value(found: re.Match[str]) -> str:
        text = values.get(found[1], "")
        return escape(text) if escape is not None else text

    return _VARIABLE.sub(value, template)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _header(text: str) -> str:
    return _NOT_LATIN.sub("?", _CONTROL.sub(" ", text)).strip()


def _form_data(fields: Mapping[str, str]) -> tuple[str, bytes]:
    """Content type and body of multipart/form-data."""
    digest = hashlib.sha256("\0".join((*fields, *fields.values())).encode("utf-8", "surrogatepass")).hexdigest()
    boundary = f"form-{digest[:32]}"
    lines = []
    for name, value in fields.items():
        plain = _CONTROL.sub(" ", name).replace('"', "%22")
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{plain}"\r\n\r\n{value}\r\n')
    body = "".join((*lines, f"--{boundary}--\r\n")).encode()
    return f"multipart/form-data; boundary={boundary}", body
