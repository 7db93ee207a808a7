"""What an account keeps for its messages: senders, templates, unsubscribers, blocked templates. Lists, one, CRUD.

Unsubscribers of everything are the gateway's own opt-outs, so that they hold at every door.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.mobtexting import answers, files, spec
from gateway.providers.mobtexting.request import Asked, Refused, invalid
from gateway.providers.mobtexting.scrubbing import BLOCKED_TEMPLATE, DLT_TEMPLATE, PARTIAL, SENDER, TEMPLATE
from gateway.providers.numbers import SenderMalformed, SenderTooLong, recipient_digits, sender_address
from gateway.providers.ports import Entry, NameTaken

UNSUBSCRIBER: Final = "unsubscriber"
OPT_OUT: Final = "opt_out"
APPROVED: Final = 1
"""Nobody else looks at senders and templates here: the account answers for them."""
TYPES: Final[Mapping[str, str]] = {
    "T": "Transactional",
    "P": "Promotional",
    "SI": "Service Implicit",
    "SE": "Service Explicit",
}
RECEIVER_TYPES: Final[Mapping[str, str]] = {
    "all": "all",
    "": "all",
    "tag": "tag",
    "product": "product",
    # A filter calls it so, where create calls it a product.
    "service": "product",
    "sender": "sender",
}
MAX_BODY: Final = 4_096
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


async def _list(
    asked: Asked, kind: str, show: Callable[[Entry], Mapping[str, object]], is_wanted: Callable[[Entry], bool]
) -> WebAnswer:
    page = asked.page()
    entries, total = await asked.services.directory.list(
        asked.account, kind, page=page, per_page=answers.PER_PAGE, where=is_wanted
    )
    return answers.page([show(entry) for entry in entries], total, number=page, path=asked.request.path)


async def _one(asked: Asked, kind: str) -> Entry:
    entry = await asked.services.directory.get(asked.account, kind, asked.path["id"])
    if entry is None:
        raise Refused(404, "The resources cannot be found.")
    return entry


async def _change(asked: Asked, kind: str, fields: Mapping[str, object]) -> Entry:
    changed = await asked.services.directory.change(asked.account, kind, asked.path["id"], fields)
    if changed is None:
        raise Refused(404, "The resources cannot be found.")
    return changed


def _id(entry: Entry) -> int | str:
    return int(entry.id) if entry.id.isdecimal() else entry.id


def _times(entry: Entry) -> dict[str, object]:
    return {"created_at": answers.iso_time(entry.created_at), "updated_at": answers.iso_time(entry.updated_at)}


# Senders.


async def list_senders(asked: Asked) -> WebAnswer:
    """sms/senders."""
    wanted = asked.filter("name").upper()
    return await _list(asked, SENDER, _sender, lambda entry: not wanted or wanted in entry.name)


async def create_sender(asked: Asked) -> WebAnswer:
    """A sender: six letters or a number, with its DLT entity where it is India's."""
    try:
        name = sender_address(asked.required("name"))
    except (SenderMalformed, SenderTooLong) as error:
        raise invalid("name", f"The name is invalid: {error}.") from None
    country = asked.required("country_code").upper()
    if not _COUNTRY.fullmatch(country):
        raise invalid("country_code", "The country_code must be 2 letters.")
    service = asked.required("service")
    entity_id, entity_name = asked.text("entity_id"), asked.text("entity_name")
    if country == "IN":
        entity_id, entity_name = asked.required("entity_id"), asked.required("entity_name")
    fields = {
        "name": name,
        "iso": country,
        "service": service,
        "entity_id": entity_id,
        "entity_name": entity_name,
        "status": APPROVED,
    }
    try:
        entry = await asked.services.directory.add(asked.account, SENDER, name.upper(), fields, unique=True)
    except NameTaken:
        raise invalid("name", "The name has already been taken.") from None
    return answers.done(_sender(entry), "Sender Saved Successfully")


async def show_sender(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_sender(await _one(asked, SENDER)))


async def change_sender(asked: Asked) -> WebAnswer:
    """All but its name."""
    given = {name: asked.text(name) for name in ("service", "entity_id", "entity_name") if asked.text(name)}
    country = asked.text("country_code").upper()
    if country:
        if not _COUNTRY.fullmatch(country):
            raise invalid("country_code", "The country_code must be 2 letters.")
        given["iso"] = country
    return answers.done(_sender(await _change(asked, SENDER, given)), "Sender Updated Successfully")


