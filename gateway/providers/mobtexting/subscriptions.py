"""Subscriptions: which webhooks hear of which events, and of what those may be.

webhook_id in a request ──► that webhook, the report as it is
no webhook_id           ──► the first webhook subscribed to the event, the report wrapped in event and payload
"""

from collections.abc import Collection, Mapping
from typing import Final

from gateway.keywords import folded
from gateway.providers.base import WebAnswer
from gateway.providers.mobtexting import answers, spec, webhooks
from gateway.providers.mobtexting.request import Asked, Refused, invalid
from gateway.providers.ports import Directory, Entry, NotOffered

SUBSCRIPTION: Final = "subscription"
STATUS_EVENT: Final = "sms:message:status"
EVERYTHING: Final = "all"
MAX_IDENTITY: Final = 128


async def subscribers(
    directory: Directory, account: str, event: str, *, numbers: Collection[str] = (), keyword: str = ""
) -> list[Entry]:
    """The active webhooks that hear of an event, each once.

    Args:
        numbers: whom it concerns on our side: the sender of a report, the number a message came to.
        keyword: the first word of a message.
    """
    found: dict[str, Entry] = {}
    for subscription in await directory.recall(account, SUBSCRIPTION, event):
        if _concerns(str(subscription.fields.get("identity")), numbers, keyword):
            entry = await webhooks.recalled(directory, account, str(subscription.fields.get("webhook_id", "")))
            if entry is not None:
                found.setdefault(entry.name, entry)
    return list(found.values())


def _concerns(identity: str, numbers: Collection[str], keyword: str) -> bool:
    if identity == EVERYTHING:
        return True
    kind, _, value = identity.partition(":")
    if kind == "keyword":
        return bool(keyword) and folded(value) == keyword
    return value.strip().removeprefix("+").upper() in {number.removeprefix("+").upper() for number in numbers}


async def target(asked: Asked, webhook_id: str, sender: str) -> webhooks.Target:
    """Where the reports of a request's messages go.

    Raises:
        Refused: it names a webhook that is not there, or not active.
    """
    directory, zone = asked.services.directory, asked.options.time_zone
    if webhook_id:
        entry = await webhooks.recalled(directory, asked.account, webhook_id)
        if entry is None:
            raise invalid("webhook_id", "The selected webhook_id is invalid.")
        return webhooks.target_of(entry, zone, is_wrapped=False)
    try:
        if not await directory.recall(asked.account, SUBSCRIPTION, STATUS_EVENT):
            return webhooks.NOBODY
        hooks = await subscribers(directory, asked.account, STATUS_EVENT, numbers=(sender,))
    except NotOffered:
        return webhooks.NOBODY
    return webhooks.target_of(hooks[0], zone, is_wrapped=True) if hooks else webhooks.NOBODY


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
        path=asked.list_path,
        query=asked.list_query,
        message="Subscriptions List",
    )


async def create_subscription(asked: Asked) -> WebAnswer:
    """A new one."""
    event, identity, webhook_id = asked.required("event"), asked.required("identity"), asked.required("webhook_id")
    if event not in spec.EVENTS:
        raise invalid("event", "The selected event is invalid.")
    kind, _, value = identity.partition(":")
    if identity != EVERYTHING and not (kind in ("number", "keyword") and value and len(identity) <= MAX_IDENTITY):
        raise invalid("identity", "The selected identity is invalid.")
    hook = await webhooks.find(asked, webhook_id)
    if hook is None:
        raise invalid("webhook_id", "The selected webhook_id is invalid.")
    if webhooks.composed_of(hook) is not None and event not in spec.COMPOSED_EVENTS:
        raise invalid("webhook_id", "A customized webhook hears of statuses only.")
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
