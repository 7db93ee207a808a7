"""The guards as an attacker meets them: other ways to write a number, other addresses of one network, other paths."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.services import VerifyConfig
from gateway.providers.ports import VerifyError, VerifyProblem, VerifyRequest, VerifyStatus, VerifyStep
from gateway.services.counters import Counters
from gateway.services.guards import Guards, remote_name
from gateway.services.numbers import canonical
from gateway.store.memory import MemoryStore
from tests.gateway.services.desk import ACCOUNT, NUMBER, Bench, Clock

OTHER = "447400123499"
PREMIUM, SATELLITE, PERSONAL = "449098790000", "881631234567", "447012345678"


def asks(number: str = NUMBER, **fields: object) -> VerifyRequest:
    return VerifyRequest(number=number, dialect="words", **{"allow_concurrent": True, **fields})  # type: ignore[arg-type]


def bench(**config: object) -> Bench:
    return Bench(MemoryStore(), config=VerifyConfig(**config))  # type: ignore[arg-type]


async def blocked(here: Bench, request: VerifyRequest) -> str:
    """By which guard a code is held back; empty: it goes."""
    try:
        await here.verify.begin(ACCOUNT, request)
    except VerifyError as error:
        assert error.problem is VerifyProblem.BLOCKED
        return error.guard
    return ""


# --- numbers ---


@pytest.mark.parametrize(
    "written",
    ["+447400123456", " 447400123456", "+44 7400 123456", "+44-7400-123456", "4407400123456", "+44(0)7400123456"],
)
async def test_a_number_is_one_however_it_is_written(written: str) -> None:
    here = bench(per_number=2)
    assert [await blocked(here, asks()), await blocked(here, asks(written))] == ["", ""]
    assert await blocked(here, asks(written)) == "number"
    assert await blocked(here, asks()) == "number"
    assert await blocked(here, asks(OTHER)) == ""


async def test_what_is_no_number_is_counted_as_it_is_written() -> None:
    assert canonical("Anna.1234567@example.com") == "anna.1234567@example.com"
    here = bench(per_number=1)
    step = VerifyStep(recipient="anna@example.com")
    assert await blocked(here, asks(steps=(step,))) == ""
    assert await blocked(here, asks(steps=(VerifyStep(recipient="Anna@Example.com"),))) == "number"


async def test_the_number_that_a_step_goes_to_is_counted_not_the_one_that_was_named() -> None:
    here = bench(per_number=1)
    assert await blocked(here, asks(NUMBER, steps=(VerifyStep(recipient=OTHER),))) == ""
    assert await blocked(here, asks("447400999999", steps=(VerifyStep(recipient=OTHER),))) == "number"
    assert await blocked(here, asks(NUMBER)) == ""


@pytest.mark.parametrize(("number", "guard"), [(PREMIUM, "kind"), (PERSONAL, "kind"), (SATELLITE, "country")])
async def test_no_code_goes_where_calls_are_sold(number: str, guard: str) -> None:
    assert await blocked(bench(), asks(number)) == guard
    willing = bench(blocked_kinds=(), international_networks=True)
    assert await blocked(willing, asks(number)) == ""


async def test_countries_have_a_cap_of_their_own() -> None:
    here = bench(per_country=2, per_prefix=0)
    assert [await blocked(here, asks(f"44740012{n}456")) for n in range(3)] == ["", "", "country"]
    assert await blocked(here, asks("4915112345678")) == ""


# --- addresses ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", " 192.0.2.1 "),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "2002:c000:0201::5"),
        ("2001:db8::1", "2001:DB8:0:0:ffff:ffff:ffff:ffff"),
        ("2001:db8::1", "[2001:db8::2]"),
        ("fe80::1%eth0", "fe80::2"),
        ("Proxy-7", "proxy-7"),
    ],
)
async def test_addresses_of_one_customer_are_one(one: str, other: str) -> None:
    here = bench(per_remote=1)
    assert await blocked(here, asks(remote=one)) == ""
    assert await blocked(here, asks(remote=other)) == "remote"


@given(st.text(max_size=100))
def test_any_text_may_stand_for_an_address(text: str) -> None:
    assert len(remote_name(text)) <= 64


async def test_addresses_of_others_are_others_and_none_is_kept_readable() -> None:
    here = bench(per_remote=1)
    for remote in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", ""):
        assert await blocked(here, asks(remote=remote)) == ""
    records = [*await here.store.records("verify"), *await here.store.records("verify_count")]
    kept = b"".join(record.value + record.key.encode() for record in records)
    assert b"192.0.2" not in kept
    assert b"2001:db8" not in kept


# --- other ways to have codes sent ---


async def test_codes_that_are_sent_again_are_counted_for_the_address_too() -> None:
    here = bench(per_remote=3, per_number=0)
    begun = await here.verify.begin(ACCOUNT, asks(remote="192.0.2.1", max_sends=10, resend_after_seconds=0))
    for _ in range(2):
        here.clock.pass_(1)
        await here.verify.resend(ACCOUNT, begun.id)
    here.clock.pass_(1)
    with pytest.raises(VerifyError) as caught:
        await here.verify.resend(ACCOUNT, begun.id)
    assert caught.value.guard == "remote"
    assert len(here.desk.taken) == 3


async def test_steps_are_counted_like_codes_that_were_asked_for() -> None:
    here = bench(per_number=2)
    steps = tuple(VerifyStep(wait_seconds=60) for _ in range(5))
    begun = await here.verify.begin(ACCOUNT, asks(steps=steps, max_sends=10))
    for _ in range(8):
        here.clock.pass_(61)
        await here.verify.sweep()
    assert len(here.desk.taken) == 2
    found = await here.verify.find(ACCOUNT, begun.id)
    assert found is not None
    assert [send.status for send in found.history] == ["sent", "sent", "failed", "failed", "failed"]
    # The code that went out still counts while its time runs.
    assert found.status in (VerifyStatus.PENDING, VerifyStatus.EXPIRED)


async def test_cancelling_gives_no_code_back() -> None:
    here = bench(per_number=2)
    for _ in range(2):
        begun = await here.verify.begin(ACCOUNT, asks())
        await here.verify.cancel(ACCOUNT, begun.id)
    assert await blocked(here, asks()) == "number"


# --- how many come back ---


async def guards(clock: Clock, **config: object) -> Guards:
    return Guards(VerifyConfig(**{"per_prefix": 0, "per_number": 0, **config}), Counters(MemoryStore(), clock))  # type: ignore[arg-type]


async def test_nothing_is_sent_faster_than_anybody_could_type() -> None:
    clock = Clock()
    here = await guards(clock, conversion_burst=50, conversion_after=10)
    for n in range(50):
        await here.pass_code(ACCOUNT, recipient=f"44740012{n:04}")
    with pytest.raises(VerifyError) as caught:
        await here.pass_code(ACCOUNT, recipient=NUMBER)
    assert caught.value.guard == "conversion"
    await here.pass_code(ACCOUNT, recipient="447911123456")
    for n in range(50):
        await here.came_back(ACCOUNT, f"44740012{n:04}")
    clock.pass_(181)
    await here.pass_code(ACCOUNT, recipient=NUMBER)


async def test_a_country_whose_codes_nobody_types_in_gets_no_more_whatever_the_range() -> None:
    clock = Clock()
    here = await guards(clock, conversion_country_after=100, conversion_after=50)
    for n in range(100):
        # Each range stays below its own limit.
        await here.pass_code(ACCOUNT, recipient=f"44740{n % 10}{n:06}")
    clock.pass_(181)
    with pytest.raises(VerifyError) as caught:
        await here.pass_code(ACCOUNT, recipient=NUMBER)
    assert caught.value.guard == "conversion"
    await here.pass_code(ACCOUNT, recipient="4915112345678")
    await here.pass_code("other", recipient=NUMBER)
    for n in range(6):
        await here.came_back(ACCOUNT, f"44740{n % 10}{n:06}")
    await here.pass_code(ACCOUNT, recipient=NUMBER)


# --- guessing ---


async def test_beginning_anew_gives_no_fresh_guesses_without_end() -> None:
    here = bench(per_number=0, conversion_percent=0, guesses_per_number=20)
    compared = 0
    with pytest.raises(VerifyError) as caught:
        while compared < 100:
            begun = await here.verify.begin(ACCOUNT, asks(max_attempts=3))
            for _ in range(3):
                with pytest.raises(VerifyError, match="another one"):
                    await here.verify.check(ACCOUNT, begun.id, "x")
                compared += 1
                if compared == 20:
                    await here.verify.check(ACCOUNT, begun.id, here.desk.code)
    assert (caught.value.problem, caught.value.guard) == (VerifyProblem.TOO_MANY_ATTEMPTS, "guesses")
    assert compared == 20
    here.clock.pass_(7_200)
    begun = await here.verify.begin(ACCOUNT, asks())
    assert (await here.verify.check(ACCOUNT, begun.id, here.desk.code)).status is VerifyStatus.VERIFIED


async def test_guesses_at_the_same_time_are_all_counted() -> None:
    here = bench(per_number=0, conversion_percent=0, guesses_per_number=20)
    begun = [await here.verify.begin(ACCOUNT, asks(max_attempts=5)) for _ in range(10)]
    tries = [here.verify.check(ACCOUNT, one.id, "x") for one in begun for _ in range(5)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    problems = [answer.problem for answer in answers if isinstance(answer, VerifyError)]
    assert len(problems) == 50
    assert problems.count(VerifyProblem.WRONG_CODE) == 20