async def remove_sender(asked: Asked) -> WebAnswer:
    """Forget one."""
    if not await asked.services.directory.remove(asked.account, SENDER, asked.path["id"]):
        raise Refused(404, "The resources cannot be found.")
    return answers.done([], "Deleted Successfully")


def _sender(entry: Entry) -> Mapping[str, object]:
    fields = entry.fields
    service = str(fields.get("service", ""))
    return {
        "id": _id(entry),
        "name": fields.get("name", entry.name),
        "service": {"id": None, "display_name": spec.PRODUCTS.get(service, service), "name": service},
        "entity_name": fields.get("entity_name") or None,
        "entity_id": fields.get("entity_id") or None,
        "header_id": None,
        "iso": fields.get("iso"),
        "message": None,
        "document": None,
        "is_open": 0,
        "purpose": None,
        "status": fields.get("status", APPROVED),
        **_times(entry),
    }


# Templates.


async def list_templates(asked: Asked) -> WebAnswer:
    """sms/templates."""
    wanted = asked.filter("name")
    return await _list(asked, TEMPLATE, _template, lambda entry: not wanted or wanted in entry.name)


async def create_template(asked: Asked) -> WebAnswer:
    """A text with variables."""
    name, sender = asked.required("name"), asked.required("sender")
    fields = {"sender": sender, **_template_fields(asked, asked.required("body"))}
    try:
        entry = await asked.services.directory.add(asked.account, TEMPLATE, name, fields, unique=True)
    except NameTaken:
        raise invalid("name", "The name has already been taken.") from None
    await _index_template(asked, entry, "")
    return answers.done(_template(entry), "Template Saved Successfully")


def _template_fields(asked: Asked, body: str) -> dict[str, object]:
    if len(body) > MAX_BODY:
        raise invalid("body", f"The body may not be greater than {MAX_BODY} characters.")
    kind = asked.text("type") or "T"
    if kind not in TYPES:
        raise invalid("type", "The selected type is invalid.")
    template_id = asked.text("template_id")
    if template_id and not (template_id.isascii() and template_id.isdigit() and len(template_id) <= 30):
        raise invalid("template_id", "The template_id must be digits.")
    is_english = asked.text("is_english") or "1"
    if is_english not in ("0", "1"):
        raise invalid("is_english", "The selected is_english is invalid.")
    return {
        "body": body,
        "type": kind,
        "template_id": template_id,
        "is_english": int(is_english),
        "status": APPROVED,
    }


async def _index_template(asked: Asked, entry: Entry, old_id: str) -> None:
    """Let its DLT id lead to a template."""
    directory, new_id = asked.services.directory, str(entry.fields.get("template_id") or "")
    if old_id == new_id:
        return
    for index in await directory.by_name(asked.account, DLT_TEMPLATE, old_id) if old_id else ():
        if index.fields.get("template") == entry.id:
            await directory.remove(asked.account, DLT_TEMPLATE, index.id)
    if new_id:
        await directory.add(asked.account, DLT_TEMPLATE, new_id, {"template": entry.id})


async def show_template(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_template(await _one(asked, TEMPLATE)))


async def change_template(asked: Asked) -> WebAnswer:
    """All but its name and sender."""
    old = await _one(asked, TEMPLATE)
    entry = await _change(asked, TEMPLATE, _template_fields(asked, asked.text("body") or str(old.fields.get("body"))))
    await _index_template(asked, entry, str(old.fields.get("template_id") or ""))
    return answers.done(_template(entry), "Template Updated Successfully")


async def remove_template(asked: Asked) -> WebAnswer:
    """Forget one."""
    old = await _one(asked, TEMPLATE)
    await asked.services.directory.remove(asked.account, TEMPLATE, old.id)
    for index in await asked.services.directory.by_name(
        asked.account, DLT_TEMPLATE, str(old.fields.get("template_id") or "-")
    ):
        await asked.services.directory.remove(asked.account, DLT_TEMPLATE, index.id)
    return answers.done(1, "Template deleted successfully")


