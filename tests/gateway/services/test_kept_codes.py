"""Codes that a provider makes and keeps: attempts are counted here, the code is compared there."""

import asyncio
from typing import Any

import pytest

from gateway.providers.ports import (
    NoAnswer,
    Verification,
    VerifyError,
    VerifyProblem,
    VerifyRequest,
    VerifyStatus,
    VerifyStep,
)
from gateway.providers.seams import ChannelRefused, ChannelSent, Compared
from gateway.store.memory import MemoryStore
from tests.gateway.services.desk import ACCOUNT, NUMBER, Bench


def asks(**fields: Any) -> VerifyRequest:
    return VerifyRequest(**({"number": NUMBER, "dialect": "words", "brand": "Shop"} | fields))


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryStore())


async def refused(awaitable: Any) -> VerifyError:
    with pytest.raises(VerifyError) as caught:
        await awaitable
    return caught.value


async def kept_elsewhere(bench: Bench, **fields: Any) -> Verification:
    bench.channels.offered = {"flash_call"}
    bench.channels.answer = ChannelSent(reference="RCL-1", keeper="codes", extra={"pin_hash": "ab"})
    return await bench.verify.begin(ACCOUNT, asks(steps=(VerifyStep(channel="flash_call"),), **fields))


async def test_a_code_that_the_provider_keeps_is_compared_there(bench: Bench) -> None:
    begun = await kept_elsewhere(bench)
    assert (begun.message_id, dict(begun.extra)) == ("RCL-1", {"pin_hash": "ab"})
    bench.channels.says = [Compared.WRONG, Compared.RIGHT]
    error = await refused(bench.verify.check(ACCOUNT, begun.id, "1111"))
    assert (error.problem, error.attempts_left) == (VerifyProblem.WRONG_CODE, 2)
    verified = await bench.verify.check(ACCOUNT, begun.id, "98 23", fields={"use_server_hangup": "true"})
    assert (verified.status, verified.attempts) == (VerifyStatus.VERIFIED, 1)
    assert bench.channels.compared == [
        (ACCOUNT, "codes", "flash_call", "RCL-1", "1111", {}),
        (ACCOUNT, "codes", "flash_call", "RCL-1", "9823", {"use_server_hangup": "true"}),
    ]
    assert (await refused(bench.verify.check(ACCOUNT, begun.id, "9823"))).problem is VerifyProblem.ENDED
    assert len(bench.channels.compared) == 2


async def test_no_code_that_was_made_here_is_right_where_the_provider_keeps_it(bench: Bench) -> None:
    begun = await kept_elsewhere(bench)
    bench.channels.says = [Compared.WRONG]
    error = await refused(bench.verify.check(ACCOUNT, begun.id, bench.channels.orders[0].code))
    assert error.problem is VerifyProblem.WRONG_CODE


async def test_the_provider_is_asked_no_more_often_than_attempts_are_allowed(bench: Bench) -> None:
    begun = await kept_elsewhere(bench, max_attempts=2)
    bench.channels.says = [Compared.WRONG] * 9
    checks = [bench.another().check(ACCOUNT, begun.id, f"{n}") for n in range(9)]
    found = await asyncio.gather(*checks, return_exceptions=True)
    assert all(isinstance(one, VerifyError) for one in found)
    assert len(bench.channels.compared) == 2
    last = await bench.verify.find(ACCOUNT, begun.id)
    assert last is not None and (last.status, last.attempts) == (VerifyStatus.FAILED, 2)


@pytest.mark.parametrize(
    ("says", "problem", "status"),
    [
        (Compared.TOO_MANY, VerifyProblem.TOO_MANY_ATTEMPTS, VerifyStatus.FAILED),
        (Compared.EXPIRED, VerifyProblem.EXPIRED, VerifyStatus.EXPIRED),
    ],
)
async def test_what_the_provider_has_ended_has_ended_here(
    bench: Bench, says: Compared, problem: VerifyProblem, status: VerifyStatus
) -> None:
    begun = await kept_elsewhere(bench)
    bench.channels.says = [says]
    for _ in range(2):
        assert (await refused(bench.verify.check(ACCOUNT, begun.id, "9823"))).problem is problem
    found = await bench.verify.find(ACCOUNT, begun.id)
    assert found is not None and found.status is status


async def test_a_provider_that_says_nothing_costs_no_attempt(bench: Bench) -> None:
    begun = await kept_elsewhere(bench, max_attempts=1)
    bench.channels.silent = True
    for _ in range(3):
        with pytest.raises(NoAnswer):
            await bench.verify.check(ACCOUNT, begun.id, "9823")
    bench.channels.silent, bench.channels.says = False, [Compared.RIGHT]
    assert (await bench.verify.check(ACCOUNT, begun.id, "9823")).status is VerifyStatus.VERIFIED


async def test_a_code_of_ours_follows_one_that_the_provider_kept(bench: Bench) -> None:
    bench.channels.offered = {"flash_call"}
    bench.channels.answer = ChannelSent(reference="RCL-1", keeper="codes")
    steps = (VerifyStep(channel="flash_call", wait_seconds=30), VerifyStep())
    begun = await bench.verify.begin(ACCOUNT, asks(steps=steps))
    bench.clock.pass_(31)
    await bench.verify.sweep()
    assert (await bench.verify.check(ACCOUNT, begun.id, bench.desk.code)).status is VerifyStatus.VERIFIED
    assert not bench.channels.compared


async def test_a_fresh_one_that_cannot_be_sent_leaves_the_providers_in_force(bench: Bench) -> None:
    begun = await kept_elsewhere(bench)
    bench.channels.refuses = ChannelRefused("no")
    assert (await refused(bench.verify.resend(ACCOUNT, begun.id))).problem is VerifyProblem.NO_ROUTE
    bench.channels.says = [Compared.RIGHT]
    assert (await bench.verify.check(ACCOUNT, begun.id, "9823")).status is VerifyStatus.VERIFIED


async def test_a_callers_own_code_is_said_to_be_one(bench: Bench) -> None:
    bench.channels.offered = {"flash_call"}
    await bench.verify.begin(ACCOUNT, asks(code="4711", steps=(VerifyStep(channel="flash_call"),)))
    assert [(one.is_own_code, one.validity_seconds) for one in bench.channels.orders] == [(True, 300)]
