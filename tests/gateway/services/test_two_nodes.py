"""Two nodes, each with its own connections, over one database."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from gateway.config.services import VerifyConfig
from gateway.providers.ports import (
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
    VerifyStep,
)
from gateway.providers.seams import ChannelSent, Compared
from gateway.store import Store, open_store
from tests.gateway.services.desk import ACCOUNT, NUMBER, Bench, Clock
from tests.postgres import Cluster


@pytest.fixture
async def stores(postgres: Cluster) -> AsyncIterator[tuple[Store, Store]]:
    url = await postgres.new_url()
    opened = await open_store(url), await open_store(url)
    yield opened
    for store in opened:
        await store.close()


def benches(stores: tuple[Store, Store], config: VerifyConfig | None = None) -> tuple[Bench, Bench]:
    clock = Clock()
    first, second = (Bench(store, clock, config=config or VerifyConfig()) for store in stores)
    return first, second


def asks(**fields: object) -> VerifyRequest:
    return VerifyRequest(number=NUMBER, dialect="words", **fields)  # type: ignore[arg-type]


async def test_guesses_at_both_nodes_count_together(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores)
    begun = await first.verify.begin(ACCOUNT, asks(max_attempts=4, code_length=10))
    guesses = [(first, second)[n % 2].verify.check(ACCOUNT, begun.id, "12345") for n in range(16)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    problems = [answer.problem for answer in answers if isinstance(answer, VerifyError)]
    assert len(problems) == 16
    assert problems.count(VerifyProblem.WRONG_CODE) == 4
    with pytest.raises(VerifyError) as caught:
        await second.verify.check(ACCOUNT, begun.id, first.desk.code)
    assert caught.value.status is VerifyStatus.FAILED


async def test_the_right_code_is_taken_once(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores)
    begun = await first.verify.begin(ACCOUNT, asks())
    tries = [(first, second)[n % 2].verify.check(ACCOUNT, begun.id, first.desk.code) for n in range(8)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


async def test_one_number_has_one_verification(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores)
    tries = [(first, second)[n % 2].verify.begin(ACCOUNT, asks()) for n in range(8)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert len(first.desk.taken) + len(second.desk.taken) == 1


async def test_a_step_is_taken_by_one_node(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores)
    steps = (VerifyStep(wait_seconds=60), VerifyStep(wait_seconds=60), VerifyStep())
    await first.verify.begin(ACCOUNT, asks(steps=steps))
    for _ in range(4):
        first.clock.pass_(60)
        await asyncio.gather(first.verify.sweep(), second.verify.sweep())
    assert len(first.desk.taken) + len(second.desk.taken) == 3


async def test_a_cap_holds_over_both(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=5))
    tries = [(first, second)[n % 2].verify.begin(ACCOUNT, asks(allow_concurrent=True)) for n in range(20)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 5


async def test_resends_at_both_nodes_stay_within_what_may_be_sent(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=0))
    begun = await first.verify.begin(ACCOUNT, asks(max_sends=4, resend_after_seconds=0))
    first.clock.pass_(1)
    for _ in range(6):
        tries = [(first, second)[n % 2].verify.resend(ACCOUNT, begun.id) for n in range(6)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert all(isinstance(one, (Verification, VerifyError)) for one in answers)
        first.clock.pass_(1)
    assert len(first.desk.taken) + len(second.desk.taken) == 4
    found = await second.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert found.sends == 4


async def test_no_pause_is_had_by_asking_both_nodes(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=0))
    begun = await first.verify.begin(ACCOUNT, asks(max_sends=10, resend_after_seconds=30))
    first.clock.pass_(30)
    tries = [(first, second)[n % 2].verify.resend(ACCOUNT, begun.id) for n in range(8)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Verification) for one in answers) == 1
    problems = {one.problem for one in answers if isinstance(one, VerifyError)}
    assert problems == {VerifyProblem.TOO_SOON}


async def test_guesses_while_codes_are_sent_again_stay_within_the_attempts(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=0))
    begun = await first.verify.begin(
        ACCOUNT, asks(max_attempts=5, max_sends=10, resend_after_seconds=0, code_length=10)
    )
    first.clock.pass_(1)

    async def guess(n: int) -> BaseException | Verification:
        node = (first, second)[n % 2]
        try:
            if n % 5 == 4:
                return await node.verify.resend(ACCOUNT, begun.id)
            return await node.verify.check(ACCOUNT, begun.id, "12345")
        except VerifyError as error:
            return error

    said = await asyncio.gather(*(guess(n) for n in range(40)))
    wrong = [one for one in said if isinstance(one, VerifyError) and one.problem is VerifyProblem.WRONG_CODE]
    assert len(wrong) == 5
    assert sorted(one.attempts_left for one in wrong) == [0, 1, 2, 3, 4]
    codes = [re.search(r"\d{10}", one.text) for node in (first, second) for one in node.desk.taken]
    for code in codes:
        assert code is not None
        with pytest.raises(VerifyError) as caught:
            await second.verify.check(ACCOUNT, begun.id, code.group())
        assert caught.value.problem is VerifyProblem.TOO_MANY_ATTEMPTS


async def test_the_last_attempt_is_one_at_either_node(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=0, guesses_per_number=0))
    for _ in range(5):
        begun = await first.verify.begin(ACCOUNT, asks(max_attempts=1, allow_concurrent=True))
        right = first.desk.code
        wrong = "0" * len(right) if right.strip("0") else "1" * len(right)
        tries = [(first, second)[n % 2].verify.check(ACCOUNT, begun.id, (wrong, right)[n % 4 // 2]) for n in range(8)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        verified = sum(isinstance(one, Verification) for one in answers)
        missed = sum(isinstance(one, VerifyError) and one.problem is VerifyProblem.WRONG_CODE for one in answers)
        # Whichever came first has ended it.
        assert verified + missed == 1


async def test_one_is_cancelled_or_verified_not_both(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=0, guesses_per_number=0))
    for _ in range(5):
        begun = await first.verify.begin(ACCOUNT, asks(allow_concurrent=True))
        code = first.desk.code
        answers = await asyncio.gather(
            first.verify.check(ACCOUNT, begun.id, code),
            second.verify.cancel(ACCOUNT, begun.id),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Verification) for one in answers) == 1
        found = await second.verify.find(ACCOUNT, begun.id)
        assert found is not None
        assert (found.status is VerifyStatus.VERIFIED) == isinstance(answers[0], Verification)


async def test_guesses_over_many_verifications_count_together(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(per_number=0, conversion_percent=0, guesses_per_number=10))
    begun = [await first.verify.begin(ACCOUNT, asks(allow_concurrent=True)) for _ in range(8)]
    guesses = [(first, second)[n % 2].verify.check(ACCOUNT, begun[n % 8].id, "x") for n in range(32)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    problems = [answer.problem for answer in answers if isinstance(answer, VerifyError)]
    assert len(problems) == 32
    assert problems.count(VerifyProblem.WRONG_CODE) == 10


async def test_guesses_at_a_code_that_a_provider_keeps_stay_within_the_attempts(stores: tuple[Store, Store]) -> None:
    first, second = benches(stores, VerifyConfig(guesses_per_number=0))
    for node in (first, second):
        node.channels.offered = {"flash_call"}
        node.channels.answer = ChannelSent(reference="RCL-1", keeper="codes")
        node.channels.says = [Compared.WRONG] * 40
    steps = (VerifyStep(channel="flash_call"),)
    begun = await first.verify.begin(ACCOUNT, asks(steps=steps, max_attempts=4))
    guesses = [(first, second)[n % 2].verify.check(ACCOUNT, begun.id, "1234") for n in range(20)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(answer, VerifyError) for answer in answers)
    asked = 80 - len(first.channels.says) - len(second.channels.says)
    assert asked == 4
