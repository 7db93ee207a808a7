"""Doing something with everything an iterable gives, so much at a time, and telling each outcome as it is known."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each_outcome(
    items: Iterable[T] | AsyncIterable[T], work: Callable[[T], Awaitable[R]], concurrency: int
) -> AsyncIterator[tuple[T, R]]:
    """Run `work` on every item, at most `concurrency` at once.

    An error of the iterable is raised when the outcomes of what it gave before are told; one of `work` at once. Whoever
    stops asking cancels what is under way.

    Args:
        items: taken from only as fast as outcomes are asked for.
        work: makes an outcome of an item.
        concurrency: most items under way or with an outcome that was not asked for yet.
    """
    loop = asyncio.get_running_loop()
    under_way: dict[asyncio.Task[R], T] = {}
    ended: deque[asyncio.Task[R]] = deque()
    room = asyncio.Semaphore(concurrency)
    news = asyncio.Event()

    def end(task: asyncio.Task[R]) -> None:
        ended.append(task)
        news.set()

    async def feed() -> None:
        async for item in _aiter(items):
            await room.acquire()
            task = loop.create_task(_run(work, item))
            under_way[task] = item
            task.add_done_callback(end)

    feeder = loop.create_task(feed())
    feeder.add_done_callback(lambda _: news.set())
    try:
        while under_way or not feeder.done():
            await news.wait()
            news.clear()
            while ended:
                task = ended.popleft()
                item = under_way.pop(task)
                room.release()
                yield item, task.result()
        feeder.result()
    finally:
        await end_tasks(feeder, *under_way)


async def end_tasks(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait until they are gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _run(work: Callable[[T], Awaitable[R]], item: T) -> Coroutine[Any, Any, R]:
    async def run() -> R:
        return await work(item)

    return run()


async def _aiter(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
