"""Webhooks: where an account's reports go, and how a report to one is made.

A report goes out as POST with the webhook's secret as a bearer token and a signature keyed with its id; one that is
composed by the app goes as that says.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.models import Callback
from gateway.providers.base import WebAnswer
from gateway.providers.forms import is_web_address
from gateway.providers.json_bodies import JSON, encode
from gateway.providers.mobtexting import answers, composing, spec
from gateway.providers.mobtexting.request import Asked, Refused, invalid
from gateway.providers.ports import Directory, Entry

WEBHOOK: Final = "webhook"
BEARER: Final = ":bearer"
"""A header that is none: its value is the webhook whose secret goes out as a bearer token, when it goes out."""
TO_COMPOSE: Final = ":compose"
"""Likewise: the webhook that says how the request is put, when it goes out."""
MAX_NAME: Final = 128


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a report needs to know of the request, kept with the message."""

    webhook: str = ""
    is_wrapped: bool = False
    zone: str = ""
    is_composed: bool = False
    """Whether the app has composed the webhook: then the report is put into its words as it leaves."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Origin).decode


@dataclass(frozen=True, slots=True)
class Target:
    """Where the reports of a message go."""

    url: str
    origin: str


NOBODY: Final = Target("", "")


def origin_of(written: str) -> Origin:
    """What a message's `origin` says; nothing where it is another door's."""
    try:
        return _decode(written) if written else Origin()
    except (msgspec.DecodeError, msgspec.ValidationError):
        return Origin()


def target_of(entry: Entry, zone: str, *, is_wrapped: bool) -> Target:
    """A webhook as the place of a message's reports."""
    origin = Origin(webhook=entry.name, is_wrapped=is_wrapped, zone=zone, is_composed=composed_of(entry) is not None)
    return Target(composing.plain_address(str(entry.fields.get("uri", ""))), _encode(origin).decode())


def composed_of(entry: Entry) -> composing.Composed | None:
    """How an app has composed a webhook; None: it has not."""
    kept = entry.fields.get("composed")
    return msgspec.convert(kept, composing.Composed) if kept else None


def report(url: str, webhook_id: str, content: object, values: Mapping[str, object] | None = None) -> Callback:
    """What is owed to a webhook.

    Args:
        content: of the body.
        values: of the variables, where the app has composed the webhook: they are what waits, and `completed` makes the
            request of them. What the app has put into it, keys of its own among them, is kept with the webhook alone.
    """
    if values is None:
        return _signed(url, "POST", encode(content), JSON, (), webhook_id)
    return Callback(
        id="",
        account="",
        url=composing.plain_address(url),
        content_type=JSON,
        body=encode(dict(values)),
        headers=((TO_COMPOSE, webhook_id),),
        dialect=spec.NAME,
    )


def completed(waiting: Callback, entry: Entry) -> Callback:
    """The request that a report to a composed webhook is, as the webhook says now."""
    composed = composed_of(entry)
    if composed is None:
        # It was one when the report was made.
        made = _signed(str(entry.fields.get("uri", "")), "POST", waiting.body, JSON, (), entry.name)
    else:
        wanted = composing.compose(composed, _values(waiting.body))
        made = _signed(wanted.url, wanted.method, wanted.body, wanted.content_type, wanted.headers, entry.name)
    return msgspec.structs.replace(
        waiting,
        url=made.url,
        method=made.method,
        body=made.body,
        content_type=made.content_type,
        headers=made.headers,
    )


_values: Final = msgspec.json.Decoder(dict[str, object]).decode


def _signed(
    url: str, method: str, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...], webhook_id: str
) -> Callback:
    names = {name.lower() for name, _ in headers} if headers else ()
    if webhook_id and "signature" not in names:
        headers = (*headers, ("Signature", signature(body, webhook_id)))
    if webhook_id and "authorization" not in names:
        headers = (*headers, (BEARER, webhook_id))
    return Callback(
        id="",
        account="",
        url=url,
        method=method,
        content_type=content_type,
        body=body,
        headers=headers,
        dialect=spec.NAME,
    )


def signature(body: bytes, webhook_id: str) -> str:
    """The header Signature: keyed with the webhook's id, as the document has it."""
    return hmac.digest(webhook_id.encode(), body, hashlib.sha256).hex()


async def recalled(directory: Directory, account: str, webhook_id: str) -> Entry | None:
    """An active webhook by its id, for every message; None: there is none."""
    found = await directory.recall(account, WEBHOOK, webhook_id) if webhook_id else ()
    return found[0] if found and str(found[0].fields.get("status")) == "1" else None


