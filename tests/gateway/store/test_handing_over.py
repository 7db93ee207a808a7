"""Messages that go from one node to another, and who else there is: on each store, then between nodes."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.models import State
from gateway.store import NotOurs, Store, open_store
from gateway.store.base import LeaseLost
from tests.gateway.fakes import NOW
from tests.gateway.store.rows import BOOK, depart, end_of, make_message
from tests.postgres import Cluster

LEASE = 30.0
replace = msgspec.structs.replace


async def waiting(store: Store, uplink: str = "a") -> list[str]:
    return [one.id for one in await store.waiting(uplink, limit=100, skip=set())]


# --- on each store ---


@pytest.fixture
async def alone(store: Store) -> Store:
    """A node with nobody beside it."""
    await store.register("n1", NOW, LEASE)
    return store


async def test_what_nobody_else_can_have_stays(alone: Store) -> None:
    messages = [make_message(alone) for _ in range(3)]
    await alone.add(messages)
    ids = [one.id for one in messages]
    assert await alone.hand_over(ids, "n2") == frozenset()
    assert await alone.hand_over([], "n2") == frozenset()
    assert await waiting(alone) == ids
    await depart(alone, messages[0])


async def test_what_is_disowned_with_nobody_else_there_is_claimed_again(alone: Store) -> None:
    message = make_message(alone)
    await alone.add([message])
    await alone.disown("a")
    assert await alone.disown("nothing waits for it") == 0
    assert await waiting(alone) == [message.id]
    await depart(alone, message)


async def test_an_id_of_nothing_is_handed_to_nobody(alone: Store) -> None:
    assert await alone.hand_over([alone.ids.new(NOW)], "n1") == frozenset()
    assert await alone.disown_begun([alone.ids.new(NOW)]) == frozenset()


async def test_a_store_knows_who_lives_where_that_may_be_others(alone: Store) -> None:
    assert set(await alone.living_nodes()) == ({"n1"} if alone.is_shared else set())
    await alone.nudge()


async def test_what_waits_is_counted_by_uplink_and_account_and_taken_by_nobody(alone: Store) -> None:
    assert await alone.count_waiting() == {}
    messages = [make_message(alone) for _ in range(3)]
    others = [make_message(alone, account="bank"), make_message(alone, uplink="b", node="n2")]
    await alone.add([*messages, *others, make_message(alone, state=State.SCHEDULED, scheduled_at=NOW + 9)])
    await depart(alone, messages[0])
    assert await alone.count_waiting() == {("a", "bank"): 1, ("a", "shop"): 2, ("b", "shop"): 1}
    kept = await alone.message("", others[1].id)
    assert kept is not None
    assert kept.node == "n2"


# --- between nodes ---


@pytest.fixture
async def url(postgres: Cluster) -> str:
    return await postgres.new_url()


@pytest.fixture
async def nodes(url: str) -> AsyncIterator[tuple[Store, Store]]:
    first, second = await open_store(url), await open_store(url)
    await first.register("n1", NOW, LEASE)
    await second.register("n2", NOW, LEASE)
    yield first, second
    await first.close()
    await second.close()


async def test_what_is_handed_over_is_the_others_alone(nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    messages = [make_message(first) for _ in range(3)]
    await first.add(messages)
    ids = [one.id for one in messages]
    assert await first.hand_over(ids[:2], "n2") == set(ids[:2])
    assert await waiting(first) == ids[2:]
    assert await waiting(second) == ids[:2]
    with pytest.raises(NotOurs) as caught:
        await depart(first, messages[0])
    assert caught.value.ids == {ids[0]}
    await depart(second, messages[0])
    # Twice is once.
    assert await first.hand_over(ids[:2], "n2") == frozenset()


async def test_only_what_waits_here_is_handed_over(nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    begun, queued, foreign = make_message(first), make_message(first), make_message(first, node="n2")
    later = make_message(first, state=State.SCHEDULED, scheduled_at=NOW + 9)
    every = [begun, queued, foreign, later]
    await first.add(every)
    await depart(first, begun, 2)
    assert await first.hand_over([one.id for one in every], "n2") == {queued.id}
    assert await second.hand_over([foreign.id], "n1") == {foreign.id}
    assert await waiting(first) == [foreign.id]
    assert await waiting(second) == [queued.id]


async def test_nothing_is_handed_to_a_node_that_is_gone(nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    message = make_message(first)
    await first.add([message])
    await second.close()
    assert await first.hand_over([message.id], "n2") == frozenset()
    assert await first.hand_over([message.id], "nobody") == frozenset()
    assert await waiting(first) == [message.id]


async def test_what_was_begun_and_rests_is_gone_on_with_by_who_takes_it_up(nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    flying, resting = make_message(first), make_message(first)
    over, queued = make_message(first), make_message(first)
    await first.add([flying, resting, over, queued])
    await depart(first, flying, 2)
    for message, states in ((resting, ("submitted", "queued")), (over, ("submitted", "submitted"))):
        departed, begun = await depart(first, message, 2)
        ends = [
            end_of(departed, part, State(state), f"x{part.number}") for part, state in zip(begun, states, strict=True)
        ]
        await first.record(ends, BOOK)
    every = [one.id for one in (flying, resting, over, queued)]
    # In flight, over, not begun: none of those.
    assert await first.disown_begun([*every, first.ids.new(NOW)]) == {resting.id}
    assert await first.disown_begun(every) == frozenset()
    assert (await second.take_over(without=["a"])).unfinished == ()
    ((message, parts),) = (await second.take_over(without=["b"])).unfinished
    assert (message.id, message.node) == (resting.id, "n2")
    assert [(part.state, part.node) for part in parts] == [(State.SUBMITTED, "n1"), (State.QUEUED, "n2")]
    assert (await first.timeline(resting.id))[-1].detail == "taken up from a node that has no bind left"
    # It can be had once, and not back.
    assert (await first.take_over()).unfinished == ()
    with pytest.raises(NotOurs):
        await depart(first, replace(resting, part_count=2))


async def test_whoever_has_lost_its_lease_leaves_nothing_to_others(postgres: Cluster) -> None:
    url = await postgres.new_url()
    store = await open_store(url)
    await store.register("n1", NOW, LEASE)
    await postgres.execute("UPDATE nodes SET lease_until = now() - interval '1 second'", url)
    with pytest.raises(LeaseLost):
        await store.disown_begun([store.ids.new(NOW)])
    await store.close()


async def test_what_is_disowned_is_claimed_by_who_asks_first(nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    begun, queued, other = make_message(first), make_message(first), make_message(first, uplink="b")
    await first.add([begun, queued, other])
    await depart(first, begun)
    assert await first.disown("a") == 1
    assert await waiting(second) == [queued.id]
    assert await waiting(first) == []
    assert await waiting(first, "b") == [other.id]


async def test_nodes_know_who_lives_and_who_has_begun_anew(url: str, nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    before = await first.living_nodes()
    assert set(before) == {"n1", "n2"}
    assert await second.living_nodes() == before
    await second.close()
    assert set(await first.living_nodes()) == {"n1"}
    third = await open_store(url)
    await third.register("n2", NOW, LEASE)
    assert (await first.living_nodes())["n2"] > before["n2"]
    await third.close()


async def test_a_nudge_is_heard_by_others(nodes: tuple[Store, Store]) -> None:
    first, second = nodes
    heard = asyncio.Event()
    second.on_notice = heard.set
    await first.nudge()
    async with asyncio.timeout(30):
        await heard.wait()
