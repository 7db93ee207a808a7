"""Idempotency keys and balances that several nodes share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from gateway.errors import KeyTaken
from gateway.models import State
from gateway.store import Store, open_store
from gateway.store.money import Allowance, Entry, EntryKind, NewClaim
from tests.gateway.fakes import NOW
from tests.gateway.store.rows import BOOK, make_message, replace
from tests.postgres import Cluster


@pytest.fixture
async def nodes(postgres: Cluster) -> AsyncIterator[list[Store]]:
    url = await postgres.new_url()
    opened = [await open_store(url), await open_store(url)]
    for n, store in enumerate(opened):
        await store.register(f"node-{n}", NOW, 60)
    yield opened
    for store in opened:
        await store.close()


def _always(answer: bytes) -> Callable[[Mapping[str, str]], bytes]:
    return lambda _refused: answer


async def test_of_one_request_on_two_nodes_one_is_done_and_both_give_its_answer(nodes: list[Store]) -> None:
    for turn in range(10):
        claims = [
            NewClaim(
                account="shop",
                key=f"k{turn}",
                fingerprint="f",
                answer=_always(b"%d" % n),
                at=NOW,
                expires_at=NOW + 60,
            )
            for n in range(2)
        ]
        adding = [
            store.add([make_message(store)], claim=claim) for store, claim in zip(nodes * 3, claims * 3, strict=True)
        ]
        outcome: list[Any] = await asyncio.gather(*adding, return_exceptions=True)
        (done,) = [n for n, one in enumerate(outcome) if not isinstance(one, KeyTaken)]
        assert {one.answer for one in outcome if isinstance(one, KeyTaken)} == {b"%d" % (done % 2)}
    assert len(await nodes[0].messages("shop", limit=100)) == 10


async def test_two_nodes_spend_no_more_than_there_is(nodes: list[Store]) -> None:
    await nodes[0].book(Entry(account="shop", at=NOW, kind=EntryKind.TOP_UP, amount=100))
    limits = {"shop": Allowance(floor=0, parts_per_day=12)}
    adding = [store.add([make_message(store, price=7)], allowances=limits) for store in nodes * 15]
    outcome = await asyncio.gather(*adding)
    assert sum(not refused for refused in outcome) == 12
    assert await nodes[1].balance("shop") == 100 - 12 * 7


async def test_charges_and_refunds_on_two_nodes_add_up(nodes: list[Store]) -> None:
    first = [[make_message(store, price=n + 1, account=f"a{n}") for n in range(6)] for store in nodes]
    await asyncio.gather(*(store.add(batch) for store, batch in zip(nodes, first, strict=True)))
    again: list[Any] = []
    for store, batch in zip(nodes, first, strict=True):
        order = batch if store is nodes[0] else batch[::-1]
        again += [store.end([replace(one, state=State.FAILED, error="e") for one in order], BOOK)]
        again += [store.add([make_message(store, price=10, account=one.account) for one in order[::-1]])]
    await asyncio.gather(*again)
    assert [await nodes[0].balance(f"a{n}") for n in range(6)] == [-20] * 6
