"""What passes the way in: idempotency keys, prices, quota."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.errors import InvalidMessage, KeyTaken, StoreError
from gateway.models import Message, State
from gateway.providers.base import Claim
from gateway.store import Store
from tests.gateway.fakes import REJECTED, Core, always, failing, make_core, new_message, started

replace = msgspec.structs.replace

PREPAID = """
[[price]]
amount = 0.01
[account.shop.billing]
mode = "prepaid"
parts_per_day = 6
"""
LONG = "x" * 400
"""Three parts."""


def answer(outcome: Sequence[Message | InvalidMessage]) -> bytes:
    return " ".join(one.code if isinstance(one, InvalidMessage) else one.id for one in outcome).encode()


def make_claim(fingerprint: str = "f", key: str = "k") -> Claim:
    return Claim("shop", key, fingerprint, answer)


async def top_up(core: Core, amount: str) -> None:
    assert core.intake._billing is not None
    await core.intake._billing.top_up("shop", Decimal(amount))


async def codes(core: Core, *messages: Any, claim: Claim | None = None) -> list[str]:
    outcome = await core.intake.accept(messages, claim=claim)
    return [one.code if isinstance(one, InvalidMessage) else "" for one in outcome]


# --- idempotency keys ---


async def test_a_request_sent_twice_is_done_once_and_answered_as_the_first_time(store: Store) -> None:
    core = make_core(store)
    outcome = await core.intake.accept([new_message(), new_message(recipient="1")], claim=make_claim())
    with pytest.raises(KeyTaken) as taken:
        await core.intake.accept([new_message(), new_message(recipient="1")], claim=make_claim())
    assert taken.value.answer == answer(outcome)
    assert taken.value.fingerprint == "f"
    assert len(await store.messages("shop")) == 1


async def test_what_was_done_before_is_not_judged_anew(store: Store) -> None:
    core = make_core(store, extra=PREPAID)
    await top_up(core, "0.01")
    assert await codes(core, new_message(), claim=make_claim()) == [""]
    with pytest.raises(KeyTaken):
        await core.intake.accept([new_message()], claim=make_claim())


async def test_of_requests_at_once_all_get_the_answer_of_the_one_that_was_done(store: Store) -> None:
    core = make_core(store)
    asking = [core.intake.accept([new_message()], claim=make_claim()) for _ in range(8)]
    outcome = await asyncio.gather(*asking, return_exceptions=True)
    (done,) = [one for one in outcome if isinstance(one, list)]
    assert {one.answer for one in outcome if isinstance(one, KeyTaken)} == {answer(done)}
    assert len(await store.messages("shop")) == 1
    assert core.pipeline.queue_depth == 1


async def test_a_request_that_came_to_nothing_may_use_its_key_again(store: Store) -> None:
    core = make_core(store)
    assert await codes(core, new_message(recipient="1"), claim=make_claim()) == ["invalid_recipient"]
    store.fault = failing("before commit")
    with pytest.raises(StoreError):
        await core.intake.accept([new_message()], claim=make_claim())
    store.fault = None
    assert await codes(core, new_message(), claim=make_claim("g")) == [""]


async def test_a_key_is_free_again_after_the_time_of_the_setting(store: Store) -> None:
    core = make_core(store, extra="\n[store]\nidempotency_seconds = 60\n")
    await core.intake.accept([new_message()], claim=make_claim())
    core.clock.advance(59)
    with pytest.raises(KeyTaken):
        await core.intake.accept([new_message()], claim=make_claim())
    core.clock.advance(1)
    assert await codes(core, new_message(), claim=make_claim()) == [""]


# --- money ---


async def test_messages_are_charged_for_the_parts_they_will_have(store: Store) -> None:
    core = make_core(store, extra=PREPAID)
    await top_up(core, "0.05")
    assert await codes(core, new_message(text=LONG), new_message()) == ["", ""]
    assert await store.balance("shop") == 10_000
    assert sorted(one.price for one in await store.messages("shop")) == [10_000, 30_000]


async def test_what_cannot_be_paid_for_is_refused_and_not_sent(store: Store) -> None:
    core = make_core(store, extra=PREPAID)
    await top_up(core, "0.02")
    assert await codes(core, new_message(text=LONG), new_message(), new_message(), claim=make_claim()) == [
        "insufficient_balance",
        "",
        "",
    ]
    assert core.pipeline.queue_depth == 2
    claimed = await store.find_claim("shop", "k", core.clock())
    assert claimed is not None
    assert claimed.answer.startswith(b"insufficient_balance ")


async def test_a_quota_is_counted_in_parts(store: Store) -> None:
    core = make_core(store, extra=PREPAID)
    await top_up(core, "1")
    assert await codes(core, new_message(text=LONG), new_message(text=LONG), new_message()) == [
        "",
        "",
        "quota_exceeded",
    ]
    core.clock.advance(86_400)
    assert await codes(core, new_message()) == [""]


async def test_an_account_that_is_charged_sends_nowhere_without_a_price(store: Store) -> None:
    core = make_core(store, extra=PREPAID.replace("amount", 'prefix = "33"\namount'))
    assert await codes(core, new_message()) == ["no_price"]


async def test_a_cancelled_message_costs_nothing(store: Store) -> None:
    core = make_core(store, extra=PREPAID)
    await top_up(core, "0.03")
    message = await core.send(text=LONG)
    assert await store.balance("shop") == 0
    await core.intake.cancel("shop", message.id)
    assert await store.balance("shop") == 30_000


async def test_a_message_made_longer_is_charged_the_difference_if_that_can_be_paid(store: Store) -> None:
    core = make_core(store, extra=PREPAID)
    await top_up(core, "0.03")
    message = await core.send()
    await core.intake.amend("shop", message.id, lambda old: replace(old, text=LONG))
    assert await store.balance("shop") == 0
    other = await core.intake.amend("shop", message.id, lambda old: replace(old, text="short"))
    assert (await store.balance("shop"), other.price) == (20_000, 10_000)
    await core.send()
    with pytest.raises(InvalidMessage, match="balance"):
        await core.intake.amend("shop", message.id, lambda old: replace(old, text=LONG))
    assert await core.state(message) is State.QUEUED


async def test_a_message_that_an_smsc_rejects_is_refunded(store: Store) -> None:
    core = await started(store, extra=PREPAID)
    for uplink in core.uplinks.values():
        uplink.answer = always(REJECTED)
    await top_up(core, "0.03")
    message = await core.send()
    found = await core.settled(message, State.REJECTED)
    assert (found.price, found.refunded) == (10_000, 10_000)
    assert await store.balance("shop") == 30_000
    await core.pipeline.stop(1)
