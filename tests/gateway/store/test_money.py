"""Idempotency keys, balances, quota and refunds; each test runs on each store."""

import asyncio
from typing import Any

import pytest

from gateway.errors import KeyTaken, StoreError
from gateway.models import Message, State
from gateway.store import Store
from gateway.store.money import Allowance, Entry, EntryKind, NewClaim
from tests.gateway.fakes import NOW, failing, receipt
from tests.gateway.store.rows import BOOK, depart, end_of, make_message, replace, replace_book, state_of

PREPAID = {"shop": Allowance(floor=0)}


def make_claim(key: str = "k", **fields: Any) -> NewClaim:
    values: dict[str, Any] = {
        "account": "shop",
        "key": key,
        "fingerprint": "f",
        "answer": lambda refused: f"answer {len(refused)}".encode(),
        "at": NOW,
        "expires_at": NOW + 60,
    }
    return NewClaim(**(values | fields))


async def top_up(store: Store, amount: int, **fields: Any) -> Entry:
    values: dict[str, Any] = {"account": "shop", "at": NOW, "kind": EntryKind.TOP_UP, "amount": amount}
    return await store.book(Entry(**(values | fields)))


async def kept(store: Store, *messages: Message) -> list[bool]:
    return [await store.message("", one.id) is not None for one in messages]


# --- idempotency keys ---


async def test_a_key_is_kept_with_its_messages_and_not_used_twice(store: Store) -> None:
    first, second = make_message(store), make_message(store)
    assert await store.add([first], claim=make_claim()) == {}
    with pytest.raises(KeyTaken) as taken:
        await store.add([second], claim=make_claim(fingerprint="other"))
    assert (taken.value.fingerprint, taken.value.answer) == ("f", b"answer 0")
    assert await kept(store, first, second) == [True, False]
    claimed = await store.find_claim("shop", "k", NOW)
    assert claimed is not None
    assert (claimed.fingerprint, claimed.answer) == ("f", b"answer 0")


async def test_each_account_has_keys_of_its_own(store: Store) -> None:
    messages = [make_message(store), make_message(store), make_message(store)]
    await store.add([messages[0]], claim=make_claim())
    await store.add([messages[1]], claim=make_claim(account="other"))
    await store.add([messages[2]], claim=make_claim("l"))
    assert await kept(store, *messages) == [True, True, True]
    assert await store.find_claim("third", "k", NOW) is None


async def test_of_requests_with_one_key_at_once_one_is_kept_and_all_learn_its_answer(store: Store) -> None:
    messages = [make_message(store) for _ in range(10)]
    adding = [
        store.add([one], claim=make_claim(answer=lambda _refused, n=n: b"%d" % n)) for n, one in enumerate(messages)
    ]
    outcome = await asyncio.gather(*adding, return_exceptions=True)
    (winner,) = [n for n, one in enumerate(outcome) if one == {}]
    assert {one.answer for one in outcome if isinstance(one, KeyTaken)} == {b"%d" % winner}
    assert (await kept(store, *messages)).count(True) == 1


async def test_a_key_is_free_again_when_its_time_is_over(store: Store) -> None:
    await store.add([make_message(store)], claim=make_claim())
    assert await store.find_claim("shop", "k", NOW + 60) is None
    late = make_claim(at=NOW + 61, expires_at=NOW + 121, fingerprint="g")
    assert await store.add([make_message(store)], claim=late) == {}
    claimed = await store.find_claim("shop", "k", NOW + 61)
    assert claimed is not None
    assert claimed.fingerprint == "g"


async def test_old_keys_are_swept(store: Store) -> None:
    await store.add([make_message(store)], claim=make_claim())
    await store.sweep(BOOK, NOW + 59)
    assert await store.find_claim("shop", "k", NOW) is not None
    await store.sweep(BOOK, NOW + 60)
    assert await store.find_claim("shop", "k", NOW) is None


async def test_a_key_is_not_kept_where_the_commit_fails(store: Store) -> None:
    store.fault = failing("before commit")
    with pytest.raises(StoreError):
        await store.add([make_message(store)], claim=make_claim())
    store.fault = None
    assert await store.add([make_message(store)], claim=make_claim()) == {}


