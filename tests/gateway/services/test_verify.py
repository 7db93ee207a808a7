"""One-time codes, from the request to the end; on the store that keeps nothing unless a test says otherwise."""

import asyncio
import logging
import re
from typing import Any

import msgspec
import pytest

from gateway.config.services import VerifyConfig
from gateway.errors import InvalidMessage, NoRoute, StoreError, StoreFull
from gateway.models import State
from gateway.providers.ports import (
    NotOffered,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
    VerifyStep,
)
from gateway.providers.seams import ChannelRefused, ChannelSent, ChannelState
from gateway.store.memory import MemoryStore
from tests.gateway.services.desk import ACCOUNT, NUMBER, Bench, owed


def asks(**fields: Any) -> VerifyRequest:
    return VerifyRequest(**({"number": NUMBER, "dialect": "words", "brand": "Shop"} | fields))


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryStore())


async def refused(awaitable: Any) -> VerifyError:
    with pytest.raises(VerifyError) as caught:
        await awaitable
    return caught.value


def another_than(code: str, n: int = 1) -> str:
    return f"{(int(code) + n) % 10 ** len(code):0{len(code)}d}"


# --- the plain way ---


async def test_a_code_is_sent_and_its_return_verifies(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks())
    assert (begun.status, begun.sends, begun.channel) == (VerifyStatus.PENDING, 1, "sms")
    assert begun.expires_at == bench.clock.now + 300
    message = bench.desk.taken[0]
    assert (message.recipient, message.sender, message.secret) == (NUMBER, "VERIFY", True)
    assert message.text == f"Shop: Verification code: {bench.desk.code}. Valid for 5 min."
    verified = await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
    assert (verified.status, verified.verified_at) == (VerifyStatus.VERIFIED, bench.clock.now)
    assert await bench.verify.find(ACCOUNT, begun.id) == verified


@pytest.mark.parametrize("length", [3, 4, 5, 6, 10])
async def test_codes_have_as_many_digits_as_asked_for(bench: Bench, length: int) -> None:
    await bench.verify.begin(ACCOUNT, asks(code_length=length))
    assert len(bench.desk.code) == length


async def test_a_code_is_read_as_people_type_it(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(code_length=6))
    code = bench.desk.code
    arabic = "".join(chr(0x0660 + int(digit)) for digit in code)
    assert (await bench.verify.check(ACCOUNT, begun.id, f" {arabic[:3]}-{arabic[3:]} ")).status == "verified"


async def test_nobody_sees_what_is_anothers(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks())
    assert (await refused(bench.verify.check("other", begun.id, bench.desk.code))).problem is VerifyProblem.NOT_FOUND
    assert (await refused(bench.verify.cancel("other", begun.id))).problem is VerifyProblem.NOT_FOUND
    assert await bench.verify.find("other", begun.id) is None
    assert await bench.verify.search("other", number=NUMBER) == []


async def test_one_is_found_by_number_and_reference_newest_first(bench: Bench) -> None:
    ids = []
    for n in range(3):
        ids.append((await bench.verify.begin(ACCOUNT, asks(allow_concurrent=True, reference=f"r{n % 2}"))).id)
        bench.clock.pass_(1)
    assert [one.id for one in await bench.verify.search(ACCOUNT, number="+" + NUMBER)] == ids[::-1]
    assert [one.id for one in await bench.verify.search(ACCOUNT, number=NUMBER, before_id=ids[2], limit=1)] == [ids[1]]
    assert [one.id for one in await bench.verify.search(ACCOUNT, reference="r0")] == [ids[2], ids[0]]


async def test_what_happens_is_called_back_in_the_dialects_words(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(callback_url="https://example.com/v"))
    (message,) = await bench.store.messages(ACCOUNT)
    await bench.verify.on_message(ACCOUNT, f"{begun.id}/0", ended(message, State.DELIVERED))
    await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
    assert await owed(bench.store) == ["sent", "delivered", "verified"]


def ended(message: Any, state: State) -> Any:
    return msgspec.structs.replace(message, state=state)


# --- attempts ---


async def test_brute_force_is_stopped_by_the_attempts(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(max_attempts=3))
    code = bench.desk.code
    for left in (2, 1, 0):
        error = await refused(bench.verify.check(ACCOUNT, begun.id, another_than(code, left + 1)))
        assert (error.problem, error.attempts_left) == (VerifyProblem.WRONG_CODE, left)
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, code))).problem is VerifyProblem.TOO_MANY_ATTEMPTS
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert (found.status, found.attempts) == (VerifyStatus.FAILED, 3)
    assert (await refused(bench.verify.resend(ACCOUNT, begun.id))).problem is VerifyProblem.TOO_MANY_ATTEMPTS


