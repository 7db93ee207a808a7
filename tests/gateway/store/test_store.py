"""What every store must do; each test runs on each of them."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.errors import StoreError
from gateway.models import Callback, Coding, Event, Inbound, Message, Part, PartBody, Receipt, State
from gateway.store import Bookkeeping, Departure, PartEnd, Store
from tests.gateway.fakes import NOW, RECIPIENT, receipt

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


async def test_scheduled_messages_are_released_when_due(store: Store) -> None:
    message = make_message(store, state=State.SCHEDULED, scheduled_at=NOW + 60)
    await store.add([message])
    assert await store.next_scheduled_at() == NOW + 60
    assert await store.release_scheduled(NOW + 59) == 0
    assert await store.release_scheduled(NOW + 60) == 1
    assert [one.id for one in await store.waiting("a", limit=9, skip=set())] == [message.id]
    assert await store.next_scheduled_at() is None
    assert [event.state for event in await store.timeline(message.id)] == [State.ACCEPTED, State.QUEUED]


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


# --- receipts ---


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (State.ENROUTE, State.DELIVERED, State.DELIVERED),
        (State.DELIVERED, State.ENROUTE, State.DELIVERED),
        (State.DELIVERED, State.UNDELIVERABLE, State.DELIVERED),
        (State.UNDELIVERABLE, State.DELIVERED, State.DELIVERED),
        (State.EXPIRED, State.UNDELIVERABLE, State.EXPIRED),
        (State.UNKNOWN, State.EXPIRED, State.EXPIRED),
        (State.UNKNOWN, State.ENROUTE, State.UNKNOWN),
        (State.REJECTED, State.UNKNOWN, State.REJECTED),
        (State.DELETED, State.DELIVERED, State.DELIVERED),
    ],
)
async def test_receipts_move_states_forward_only(store: Store, first: State, second: State, expected: State) -> None:
    message = await submitted(store, "id-1")
    await store.receive([receipt("id-1", first)], BOOK)
    assert await state_of(store, message) is first
    await store.receive([receipt("id-1", second)], BOOK)
    assert await state_of(store, message) is expected
    assert [event.state for event in await store.timeline(message.id)][-2:] == [first, second]


async def test_both_receipts_in_one_call_count(store: Store) -> None:
    message = await submitted(store, "id-1")
    matched, owed = await store.receive([receipt("id-1", State.ENROUTE), receipt("id-1")], BOOK)
    assert (matched, owed) == ([True, True], 1)
    assert await state_of(store, message) is State.DELIVERED


async def test_a_repeated_receipt_changes_nothing_and_owes_nothing(store: Store) -> None:
    message = await submitted(store, "id-1")
    await store.receive([receipt("id-1")], BOOK)
    before = await store.timeline(message.id)
    assert await store.receive([receipt("id-1"), receipt("id-1")], BOOK) == ([True, True], 0)
    assert await store.timeline(message.id) == before
    assert len(await store.callbacks()) == 1


async def test_a_receipt_before_its_response_is_parked_and_applied_with_it(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, (part,) = await depart(store, message)
    assert await store.receive([receipt("id-1", State.ENROUTE), receipt("id-1")], BOOK) == ([False, False], 0)
    assert await store.parked() == 2
    assert await state_of(store, message) is State.SENDING
    assert await store.record([end_of(message, part, State.SUBMITTED, "id-1")], BOOK) == 1
    assert await state_of(store, message) is State.DELIVERED
    assert await store.parked() == 0
    assert [event.state for event in await store.timeline(message.id)] == [
        State.ACCEPTED,
        State.SENDING,
        State.SUBMITTED,
        State.ENROUTE,
        State.DELIVERED,
    ]
    (found,) = await store.parts(message.id)
    assert (found.state, found.smsc_message_id) == (State.DELIVERED, "id-1")
    assert await store.receive([receipt("id-1")], BOOK) == ([True], 0)


async def test_a_parked_receipt_of_another_number_stays_parked(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, (part,) = await depart(store, message)
    await store.receive([receipt("id-1", recipient="447700900555")], BOOK)
    await store.record([end_of(message, part, State.SUBMITTED, "id-1")], BOOK)
    assert await state_of(store, message) is State.SUBMITTED
    assert await store.parked() == 1


async def test_groups_with_equal_ids_do_not_mix(store: Store) -> None:
    ours = await submitted(store, "1", group="a")
    theirs = await submitted(store, "1", group="b")
    await store.receive([receipt("1", group="b")], BOOK)
    assert await state_of(store, ours) is State.SUBMITTED
    assert await state_of(store, theirs) is State.DELIVERED


async def test_a_recycled_id_finds_the_newest_outstanding_part(store: Store) -> None:
    old = await submitted(store, "7", created_at=NOW - 1000)
    new = await submitted(store, "7")
    await store.receive([receipt("7")], BOOK)
    assert await state_of(store, new) is State.DELIVERED
    assert await state_of(store, old) is State.SUBMITTED
    # The newer one is done: the next receipt is about the one that still waits.
    await store.receive([receipt("7", State.UNDELIVERABLE)], BOOK)
    assert await state_of(store, old) is State.UNDELIVERABLE


async def test_a_recycled_id_of_another_number_is_left_alone(store: Store) -> None:
    mine = await submitted(store, "7", recipient="447700900111")
    newer = await submitted(store, "7", recipient="447700900222")
    await store.receive([receipt("7", recipient="+447700900111")], BOOK)
    assert await state_of(store, mine) is State.DELIVERED
    assert await state_of(store, newer) is State.SUBMITTED


async def test_a_receipt_for_an_unknown_id_is_parked_then_an_orphan(store: Store) -> None:
    stray = receipt("nobody")
    await store.receive([stray], BOOK)
    book = replace_book(parked_seconds=60)
    assert (await store.sweep(book, NOW + 10 + 59)).orphaned == 0
    swept = await store.sweep(book, NOW + 10 + 61)
    assert (swept.orphaned, swept.is_done) == (1, True)
    assert await store.parked() == 0
    assert await store.orphans() == [stray]


def replace_book(**fields: Any) -> Bookkeeping:
    return Bookkeeping(callback_for=owe, **fields)


# --- ids that are written in two ways ---


@pytest.mark.parametrize(
    ("rule", "response_id", "receipt_id", "is_match"),
    [
        ("as_is", "00B8BE19", "00B8BE19", True),
        ("as_is", "00B8BE19", "B8BE19", False),
        ("as_is", "abc", "ABC", False),
        ("as_is", " abc", "abc ", True),
        ("response_hex_receipt_decimal", "00B8BE19", "12107289", True),
        ("response_hex_receipt_decimal", "b8be19", "0012107289", True),
        ("response_hex_receipt_decimal", "12107289", "12107289", False),
        ("response_decimal_receipt_hex", "12107289", "00B8BE19", True),
        ("response_decimal_receipt_hex", "12107289", "12107289", False),
        ("auto", "00B8BE19", "12107289", True),
        ("auto", "12107289", "b8be19", True),
        ("auto", "00B8BE19", "b8be19", True),
        ("auto", "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", True),
        ("auto", "1", "2", False),
        ("auto", "ffffffffffffffffffff", "1208925819614629174706175", False),
    ],
)
@pytest.mark.parametrize("is_parked", [False, True])
async def test_ids_compare_by_the_rule_of_the_group(
    store: Store, rule: Any, response_id: str, receipt_id: str, is_match: bool, is_parked: bool
) -> None:
    book = replace_book(id_rules={"a": rule})
    if is_parked:
        message = make_message(store)
        await store.add([message])
        message, (part,) = await depart(store, message)
        await store.receive([receipt(receipt_id)], book)
        await store.record([end_of(message, part, State.SUBMITTED, response_id)], book)
    else:
        message = await submitted(store, response_id, book=book)
        await store.receive([receipt(receipt_id)], book)
    assert await state_of(store, message) is (State.DELIVERED if is_match else State.SUBMITTED)


async def test_auto_wants_an_address_that_agrees(store: Store) -> None:
    book = replace_book(id_rules={"a": "auto"})
    message = await submitted(store, "10", book=book)
    for stranger in ("", "447700900555"):
        await store.receive([receipt("10", recipient=stranger)], book)
        assert await state_of(store, message) is State.SUBMITTED
    await store.receive([receipt("10", recipient="07700900123")], book)
    assert await state_of(store, message) is State.DELIVERED


async def test_auto_prefers_the_rule_it_has_seen_work(store: Store) -> None:
    book = replace_book(id_rules={"a": "auto"})
    await submitted(store, "ff", book=book)
    await store.receive([receipt("255")], book)
    # "16" as it is, and "10" which is 16 in hexadecimal: both wait for the same number.
    literal = await submitted(store, "16", book=book)
    hexadecimal = await submitted(store, "10", book=book)
    await store.receive([receipt("16")], book)
    assert await state_of(store, hexadecimal) is State.DELIVERED
    assert await state_of(store, literal) is State.SUBMITTED


async def test_without_auto_a_receipt_may_lack_the_address_or_have_it_unswapped(store: Store) -> None:
    first, second = await submitted(store, "1"), await submitted(store, "2")
    await store.receive([receipt("1", recipient=""), receipt("2", recipient="SHOP", sender=RECIPIENT)], BOOK)
    assert await state_of(store, first) is State.DELIVERED
    assert await state_of(store, second) is State.DELIVERED


# --- several parts ---


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((State.DELIVERED, State.DELIVERED), State.DELIVERED),
        ((State.DELIVERED, State.ENROUTE), State.ENROUTE),
        ((State.DELIVERED, State.UNDELIVERABLE), State.UNDELIVERABLE),
        ((State.EXPIRED, State.REJECTED), State.REJECTED),
        ((State.UNKNOWN, State.DELIVERED), State.UNKNOWN),
        ((State.ENROUTE, State.UNDELIVERABLE), State.ENROUTE),
    ],
)
async def test_a_message_folds_the_states_of_its_parts(
    store: Store, states: tuple[State, State], expected: State
) -> None:
    message = await submitted(store, "p1", "p2")
    for identifier, state in zip(("p1", "p2"), states, strict=True):
        await store.receive([receipt(identifier, state, error="027")], BOOK)
    assert await state_of(store, message) is expected
    assert len(await store.callbacks()) == (1 if expected.is_final else 0)


async def test_a_part_delivered_before_the_others_responded_is_not_the_end(store: Store) -> None:
    message = make_message(store)
    await store.add([message])
    message, (first, second) = await depart(store, message, 2)
    await store.record([end_of(message, first, State.SUBMITTED, "p1")], BOOK)
    await store.receive([receipt("p1")], BOOK)
    assert await state_of(store, message) is State.SENDING
    await store.record([end_of(message, second, State.SUBMITTED, "p2")], BOOK)
    assert await state_of(store, message) is State.SUBMITTED
    await store.receive([receipt("p2")], BOOK)
    assert await state_of(store, message) is State.DELIVERED


# --- time passes ---


async def test_a_message_without_a_receipt_becomes_unknown_and_its_owner_is_told(store: Store) -> None:
    message = await submitted(store, "id-1")
    quiet = await submitted(store, "id-2", wants_receipt=False)
    book = replace_book(deadline_seconds=100)
    assert (await store.sweep(book, NOW + 2 + 99)).unknown == 0
    swept = await store.sweep(book, NOW + 2 + 101)
    assert swept.callbacks == 1
    assert await state_of(store, message) is State.UNKNOWN
    assert await state_of(store, quiet) is State.SUBMITTED
    # It came after all.
    await store.receive([receipt("id-1")], BOOK)
    assert await state_of(store, message) is State.DELIVERED


async def test_a_response_without_an_id_still_becomes_unknown(store: Store) -> None:
    message = await submitted(store, "")
    await store.sweep(replace_book(deadline_seconds=100), NOW + 1000)
    assert await state_of(store, message) is State.UNKNOWN


async def test_after_its_lifetime_an_id_is_free(store: Store) -> None:
    message = await submitted(store, "id-1")
    await store.receive([receipt("id-1", State.UNDELIVERABLE)], BOOK)
    await store.sweep(replace_book(lifetime_seconds=100), NOW + 200)
    assert await store.receive([receipt("id-1")], BOOK) == ([False], 0)
    assert await state_of(store, message) is State.UNDELIVERABLE


# --- inbound ---


async def test_an_inbound_message_is_kept_once_with_its_callback(store: Store) -> None:
    inbound = Inbound(
        id="in-1",
        account="shop",
        sender="447700900123",
        recipient="447700900999",
        text="hi",
        data=b"hi",
        udh=b"\x03\x04\x01\x01",
        data_coding=1,
        uplink="a",
        bind="a:1#1",
        received_at=NOW,
    )
    callback = Callback(id="", account="shop", url="https://hooks.example/in", created_at=NOW, due_at=NOW)
    await store.add_inbound(inbound, callback)
    await store.add_inbound(inbound, callback)
    assert await store.inbound("shop") == [inbound]
    assert await store.inbound("other") == []
    assert await store.inbound("") == [inbound]
    assert len(await store.callbacks()) == 1


# --- callbacks ---


async def owe_callbacks(store: Store, *hosts: str, account: str = "shop") -> list[Callback]:
    for n, host in enumerate(hosts):
        inbound = Inbound(id=f"{account}-{n}-{host}", account=account, sender="1", recipient="2", text="")
        callback = Callback(
            id="", account=account, url=f"https://{host}/x?n={n}", body=b"{}", headers=(("x", "y"),),
            created_at=NOW + n, due_at=NOW + n,
        )  # fmt: skip
        await store.add_inbound(inbound, callback)
    return await store.callbacks(account)


async def due(store: Store, now: float = NOW + 100, **fields: Any) -> list[str]:
    values: dict[str, Any] = {"limit": 100, "per_host": 100, "skip_hosts": set(), "skip_ids": set()}
    return [one.id for one in await store.due_callbacks(now, **(values | fields))]


async def test_callbacks_are_due_in_order_and_fairly_by_host(store: Store) -> None:
    one, two, three, four = await owe_callbacks(store, "a.example", "a.example", "b.example:8443", "a.example")
    assert await due(store, NOW - 1) == []
    assert await store.next_callback_at() == NOW
    assert sorted(await due(store)) == sorted([one.id, two.id, three.id, four.id])
    assert await due(store, per_host=1) == [one.id, three.id]
    assert await due(store, skip_hosts={"a.example"}) == [three.id]
    assert await due(store, skip_ids={one.id, three.id}) == [two.id, four.id]
    assert len(await due(store, limit=2)) == 2


async def test_an_acknowledged_callback_is_gone(store: Store) -> None:
    one, two = await owe_callbacks(store, "a.example", "a.example")
    await store.acknowledge([one.id])
    assert await store.callbacks() == [two]


async def test_a_postponed_callback_is_due_later_with_its_tries(store: Store) -> None:
    (one,) = await owe_callbacks(store, "a.example")
    later = replace(one, due_at=NOW + 50, tries=1, last_error="no answer in time")
    await store.postpone([later])
    assert await due(store, NOW + 49) == []
    assert await store.callbacks() == [later]


async def test_a_failed_callback_is_kept_and_can_be_replayed(store: Store) -> None:
    (one,) = await owe_callbacks(store, "a.example")
    (other,) = await owe_callbacks(store, "a.example", account="other")
    await store.postpone([replace(each, failed=True, tries=9, last_error="x") for each in (one, other)])
    assert await due(store) == []
    assert await store.next_callback_at() is None
    assert len(await store.callbacks(failed=True)) == 2
    assert await store.replay_callbacks(NOW + 500, "shop") == 1
    (again,) = await store.callbacks(failed=False)
    assert (again.id, again.tries, again.due_at) == (one.id, 0, NOW + 500)
    assert await store.replay_callbacks(NOW + 500, ids=[one.id]) == 0
    assert await store.replay_callbacks(NOW + 500, ids=[other.id]) == 1


async def test_callbacks_that_were_never_tried_are_given_up_too(store: Store) -> None:
    old, new = await owe_callbacks(store, "a.example", "b.example")
    assert await store.fail_callbacks(new.created_at) == 1
    (failed,) = await store.callbacks(failed=True)
    assert failed.id == old.id
    assert failed.last_error


# --- faults ---


async def test_a_commit_that_fails_keeps_nothing(store: Store) -> None:
    message = make_message(store)
    store.fault = fail_at("before commit")
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
    store.fault = fail_at("depart" if kind == "depart" else "")
    if kind == "depart":
        with pytest.raises(StoreError):
            await depart(store, message)
        assert await store.parts(message.id) == []
        return
    message, (part,) = await depart(store, message)
    store.fault = fail_at(kind)
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


def fail_at(kind: str) -> Any:
    def fault(point: str) -> None:
        if point == kind:
            raise OSError(28, "No space left on device")

    return fault


async def test_many_at_once_are_all_kept(store: Store) -> None:
    batches = [[make_message(store, recipient=f"4477{n:02d}{i:06d}") for i in range(37)] for n in range(20)]
    await asyncio.gather(*(store.add(batch) for batch in batches))
    assert len(await store.messages("shop", limit=10_000)) == 740
    assert len(await store.waiting("a", limit=10_000, skip=set())) == 740


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await store.ping()
