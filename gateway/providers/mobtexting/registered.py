"""Senders and templates that an account has registered. Lists, one, CRUD."""

import re
from collections.abc import Mapping
from typing import Final

from gateway.providers.base import WebAnswer
from gateway.providers.mobtexting import answers, keeping, spec
from gateway.providers.mobtexting.request import Asked, invalid, missing
from gateway.providers.mobtexting.scrubbing import DLT_TEMPLATE, SENDER, TEMPLATE
from gateway.providers.numbers import SenderMalformed, SenderTooLong, sender_address
from gateway.providers.ports import Entry, NameTaken

APPROVED: Final = 1
"""Nobody else looks at senders and templates here: the account answers for them."""
INDIA: Final = "IN"
TYPES: Final[Mapping[str, str]] = {
    "T": "Transactional",
    "P": "Promotional",
    "SI": "Service Implicit",
    "SE": "Service Explicit",
}
MAX_BODY: Final = 4_096
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


# Senders.


async def list_senders(asked: Asked) -> WebAnswer:
    """sms/senders."""
    wanted = asked.filter("name").upper()
    return await keeping.list_page(
        asked, SENDER, _sender, lambda entry: not wanted or wanted in entry.name, "Senders List"
    )


async def create_sender(asked: Asked) -> WebAnswer:
    """A sender: six letters or a number, with its DLT entity where it is India's."""
    try:
        name = sender_address(asked.required("name"))
    except (SenderMalformed, SenderTooLong) as error:
        raise invalid("name", f"The name is invalid: {error}.") from None
    country = _country(asked.required("country_code"))
    service = asked.required("service")
    entity_id, entity_name = asked.text("entity_id"), asked.text("entity_name")
    if country == INDIA:
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


def _country(written: str) -> str:
    if not _COUNTRY.fullmatch(written):
        raise invalid("country_code", "The country_code must be 2 letters.")
    return written.upper()


async def show_sender(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_sender(await keeping.one(asked, SENDER)), "Sender Data")


async def change_sender(asked: Asked) -> WebAnswer:
    """All but its name."""
    given = {name: asked.text(name) for name in ("service", "entity_id", "entity_name") if asked.text(name)}
    if country := asked.text("country_code"):
        given["iso"] = _country(country)
    return answers.done(_sender(await keeping.change(asked, SENDER, given)), "Sender Updated Successfully")


async def remove_sender(asked: Asked) -> WebAnswer:
    """Forget one."""
    return await keeping.remove(asked, SENDER)


def _sender(entry: Entry) -> Mapping[str, object]:
    fields = entry.fields
    service = str(fields.get("service", ""))
    return {
        "id": keeping.shown_id(entry),
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
        **keeping.shown_times(entry),
    }


# Templates.


async def list_templates(asked: Asked) -> WebAnswer:
    """sms/templates."""
    wanted = asked.filter("name")
    return await keeping.list_page(
        asked,
        TEMPLATE,
        _template,
        lambda entry: not wanted or wanted in entry.name or wanted in str(entry.fields.get("name", "")),
        "Templates List",
    )


async def create_template(asked: Asked) -> WebAnswer:
    """A text with variables."""
    name, sender, body = asked.required("name"), asked.required("sender"), asked.required("body")
    if await _is_indian(asked, sender):
        asked.required("template_id")
        asked.required("type")
    fields = {
        "sender": sender,
        "body": _body(body),
        "type": _type(asked.text("type") or "T"),
        "template_id": _template_id(asked.text("template_id")),
        "is_english": int(keeping.flag(asked, "is_english")),
        "status": APPROVED,
    }
    try:
        entry = await asked.services.directory.add(asked.account, TEMPLATE, name, fields, unique=True)
    except NameTaken:
        raise invalid("name", "The name has already been taken.") from None
    await _index_template(asked, entry, "")
    return answers.done(_template(entry), "Template Saved Successfully")


async def _is_indian(asked: Asked, sender: str) -> bool:
    """Whether a sender is registered for India, where every template is."""
    known = await asked.services.directory.by_name(asked.account, SENDER, sender.upper())
    return any(entry.fields.get("iso") == INDIA for entry in known)


def _body(written: str) -> str:
    if len(written) > MAX_BODY:
        raise invalid("body", f"The body may not be greater than {MAX_BODY} characters.")
    return written


def _type(written: str) -> str:
    if written not in TYPES:
        raise invalid("type", "The selected type is invalid.")
    return written


def _template_id(written: str) -> str:
    if written and not (written.isascii() and written.isdigit() and len(written) <= 30):
        raise invalid("template_id", "The template_id must be digits.")
    return written


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
    return answers.done(_template(await keeping.one(asked, TEMPLATE)), "Template Data")


async def change_template(asked: Asked) -> WebAnswer:
    """What is given, over what it was; it is still sent by the alias that its first name has given it."""
    old = await keeping.one(asked, TEMPLATE)
    given: dict[str, object] = {}
    if body := asked.text("body"):
        given["body"] = _body(body)
    if kind := asked.text("type"):
        given["type"] = _type(kind)
    if template_id := asked.text("template_id"):
        given["template_id"] = _template_id(template_id)
    if asked.text("is_english"):
        given["is_english"] = int(keeping.flag(asked, "is_english"))
    if name := asked.text("name"):
        given["name"] = name
    if not given:
        raise missing("template_id")
    entry = await keeping.change(asked, TEMPLATE, given)
    await _index_template(asked, entry, str(old.fields.get("template_id") or ""))
    return answers.done(_template(entry), "Template Updated Successfully")


async def remove_template(asked: Asked) -> WebAnswer:
    """Forget one."""
    old = await keeping.one(asked, TEMPLATE)
    await asked.services.directory.remove(asked.account, TEMPLATE, old.id)
    for index in await asked.services.directory.by_name(
        asked.account, DLT_TEMPLATE, str(old.fields.get("template_id") or "-")
    ):
        if index.fields.get("template") == old.id:
            await asked.services.directory.remove(asked.account, DLT_TEMPLATE, index.id)
    return answers.done(1, "Template deleted successfully")


def _template(entry: Entry) -> Mapping[str, object]:
    fields = entry.fields
    body = str(fields.get("body", ""))
    return {
        "id": keeping.shown_id(entry),
        "sender_id": None,
        "template_id": fields.get("template_id") or None,
        "template_type": TYPES.get(str(fields.get("type")), fields.get("type")),
        "sender": fields.get("sender"),
        "name": fields.get("name") or entry.name,
        "alias": entry.name,
        "body": body,
        "content": body,
        "body_length": len(body),
        "match_count": 0,
        "percentage": 100,
        "is_complete": 1,
        "is_english": fields.get("is_english", 1),
        "status": fields.get("status", APPROVED),
        **keeping.shown_times(entry),
    }
