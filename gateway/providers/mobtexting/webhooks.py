"""Webhooks and subscriptions: where an account's reports go, and who says that it is theirs.

webhook_id in a request ──► that webhook, the report as it is
no webhook_id           ──► the webhook subscribed to the event, the report wrapped in event and payload
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.providers.base import WebAnswer
from gateway.providers.forms import is_web_address
from gateway.providers.json_bodies import JSON, encode
from gateway.providers.mobtexting import answers, spec
from gateway.providers.mobtexting.request import Asked, Refused, invalid
from gateway.providers.ports import Entry, NotOffered

WEBHOOK: Final = "webhook"
SUBSCRIPTION: Final = "subscription"
STATUS_EVENT: Final = "sms:message:status"
INBOUND_EVENT: Final = "vmn:message:in"
BEARER: Final = ":bearer"
"""A header that is none: its value is the webhook whose secret goes out as a bearer token, when it goes out."""
MAX_NAME: Final = 128


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a report needs to know of the request, kept with the message."""

    webhook: str = ""
    is_wrapped: bool = False
    zone: str = ""


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
    except msgspec.DecodeError:
        return Origin()


async def target(asked: Asked, webhook_id: str) -> Target:
    """Where the reports of a request go.

    Raises:
        Refused: it names a webhook that is not there, or not active.
    """
    zone = asked.services.apps.options(asked.account, spec.NAME).time_zone
    if webhook_id:
        entry = await _recalled(asked, webhook_id)
        if entry is None or not _is_active(entry):
            raise invalid("webhook_id", "The selected webhook_id is invalid.")
        return _target(entry, zone, is_wrapped=False)
    try:
        subscribed = await asked.services.directory.recall(asked.account, SUBSCRIPTION, STATUS_EVENT)
        for subscription in subscribed:
            entry = await _recalled(asked, str(subscription.fields.get("webhook_id", "")))
            if entry is not None and _is_active(entry):
                return _target(entry, zone, is_wrapped=True)
    except NotOffered:
        pass
    return NOBODY


def _target(entry: Entry, zone: str, *, is_wrapped: bool) -> Target:
    origin = Origin(webhook=entry.name, is_wrapped=is_wrapped, zone=zone)
    return Target(str(entry.fields.get("uri", "")), _encode(origin).decode())


async def _recalled(asked: Asked, webhook_id: str) -> Entry | None:
    """The same as `find`, for every message."""
    found = await asked.services.directory.recall(asked.account, WEBHOOK, webhook_id) if webhook_id else ()
    return found[0] if found else None


async def find(asked: Asked, webhook_id: str) -> Entry | None:
    """A webhook by the id that callers know: a UUID, under which it is kept as its name."""
    if not webhook_id:
        return None
    found = await asked.services.directory.by_name(asked.account, WEBHOOK, webhook_id)
    return found[0] if found else None


def _is_active(entry: Entry) -> bool:
    return str(entry.fields.get("status")) == "1"


def signature(body: bytes, webhook_id: str) -> str:
    """The header Signature: keyed with the webhook's id, as the document has it."""
    return hmac.digest(webhook_id.encode(), body, hashlib.sha256).hex()


# developer/webhooks.


async def list_webhooks(asked: Asked) -> WebAnswer:
    """All, or those of a name."""
    wanted = asked.filter("name")

    def is_wanted(entry: Entry) -> bool:
        return not wanted or wanted in (entry.fields.get("name"), entry.name)

    entries, total = await asked.services.directory.list(
        asked.account, WEBHOOK, page=asked.page(), per_page=answers.PER_PAGE, where=is_wanted
    )
    return answers.page([_shown(entry) for entry in entries], total, number=asked.page(), path=asked.request.path)


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
    if not is_web_address(uri):
        raise invalid("uri", "The uri format is invalid.")
    status = asked.text("status") or "1"
    if status not in ("0", "1"):
        raise invalid("status", "The selected status is invalid.")
    return {
        "name": name,
        "uri": uri,
        "secret": asked.text("secret"),
        "status": status,
        "verification_code": asked.text("token"),
    }


async def _challenge(asked: Asked, uri: str, token: str, secret: str) -> None:
    challenge = secrets.token_urlsafe(24)
    headers = {"Content-Type": JSON} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    address = f"{uri}{'&' if '?' in uri else '?'}token={token}"
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
    return {
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


# developer/subscriptions.


async def list_subscriptions(asked: Asked) -> WebAnswer:
    """All."""
    entries, total = await asked.services.directory.list(
        asked.account, SUBSCRIPTION, page=asked.page(), per_page=answers.PER_PAGE
    )
    return answers.page(
        [_subscription(entry) for entry in entries],
        total,
        number=asked.page(),
        path=asked.request.path,
        message="Subscriptions List",
    )


async def create_subscription(asked: Asked) -> WebAnswer:
    """A new one."""
    event, identity, webhook_id = asked.required("event"), asked.required("identity"), asked.required("webhook_id")
    if event not in spec.EVENTS:
        raise invalid("event", "The selected event is invalid.")
    kind, _, value = identity.partition(":")
    if identity != "all" and not (kind in ("number", "keyword") and value):
        raise invalid("identity", "The selected identity is invalid.")
    if await find(asked, webhook_id) is None:
        raise invalid("webhook_id", "The selected webhook_id is invalid.")
    fields = {"identity": identity, "webhook_id": webhook_id}
    entry = await asked.services.directory.add(asked.account, SUBSCRIPTION, event, fields)
    return answers.done(_subscription(entry), "Subscription Saved Successfully")


async def show_subscription(asked: Asked) -> WebAnswer:
    """One."""
    entry = await asked.services.directory.get(asked.account, SUBSCRIPTION, asked.path["id"])
    if entry is None:
        raise Refused(404, "The subscription is not found.")
    return answers.done(_subscription(entry), "Subscription")


async def remove_subscription(asked: Asked) -> WebAnswer:
    """Forget one."""
    if not await asked.services.directory.remove(asked.account, SUBSCRIPTION, asked.path["id"]):
        raise Refused(404, "The subscription is not found.")
    return answers.done([], "Subscription Deleted Successfully")


def _subscription(entry: Entry) -> Mapping[str, object]:
    return {
        "id": int(entry.id) if entry.id.isdecimal() else entry.id,
        "event": entry.name,
        "identity": entry.fields.get("identity"),
        "payload": None,
        "webhook_id": entry.fields.get("webhook_id"),
        "created_at": answers.iso_time(entry.created_at),
    }
