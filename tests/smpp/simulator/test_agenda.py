"""The agenda: order, time, and that it can be forgotten."""

import asyncio

from smpp.simulator.agenda import Agenda


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_due_is_done_in_order_and_not_at_once() -> None:
    agenda, done = Agenda(), list[int]()
    for number in range(3):
        agenda.after(0, done.append, number)
    assert done == []
    await turns()
    assert done == [0, 1, 2]


async def test_earlier_things_overtake_later_ones() -> None:
    agenda, done = Agenda(), list[str]()
    finished = asyncio.Event()
    agenda.after(0.01, finished.set)
    agenda.after(0.005, done.append, "second")
    agenda.after(0.0, done.append, "first")
    await asyncio.wait_for(finished.wait(), 5)
    assert done == ["first", "second"]
    assert len(agenda) == 0


async def test_what_is_put_in_while_it_runs_is_done_too() -> None:
    agenda = Agenda()
    finished = asyncio.Event()
    agenda.after(0, agenda.after, 0, finished.set)
    await asyncio.wait_for(finished.wait(), 5)


async def test_much_at_once_leaves_turns_to_others() -> None:
    agenda, done = Agenda(), list[int]()
    for number in range(1200):
        agenda.after(0, done.append, number)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(done) < 1200
    await turns(5)
    assert done == list(range(1200))


async def test_one_that_fails_does_not_stop_the_others() -> None:
    agenda = Agenda()
    finished, failed = asyncio.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context["exception"]))
    agenda.after(0, lambda: 1 / 0)
    agenda.after(0, finished.set)
    await asyncio.wait_for(finished.wait(), 5)
    assert isinstance(failed[0], ZeroDivisionError)


async def test_a_closed_agenda_forgets_everything() -> None:
    agenda, done = Agenda(), list[int]()
    agenda.after(0, done.append, 1)
    agenda.close()
    agenda.after(0, done.append, 2)
    await turns()
    assert done == []
