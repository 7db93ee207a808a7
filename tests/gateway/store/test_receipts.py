"""Receipts find their parts, and states only move forward; on every store."""

from typing import Any

import msgspec
import pytest

from gateway.models import State
from gateway.store import Store
from tests.gateway.fakes import NOW, RECIPIENT, receipt
from tests.gateway.store.rows import (
    BOOK,
    depart,
    end_of,
    make_message,
    replace_book,
    state_of,
    submitted,
)

replace = msgspec.structs.replace


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


async def test_what_has_ended_is_found_by_receipts_for_a_while_only(store: Store) -> None:
    book = replace_book(settled_seconds=600)
    ended, waiting = await submitted(store, "1"), await submitted(store, "2")
    await store.receive([receipt("1")], book)
    await store.sweep(book, NOW + 500)
    assert (await store.receive([receipt("1", State.ENROUTE)], book))[0] == [True]
    await store.sweep(book, NOW + 700)
    assert (await store.receive([receipt("1", State.ENROUTE), receipt("2")], book))[0] == [False, True]
    assert await state_of(store, ended) is await state_of(store, waiting) is State.DELIVERED


async def test_what_ended_without_a_receipt_is_found_by_one_that_comes_late(store: Store) -> None:
    book = replace_book(settled_seconds=600, deadline_seconds=900)
    message = await submitted(store, "1")
    await store.sweep(book, NOW + 1_000)
    assert await state_of(store, message) is State.UNKNOWN
    await store.sweep(book, NOW + 5_000)
    assert (await store.receive([receipt("1")], book))[0] == [True]
    assert await state_of(store, message) is State.DELIVERED
