"""Reading a MOBtexting request: who asks, by whichever of four ways; JSON, form, query or files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import multipart

from gateway.providers.base import Caller, Credentials, Services, WebRequest
from gateway.providers.forms import TooManyFields, encode_form, parse_form
from gateway.providers.json_bodies import UnreadableFields, read_fields, text_field
from gateway.providers.mobtexting import spec
from gateway.providers.ports import AppOptions

MULTIPART: Final = "multipart/form-data"
MAX_PARTS: Final = 64
_NOT_OF_LISTS: Final = ("page", "access_token", "_method")
_LISTED: Final = re.compile(r"(\w+(?:\[\w+\])?)\[[0-9]*\]")


class Refused(Exception):
    """The request is refused.

    Attributes:
        http_status: of the answer.
        message: for people.
        errors: what is wrong with which field, of a 422.
    """

    def __init__(self, http_status: int, message: str, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.message = message
        self.errors = errors


def invalid(field: str, why: str) -> Refused:
    """For a field that cannot be."""
    return Refused(422, "The given data was invalid.", {field: [why]})


def missing(field: str) -> Refused:
    """For a field that has to be there."""
    return invalid(field, f"The {field} field is required.")


@dataclass(frozen=True, slots=True)
class File:
    """A file that was sent with a form."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in."""

    request: WebRequest
    caller: Caller
    services: Services
    fields: Mapping[str, object]
    files: Mapping[str, File]
    method: str
    """After `_method` was heard."""
    path: Mapping[str, str]
    """What stands in the path where the document has braces."""
    options: AppOptions
    """What the config says of the app."""

    @property
    def account(self) -> str:
        """Who asks."""
        return self.caller.name

    def text(self, name: str) -> str:
        """A field as text without blanks round it; empty where it is absent.

        Raises:
            Refused: it is a list or an object.
        """
        return text_of(self.fields, name)

    def required(self, name: str) -> str:
        """A field that has to be there.

        Raises:
            Refused: it is not.
        """
        text = self.text(name)
        if not text:
            raise missing(name)
        return text

    def page(self) -> int:
        """Which page of a list is wanted, from 1."""
        text = self.text("page") or "1"
        if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text)):
            raise invalid("page", "The page must be a positive number.")
        return int(text)

    @property
    def list_path(self) -> str:
        """Where the other pages of a list are."""
        return self.options.base_url + self.request.path

    @property
    def list_query(self) -> str:
        """What they are asked by, besides the page; a token is nobody's to see."""
        fields = ((name, value) for name, value in self.fields.items() if name not in _NOT_OF_LISTS)
        query = encode_form((name, value) for name, value in fields if isinstance(value, str))
        return query and query + "&"

    def filter(self, name: str) -> str:
        """A filter of a list: filter[name]."""
        return self.text(f"filter[{name}]")


def text_of(fields: Mapping[str, object], name: str) -> str:
    """A field of an object as text without blanks round it; empty where it is absent.

    Raises:
        Refused: it is a list or an object.
    """
    value = fields.get(name)
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    try:
        return text_field(fields, name)
    except UnreadableFields:
        if isinstance(value, bool):
            return "1" if value else "0"
        raise invalid(name, f"The {name} must be a string.") from None


def object_of(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A field that is an object; empty where it is absent.

    Raises:
        Refused: it is anything else.
    """
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid(name, f"The {name} must be an object.")
    return value


def list_of(fields: Mapping[str, object], name: str, limit: int) -> Sequence[object]:
    """A field that is a list; a single thing is a list of one, a text is split at its commas.

    Raises:
        Refused: it is longer than the limit.
    """
    value = fields.get(name)
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    items = value if isinstance(value, list) else [value]
    if len(items) > limit:
        raise invalid(name, f"The {name} may not have more than {limit} items.")
    return items


def credentials_of(request: WebRequest, fields: Mapping[str, object], remote: str) -> Credentials | None:
    """The token of whichever way it came; None where there is none."""
    written = request.headers.get("Authorization", "").strip()
    scheme, _, rest = written.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else written
    if not token:
        given = fields.get("access_token")
        token = given.strip() if isinstance(given, str) else ""
    return Credentials(door=spec.NAME, token=token, remote=remote) if token else None


def read(request: WebRequest) -> tuple[dict[str, object], dict[str, File]]:
    """All fields of query and body, and the files.

    Raises:
        Refused: the body cannot be read.
    """
    if request.content_type == MULTIPART:
        return _read_multipart(request)
    try:
        fields = read_fields(request)
    except UnreadableFields as error:
        raise Refused(400, f"The body cannot be read: {error}") from None
    for name in fields:
        if name[-1:] == "]" and _LISTED.fullmatch(name):
            return _with_lists(request, fields), {}
    return fields, {}


def _with_lists(request: WebRequest, fields: dict[str, object]) -> dict[str, object]:
    """PHP writes a form's lists as to[] or to[0], and those in an object as meta[tags][]: they are put together."""
    is_form = request.body.lstrip()[:1] != b"{"
    lists: dict[str, list[object]] = {}
    for encoded in (request.query, request.body if is_form else b""):
        for name, value in parse_form(encoded):
            if found := _LISTED.fullmatch(name):
                lists.setdefault(found[1], []).append(value.decode("utf-8"))
    plain = {name: value for name, value in fields.items() if not _LISTED.fullmatch(name)}
    for name, values in lists.items():
        outer, _, inner = name.removesuffix("]").partition("[")
        if inner:
            known = plain.get(outer)
            plain[outer] = {**(known if isinstance(known, dict) else {}), inner: values}
        else:
            plain[outer] = values
    return plain


def _read_multipart(request: WebRequest) -> tuple[dict[str, object], dict[str, File]]:
    _, options = multipart.parse_options_header(request.headers.get("Content-Type", ""))
    boundary = options.get("boundary", "")
    if not boundary:
        raise Refused(400, "The body has no boundary.")
    fields: dict[str, object] = {}
    files: dict[str, File] = {}
    try:
        for name, value in parse_form(request.query) if request.query else ():
            fields[name] = value.decode("utf-8")
        parser = multipart.MultipartParser(
            BytesIO(request.body),
            boundary,
            content_length=len(request.body),
            part_limit=MAX_PARTS,
            memory_limit=len(request.body) + 1,
            spool_limit=len(request.body) + 1,
        )
        for part in parser:
            if part.filename:
                files[part.name] = File(part.filename, part.raw)
            else:
                fields[part.name] = part.raw.decode("utf-8")
    except (multipart.MultipartError, UnicodeDecodeError, TooManyFields, ValueError) as error:
        raise Refused(400, f"The body cannot be read: {error}") from None
    return fields, files