async def test_fresh_codes_do_not_make_fresh_attempts(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(max_attempts=3, max_sends=9))
    for _ in range(3):
        await refused(bench.verify.check(ACCOUNT, begun.id, another_than(bench.desk.code)))
        if (await bench.verify.find(ACCOUNT, begun.id)).status is VerifyStatus.PENDING:  # type: ignore[union-attr]
            await bench.verify.resend(ACCOUNT, begun.id)
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, bench.desk.code))).problem is (
        VerifyProblem.TOO_MANY_ATTEMPTS
    )


async def test_many_guesses_at_once_on_two_nodes_count_one_by_one(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(max_attempts=5, code_length=6))
    code, other = bench.desk.code, bench.another()
    guesses = [(bench.verify, other)[n % 2].check(ACCOUNT, begun.id, another_than(code, n + 1)) for n in range(40)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    problems = [answer.problem for answer in answers if isinstance(answer, VerifyError)]
    assert problems.count(VerifyProblem.WRONG_CODE) == 5
    assert problems.count(VerifyProblem.TOO_MANY_ATTEMPTS) == 35


async def test_the_right_code_counts_once_on_two_nodes(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks())
    tries = [one.check(ACCOUNT, begun.id, bench.desk.code) for one in (bench.verify, bench.another()) * 5]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert {one.problem for one in answers if isinstance(one, VerifyError)} == {VerifyProblem.ENDED}


# --- time ---


async def test_a_code_is_too_old_by_the_clock_and_not_by_the_sweeper(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(validity_seconds=60, callback_url="https://example.com/"))
    bench.clock.pass_(60)
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, bench.desk.code))).problem is VerifyProblem.EXPIRED
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert found.status is VerifyStatus.EXPIRED
    assert (await refused(bench.verify.resend(ACCOUNT, begun.id))).problem is VerifyProblem.EXPIRED
    await bench.verify.sweep()
    await bench.another().sweep()
    assert await owed(bench.store) == ["sent", "expired"]


async def test_one_that_ended_is_forgotten_in_time(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(reference="r"))
    await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
    bench.clock.pass_(bench.config.keep_seconds + 1)
    await bench.verify.sweep()
    assert await bench.verify.find(ACCOUNT, begun.id) is None
    for kind in ("verify", "verify_reference", "verify_active", "verify_count"):
        assert await bench.store.count_records(kind) == 0, kind


# --- one at a time ---


async def test_another_of_the_same_number_and_brand_has_to_wait(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks())
    error = await refused(bench.verify.begin(ACCOUNT, asks()))
    assert (error.problem, error.verification_id) == (VerifyProblem.CONCURRENT, begun.id)
    await bench.verify.begin(ACCOUNT, asks(brand="Bank"))
    await bench.verify.begin(ACCOUNT, asks(allow_concurrent=True))
    await bench.verify.begin("other", asks())
    await bench.verify.check(ACCOUNT, begun.id, code_of(bench, 0))
    await bench.verify.begin(ACCOUNT, asks())


def code_of(bench: Bench, n: int) -> str:
    found = re.search(r"\d{4}", bench.desk.taken[n].text)
    assert found is not None
    return found.group()


async def test_one_that_replaces_ends_the_other(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks())
    second = await bench.verify.begin(ACCOUNT, asks(replaces_concurrent=True))
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert found.status is VerifyStatus.CANCELLED
    error = await refused(bench.verify.check(ACCOUNT, begun.id, code_of(bench, 0)))
    assert (error.problem, error.status) == (VerifyProblem.ENDED, VerifyStatus.CANCELLED)
    assert (await bench.verify.check(ACCOUNT, second.id, bench.desk.code)).status is VerifyStatus.VERIFIED


async def test_of_many_begun_at_once_on_two_nodes_one_runs(bench: Bench) -> None:
    nodes = (bench.verify, bench.another())
    tries = [nodes[n % 2].begin(ACCOUNT, asks()) for n in range(8)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert {one.problem for one in answers if isinstance(one, VerifyError)} == {VerifyProblem.CONCURRENT}
    assert len(bench.desk.taken) == 1
    assert await bench.store.count_records("verify") == 1


# --- codes that follow ---


async def test_a_fresh_code_takes_the_place_of_the_one_before(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(code_length=10))
    first = bench.desk.code
    bench.clock.pass_(200)
    again = await bench.verify.resend(ACCOUNT, begun.id)
    assert (again.sends, again.expires_at) == (2, bench.clock.now + 300)
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, first))).problem is VerifyProblem.WRONG_CODE
    assert (await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)).status is VerifyStatus.VERIFIED


