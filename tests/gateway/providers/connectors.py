"""What the tests of all connectors share: messages as they leave, answers as they come."""

import json
from typing import Any

import msgspec

from gateway.models import Coding, Message, NewMessage
from gateway.providers.base import WebRequest
from gateway.providers.carrying import Outgoing, outgoing_of
from gateway.providers.connecting import HttpCall, HttpReply

CALLBACK = "https://relay.example/callbacks/way/token"
NOW = 1_800_000_000.0


def message(text: str = "Hello", **fields: Any) -> Message:
    """An accepted message."""
    values: dict[str, Any] = {"account": "shop", "recipient": "60123456789", "sender": "MOCEAN", "text": text}
    new = NewMessage(**(values | fields))
    return Message(**msgspec.structs.asdict(new), id="0001", node="n1", created_at=NOW, updated_at=NOW)


def octets(data: bytes, **fields: Any) -> Message:
    """A message as an SMPP customer gives it."""
    return message("", data=data, **({"data_coding": 0} | fields))


def leaving(*pieces: Message, callback_url: str = CALLBACK, validity_seconds: int | None = None) -> Outgoing:
    """What a connector is given of a message, or of all parts of one."""
    return outgoing_of(pieces, validity_seconds=validity_seconds, callback_url=callback_url)


def reply(content: object, status: int = 200, **headers: str) -> HttpReply:
    """An answer; text and octets as they are, other things as JSON."""
    body = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    return HttpReply(
        status=status,
        content_type="application/json",
        body=json.dumps(content).encode() if body is None else body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def posted(body: bytes | str, *, method: str = "POST", query: bytes = b"", **headers: str) -> WebRequest:
    """A provider's request to us."""
    octets_ = body if isinstance(body, bytes) else body.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebRequest(method=method, path="/", query=query, body=octets_, headers=named)


def json_of(call: HttpCall) -> dict[str, Any]:
    """A request's JSON body."""
    content = json.loads(call.body)
    assert isinstance(content, dict)
    return content


BINARY = {"coding": Coding.BINARY, "data_coding": 4}
"""Fields of a message of octets."""
