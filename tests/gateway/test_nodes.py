"""Several nodes on one PostgreSQL database: the lease, and a node that goes on where another has stopped."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import StoreError
from gateway.models import State
from gateway.nodes import Lease
from gateway.store import Inherited, Store, open_store
from gateway.store.memory import MemoryStore
from tests.gateway.fakes import CONFIG, Clock, Core, accepted, always, eventually, make_core, numbered, receipt
from tests.postgres import Cluster


def config_of(node: str) -> str:
    return CONFIG.replace('name = "n1"', f'name = "{node}"')


@pytest.fixture
async def url(postgres: Cluster) -> str:
    return await postgres.new_url()


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[Store, Store]]:
    opened = (await open_store(url), await open_store(url))
    yield opened
    for store in opened:
        await store.close()


async def started(store: Store, node: str) -> Core:
    core = make_core(store, config=config_of(node))
    await core.pipeline.recover()
    core.pipeline.start()
    return core


async def let_die(postgres: Cluster, url: str, core: Core) -> None:
    """A node stands still until its lease has ended; nothing of it is stopped or told."""
    node = core.config.node.name
    ended = f"UPDATE nodes SET lease_until = now() - interval '1 second' WHERE name = '{node}'"  # noqa: S608
    await postgres.execute(ended, url)


async def test_what_a_dead_node_had_queued_is_sent_and_what_it_was_sending_is_in_doubt(
    postgres: Cluster, url: str, stores: tuple[Store, Store]
) -> None:
    first, second = await started(stores[0], "n1"), await started(stores[1], "n2")
    first.uplinks["a"].window = first.uplinks["a"].free = 1
    flying, queued = await first.send("flying"), await first.send("queued")
    await eventually(lambda: len(first.uplinks["a"].attempts) == 1)
    await let_die(postgres, url, first)
    second.uplinks["a"].answer = numbered()
    await second.pipeline.inherit(await stores[1].take_over())
    await second.pipeline.tidy()
    found = await second.settled(flying, State.SUBMITTED)
    assert (found.in_doubt, found.node) == (True, "n2")
    found = await second.settled(queued, State.SUBMITTED)
    assert not found.in_doubt
    assert (await second.story(flying)).count("in_doubt") == 1
    await second.pipeline.stop(1)
    await first.pipeline.stop(0)


async def test_a_node_that_wakes_sends_nothing_of_what_was_taken_over(
    postgres: Cluster, url: str, stores: tuple[Store, Store]
) -> None:
    first, second = await started(stores[0], "n1"), await started(stores[1], "n2")
    first.uplinks["a"].set_available(False)
    first.uplinks["b"].set_available(False)
    messages = [await first.send(str(n)) for n in range(20)]
    await let_die(postgres, url, first)
    second.uplinks["a"].answer = numbered()
    await second.pipeline.inherit(await stores[1].take_over())
    await second.pipeline.tidy()
    first.uplinks["a"].set_available(True)
    first.uplinks["a"].answer = always(accepted("x"))
    for message in messages:
        await second.settled(message, State.SUBMITTED)
    assert first.uplinks["a"].attempts == []
    # It registers anew, with what it held still in its memory.
    await stores[0].register("n1", 0.0, 60.0)
    while first.pipeline.queue_depth:
        await first.pass_time(1)
        await first.quiet()
    assert first.uplinks["a"].attempts == []
    assert len(second.uplinks["a"].attempts) == 20
    await first.pipeline.stop(1)
    await second.pipeline.stop(1)


async def test_a_receipt_arriving_at_another_node_updates_and_notifies(stores: tuple[Store, Store]) -> None:
    first, second = await started(stores[0], "n1"), await started(stores[1], "n2")
    first.uplinks["a"].answer = always(accepted("id-1"))
    message = await first.send()
    await first.settled(message, State.SUBMITTED)
    await second.correlator.on_receipt(receipt("id-1"))
    assert (await first.settled(message, State.DELIVERED)).node == "n1"
    assert [callback.message_id for callback in await stores[1].callbacks()] == [message.id]
    await first.pipeline.stop(1)
    await second.pipeline.stop(1)


async def test_a_message_cancelled_at_another_node_is_not_sent(stores: tuple[Store, Store]) -> None:
    first, second = await started(stores[0], "n1"), await started(stores[1], "n2")
    first.uplinks["a"].set_available(False)
    first.uplinks["b"].set_available(False)
    message, other = await first.send("cancelled"), await first.send("sent")
    await second.intake.cancel("shop", message.id)
    first.uplinks["a"].answer = numbered()
    first.uplinks["a"].set_available(True)
    await first.settled(other, State.SUBMITTED)
    assert [attempt.message.text for attempt in first.uplinks["a"].attempts] == ["sent"]
    assert await first.state(message) is State.DELETED
    await first.pipeline.stop(1)
    await second.pipeline.stop(1)


async def test_scheduled_messages_of_a_dead_node_are_sent_when_due(
    postgres: Cluster, url: str, stores: tuple[Store, Store]
) -> None:
    first, second = await started(stores[0], "n1"), await started(stores[1], "n2")
    message = await first.send(scheduled_at=first.clock() + 60)
    await first.pipeline.stop(0)
    await let_die(postgres, url, first)
    await second.pipeline.inherit(await stores[1].take_over())
    second.uplinks["a"].answer = numbered()
    second.clock.advance(61)
    await second.pipeline.tidy()
    await second.settled(message, State.SUBMITTED)
    await second.pipeline.stop(1)


# --- the lease ---


class Shared(MemoryStore):
    """A store that says of a lease what the test wants."""

    is_shared = True
    answers: bool | StoreError = True
    left = Inherited()

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    async def renew(self, lease_seconds: float) -> bool:
        if isinstance(self.answers, StoreError):
            raise self.answers
        return self.answers

    async def take_over(self, limit: int = 1000, *, only_resigned: bool = False) -> Inherited:
        self.asked.append(only_resigned)
        return self.left


def is_held(lease: Lease) -> bool:
    """What the lease says; a call, because a checker holds a property to be what it was a line above."""
    return lease.is_held


async def test_a_lease_ends_here_before_it_ends_in_the_store() -> None:
    store, clock = Shared(), Clock()
    lease = Lease(store, "n1", 10.0, clock=clock)
    assert not is_held(lease)
    await lease.start()
    clock.advance(7.9)
    assert is_held(lease)
    clock.advance(0.2)
    assert not is_held(lease)
    await lease.renew()
    assert is_held(lease)
    await lease.stop()
    assert not is_held(lease)


async def test_a_lease_that_was_taken_over_is_lost_for_good() -> None:
    store = Shared()
    lease = Lease(store, "n1", 10.0)
    await lease.start()
    store.answers = False
    lease.wake()
    await lease.lost.wait()
    assert not lease.is_held
    await lease.stop()


async def test_a_store_that_cannot_be_reached_does_not_end_a_lease_at_once() -> None:
    store, clock = Shared(), Clock()
    lease = Lease(store, "n1", 10.0, clock=clock)
    await lease.start()
    store.answers = StoreError("away")
    lease.wake()
    for _ in range(5):
        await asyncio.sleep(0)
    assert lease.is_held
    assert not lease.lost.is_set()
    await lease.stop()


async def test_what_dead_nodes_left_is_handed_on() -> None:
    store = Shared()
    store.left = Inherited(uplinks=frozenset({"a"}))
    lease = Lease(store, "n1", 10.0)
    await lease.start()
    handed: list[Inherited] = []

    async def take_up(left: Inherited) -> None:
        handed.append(left)

    lease.take_over(take_up)
    await eventually(lambda: bool(handed))
    assert handed[0].uplinks == {"a"}
    await lease.stop()


async def test_nobody_is_given_up_before_a_lease_has_passed_without_a_gap() -> None:
    store, clock = Shared(), Clock()
    lease = Lease(store, "n1", 10.0, clock=clock)
    await lease.start()
    rounds = 0

    async def take_up(_left: Inherited) -> None:
        nonlocal rounds
        rounds += 1

    async def next_round() -> None:
        before = rounds
        lease.wake()
        await eventually(lambda: rounds > before)

    lease.take_over(take_up)
    await eventually(lambda: rounds > 0)
    clock.advance(6)
    await next_round()
    clock.advance(6)
    await next_round()
    assert store.asked == [True, True, False]
    store.answers = StoreError("away")
    clock.advance(1)
    lease.wake()
    await asyncio.sleep(0.01)
    store.answers = True
    await next_round()
    assert store.asked[-1] is True
    await lease.stop()


async def test_a_store_of_one_process_needs_no_lease() -> None:
    lease = Lease(MemoryStore(), "n1", 10.0, clock=Clock(0.0))
    await lease.start()
    assert lease.is_held
    await lease.stop()
    assert lease.is_held
