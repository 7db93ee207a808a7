"""Several nodes on one PostgreSQL database: the lease, and a node that goes on where another has stopped."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from gateway.errors import StoreError
from gateway.models import Message, Outcome, Part, State, SubmitResult
from gateway.nodes import Lease
from gateway.store import Inherited, Store, open_store
from gateway.store.memory import MemoryStore
from tests.gateway.fakes import CONFIG, Clock, Core, accepted, always, broken, eventually, make_core, numbered, receipt
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


# --- a node without a bind ---


async def half_sent(core: Core, count: int = 1) -> list[Message]:
    """Messages of three parts of which as many in all were accepted, and then there is no bind any more."""
    uplink = core.uplinks["a"]
    uplink.part_size, uplink.window, uplink.free = 2, 1, 1

    def answer(message: Message, part: Part) -> SubmitResult:
        uplink.is_available = False
        return accepted(f"{message.id[-4:]}-{part.number}")

    uplink.answer = answer
    sent = []
    for _ in range(count):
        before = len(uplink.attempts)
        uplink.set_available(True)
        sent.append(await core.send("abcdef"))
        await core.tried("a", before + 1)
        await core.quiet()
    return sent


def without_binds(core: Core) -> None:
    """An uplink of which others have binds counts as available, but has no room."""
    core.uplinks["a"].free = 0
    core.uplinks["a"].is_available = True
    core.pipeline._is_elsewhere = lambda _uplink: True


async def leave(core: Core) -> None:
    """What housekeeping does while others alone have binds."""
    await core.pipeline._hand_over("a")


def with_bind(core: Core) -> None:
    core.uplinks["a"].free = 1
    core.uplinks["a"].set_available(True)
    core.pipeline._is_elsewhere = lambda _uplink: False


def numbers_sent(core: Core, message: Message) -> list[int]:
    return [one.part.number for one in core.uplinks["a"].attempts if one.message.id == message.id]


async def test_half_sent_messages_of_a_node_without_a_bind_are_ended_by_who_has_one(
    stores: tuple[Store, Store],
) -> None:
    first, second = await started(stores[0], "n1"), await started(stores[1], "n2")
    second.uplinks["a"].part_size = 2
    second.uplinks["a"].answer = numbered()
    (message,) = await half_sent(first)
    without_binds(first)
    await leave(first)
    assert not first.pipeline._sender.works
    # Who has no bind either leaves it alone, the one that left it among them.
    assert (await stores[0].take_over(without=["a"])).unfinished == ()
    await second.pipeline.inherit(await stores[1].take_over())
    found = await second.settled(message, State.SUBMITTED)
    assert (found.node, found.in_doubt) == ("n2", False)
    assert (numbers_sent(first, message), numbers_sent(second, message)) == ([1], [2, 3])
    references = {part.reference for part in await stores[0].parts(message.id)}
    assert len(references) == 1
    with_bind(first)
    await first.quiet()
    assert numbers_sent(first, message) == [1]
    await second.pipeline.stop(1)
    await first.pipeline.stop(1)


async def test_what_is_on_its_way_is_not_left_to_others(stores: tuple[Store, Store]) -> None:
    first = await started(stores[0], "n1")
    first.uplinks["a"].part_size, first.uplinks["a"].window, first.uplinks["a"].free = 2, 2, 2
    message = await first.send("abcdef")
    await eventually(lambda: len(first.uplinks["a"].attempts) == 2)
    without_binds(first)
    await leave(first)
    assert message.id in first.pipeline._sender.works
    await stores[1].register("n2", first.clock(), 30.0)
    assert (await stores[1].take_over()).unfinished == ()
    one, two = first.uplinks["a"].attempts
    one.answer(accepted("1"))
    first.uplinks["a"].free = -1
    two.answer(SubmitResult(Outcome.NOT_SENT, error="the bind is gone"))
    await first.quiet()
    await leave(first)
    assert not first.pipeline._sender.works
    ((left, parts),) = (await stores[1].take_over()).unfinished
    assert left.id == message.id
    assert [part.state for part in parts] == [State.SUBMITTED, State.QUEUED, State.QUEUED]
    await first.pipeline.stop(1)


async def test_what_cannot_be_left_to_others_is_gone_on_with_here(stores: tuple[Store, Store]) -> None:
    first = await started(stores[0], "n1")
    (message,) = await half_sent(first)
    without_binds(first)
    with broken(stores[0], "disown_begun"):
        await leave(first)
    assert message.id in first.pipeline._sender.works
    first.uplinks["a"].answer = numbered()
    with_bind(first)
    await first.settled(message, State.SUBMITTED)
    assert numbers_sent(first, message) == [1, 2, 3]
    await first.pipeline.stop(1)


async def test_of_many_nodes_one_goes_on_with_each_message(postgres: Cluster, url: str) -> None:
    stores = [await open_store(url) for _ in range(4)]
    cores = [await started(store, f"n{at}") for at, store in enumerate(stores)]
    first, others = cores[0], cores[1:]
    messages = await half_sent(first, 8)
    without_binds(first)
    await leave(first)
    assert not first.pipeline._sender.works
    for core in others:
        core.uplinks["a"].part_size = 2
        core.uplinks["a"].answer = numbered()

    async def inherit(core: Core, store: Store) -> None:
        await core.pipeline.inherit(await store.take_over())

    await asyncio.gather(*(inherit(core, store) for core, store in zip(others, stores[1:], strict=True)))
    await asyncio.gather(*(core.pipeline.tidy() for core in others))
    for message in messages:
        await first.settled(message, State.SUBMITTED)
        sent = sorted(number for core in cores for number in numbers_sent(core, message))
        assert sent == [1, 2, 3]
    for core, store in zip(cores, stores, strict=True):
        await core.pipeline.stop(1)
        await store.close()


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

    async def take_over(
        self, limit: int = 1000, *, only_resigned: bool = False, without: Collection[str] = ()
    ) -> Inherited:
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