async def test_codes_are_neither_too_many_nor_too_soon(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(max_sends=2, resend_after_seconds=30))
    error = await refused(bench.verify.resend(ACCOUNT, begun.id))
    assert (error.problem, error.retry_after) == (VerifyProblem.TOO_SOON, 30)
    bench.clock.pass_(30)
    await bench.verify.resend(ACCOUNT, begun.id)
    bench.clock.pass_(30)
    assert (await refused(bench.verify.resend(ACCOUNT, begun.id))).problem is VerifyProblem.TOO_MANY_SENDS


async def test_a_code_of_the_callers_own_is_sent_again_as_it_is(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(code="4711"))
    await bench.verify.resend(ACCOUNT, begun.id)
    assert [code_of(bench, n) for n in (0, 1)] == ["4711", "4711"]
    assert (await bench.verify.check(ACCOUNT, begun.id, "4711")).status is VerifyStatus.VERIFIED


async def test_where_a_fresh_code_cannot_be_sent_the_one_before_counts(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks())
    code = bench.desk.code
    bench.desk.refuses = NoRoute("none")
    assert (await refused(bench.verify.resend(ACCOUNT, begun.id))).problem is VerifyProblem.NO_ROUTE
    assert (await bench.verify.check(ACCOUNT, begun.id, code)).status is VerifyStatus.VERIFIED


async def test_cancelling_has_its_time(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(cancel_after_seconds=30))
    assert (await refused(bench.verify.cancel(ACCOUNT, begun.id))).problem is VerifyProblem.TOO_SOON
    bench.clock.pass_(30)
    assert (await bench.verify.cancel(ACCOUNT, begun.id)).status is VerifyStatus.CANCELLED
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, bench.desk.code))).problem is VerifyProblem.ENDED


# --- steps ---

TWO_SMS_THEN_VOICE = (VerifyStep(wait_seconds=60), VerifyStep(wait_seconds=60), VerifyStep(channel="voice"))


async def test_steps_follow_each_other_with_the_same_code(bench: Bench) -> None:
    bench.channels.offered = {"voice"}
    begun = await bench.verify.begin(ACCOUNT, asks(steps=TWO_SMS_THEN_VOICE))
    code = bench.desk.code
    for sent in (1, 2):
        bench.clock.pass_(59)
        await bench.verify.sweep()
        assert len(bench.desk.taken) + len(bench.channels.orders) == sent
        bench.clock.pass_(1)
        await asyncio.gather(bench.verify.sweep(), bench.another().sweep())
        assert len(bench.desk.taken) + len(bench.channels.orders) == sent + 1
    (order,) = bench.channels.orders
    assert (order.channel, order.number, order.code, bench.desk.code) == ("voice", NUMBER, code, code)
    bench.clock.pass_(299)
    found = await bench.verify.check(ACCOUNT, begun.id, code)
    assert [one.channel for one in found.history] == ["sms", "sms", "voice"]


async def test_no_step_follows_what_has_ended(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(steps=TWO_SMS_THEN_VOICE))
    await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
    bench.clock.pass_(100)
    await bench.verify.sweep()
    assert len(bench.desk.taken) == 1


async def test_a_step_that_fails_is_followed_at_once(bench: Bench) -> None:
    bench.channels.offered = {"voice"}
    begun = await bench.verify.begin(ACCOUNT, asks(steps=(VerifyStep(wait_seconds=60), VerifyStep(channel="voice"))))
    (message,) = await bench.store.messages(ACCOUNT)
    await bench.verify.on_message(ACCOUNT, f"{begun.id}/0", ended(message, State.UNDELIVERABLE))
    assert [order.channel for order in bench.channels.orders] == ["voice"]


