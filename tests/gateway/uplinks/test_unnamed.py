"""Messages without an id: those that are sent once more, and those that say the same and are two."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.store import Store, open_store
from gateway.uplinks.unnamed import KEPT_SECONDS, KIND, SWEEP_SECONDS, TWINS_SECONDS, Unnamed


class Clock:
    """Says what a test wants."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = await open_store("memory:", queue_limit=1000, commit_batch=100)
    yield opened
    await opened.close()


async def test_two_that_come_together_are_two(store: Store) -> None:
    unnamed = Unnamed("way", store, Clock())

    assert [await unnamed.number("d", has_time=True) for _ in range(3)] == ["1", "2", "3"]
    assert await unnamed.number("other", has_time=True) == "1"
    assert await Unnamed("elsewhere", store, Clock()).number("d", has_time=True) == "1"


async def test_one_that_comes_later_is_the_one_before(store: Store) -> None:
    clock = Clock()
    unnamed = Unnamed("way", store, clock)
    await unnamed.number("d", has_time=True)
    for _ in range(3):
        clock.now += TWINS_SECONDS + 1

        assert await unnamed.number("d", has_time=True) == "1"


async def test_one_without_a_time_is_always_another(store: Store) -> None:
    unnamed = Unnamed("way", store, Clock())

    assert len({await unnamed.number("d", has_time=False) for _ in range(5)}) == 5
    assert not await store.records(KIND)


async def test_nodes_count_together(store: Store) -> None:
    clock = Clock()
    nodes = [Unnamed("way", store, clock) for _ in range(3)]

    numbers = await asyncio.gather(*(node.number("d", has_time=True) for node in nodes))

    assert sorted(numbers) == ["1", "2", "3"]
    clock.now += TWINS_SECONDS + 1
    assert await nodes[0].number("d", has_time=True) == "3"


async def test_what_is_not_sent_again_any_more_is_forgotten(store: Store) -> None:
    clock = Clock()
    unnamed = Unnamed("way", store, clock)
    await unnamed.number("d", has_time=True)
    clock.now += KEPT_SECONDS + SWEEP_SECONDS

    await unnamed.number("other", has_time=True)

    assert [one.key for one in await store.records(KIND)] == ["other"]
