"""What every store must do; each test runs on each of them."""

import asyncio

import msgspec
import pytest

from gateway.errors import StoreError
from gateway.models import Coding, Inbound, State
from gateway.store import Departure, Store
from tests.gateway.fakes import NOW, failing, receipt
from tests.gateway.store.rows import (
    BOOK,
    depart,
    end_of,
    make_message,
    make_parts,
    state_of,
    submitted,
)

replace = msgspec.structs.replace


# --- keeping ---


async def test_a_message_is_kept_with_every_field(store: Store) -> None:
    message = make_message(
        store,
        text="Grüße 🌍",
        udh=b"\x03\x04\x01\x02",
        data=b"\x00\xff",
        coding=Coding.BINARY,
        data_coding=4,
        message_class=1,
        tlvs=((0x1400, b"\x00\x01"), (0x1401, b"")),
        wants_receipt=False,
        callback_method="PUT",
        client_reference="ref",
        dialect="mocean",
        validity_seconds=60,
        scheduled_at=NOW + 5,
        priority=2,
        via="b",
        secret=True,
        error="e",
        part_count=3,
        in_doubt=True,
    )
    await store.add([message])
    assert await store.message("shop", message.id) == message


async def test_a_part_is_kept_with_every_field(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    _, parts = await depart(store, message, 2)
    assert await store.parts(message.id) == list(parts)


async def test_another_account_does_not_see_a_message(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    assert await store.message("other", message.id) is None
    assert await store.message("shop", "no-such-id") is None
    assert await store.message("shop", message.id[:-1] + ("0" if message.id[-1] != "0" else "1")) is None


async def test_messages_are_listed_newest_first_by_page_and_filter(store: Store) -> None:
    messages = [make_message(store, created_at=NOW + n, recipient=f"44770090{n:04d}") for n in range(5)]
    await store.add([*messages, make_message(store, account="other")])
    ids = [message.id for message in messages[::-1]]
    assert [one.id for one in await store.messages("shop")] == ids
    page = await store.messages("shop", limit=2)
    rest = await store.messages("shop", before_id=page[-1].id)
    assert [one.id for one in page + rest] == ids
    assert [one.id for one in await store.messages("shop", recipient="447700900003")] == [ids[1]]
    assert await store.messages("shop", state=State.DELIVERED) == []


async def test_waiting_messages_come_by_priority_then_age(store: Store) -> None:
    plain = [make_message(store, created_at=NOW + n) for n in range(3)]
    urgent = make_message(store, created_at=NOW + 9, priority=1)
    await store.add([*plain, urgent, make_message(store, uplink="b"), make_message(store, state=State.SCHEDULED)])
    found = await store.waiting("a", limit=3, skip={plain[0].id})
    assert [one.id for one in found] == [urgent.id, plain[1].id, plain[2].id]
    assert await store.waiting_uplinks() == ["a", "b"]


async def test_what_waits_is_found_by_account(store: Store) -> None:
    batch = [make_message(store, created_at=NOW + n) for n in range(5)]
    codes = [make_message(store, created_at=NOW + 9 + n, account="bank", priority=n) for n in range(2)]
    await store.add([*batch, *codes, make_message(store, uplink="b", account="other")])
    assert await store.waiting_accounts("a") == ["bank", "shop"]
    assert await store.waiting_accounts("nowhere") == []
    found = await store.waiting("a", limit=9, skip=set(), account="bank")
    assert [one.id for one in found] == [codes[1].id, codes[0].id]
    found = await store.waiting("a", limit=2, skip={batch[0].id}, account="shop")
    assert [one.id for one in found] == [batch[1].id, batch[2].id]
    assert await store.waiting("a", limit=9, skip=set(), account="other") == []
    found = await store.waiting("a", limit=4, skip=set())
    assert [one.id for one in found] == [codes[1].id, *(one.id for one in batch[:3])]


async def test_scheduled_messages_are_released_when_due(store: Store) -> None:
    message = make_message(store, state=State.SCHEDULED, scheduled_at=NOW + 60)
    await store.add([message])
    assert await store.next_scheduled_at() == NOW + 60
    assert await store.release_scheduled(NOW + 59) == 0
    assert await store.release_scheduled(NOW + 60) == 1
    assert [one.id for one in await store.waiting("a", limit=9, skip=set())] == [message.id]
    assert await store.next_scheduled_at() is None
    assert [event.state for event in await store.timeline(message.id)] == [State.ACCEPTED, State.QUEUED]


async def test_a_message_that_has_not_left_is_written_anew(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    changed = replace(message, text="other", state=State.SCHEDULED, scheduled_at=NOW + 60, updated_at=NOW + 1)
    await store.amend([changed])
    assert await store.message("", message.id) == changed
    assert [event.detail for event in await store.timeline(message.id)] == ["", "replaced"]
    assert await store.waiting("a", limit=9, skip=set()) == []
    assert await store.next_scheduled_at() == NOW + 60


# --- sending and results ---


async def test_a_departure_is_on_the_timeline_and_unfinished(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    await depart(store, message, 2)
    assert await state_of(store, message) is State.SENDING
    ((found, parts),) = await store.unfinished("n1")
    assert found.part_count == 2
    assert [part.number for part in parts] == [1, 2]
    events = await store.timeline(message.id)
    assert [(event.state, event.part) for event in events] == [
        (State.ACCEPTED, 0),
        (State.SENDING, 1),
        (State.SENDING, 2),
    ]
    assert await store.waiting("a", limit=9, skip=set()) == []


async def test_a_fresh_split_replaces_an_earlier_one(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, _ = await depart(store, message, 3)
    parts = make_parts(message, 2)
    await store.depart([Departure(replace(message, part_count=2), parts, replaces_split=True)])
    assert [part.number for part in await store.parts(message.id)] == [1, 2]


async def test_a_single_part_accepted_makes_the_message_submitted(store: Store) -> None:
    message = await submitted(store, "id-1")
    assert await state_of(store, message) is State.SUBMITTED
    assert await store.unfinished("n1") == []


async def test_a_rejected_part_ends_the_message_and_owes_a_callback(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, (part,) = await depart(store, message)
    assert await store.record([end_of(message, part, State.REJECTED, error="ESME_RINVDSTADR")], BOOK) == 1
    found = await store.message("", message.id)
    assert found is not None
    assert (found.state, found.error) == (State.REJECTED, "ESME_RINVDSTADR")
    (callback,) = await store.callbacks("shop")
    assert (callback.body, callback.message_id, callback.due_at) == (b"rejected", message.id, NOW + 2)
    assert callback.id


async def test_in_doubt_is_marked_on_the_message_though_its_state_stays(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, (part,) = await depart(store, message)
    await store.record([end_of(message, part, State.QUEUED, in_doubt=True)], BOOK)
    found = await store.message("", message.id)
    assert found is not None
    assert (found.state, found.in_doubt) == (State.SENDING, True)


async def test_ending_a_message_ends_the_parts_of_an_abandoned_split(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, _ = await depart(store, message, 2)
    assert await store.end([replace(message, state=State.EXPIRED, error="late")], BOOK) == 1
    assert await store.unfinished("n1") == []
    assert {part.state for part in await store.parts(message.id)} == {State.EXPIRED}


# --- faults ---


async def test_a_commit_that_fails_keeps_nothing(store: Store) -> None:
    message = make_message(store)
    store.fault = failing("before commit")
    with pytest.raises(StoreError):
        await store.add([message])
    store.fault = None
    assert await store.message("", message.id) is None
    await store.add([message])
    assert await store.message("", message.id) == message


@pytest.mark.parametrize("kind", ["record", "receive", "depart", "inbound", "acknowledge"])
async def test_a_fault_in_the_middle_keeps_nothing_of_that_work(store: Store, kind: str) -> None:
    message = make_message(store)
    await store.add([message])
    store.fault = failing("depart" if kind == "depart" else "")
    if kind == "depart":
        with pytest.raises(StoreError):
            await depart(store, message)
        assert await store.parts(message.id) == []
        return
    message, (part,) = await depart(store, message)
    store.fault = failing(kind)
    with pytest.raises(StoreError):
        if kind == "record":
            await store.record([end_of(message, part, State.SUBMITTED, "1")], BOOK)
        elif kind == "receive":
            await store.receive([receipt("1")], BOOK)
        elif kind == "inbound":
            await store.add_inbound(Inbound(id="i", account="", sender="", recipient="", text=""), None)
        else:
            await store.acknowledge([message.id])
    store.fault = None
    assert await store.parked() == 0
    assert await store.inbound("") == []
    assert await state_of(store, message) is State.SENDING


async def test_many_at_once_are_all_kept(store: Store) -> None:
    batches = [[make_message(store, recipient=f"4477{n:02d}{i:06d}") for i in range(37)] for n in range(20)]
    await asyncio.gather(*(store.add(batch) for batch in batches))
    assert len(await store.messages("shop", limit=10_000)) == 740
    assert len(await store.waiting("a", limit=10_000, skip=set())) == 740


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await store.ping()
