"""Look-ups: by the numbers themselves, and in networks by way of a provider."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from gateway.config.services import LookupConfig
from gateway.errors import RateLimited
from gateway.providers import PROVIDERS
from gateway.providers.ports import NetworkInfo, NotOffered
from gateway.providers.seams import LookupFailed
from gateway.services.lookup import LookupService
from gateway.services.lookup_jobs import OPEN_LIMIT
from gateway.services.operators import network_by_codes, network_of, networks_of
from gateway.services.reports import NativeServiceReports
from gateway.store.memory import MemoryStore
from tests.gateway.services.desk import ACCOUNT, NUMBER, WORDS, Clock, owed


@dataclass
class Source:
    """A provider."""

    asked: Counter[str] = field(default_factory=Counter)
    failing: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most: int = 0

    def is_offered(self, account: str, method: str) -> bool:
        return method == "hlr"

    async def ask(self, account: str, number: str, method: str) -> NetworkInfo:
        self.asked[number] += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        if number in self.failing:
            raise LookupFailed("no answer")
        return NetworkInfo(id="", number=number, status="completed", current_network={"mcc": "234", "mnc": "15"})


class Bench:
    """The service and all it touches."""

    def __init__(self, **config: Any) -> None:
        self.store, self.clock, self.source = MemoryStore(), Clock(), Source()
        self.source.gate.set()
        self.config = LookupConfig(**config)
        self.lookup = self.another()

    def another(self) -> LookupService:
        return LookupService(
            self.config,
            store=self.store,
            source=self.source,
            reporters={"words": WORDS},
            on_callbacks=lambda: None,
            clock=self.clock,
        )

    async def bulk(self, numbers: list[str]) -> str:
        return await self.lookup.network_bulk(
            ACCOUNT, numbers, method="hlr", callback_url="https://example.com/l", dialect="words"
        )

    async def settle(self, lookup: LookupService | None = None) -> None:
        for task in [*(lookup or self.lookup)._jobs.running.values()]:
            await task

    async def told(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for body in await owed(self.store)]


# --- what numbers say ---


def test_a_number_is_read_whatever_way_it_is_written() -> None:
    info = Bench().lookup.parse("+60 12-345 6789")
    assert info == Bench().lookup.parse("0060123456789")
    assert (info.number, info.is_valid, info.e164, info.kind) == ("60123456789", True, "+60123456789", "mobile")
    assert (info.country, info.country_name, info.country_code) == ("MY", "Malaysia", 60)
    assert (info.carrier, info.mcc, info.mnc) == ("Maxis", "502", "12")
    assert info.rfc3966 == "tel:+60-12-345-6789"
    assert info.international == "+60 12-345 6789"
    assert info.time_zones


@pytest.mark.parametrize("number", ["", "abc", "+", "12", "9" * 60, "٦٠١٢٣٤٥٦٧٨٩", "+44 7400 12345x"])
def test_what_is_no_number_is_not_valid(number: str) -> None:
    assert not Bench().lookup.parse(number).is_valid


@pytest.mark.parametrize(
    ("number", "kind"),
    [("493012345678", "fixed_line"), ("12025550123", "fixed_line_or_mobile"), ("448001111", "toll_free")],
)
def test_numbers_are_of_a_kind(number: str, kind: str) -> None:
    assert Bench().lookup.parse(number).kind == kind


def test_every_country_has_a_name_and_a_calling_code() -> None:
    found = {iso: (name, code) for iso, name, code in Bench().lookup.countries()}
    assert len(found) == 245
    assert (found["GB"], found["KZ"]) == (("United Kingdom", 44), ("Kazakhstan", 7))


def test_networks_are_known_by_code_and_by_name() -> None:
    vodafone = network_by_codes("234", "15")
    assert vodafone is not None
    assert vodafone == network_of("GB", "Vodafone")
    assert network_of("GB", "No Such Operator") is None
    assert network_of("XX", "Vodafone") is None
    assert network_of("GB", "") is None
    assert network_by_codes("999", "99") is None
    assert len(networks_of("IN")) > 50


# --- what networks say ---


async def test_an_answer_is_kept_for_a_while() -> None:
    bench = Bench(cache_seconds=60)
    first = await bench.lookup.network(ACCOUNT, "+" + NUMBER)
    assert first.current_network == {"mcc": "234", "mnc": "15", "name": "Vodafone Ltd", "country": "GB"}
    assert first.original_network["country"] == "GB"
    assert await bench.another().network(ACCOUNT, NUMBER) == first
    bench.clock.pass_(59)
    await bench.lookup.network(ACCOUNT, NUMBER)
    assert bench.source.asked[NUMBER] == 1
    bench.clock.pass_(1)
    await bench.lookup.network(ACCOUNT, NUMBER)
    await bench.lookup.network("other", NUMBER)
    assert bench.source.asked[NUMBER] == 3
    bench.clock.pass_(61)
    await bench.lookup.sweep()
    assert await bench.store.count_records("lookup") == 0


async def test_many_who_ask_the_same_cause_one_question() -> None:
    bench = Bench()
    bench.source.gate.clear()
    tasks = [asyncio.create_task(bench.lookup.network(ACCOUNT, NUMBER)) for _ in range(20)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    bench.source.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, NetworkInfo) for one in answers) == 19
    assert bench.source.asked[NUMBER] == 1


async def test_what_nobody_answers_is_asked_again() -> None:
    bench = Bench()
    bench.source.failing = {NUMBER}
    for _ in range(2):
        with pytest.raises(LookupFailed):
            await bench.lookup.network(ACCOUNT, NUMBER)
    assert bench.source.asked[NUMBER] == 2


async def test_what_no_uplink_does_is_not_offered() -> None:
    bench = Bench()
    for method in ("mnp", "fraud", "guess"):
        with pytest.raises(NotOffered, match=method):
            await bench.lookup.network(ACCOUNT, NUMBER, method=method)
    with pytest.raises(NotOffered):
        await bench.lookup.network_bulk(ACCOUNT, [NUMBER], method="hlr", callback_url="", dialect="none")


# --- many ---


def many(count: int) -> list[str]:
    return [f"4474001{n:05d}" for n in range(count)]


async def test_answers_to_many_are_called_back_some_at_a_time() -> None:
    bench = Bench(batch=100, concurrency=7)
    await bench.bulk(many(250))
    await bench.settle()
    told = await bench.told()
    assert [len(one["numbers"]) for one in told] == [100, 100, 50]
    assert [one["last"] for one in told] == [False, False, True]
    assert sorted(number for one in told for number in one["numbers"]) == many(250)
    assert bench.source.most <= 7
    assert await bench.store.count_records("lookup_job") == 0


@pytest.mark.parametrize("count", [0, 1_001])
async def test_too_many_numbers_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        await Bench().bulk(many(count))


async def test_numbers_without_an_answer_are_asked_again_and_named_at_last() -> None:
    bench = Bench(batch=10)
    bench.source.failing = {many(3)[1]}
    await bench.bulk(many(3))
    await bench.settle()
    assert [one["numbers"] for one in await bench.told()] == [[many(3)[0], many(3)[2]]]
    for _ in range(6):
        bench.clock.pass_(61)
        await bench.lookup.sweep()
        await bench.settle()
    assert (await bench.told())[-1] == {"numbers": [], "failed": [many(3)[1]], "last": True}
    assert bench.source.asked[many(3)[1]] == 5
    assert await bench.store.count_records("lookup_job") == 0


async def test_a_job_whose_node_died_is_finished_by_another() -> None:
    bench = Bench(batch=10)
    bench.source.gate.clear()
    await bench.bulk(many(30))
    await asyncio.sleep(0)
    await bench.lookup.stop()
    bench.source.gate.set()
    other = bench.another()
    await other.sweep()
    assert await bench.told() == []
    bench.clock.pass_(61)
    await other.sweep()
    await bench.settle(other)
    told = await bench.told()
    assert sorted(number for one in told for number in one["numbers"]) == many(30)
    assert [one["last"] for one in told] == [False, False, True]


# --- many, asked for later ---


def native(bench: Bench) -> LookupService:
    return LookupService(
        bench.config,
        store=bench.store,
        source=bench.source,
        reporters={"native": NativeServiceReports(), "checkmobi": PROVIDERS["checkmobi"].make_dialect()},  # type: ignore[dict-item]
        on_callbacks=lambda: None,
        clock=bench.clock,
    )


async def test_answers_to_many_can_be_asked_for_while_it_goes_on_and_afterwards() -> None:
    bench = Bench(keep_seconds=600)
    lookup = native(bench)
    begun = await lookup.begin_bulk(ACCOUNT, many(250), method="hlr")
    assert (begun.total, begun.answered, begun.ended_at) == (250, 0, 0.0)
    await bench.settle(lookup)
    found = await native(bench).find_bulk(ACCOUNT, begun.id)
    assert found is not None
    assert (found.answered, found.failed, found.ended_at) == (250, 0, bench.clock.now)
    assert sorted(one.info.number for one in found.answers) == many(250)
    assert all(one.network is not None and one.network.status == "completed" for one in found.answers)
    assert await bench.told() == []
    assert await lookup.find_bulk("other", begun.id) is None
    bench.clock.pass_(601)
    while not await lookup.sweep():
        pass
    assert await lookup.find_bulk(ACCOUNT, begun.id) is None
    assert await bench.store.count_records("lookup_answers") == 0
    assert await bench.store.count_records("lookup_job") == 0


async def test_what_many_numbers_say_by_themselves_needs_no_network() -> None:
    bench = Bench()
    lookup = native(bench)
    begun = await lookup.begin_bulk(ACCOUNT, [*many(3), "12", "no number"], callback_url="https://example.com/l")
    await bench.settle(lookup)
    found = await lookup.find_bulk(ACCOUNT, begun.id)
    assert found is not None
    assert (found.total, found.answered, found.failed, bench.source.asked.total()) == (5, 3, 2, 0)
    assert [(one.info.is_valid, one.error == "") for one in found.answers] == [(True, True)] * 3 + [(False, False)] * 2
    (told,) = await bench.told()
    assert (told["type"], told["lookup"]["id"], told["lookup"]["is_last"]) == ("lookup.answers", begun.id, True)
    assert [one["number"] for one in told["lookup"]["answers"]] == [*many(3), "12", "no number"]
    assert told["lookup"]["answers"][0]["country"] == "GB"


async def test_networks_are_not_asked_about_what_is_no_number() -> None:
    bench = Bench()
    lookup = native(bench)
    begun = await lookup.begin_bulk(ACCOUNT, [NUMBER, "12"], method="hlr")
    await bench.settle(lookup)
    assert bench.source.asked == {NUMBER: 1}
    found = await lookup.find_bulk(ACCOUNT, begun.id)
    assert found is not None
    assert {one.info.number: one.network is None for one in found.answers} == {NUMBER: False, "12": True}


async def test_numbers_that_no_network_knows_say_why() -> None:
    bench = Bench(batch=10)
    bench.source.failing = {many(3)[1]}
    lookup = native(bench)
    begun = await lookup.begin_bulk(ACCOUNT, many(3), method="hlr", callback_url="https://example.com/l")
    for _ in range(6):
        await bench.settle(lookup)
        bench.clock.pass_(61)
        await lookup.sweep()
    found = await lookup.find_bulk(ACCOUNT, begun.id)
    assert found is not None
    assert (found.answered, found.failed) == (2, 1)
    assert found.ended_at > 0
    assert {one.info.number: one.error for one in found.answers} == {
        many(3)[0]: "",
        many(3)[1]: "no answer",
        many(3)[2]: "",
    }
    told = await bench.told()
    assert [one["lookup"]["is_last"] for one in told] == [False, True]
    assert told[-1]["lookup"]["answers"][0]["error"] == "no answer"


async def test_a_job_that_another_node_took_up_has_each_answer_once() -> None:
    bench = Bench(batch=10)
    first, second = native(bench), native(bench)
    begun = await first.begin_bulk(ACCOUNT, many(30), method="hlr", callback_url="https://example.com/l")
    # The first is thought dead, and is not.
    bench.clock.pass_(61)
    await second.sweep()
    await asyncio.gather(bench.settle(first), bench.settle(second))
    found = await first.find_bulk(ACCOUNT, begun.id)
    assert found is not None
    assert (found.answered, found.failed, len(found.answers)) == (30, 0, 30)
    told = [answer["number"] for one in await bench.told() for answer in one["lookup"]["answers"]]
    assert sorted(told) == many(30)


async def test_an_account_has_so_many_look_ups_under_way_at_most() -> None:
    bench = Bench()
    bench.source.gate.clear()
    lookup = native(bench)
    for _ in range(OPEN_LIMIT):
        await lookup.begin_bulk(ACCOUNT, [NUMBER], method="hlr")
    with pytest.raises(RateLimited):
        await lookup.begin_bulk(ACCOUNT, [NUMBER], method="hlr")
    await lookup.begin_bulk("other", [NUMBER], method="hlr")
    bench.source.gate.set()
    await bench.settle(lookup)
    await lookup.begin_bulk(ACCOUNT, [NUMBER], method="hlr")
    await bench.settle(lookup)


async def test_no_network_is_asked_about_landlines_where_the_dialect_says_so() -> None:
    bench = Bench()
    lookup = native(bench)
    landline, mobile = "40213166666", "40743123456"
    await lookup.network_bulk(
        ACCOUNT,
        [landline, mobile],
        method="hlr",
        callback_url="https://example.com/l",
        dialect="checkmobi",
        written={mobile: ("+40 743 123 456",)},
        unasked_kinds=("fixed_line",),
    )
    await bench.settle(lookup)
    (told,) = await bench.told()
    assert {one["original_msisdn"]: "reachable" in one for one in told["results"]} == {
        "+40 743 123 456": True,
        landline: False,
    }
    assert list(bench.source.asked) == [mobile]


async def test_a_dialect_that_tells_more_of_numbers_is_told_it() -> None:
    bench = Bench()
    lookup = native(bench)
    url = "https://example.com/l"
    await lookup.network_bulk(ACCOUNT, many(2), method="hlr", callback_url=url, dialect="checkmobi")
    await bench.settle(lookup)
    (told,) = await bench.told()
    assert [one["original_msisdn"] for one in told["results"]] == many(2)