async def test_a_key_is_free_again_where_nothing_of_its_request_was_kept(store: Store) -> None:
    poor = make_message(store, price=5)
    assert await store.add([poor], claim=make_claim(), allowances=PREPAID) == {poor.id: "insufficient_balance"}
    assert await store.find_claim("shop", "k", NOW) is None
    await top_up(store, 5)
    assert await store.add([poor], claim=make_claim(), allowances=PREPAID) == {}


async def test_the_answer_kept_with_a_key_says_what_was_refused(store: Store) -> None:
    await top_up(store, 5)
    messages = [make_message(store, price=5) for _ in range(3)]
    refused = await store.add(messages, claim=make_claim(), allowances=PREPAID)
    assert list(refused) == [messages[1].id, messages[2].id]
    claimed = await store.find_claim("shop", "k", NOW)
    assert claimed is not None
    assert claimed.answer == b"answer 2"


# --- funds ---


async def test_messages_are_charged_in_the_commit_that_keeps_them(store: Store) -> None:
    await top_up(store, 100)
    messages = [make_message(store, price=30) for _ in range(4)]
    refused = await store.add(messages, allowances=PREPAID)
    assert dict(refused) == {messages[3].id: "insufficient_balance"}
    assert await store.balance("shop") == 10
    assert await kept(store, *messages) == [True, True, True, False]


async def test_a_commit_that_fails_costs_nothing(store: Store) -> None:
    await top_up(store, 100)
    store.fault = failing("before commit")
    with pytest.raises(StoreError):
        await store.add([make_message(store, price=30)], allowances=PREPAID)
    store.fault = None
    assert await store.balance("shop") == 100


async def test_requests_at_once_spend_no_more_than_there_is(store: Store) -> None:
    await top_up(store, 100)
    batches = [[make_message(store, price=7)] for _ in range(30)]
    outcome = await asyncio.gather(*(store.add(batch, allowances=PREPAID) for batch in batches))
    assert sum(not refused for refused in outcome) == 14
    assert await store.balance("shop") == 2


async def test_who_pays_afterwards_is_charged_below_nought(store: Store) -> None:
    await store.add([make_message(store, price=30)], allowances={"shop": Allowance()})
    assert await store.balance("shop") == -30
    assert await store.balance("nobody") == 0


async def test_history_has_top_ups_one_by_one_and_charges_by_the_hour(store: Store) -> None:
    await top_up(store, 100, note="invoice 7")
    for minutes in (0, 1, 61):
        await store.add([make_message(store, price=10, created_at=NOW + minutes * 60)])
    newest, charge, first = await store.entries("shop")
    assert (newest.amount, newest.count, newest.balance) == (-10, 1, 70)
    assert (charge.kind, charge.amount, charge.count, charge.balance) == (EntryKind.CHARGE, -20, 2, 80)
    assert (first.kind, first.amount, first.balance, first.note) == (EntryKind.TOP_UP, 100, 100, "invoice 7")
    assert await store.entries("shop", before=newest.n, limit=1) == [charge]
    assert await store.entries("other") == []


async def test_a_top_up_with_a_known_reference_is_booked_once(store: Store) -> None:
    first = await top_up(store, 100, reference="r")
    again = await asyncio.gather(*(top_up(store, 100, reference="r") for _ in range(3)))
    assert again == [first] * 3
    await top_up(store, 100, reference="s")
    await top_up(store, 1, reference="r", account="other")
    assert (await store.balance("shop"), await store.balance("other")) == (200, 1)


async def test_a_message_written_anew_is_charged_the_difference(store: Store) -> None:
    await top_up(store, 100)
    message = make_message(store, price=10)
    await store.add([message])
    await store.amend([replace(message, text="longer", price=30)])
    assert await store.balance("shop") == 70
    found = await store.message("", message.id)
    assert found is not None
    assert found.price == 30


# --- quota ---