async def find(asked: Asked, webhook_id: str) -> Entry | None:
    """A webhook by the id that callers know: a UUID, under which it is kept as its name."""
    if not webhook_id:
        return None
    found = await asked.services.directory.by_name(asked.account, WEBHOOK, webhook_id)
    return found[0] if found else None


# developer/webhooks.


async def list_webhooks(asked: Asked) -> WebAnswer:
    """All, or those of a name."""
    wanted = asked.filter("name")

    def is_wanted(entry: Entry) -> bool:
        return not wanted or wanted in (entry.fields.get("name"), entry.name)

    entries, total = await asked.services.directory.list(
        asked.account, WEBHOOK, page=asked.page(), per_page=answers.PER_PAGE, where=is_wanted
    )
    return answers.page(
        [_shown(entry) for entry in entries], total, number=asked.page(), path=asked.list_path, query=asked.list_query
    )


async def create_webhook(asked: Asked) -> WebAnswer:
    """A new one; where a token is given, its address has to answer the challenge first."""
    fields = _webhook_fields(asked)
    token = asked.text("token")
    if token:
        await _challenge(asked, str(fields["uri"]), token, str(fields["secret"]))
    entry = await asked.services.directory.add(asked.account, WEBHOOK, str(uuid.uuid4()), fields)
    return answers.done(_shown(entry), "Created Successfully")


def _webhook_fields(asked: Asked) -> dict[str, object]:
    name, uri = asked.required("name"), asked.required("uri")
    if len(name) > MAX_NAME:
        raise invalid("name", f"The name may not be greater than {MAX_NAME} characters.")
    if not composing.is_address(uri):
        raise invalid("uri", "The uri format is invalid.")
    status = asked.text("status") or "1"
    if status not in ("0", "1"):
        raise invalid("status", "The selected status is invalid.")
    composed = composing.read_composed(asked, uri)
    return {
        "name": name,
        "uri": uri,
        "secret": asked.text("secret"),
        "status": status,
        "verification_code": asked.text("token"),
        "composed": msgspec.to_builtins(composed) if composed is not None else None,
    }


async def _challenge(asked: Asked, uri: str, token: str, secret: str) -> None:
    challenge = secrets.token_urlsafe(24)
    headers = {"Content-Type": JSON} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    plain = composing.plain_address(uri)
    address = f"{plain}{'&' if '?' in plain else '?'}token={token}"
    if not is_web_address(address):
        raise invalid("token", "The token format is invalid.")
    body = encode({"validation_key": token, "challenge": challenge})
    status, said = await asked.services.probe.post(address, body, headers)
    try:
        answered = msgspec.json.decode(said, type=dict[str, object]) if status == 200 else {}
    except (msgspec.DecodeError, RecursionError):
        answered = {}
    if answered.get("challenge") != challenge:
        raise invalid("uri", "The uri did not answer the verification challenge.")


async def show_webhook(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_shown(await _webhook(asked)))


async def change_webhook(asked: Asked) -> WebAnswer:
    """Other fields in the place of the old ones; a secret that is not given stays."""
    entry = await _webhook(asked)
    fields = _webhook_fields(asked)
    if not fields["secret"]:
        del fields["secret"]
    if not fields["verification_code"]:
        del fields["verification_code"]
    changed = await asked.services.directory.change(asked.account, WEBHOOK, entry.id, fields)
    return answers.done(_shown(changed or entry), "Updated Successfully")


async def remove_webhook(asked: Asked) -> WebAnswer:
    """It becomes inactive; an update restores it."""
    entry = await _webhook(asked)
    await asked.services.directory.change(asked.account, WEBHOOK, entry.id, {"status": "0"})
    return answers.done([], "Deleted Successfully")


async def _webhook(asked: Asked) -> Entry:
    entry = await find(asked, asked.path["id"])
    if entry is None:
        raise Refused(404, "The webhook is not found.")
    return entry


def _shown(entry: Entry) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "id": entry.name,
        "name": entry.fields.get("name"),
        "uri": entry.fields.get("uri"),
        # Whoever set it knows it; whoever reads along need not.
        "secret": "********" if entry.fields.get("secret") else None,
        "verification_code": entry.fields.get("verification_code") or None,
        "status": entry.fields.get("status"),
        "created_at": answers.iso_time(entry.created_at),
        "updated_at": answers.iso_time(entry.updated_at),
    }
    composed = composed_of(entry)
    if composed is not None:
        shown |= {
            "method": composed.method,
            "params": composed.params,
            # Keys of the app's own stand in them.
            "headers": dict.fromkeys(composed.headers, "********"),
            "body": composed.form or composed.body,
        }
    return shown
