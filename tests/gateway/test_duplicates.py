"""The same message again, a short while after: refused, unless nothing came of the first."""

import asyncio
from typing import Any

import pytest

from gateway.duplicates import GRACE_SECONDS, KIND, DuplicateGuard, digest_of
from gateway.errors import InvalidMessage, KeyTaken, RateLimited, StoreError
from gateway.models import Message, State
from gateway.providers.base import Claim
from gateway.store import Store
from tests.gateway.fakes import (
    CONFIG,
    NOW,
    REJECTED,
    Core,
    always,
    broken,
    make_core,
    new_message,
    numbered,
    started,
)

GUARDED = (
    CONFIG
    + """
[account.shop.rules]
duplicate_seconds = 600
[account.other]
"""
)


async def accept(core: Core, *messages: Any, **options: Any) -> list[str]:
    """What became of messages: 'ok' or the code of the refusal."""
    outcome = await core.intake.accept([new_message(**fields) for fields in messages], **options)
    return ["ok" if isinstance(one, Message) else one.code for one in outcome]


async def test_the_same_message_is_refused_for_a_while(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    assert await accept(core, {}) == ["ok"]
    assert await accept(core, {}, {"recipient": "+44 7700 900123"}) == ["duplicate", "duplicate"]
    core.clock.advance(601)
    assert await accept(core, {}) == ["ok"]
    assert len(await store.messages("shop")) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"text": "hello!"},
        {"sender": "SHOP2"},
        {"recipient": "447700900124"},
        {"account": "other"},
        {"text": "", "data": b"hello", "udh": b"\x03\x70\x01\x00"},
    ],
)
async def test_another_message_is_another(store: Store, other: dict[str, Any]) -> None:
    core = make_core(store, config=GUARDED)
    assert await accept(core, {}) == ["ok"]
    assert await accept(core, other) == ["ok"]


async def test_accounts_without_the_setting_may_repeat_themselves(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    assert await accept(core, *[{"account": "other"}] * 2) == ["ok", "ok"]
    assert await store.count_records(KIND) == 0


async def test_within_a_batch_the_first_counts(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    batch = [{"text": "a"}, {"text": "b"}, {"text": "a"}, {"text": "", "recipient": "1"}]
    assert await accept(core, *batch) == ["ok", "ok", "duplicate", "invalid_recipient"]


async def test_at_the_same_time_the_first_counts(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    outcome = await asyncio.gather(*(accept(core, {}) for _ in range(5)))
    assert sorted(one for (one,) in outcome) == ["duplicate"] * 4 + ["ok"]


async def test_a_restart_forgets_nothing(store: Store) -> None:
    assert await accept(make_core(store, config=GUARDED), {}) == ["ok"]
    assert await accept(make_core(store, config=GUARDED), {}) == ["duplicate"]


async def test_what_was_not_kept_does_not_count(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    with broken(store, "add"), pytest.raises(StoreError):
        await accept(core, {})
    # The mark of a message that never was; another node would wait a moment, in case it is about to be.
    core.clock.advance(GRACE_SECONDS)
    assert await accept(core, {}) == ["ok"]
    assert await accept(core, {}) == ["duplicate"]


async def test_another_nodes_message_that_is_being_kept_is_waited_for(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    with broken(store, "add"), pytest.raises(StoreError):
        await accept(core, {})
    (outcome,) = await make_core(store, config=GUARDED).intake.accept([new_message()])
    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after == GRACE_SECONDS


async def test_when_marks_cannot_be_kept_nothing_is(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    with broken(store, "put_records"), pytest.raises(StoreError):
        await accept(core, {})
    assert await store.messages("shop") == []
    assert await accept(core, {}) == ["ok"]


async def test_what_came_to_nothing_may_be_sent_again(store: Store) -> None:
    core = await started(store, config=GUARDED)
    core.uplinks["a"].answer = always(REJECTED)
    message = await core.send()
    await core.settled(message, State.REJECTED)
    core.uplinks["a"].answer = numbered()
    again = await core.send()
    await core.settled(again, State.SUBMITTED)
    assert await accept(core, {}) == ["duplicate"]
    await core.pipeline.stop(1)


async def test_the_same_request_sent_twice_gets_the_first_answer(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    claim = Claim(account="shop", key="k", fingerprint="f", answer=lambda _outcomes: b"first")
    results = await asyncio.gather(
        *(core.intake.accept([new_message()], claim=claim) for _ in range(2)), return_exceptions=True
    )
    (taken,) = [one for one in results if isinstance(one, KeyTaken)]
    assert taken.answer == b"first"
    other = Claim(account="shop", key="k2", fingerprint="f", answer=lambda _outcomes: b"second")
    (refused,) = await core.intake.accept([new_message()], claim=other)
    assert isinstance(refused, InvalidMessage)
    assert refused.code == "duplicate"


async def test_old_marks_are_forgotten(store: Store) -> None:
    core = make_core(store, config=GUARDED)
    await accept(core, *({"text": str(n)} for n in range(5)))
    guard = DuplicateGuard(store, lambda _account: 600, clock=core.clock)
    assert not await guard.sweep()
    assert await store.count_records(KIND) == 5
    core.clock.advance(601)
    assert not await guard.sweep()
    assert await store.count_records(KIND) == 0


def kept(**fields: Any) -> Message:
    new = new_message()
    values = {name: getattr(new, name) for name in new.__struct_fields__}
    return Message(**(values | {"id": "m", "node": "n", "created_at": NOW, "updated_at": NOW} | fields))


def test_fields_do_not_run_into_each_other() -> None:
    assert digest_of(kept(sender="A", recipient="112")) != digest_of(kept(sender="A1", recipient="12"))
    assert digest_of(kept(priority=3)) == digest_of(kept(id="other"))
