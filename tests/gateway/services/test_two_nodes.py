"""Two nodes, each with its own connections, over one database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.config.services import VerifyConfig
from gateway.providers.ports import VerifyError, VerifyProblem, VerifyRequest, VerifyStatus, VerifyStep
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