async def test_channels_that_lead_nowhere_are_passed_over_or_refused(bench: Bench) -> None:
    steps = (VerifyStep(channel="whatsapp", wait_seconds=30), VerifyStep())
    assert (await bench.verify.begin(ACCOUNT, asks(steps=steps))).channel == "sms"
    with pytest.raises(NotOffered, match="whatsapp"):
        await bench.verify.begin(ACCOUNT, asks(steps=steps, skip_unavailable=False, brand="b"))
    with pytest.raises(NotOffered, match="voice"):
        await bench.verify.begin(ACCOUNT, asks(steps=(VerifyStep(channel="voice"),), brand="c"))
    begun = await bench.verify.begin(ACCOUNT, asks(brand="d"))
    with pytest.raises(NotOffered):
        await bench.verify.resend(ACCOUNT, begun.id, channel="voice")


async def test_where_the_first_step_is_refused_the_next_is_taken(bench: Bench) -> None:
    bench.channels.offered = {"voice"}
    bench.desk.refuses = NoRoute("none")
    begun = await bench.verify.begin(ACCOUNT, asks(steps=(VerifyStep(), VerifyStep(channel="voice"))))
    assert begun.channel == "voice"
    assert [one.status for one in begun.history] == ["failed", "sent"]


async def test_where_no_step_works_nothing_was_begun(bench: Bench) -> None:
    bench.desk.refuses = InvalidMessage("sender_not_allowed", "not yours", "sender")
    assert (await refused(bench.verify.begin(ACCOUNT, asks(reference="r")))).problem is VerifyProblem.BAD_SENDER
    bench.desk.refuses, bench.desk.breaks = None, StoreFull()
    with pytest.raises(StoreFull):
        await bench.verify.begin(ACCOUNT, asks())
    bench.desk.breaks = None
    assert await bench.store.count_records("verify") == 0
    await bench.verify.begin(ACCOUNT, asks())


async def test_when_everything_failed_a_late_code_still_counts(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(callback_url="https://example.com/"))
    (message,) = await bench.store.messages(ACCOUNT)
    await bench.verify.on_message(ACCOUNT, f"{begun.id}/0", ended(message, State.REJECTED))
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert found.status is VerifyStatus.UNDELIVERED
    await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
    assert await owed(bench.store) == ["sent", "undelivered", "verified"]


async def test_a_channel_may_choose_the_code(bench: Bench) -> None:
    bench.channels.offered = {"flash_call"}
    bench.channels.answer = ChannelSent(reference="call-1", code="9876", extra={"head": "3728"})
    steps = (VerifyStep(channel="flash_call", wait_seconds=30), VerifyStep())
    begun = await bench.verify.begin(ACCOUNT, asks(steps=steps, extra={"a": "b"}))
    assert (begun.message_id, dict(begun.extra)) == ("call-1", {"a": "b", "head": "3728"})
    await bench.verify.on_channel_state(bench.channels.orders[0].id, ChannelState.FAILED, "busy")
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, "9876"))).problem is VerifyProblem.WRONG_CODE
    assert (await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)).status is VerifyStatus.VERIFIED


async def test_what_may_have_gone_to_a_provider_is_not_sent_twice(bench: Bench) -> None:
    bench.channels.offered = {"voice"}
    bench.channels.refuses = ChannelRefused("the line went dead", in_doubt=True)
    begun = await bench.verify.begin(ACCOUNT, asks(steps=(VerifyStep(channel="voice"),)))
    assert begun.history[0].status == "sent"
    bench.channels.refuses = ChannelRefused("no")
    assert (await refused(bench.verify.resend(ACCOUNT, begun.id))).problem is VerifyProblem.NO_ROUTE
    assert (await bench.verify.check(ACCOUNT, begun.id, bench.channels.orders[0].code)).status == "verified"


# --- crashes ---


async def test_a_code_whose_sender_died_is_sent_by_another_and_only_once(bench: Bench) -> None:
    bench.desk.breaks = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        await bench.verify.begin(ACCOUNT, asks())
    bench.desk.breaks = None
    bench.clock.pass_(31)
    await asyncio.gather(bench.verify.sweep(), bench.another().sweep())
    assert len(bench.desk.taken) == 1
    (found,) = await bench.verify.search(ACCOUNT, number=NUMBER)
    assert (await bench.verify.check(ACCOUNT, found.id, bench.desk.code)).status is VerifyStatus.VERIFIED


async def test_a_message_that_was_accepted_before_the_crash_is_not_sent_again(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(steps=(VerifyStep(wait_seconds=60), VerifyStep())))
    kept = await bench.store.find_record("verify", ACCOUNT, begun.id)
    assert kept is not None
    document = msgspec.json.decode(kept.value)
    document["claimed_until"] = bench.clock.now + 30
    await bench.store.put_records([msgspec.structs.replace(kept, value=msgspec.json.encode(document), due_at=1.0)])
    await bench.verify.sweep()
    assert len(bench.desk.taken) == 1
    bench.clock.pass_(60)
    await bench.verify.sweep()
    assert len(bench.desk.taken) == 2


