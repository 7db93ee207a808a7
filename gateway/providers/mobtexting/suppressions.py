"""Who is not sent to, and what is not sent: unsubscribers and blocked templates. Lists, one, CRUD, files.

Unsubscribers of everything are the gateway's own opt-outs, so that they hold at every door.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from gateway.models import Callback
from gateway.providers.base import Services, WebAnswer
from gateway.providers.mobtexting import answers, events, files, keeping, spec
from gateway.providers.mobtexting.request import Asked, invalid
from gateway.providers.mobtexting.scrubbing import BLOCKED_TEMPLATE, PARTIAL
from gateway.providers.numbers import recipient_digits
from gateway.providers.ports import Directory, Entry, NameTaken, NotOffered

UNSUBSCRIBER: Final = "unsubscriber"
OPT_OUT: Final = "opt_out"
EVERYTHING: Final[Mapping[str, object]] = {"type": "all", "value": ""}
RECEIVER_TYPES: Final[Mapping[str, str]] = {
    "all": "all",
    "": "all",
    "tag": "tag",
    "product": "product",
    # A filter calls it so, where create calls it a product.
    "service": "product",
    "sender": "sender",
}


# What others do too: links in messages, words of handsets.


async def unsubscribe(services: Services, account: str, number: str, fields: Mapping[str, object]) -> Entry:
    """Note that a number wants no more, of everything or of a kind; whoever subscribed to that hears of it."""
    entry, is_new = await note(services.directory, account, number, fields)
    if is_new:
        await _enforce(services.directory, account, number, fields)
        told = await events.unsubscribed(services.directory, account, _unsubscriber(entry, _iso(services, number)))
        if told:
            await services.notices.owe(account, spec.NAME, entry.name, told)
    return entry


async def resubscribe(services: Services, account: str, number: str, fields: Mapping[str, object]) -> None:
    """Note that a number wants that again."""
    directory = services.directory
    for known in await directory.by_name(account, UNSUBSCRIBER, number):
        if _same(known, fields):
            await _relent(directory, account, known)
            await directory.remove(account, UNSUBSCRIBER, known.id)


async def note(directory: Directory, account: str, number: str, fields: Mapping[str, object]) -> tuple[Entry, bool]:
    """The entry that lists a number, and whether it is new."""
    for known in await directory.by_name(account, UNSUBSCRIBER, number):
        if _same(known, fields):
            return known, False
    return await directory.add(account, UNSUBSCRIBER, number, fields), True


def _same(entry: Entry, fields: Mapping[str, object]) -> bool:
    return (entry.fields.get("type"), entry.fields.get("value")) == (fields["type"], fields["value"])


async def _enforce(directory: Directory, account: str, number: str, fields: Mapping[str, object]) -> None:
    if fields["type"] == "all":
        await directory.add_many(account, OPT_OUT, [number], {"source": spec.NAME})
    else:
        await directory.add(account, PARTIAL, number, fields)


async def _relent(directory: Directory, account: str, entry: Entry) -> None:
    kind = OPT_OUT if entry.fields.get("type") == "all" else PARTIAL
    for rule in await directory.by_name(account, kind, entry.name):
        if kind == OPT_OUT or _same(rule, entry.fields):
            await directory.remove(account, kind, rule.id)


async def stopped(directory: Directory, account: str, number: str) -> list[Callback]:
    """List a number that is an opt-out already; what is owed for it."""
    entry, is_new = await note(directory, account, number, EVERYTHING)
    return await events.unsubscribed(directory, account, _unsubscriber(entry, None)) if is_new else []


async def started(directory: Directory, account: str, number: str) -> None:
    """List a number no longer that is an opt-out no longer."""
    for known in await directory.by_name(account, UNSUBSCRIBER, number):
        if _same(known, EVERYTHING):
            await directory.remove(account, UNSUBSCRIBER, known.id)


async def left(directory: Directory, account: str, payload: object) -> None:
    """Heed what the provider tells of a number that wants no more; what cannot be read is passed over."""
    if not isinstance(payload, Mapping):
        return
    number = recipient_digits(str(payload.get("receiver") or ""))
    kind = RECEIVER_TYPES.get(str(payload.get("type") or ""))
    value = str(payload.get("value") or "")
    if number is None or kind is None or (kind != "all" and not value):
        return
    fields = {"type": kind, "value": "" if kind == "all" else value}
    _, is_new = await note(directory, account, number, fields)
    if is_new:
        await _enforce(directory, account, number, fields)


# sms/suppressions/unsubscribers.


async def list_unsubscribers(asked: Asked) -> WebAnswer:
    """All, or some."""
    receiver, kind, value, wanted = (asked.filter(name) for name in ("receiver", "type", "value", "id"))
    iso = asked.filter("iso").upper()

    def is_wanted(entry: Entry) -> bool:
        return (
            receiver in ("", entry.name)
            and wanted in ("", entry.id)
            and (not kind or RECEIVER_TYPES.get(kind, kind) == entry.fields.get("type"))
            and value in ("", str(entry.fields.get("value") or ""))
            and (not iso or _iso(asked.services, entry.name) == iso)
        )

    return await keeping.list_page(asked, UNSUBSCRIBER, _shown(asked), is_wanted, "Unsubscribers list")


def _shown(asked: Asked) -> Callable[[Entry], Mapping[str, object]]:
    return lambda entry: _unsubscriber(entry, _iso(asked.services, entry.name))


def _iso(services: Services, number: str) -> str | None:
    try:
        return services.numbers.brief(number).country or None
    except NotOffered:
        return None


async def create_unsubscriber(asked: Asked) -> WebAnswer:
    """A number that wants no more: nothing at all, or nothing of one sender, product or tag."""
    fields = _receiver_fields(asked)
    entry = await unsubscribe(asked.services, asked.account, _receiver(asked, "receiver"), fields)
    return answers.done(_shown(asked)(entry), "Receiver added successfully")


async def opt_out(asked: Asked) -> WebAnswer:
    """sms/optout."""
    entry = await unsubscribe(asked.services, asked.account, _receiver(asked, "number"), EVERYTHING)
    return answers.done(_shown(asked)(entry), "Receiver added successfully")


def _receiver(asked: Asked, name: str) -> str:
    number = recipient_digits(asked.required(name))
    if number is None:
        raise invalid(name, f"The {name} must be a number with country code.")
    return number


def _receiver_fields(asked: Asked) -> dict[str, object]:
    kind, value = asked.text("type"), asked.text("value")
    if kind not in RECEIVER_TYPES:
        raise invalid("type", "The selected type is invalid.")
    if RECEIVER_TYPES[kind] == "all":
        return dict(EVERYTHING)
    if not value:
        raise invalid("value", "The value field is required.")
    return {"type": RECEIVER_TYPES[kind], "value": value}


async def show_unsubscriber(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_shown(asked)(await keeping.one(asked, UNSUBSCRIBER)), "Unsubscribers data")


async def change_unsubscriber(asked: Asked) -> WebAnswer:
    """What it wants no more of; another number takes its place under an id of its own."""
    old = await keeping.one(asked, UNSUBSCRIBER)
    number, fields = _receiver(asked, "receiver"), _receiver_fields(asked)
    directory = asked.services.directory
    await _relent(directory, asked.account, old)
    if number == old.name:
        await _enforce(directory, asked.account, number, fields)
        entry = await keeping.change(asked, UNSUBSCRIBER, fields)
    else:
        await directory.remove(asked.account, UNSUBSCRIBER, old.id)
        entry = await unsubscribe(asked.services, asked.account, number, fields)
    return answers.done(_shown(asked)(entry), "Receiver update successfully")


async def remove_unsubscriber(asked: Asked) -> WebAnswer:
    """It may be sent to again."""
    old = await keeping.one(asked, UNSUBSCRIBER)
    await _relent(asked.services.directory, asked.account, old)
    return await keeping.remove(asked, UNSUBSCRIBER)


async def clear_unsubscribers(asked: Asked) -> WebAnswer:
    """All of them."""
    directory, at = asked.services.directory, 1
    while True:
        entries, _ = await directory.list(asked.account, UNSUBSCRIBER, page=at, per_page=1_000)
        for entry in entries:
            await _relent(directory, asked.account, entry)
        if not entries:
            break
        at += 1
    await directory.clear(asked.account, UNSUBSCRIBER)
    return answers.done([], "Deleted Successfully")


async def import_unsubscribers(asked: Asked) -> WebAnswer:
    """From a file. Nobody is told of each: who sends a list knows it."""
    numbers = [number for row in await _table(asked) if (number := recipient_digits(row.number)) is not None]
    directory, fields = asked.services.directory, _receiver_fields(asked)
    if fields["type"] == "all":
        await directory.add_many(asked.account, OPT_OUT, numbers, {"source": spec.NAME})
    else:
        await directory.add_many(asked.account, PARTIAL, numbers, fields)
    await directory.add_many(asked.account, UNSUBSCRIBER, numbers, fields)
    return answers.done([], "Receivers accepted for import")


async def _table(asked: Asked) -> list[files.Row]:
    file = asked.files.get("file")
    if file is None:
        raise invalid("file", "The file field is required.")
    table = await asked.services.aside(partial(files.read_table, file.name, file.content))
    return list(table.rows(asked.text("column")))


def _unsubscriber(entry: Entry, iso: str | None) -> Mapping[str, object]:
    return {
        "id": keeping.shown_id(entry),
        "iso": iso,
        "receiver": entry.name,
        "type": entry.fields.get("type"),
        "value": entry.fields.get("value") or None,
        "created_at": answers.iso_time(entry.created_at),
    }


# sms/suppressions/templates.


async def list_blocked(asked: Asked) -> WebAnswer:
    """All, or some."""
    template_id, status, wanted = (asked.filter(name) for name in ("template_id", "status", "id"))

    def is_wanted(entry: Entry) -> bool:
        shown = str(entry.fields.get("status", "1"))
        return template_id in ("", entry.name) and status in ("", shown) and wanted in ("", entry.id)

    return await keeping.list_page(asked, BLOCKED_TEMPLATE, _blocked, is_wanted, "Block templates list")


async def block_template(asked: Asked) -> WebAnswer:
    """Nothing goes out by it any more."""
    entry = await _add_blocked(asked, asked.required("template_id"), keeping.flag(asked, "status"))
    return answers.done(_blocked(entry), "Block template added successfully")


async def _add_blocked(asked: Asked, template_id: str, status: str) -> Entry:
    fields = {"status": status}
    try:
        return await asked.services.directory.add(asked.account, BLOCKED_TEMPLATE, template_id, fields, unique=True)
    except NameTaken:
        raise invalid("template_id", "The template_id has already been taken.") from None


async def show_blocked(asked: Asked) -> WebAnswer:
    """One."""
    return answers.done(_blocked(await keeping.one(asked, BLOCKED_TEMPLATE)), "Block template data")


async def change_blocked(asked: Asked) -> WebAnswer:
    """Whether it is blocked; another template takes its place under an id of its own."""
    old = await keeping.one(asked, BLOCKED_TEMPLATE)
    status = keeping.flag(asked, "status", str(old.fields.get("status", "1")))
    template_id = asked.text("template_id") or old.name
    if template_id == old.name:
        entry = await keeping.change(asked, BLOCKED_TEMPLATE, {"status": status})
    else:
        entry = await _add_blocked(asked, template_id, status)
        await asked.services.directory.remove(asked.account, BLOCKED_TEMPLATE, old.id)
    return answers.done(_blocked(entry), "Block template updated successfully")


async def remove_blocked(asked: Asked) -> WebAnswer:
    """It may be used again."""
    return await keeping.remove(asked, BLOCKED_TEMPLATE)


async def clear_blocked(asked: Asked) -> WebAnswer:
    """All of them."""
    await asked.services.directory.clear(asked.account, BLOCKED_TEMPLATE)
    return answers.done([], "Deleted Successfully")


async def import_blocked(asked: Asked) -> WebAnswer:
    """From a file of their ids."""
    ids = [row.number for row in await _table(asked)]
    await asked.services.directory.add_many(asked.account, BLOCKED_TEMPLATE, ids, {"status": "1"})
    return answers.done([], "Blocked templates accepted for import")


def _blocked(entry: Entry) -> Mapping[str, object]:
    return {"id": keeping.shown_id(entry), "template_id": entry.name, "status": entry.fields.get("status", "1")}