async def test_parts_are_counted_against_the_quota_of_day_and_month(store: Store) -> None:
    limits = {"shop": Allowance(parts_per_day=5, parts_per_month=7)}
    day = 86_400

    async def accepts(parts: int, at: float) -> bool:
        message = make_message(store, created_at=at)
        refused = await store.add([message], allowances=limits, parts={message.id: parts})
        assert set(refused.values()) <= {"quota_exceeded"}
        return not refused

    start = 1_700_000_000.0 - 1_700_000_000.0 % day
    assert await accepts(3, start)
    assert not await accepts(3, start + 1)
    assert await accepts(2, start + 2)
    assert not await accepts(1, start + 3)
    assert await accepts(2, start + day)
    assert not await accepts(1, start + 2 * day)
    assert await accepts(1, start + 31 * day)
    assert (await store.usage("shop"))["2023-11"] == 7


async def test_what_cannot_be_paid_for_is_not_counted(store: Store) -> None:
    limits = {"shop": Allowance(floor=0, parts_per_day=1)}
    await store.add([make_message(store, price=1)], allowances=limits)
    assert sum((await store.usage("shop")).values()) == 0
    assert await store.add([make_message(store)], allowances=limits) == {}


# --- refunds ---


async def test_a_message_that_was_never_sent_is_refunded_in_full(store: Store) -> None:
    message = make_message(store, price=30)
    await store.add([message])
    await store.end([replace(message, state=State.EXPIRED, error="late")], BOOK)
    assert await store.balance("shop") == 0
    found = await store.message("", message.id)
    assert found is not None
    assert (found.price, found.refunded) == (30, 30)
    refund, charge = await store.entries("shop")
    assert (refund.kind, refund.amount, charge.amount) == (EntryKind.REFUND, 30, -30)


async def test_parts_that_no_smsc_accepted_are_refunded(store: Store) -> None:
    message = make_message(store, price=90)
    await store.add([message])
    message, parts = await depart(store, message, 3)
    ends = [end_of(message, parts[0], State.SUBMITTED, "1"), end_of(message, parts[1], State.REJECTED, error="no")]
    await store.record([*ends, end_of(message, parts[2], State.FAILED, error="the rest")], BOOK)
    assert await store.balance("shop") == -90
    await store.receive([receipt("1")], BOOK)
    assert await state_of(store, message) is State.REJECTED
    assert await store.balance("shop") == -30


@pytest.mark.parametrize(("rule", "balance"), [("never", -30), ("unaccepted", -30), ("undelivered", 0)])
async def test_the_rule_says_whether_an_undelivered_part_is_refunded(store: Store, rule: Any, balance: int) -> None:
    book = replace_book(refund=rule)
    message = make_message(store, price=30)
    await store.add([message])
    message, (part,) = await depart(store, message)
    await store.record([end_of(message, part, State.SUBMITTED, "1")], book)
    await store.receive([receipt("1", State.UNDELIVERABLE)], book)
    assert await store.balance("shop") == balance
    await store.receive([receipt("1", State.DELIVERED)], book)
    assert await store.balance("shop") == -30


async def test_what_may_have_reached_the_recipient_is_not_refunded(store: Store) -> None:
    message = make_message(store, price=30)
    await store.add([message])
    message, (part,) = await depart(store, message)
    await store.record([end_of(message, part, State.FAILED, error="in doubt", in_doubt=True)], BOOK)
    assert await state_of(store, message) is State.FAILED
    assert await store.balance("shop") == -30


async def test_many_accounts_are_charged_and_refunded_at_once(store: Store) -> None:
    messages = [make_message(store, price=n + 1, account=f"a{n}") for n in range(8)]
    await asyncio.gather(*(store.add([one]) for one in messages))
    others = [make_message(store, price=100, account=f"a{7 - n}") for n in range(8)]
    ending = [store.end([replace(one, state=State.FAILED, error="e")], BOOK) for one in messages]
    adding: list[Any] = [store.add([one]) for one in others]
    await asyncio.gather(*ending, *adding)
    assert [await store.balance(f"a{n}") for n in range(8)] == [-100] * 8