def _template(entry: Entry) -> Mapping[str, object]:
    fields = entry.fields
    body = str(fields.get("body", ""))
    return {
        "id": _id(entry),
        "sender_id": None,
        "template_id": fields.get("template_id") or None,
        "template_type": TYPES.get(str(fields.get("type")), fields.get("type")),
        "sender": fields.get("sender"),
        "name": entry.name,
        "alias": entry.name,
        "body": body,
        "content": body,
        "body_length": len(body),
        "match_count": 0,
        "percentage": 100,
        "is_complete": 1,
        "is_english": fields.get("is_english", 1),
        "status": fields.get("status", APPROVED),
        **_times(entry),
    }


# Unsubscribers.


async def list_unsubscribers(asked: Asked) -> WebAnswer:
    """sms/suppressions/unsubscribers."""
    receiver, kind, value, wanted = (asked.filter(name) for name in ("receiver", "type", "value", "id"))

    def is_wanted(entry: Entry) -> bool:
        return (
            receiver in ("", entry.name)
            and wanted in ("", entry.id)
            and (not kind or RECEIVER_TYPES.get(kind, kind) == entry.fields.get("type"))
            and value in ("", str(entry.fields.get("value") or ""))
        )

    return await _list(asked, UNSUBSCRIBER, _unsubscriber, is_wanted)


async def create_unsubscriber(asked: Asked) -> WebAnswer:
    """A number that wants no more: nothing at all, or nothing of one sender, product or tag."""
    fields = _receiver_fields(asked)
    entry = await _add_unsubscriber(asked, _receiver(asked.required("receiver")), fields)
    return answers.done(_unsubscriber(entry), "Receiver added successfully")


async def opt_out(asked: Asked) -> WebAnswer:
    """sms/optout."""
    entry = await _add_unsubscriber(asked, _receiver(asked.required("number")), {"type": "all", "value": ""})
    return answers.done(_unsubscriber(entry), "Receiver added successfully")


def _receiver(written: str) -> str:
    number = recipient_digits(written)
    if number is None:
        raise invalid("receiver", "The receiver must be a number with country code.")
    return number


def _receiver_fields(asked: Asked) -> dict[str, object]:
    kind, value = asked.text("type"), asked.text("value")
    if kind not in RECEIVER_TYPES:
        raise invalid("type", "The selected type is invalid.")
    if RECEIVER_TYPES[kind] != "all" and not value:
        raise invalid("value", "The value field is required.")
    return {"type": RECEIVER_TYPES[kind], "value": value}


async def _add_unsubscriber(asked: Asked, number: str, fields: Mapping[str, object]) -> Entry:
    directory = asked.services.directory
    for known in await directory.by_name(asked.account, UNSUBSCRIBER, number):
        if (known.fields.get("type"), known.fields.get("value")) == (fields["type"], fields["value"]):
            return known
    await _enforce(asked, number, fields)
    return await directory.add(asked.account, UNSUBSCRIBER, number, fields)


async def _enforce(asked: Asked, number: str, fields: Mapping[str, object]) -> None:
    if fields["type"] == "all":
        await asked.services.directory.add_many(asked.account, OPT_OUT, [number], {"source": spec.NAME})
    else:
        await asked.services.directory.add(asked.account, PARTIAL, number, fields)


async def _relent(asked: Asked, entry: Entry) -> None:
    directory = asked.services.directory
    kind = OPT_OUT if entry.fields.get("type") == "all" else PARTIAL
    for rule in await directory.by_name(asked.account, kind, entry.name):
        if kind == OPT_OUT or (rule.fields.get("type"), rule.fields.get("value")) == (
            entry.fields.get("type"),
            entry.fields.get("value"),
        ):
            await directory.remove(asked.account, kind, rule.id)


async def show_unsubscriber(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_unsubscriber(await _one(asked, UNSUBSCRIBER)))


async def change_unsubscriber(asked: Asked) -> WebAnswer:
    """What it wants no more of; its number stays, as another number is another receiver."""
    old = await _one(asked, UNSUBSCRIBER)
    if _receiver(asked.required("receiver")) != old.name:
        raise invalid("receiver", "The receiver cannot be another number.")
    fields = _receiver_fields(asked)
    await _relent(asked, old)
    await _enforce(asked, old.name, fields)
    return answers.done(_unsubscriber(await _change(asked, UNSUBSCRIBER, fields)), "Receiver update successfully")


