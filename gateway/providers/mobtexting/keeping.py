"""What the lists of an account's things have in common: pages, one by its id, and how ids and times are shown."""

from collections.abc import Callable, Mapping

from gateway.providers.base import WebAnswer
from gateway.providers.mobtexting import answers
from gateway.providers.mobtexting.request import Asked, Refused, invalid
from gateway.providers.ports import Entry


def not_there() -> Refused:
    """For an id that nothing has."""
    return Refused(404, "The resources cannot be found.")


async def list_page(
    asked: Asked,
    kind: str,
    show: Callable[[Entry], Mapping[str, object]],
    is_wanted: Callable[[Entry], bool],
    message: str,
) -> WebAnswer:
    """The page that a request asks for."""
    page = asked.page()
    entries, total = await asked.services.directory.list(
        asked.account, kind, page=page, per_page=answers.PER_PAGE, where=is_wanted
    )
    return answers.page(
        [show(entry) for entry in entries],
        total,
        number=page,
        path=asked.list_path,
        query=asked.list_query,
        message=message,
    )


async def one(asked: Asked, kind: str) -> Entry:
    """The thing whose id stands in the path.

    Raises:
        Refused: there is none.
    """
    entry = await asked.services.directory.get(asked.account, kind, asked.path["id"])
    if entry is None:
        raise not_there()
    return entry


async def change(asked: Asked, kind: str, fields: Mapping[str, object]) -> Entry:
    """The same with these fields over its old ones."""
    changed = await asked.services.directory.change(asked.account, kind, asked.path["id"], fields)
    if changed is None:
        raise not_there()
    return changed


async def remove(asked: Asked, kind: str) -> WebAnswer:
    """Forget it."""
    if not await asked.services.directory.remove(asked.account, kind, asked.path["id"]):
        raise not_there()
    return answers.done([], "Deleted Successfully")


def flag(asked: Asked, name: str, default: str = "1") -> str:
    """A field that is 0 or 1.

    Raises:
        Refused: it is anything else.
    """
    written = asked.text(name) or default
    if written not in ("0", "1"):
        raise invalid(name, f"The selected {name} is invalid.")
    return written


def shown_id(entry: Entry) -> int | str:
    """As the provider has it: a number."""
    return int(entry.id) if entry.id.isdecimal() else entry.id


def shown_times(entry: Entry) -> dict[str, object]:
    """When it was made and changed."""
    return {"created_at": answers.iso_time(entry.created_at), "updated_at": answers.iso_time(entry.updated_at)}