async def test_a_step_that_met_a_fault_of_ours_is_taken_later(bench: Bench) -> None:
    await bench.verify.begin(ACCOUNT, asks(steps=TWO_SMS_THEN_VOICE))
    bench.desk.breaks = ValueError("a fault of ours")
    bench.clock.pass_(60)
    await bench.verify.sweep()
    bench.desk.breaks = None
    bench.clock.pass_(29)
    await bench.verify.sweep()
    assert len(bench.desk.taken) == 1
    bench.clock.pass_(1)
    await bench.verify.sweep()
    assert len(bench.desk.taken) == 2


# --- guards ---


@pytest.mark.parametrize(
    ("config", "requests", "guard"),
    [
        (VerifyConfig(per_number=2), [asks(allow_concurrent=True)] * 3, "number"),
        (VerifyConfig(per_prefix=2), [asks(number=f"44740012345{n}") for n in range(3)], "prefix"),
        (VerifyConfig(per_remote=2), [asks(number=f"4474001{n}3456", remote="192.0.2.1") for n in range(3)], "remote"),
        (VerifyConfig(per_account=2), [asks(number=f"4474001{n}3456") for n in range(3)], "account"),
        (VerifyConfig(conversion_after=2), [asks(number=f"4474001{n}3456") for n in range(3)], "conversion"),
    ],
)
async def test_pumped_traffic_is_blocked(config: VerifyConfig, requests: list[VerifyRequest], guard: str) -> None:
    bench = Bench(MemoryStore(), config=config)
    for request in requests[:-1]:
        await bench.verify.begin(ACCOUNT, request)
    bench.clock.pass_(180)
    error = await refused(bench.another().begin(ACCOUNT, requests[-1]))
    assert (error.problem, error.guard) == (VerifyProblem.BLOCKED, guard)
    assert len(bench.desk.taken) == 2
    bench.clock.pass_(2 * 3_600)
    await bench.verify.begin(ACCOUNT, requests[-1])


async def test_codes_that_come_back_keep_a_range_open() -> None:
    bench = Bench(MemoryStore(), config=VerifyConfig(conversion_after=4, conversion_percent=50))
    for n in range(8):
        begun = await bench.verify.begin(ACCOUNT, asks(number=f"4474001{n}3456"))
        if n % 2 == 0:
            await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)
        bench.clock.pass_(60)


async def test_the_first_codes_have_time_to_come_back() -> None:
    bench = Bench(MemoryStore(), config=VerifyConfig(conversion_after=2))
    for n in range(9):
        await bench.verify.begin(ACCOUNT, asks(number=f"4474001{n}3456"))
    bench.clock.pass_(180)
    assert (await refused(bench.verify.begin(ACCOUNT, asks(number="447400193456")))).guard == "conversion"


async def test_codes_go_where_they_may() -> None:
    bench = Bench(MemoryStore(), config=VerifyConfig(countries=("GB", "MY"), blocked_countries=("MY",)))
    await bench.verify.begin(ACCOUNT, asks())
    assert (await refused(bench.verify.begin(ACCOUNT, asks(number="60123456789")))).guard == "country"
    assert (await refused(bench.verify.begin(ACCOUNT, asks(number="919876543210")))).guard == "country"


async def test_a_cap_holds_however_many_ask_at_once() -> None:
    bench = Bench(MemoryStore(), config=VerifyConfig(per_number=5))
    nodes = (bench.verify, bench.another())
    tries = [nodes[n % 2].begin(ACCOUNT, asks(allow_concurrent=True)) for n in range(30)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 5


# --- requests that cannot be ---


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"number": "12"}, VerifyProblem.BAD_NUMBER),
        ({"number": "hello"}, VerifyProblem.BAD_NUMBER),
        ({"code_length": 2}, VerifyProblem.BAD_REQUEST),
        ({"code_length": 11}, VerifyProblem.BAD_REQUEST),
        ({"code": "a b c"}, VerifyProblem.BAD_REQUEST),
        ({"template": "no place"}, VerifyProblem.BAD_REQUEST),
        ({"sms_retriever_hash": "short"}, VerifyProblem.BAD_REQUEST),
        ({"steps": ()}, VerifyProblem.BAD_REQUEST),
        ({"number": "x" * 65, "steps": (VerifyStep(recipient="chat"),)}, VerifyProblem.BAD_REQUEST),
        ({"validity_seconds": 0}, VerifyProblem.BAD_REQUEST),
        ({"id": "a/b"}, VerifyProblem.BAD_REQUEST),
        ({"brand": "a\nb"}, VerifyProblem.BAD_REQUEST),
    ],
)
async def test_a_request_that_cannot_be_is_refused(
    bench: Bench, fields: dict[str, Any], problem: VerifyProblem
) -> None:
    assert (await refused(bench.verify.begin(ACCOUNT, asks(**fields)))).problem is problem
    assert not bench.desk.taken