async def remove_unsubscriber(asked: Asked) -> WebAnswer:
    """It may be sent to again."""
    old = await _one(asked, UNSUBSCRIBER)
    await _relent(asked, old)
    await asked.services.directory.remove(asked.account, UNSUBSCRIBER, old.id)
    return answers.done([], "Deleted Successfully")


async def clear_unsubscribers(asked: Asked) -> WebAnswer:
    """All of them."""
    directory, at = asked.services.directory, 1
    while True:
        entries, _ = await directory.list(asked.account, UNSUBSCRIBER, page=at, per_page=1_000)
        for entry in entries:
            await _relent(asked, entry)
        if not entries:
            break
        at += 1
    await directory.clear(asked.account, UNSUBSCRIBER)
    return answers.done([], "Deleted Successfully")


async def import_unsubscribers(asked: Asked) -> WebAnswer:
    """From a file."""
    numbers = [number for row in _table(asked) if (number := recipient_digits(row.number)) is not None]
    directory, fields = asked.services.directory, _receiver_fields(asked)
    if fields["type"] == "all":
        await directory.add_many(asked.account, OPT_OUT, numbers, {"source": spec.NAME})
    else:
        await directory.add_many(asked.account, PARTIAL, numbers, fields)
    await directory.add_many(asked.account, UNSUBSCRIBER, numbers, fields)
    return answers.done([], "Receivers accepted for import")


def _table(asked: Asked) -> list[files.Row]:
    file = asked.files.get("file")
    if file is None:
        raise invalid("file", "The file field is required.")
    return list(files.read_table(file.name, file.content).rows(asked.text("column")))


def _unsubscriber(entry: Entry) -> Mapping[str, object]:
    return {
        "id": _id(entry),
        "iso": None,
        "receiver": entry.name,
        "type": entry.fields.get("type"),
        "value": entry.fields.get("value") or None,
        "created_at": answers.iso_time(entry.created_at),
    }


# Blocked templates.


async def list_blocked(asked: Asked) -> WebAnswer:
    """sms/suppressions/templates."""
    template_id, status, wanted = (asked.filter(name) for name in ("template_id", "status", "id"))

    def is_wanted(entry: Entry) -> bool:
        shown = str(entry.fields.get("status", "1"))
        return template_id in ("", entry.name) and status in ("", shown) and wanted in ("", entry.id)

    return await _list(asked, BLOCKED_TEMPLATE, _blocked, is_wanted)


def _status(asked: Asked) -> str:
    status = asked.text("status") or "1"
    if status not in ("0", "1"):
        raise invalid("status", "The selected status is invalid.")
    return status


async def block_template(asked: Asked) -> WebAnswer:
    """Nothing goes out by it any more."""
    template_id = asked.required("template_id")
    try:
        entry = await asked.services.directory.add(
            asked.account, BLOCKED_TEMPLATE, template_id, {"status": _status(asked)}, unique=True
        )
    except NameTaken:
        raise invalid("template_id", "The template_id has already been taken.") from None
    return answers.done(_blocked(entry), "Block template added successfully")


async def show_blocked(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_blocked(await _one(asked, BLOCKED_TEMPLATE)))


async def change_blocked(asked: Asked) -> WebAnswer:
    """Whether it is blocked."""
    entry = await _change(asked, BLOCKED_TEMPLATE, {"status": _status(asked)})
    return answers.done(_blocked(entry), "Block template updated successfully")


async def remove_blocked(asked: Asked) -> WebAnswer:
    """It may be used again."""
    if not await asked.services.directory.remove(asked.account, BLOCKED_TEMPLATE, asked.path["id"]):
        raise Refused(404, "The resources cannot be found.")
    return answers.done([], "Deleted Successfully")


async def clear_blocked(asked: Asked) -> WebAnswer:
    """All of them."""
    await asked.services.directory.clear(asked.account, BLOCKED_TEMPLATE)
    return answers.done([], "Deleted Successfully")


async def import_blocked(asked: Asked) -> WebAnswer:
    """From a file of their ids."""
    ids = [row.number for row in _table(asked)]
    await asked.services.directory.add_many(asked.account, BLOCKED_TEMPLATE, ids, {"status": "1"})
    return answers.done([], "Receivers accepted for import")


def _blocked(entry: Entry) -> Mapping[str, object]:
    return {"id": _id(entry), "template_id": entry.name, "status": entry.fields.get("status", "1")}
