"""Writing Mocean's answers: XML unless JSON was asked for, in the shapes of version 1 and version 2."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

import msgspec

from gateway.providers.base import WebAnswer
from gateway.providers.mocean import spec

JSON: Final = "json"
XML: Final = "xml"
CSV: Final = "csv"
"""Of the price list only."""

_CONTENT_TYPES: Final = {JSON: "application/json; charset=utf-8", XML: "application/xml; charset=utf-8"}
_encode_json: Final = msgspec.json.Encoder().encode

# XML 1.0 §2.2 has no place for control characters, surrogates and two non-characters, escaped or not.
_NOT_XML: Final = dict.fromkeys((*range(0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd") | {
    9: "\t",
    10: "\n",
    13: "&#13;",
}

Fields = Mapping[str, object]
"""One object of an answer; values are text, numbers, or objects and lists of them."""


class Listed(NamedTuple):
    """How a list is written in XML."""

    wrapper: str
    old_wrapper: str
    """Of version 1; empty: none."""
    item: str


_LISTS: Final[Mapping[str, Listed]] = {
    "messages": Listed("messages", "", "message"),
    "destinations": Listed("destinations", "data", "destination"),
    "message_ids": Listed("message_ids", "message_ids", "message_id"),
}


@dataclass(frozen=True, slots=True)
class Format:
    """How the caller wants to be answered."""

    media: str = XML
    version: int = 2
    both: bool = False
    """Whether a failed /sms says so at the top level as well as in `messages`."""


def failure_fields(status: int, table: Mapping[int, spec.Code]) -> dict[str, str | int]:
    """status and err_msg of a row of a code table."""
    return {"status": status, "err_msg": table[status].example or table[status].text}


def sms_answer(results: Sequence[Fields], form: Format) -> WebAnswer:
    """Answer /sms with one object per receiver, in the order of the request."""
    failed = [status for result in results if isinstance(status := result["status"], int) and status != spec.OK]
    if len(failed) < len(results):
        # A failure at the top level would make some clients send again to those who get it.
        return _answer(spec.SMS_STATUS[spec.OK].http_status, {"messages": results}, form)
    top = failure_fields(failed[0], spec.SMS_STATUS) if form.both else {}
    return _answer(_http_status(failed[0], spec.SMS_STATUS, form), {**top, "messages": results}, form)


def sms_failure(status: int, form: Format, *, http_status: int = 0) -> WebAnswer:
    """Refuse an /sms request as a whole: nested in JSON, flat in XML."""
    fields = failure_fields(status, spec.SMS_STATUS)
    if form.both:
        content: dict[str, object] = {**fields, "messages": [fields]}
    elif form.media == JSON:
        content = {"messages": [fields]}
    else:
        content = {**fields}
    return _answer(_http_status(status, spec.SMS_STATUS, form, http_status), content, form)


def failure(status: int, table: Mapping[int, spec.Code], form: Format, *, http_status: int = 0) -> WebAnswer:
    """Refuse any other request."""
    return _answer(_http_status(status, table, form, http_status), failure_fields(status, table), form)


def success(fields: Fields, form: Format, *, old_wrapper: str = "") -> WebAnswer:
    """Answer any other request.

    Args:
        old_wrapper: the element that version 1 has round all fields in XML.
    """
    if old_wrapper and form.version == 1 and form.media == XML:
        fields = {old_wrapper: fields}
    return _answer(200, fields, form)


def table(lines: Sequence[Sequence[str]], delimiter: str) -> WebAnswer:
    """Answer with CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(lines)
    return WebAnswer(status=200, content_type="text/csv; charset=utf-8", body=text.getvalue().encode())


def _http_status(status: int, table: Mapping[int, spec.Code], form: Format, exact: int = 0) -> int:
    if form.version == 1:
        return 200
    return exact or table[status].http_status


def _answer(http_status: int, content: Mapping[str, object], form: Format) -> WebAnswer:
    body = _encode_json(content) if form.media == JSON else _xml(content, form)
    return WebAnswer(status=http_status, content_type=_CONTENT_TYPES[form.media], body=body)


def _xml(content: Mapping[str, object], form: Format) -> bytes:
    pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n<result>']
    for name, value in content.items():
        pieces.append(_element(name, value, form))
    pieces.append("</result>")
    return "".join(pieces).encode()


def _element(name: str, value: object, form: Format) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{_elements(value, form)}</{name}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        listed = _LISTS[name]
        inner = "".join(_element(listed.item, item, form) for item in value)
        wrapper = listed.old_wrapper if form.version == 1 else listed.wrapper
        return f"<{wrapper}>{inner}</{wrapper}>" if wrapper else inner
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
    return f"<{name}>{_escaped(text)}</{name}>"


def _elements(fields: Mapping[str, object], form: Format) -> str:
    return "".join(_element(name, value, form) for name, value in fields.items())


def _escaped(text: str) -> str:
    return escape(text).translate(_NOT_XML)
