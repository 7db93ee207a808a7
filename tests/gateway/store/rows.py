"""Rows for the tests of stores."""

from typing import Any

import msgspec

from gateway.models import Callback, Event, Message, Part, PartBody, Receipt, State
from gateway.store import Bookkeeping, Departure, PartEnd, Store
from tests.gateway.fakes import NOW, RECIPIENT

replace = msgspec.structs.replace


def owe(message: Message, _receipt: Receipt | None) -> Callback | None:
    if not message.state.is_final:
        return None
    return Callback(id="", account="", url=message.callback_url, body=message.state.value.encode())


BOOK = Bookkeeping(callback_for=owe)


def make_message(store: Store, **fields: Any) -> Message:
    now = fields.get("created_at", NOW)
    values: dict[str, Any] = {
        "id": store.ids.new(now),
        "account": "shop",
        "recipient": RECIPIENT,
        "sender": "SHOP",
        "text": "hello",
        "callback_url": "https://hooks.example/x",
        "node": "n1",
        "created_at": now,
        "updated_at": now,
        "state": State.QUEUED,
        "uplink": "a",
    }
    return Message(**(values | fields))


def make_parts(message: Message, count: int = 1, *, group: str = "a") -> tuple[Part, ...]:
    return tuple(
        Part(
            message_id=message.id,
            number=number,
            body=PartBody(short_message=b"\x00hello", data_coding=8, has_udh=count > 1),
            state=State.SENDING,
            attempt=1,
            node="n1",
            uplink="a",
            group=group,
            bind="a:1#1",
            reference=77,
            updated_at=NOW + 1,
        )
        for number in range(1, count + 1)
    )


async def depart(
    store: Store, message: Message, count: int = 1, *, group: str = "a"
) -> tuple[Message, tuple[Part, ...]]:
    parts = make_parts(message, count, group=group)
    message = replace(message, state=State.SENDING, part_count=count)
    await store.depart([Departure(message, parts)])
    return message, parts


def end_of(message: Message, part: Part, state: State, smsc_message_id: str = "", **fields: Any) -> PartEnd:
    at = fields.pop("at", NOW + 2)
    ended = replace(part, state=state, smsc_message_id=smsc_message_id, updated_at=at, error=fields.pop("error", ""))
    event = Event(message_id=message.id, at=at, state=state, part=part.number, attempt=part.attempt)
    return PartEnd(message, ended, (event,), **fields)


async def submitted(store: Store, *ids: str, book: Bookkeeping = BOOK, group: str = "a", **fields: Any) -> Message:
    """A message whose parts were accepted under these ids."""
    message = make_message(store, **fields)
    await store.add([message])
    message, parts = await depart(store, message, len(ids), group=group)
    ends = [end_of(message, part, State.SUBMITTED, one) for part, one in zip(parts, ids, strict=True)]
    await store.record(ends, book)
    return message


async def state_of(store: Store, message: Message) -> State:
    found = await store.message("", message.id)
    assert found is not None
    return found.state


def replace_book(**fields: Any) -> Bookkeeping:
    return Bookkeeping(callback_for=owe, **fields)