async def test_ids_of_the_dialects_own_are_used_once(bench: Bench) -> None:
    begun = await bench.verify.begin(ACCOUNT, asks(id="SMS-1", allow_concurrent=True))
    assert begun.id == "SMS-1"
    error = await refused(bench.verify.begin(ACCOUNT, asks(id="SMS-1", allow_concurrent=True)))
    assert error.problem is VerifyProblem.BAD_REQUEST


# --- secrecy ---


async def test_no_code_is_anywhere_in_clear(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = bench.store
    assert isinstance(store, MemoryStore)
    begun = await bench.verify.begin(
        ACCOUNT, asks(code_length=10, steps=TWO_SMS_THEN_VOICE, callback_url="https://example.com/")
    )
    code = bench.desk.code
    await refused(bench.verify.check(ACCOUNT, begun.id, another_than(code)))
    assert code not in repr(await store.records("verify")) + repr(store.tables) + repr(begun) + caplog.text
    await bench.verify.check(ACCOUNT, begun.id, code)
    (record,) = await store.records("verify")
    assert code not in repr(store.tables) + caplog.text
    assert b"sealed_code" not in record.value
    assert code not in "".join(await owed(store))


# --- money ---


class Till:
    """Charges as billing does."""

    def __init__(self, *, funds: int = 10) -> None:
        self.funds = funds
        self.charged: dict[str, str] = {}
        self.breaks = False

    async def can_pay(self, account: str, number: str) -> bool:
        return self.funds > 0

    async def charge(self, account: str, number: str, reference: str, note: str) -> None:
        if self.breaks:
            raise StoreError("away")
        self.charged[reference] = number


async def test_what_is_paid_by_success_is_charged_once(bench: Bench) -> None:
    till = bench.till = Till()
    verify = bench.another()
    begun = await verify.begin(ACCOUNT, asks(per_conversion=True))
    assert bench.desk.taken[0].is_free
    await refused(verify.check(ACCOUNT, begun.id, another_than(bench.desk.code)))
    assert not till.charged
    till.breaks = True
    await verify.check(ACCOUNT, begun.id, bench.desk.code)
    till.breaks = False
    await verify.sweep()
    await bench.another().sweep()
    assert list(till.charged.values()) == [NUMBER]
    assert await verify.find(ACCOUNT, begun.id) is not None
    plain = await verify.begin(ACCOUNT, asks())
    assert not bench.desk.taken[-1].is_free
    await verify.check(ACCOUNT, plain.id, bench.desk.code)
    assert len(till.charged) == 1


async def test_what_cannot_be_paid_is_not_begun(bench: Bench) -> None:
    bench.till = Till(funds=0)
    verify = bench.another()
    assert (await refused(verify.begin(ACCOUNT, asks(per_conversion=True)))).problem is VerifyProblem.NO_FUNDS
    assert not bench.desk.taken


async def test_what_gives_a_channels_code_away_is_told_who_asked_and_kept_nowhere(bench: Bench) -> None:
    bench.channels.offered = {"flash_call"}
    bench.channels.answer = ChannelSent(
        reference="call-1", code="9876", extra={"from": "37282329876", "pin_hash": "a-hash"}
    )
    steps = (VerifyStep(channel="flash_call"),)
    begun = await bench.verify.begin(ACCOUNT, asks(steps=steps, max_sends=2, resend_after_seconds=0))
    assert begun.extra["from"] == "37282329876"
    bench.clock.pass_(1)
    again = await bench.verify.resend(ACCOUNT, begun.id)
    assert again.extra["pin_hash"] == "a-hash"
    kept = b"".join(record.value for record in await bench.store.records("verify"))
    assert not any(secret in kept for secret in (b"9876", b"a-hash"))
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert "from" not in found.extra
    assert (await bench.verify.check(ACCOUNT, begun.id, "9876")).status is VerifyStatus.VERIFIED
