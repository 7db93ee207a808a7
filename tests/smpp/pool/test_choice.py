"""Which bind is next, among stand-ins whose room a test sets."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.pool.bind import BindState, PoolBind
from smpp.pool.choice import Choice


@dataclass(eq=False)
class StandInPause:
    is_on: bool = False


@dataclass(eq=False)
class StandInServer:
    name: str
    weight: float = 1
    priority: int = 0
    has_room: bool = True
    spent: float = 0.0
    pause: StandInPause = field(default_factory=StandInPause)


@dataclass(eq=False)
class StandIn:
    """A bind whose window empties only where a test says so."""

    name: str
    server: StandInServer
    window: int = 100
    in_flight: int = 0
    looks: int = 0
    state: BindState = BindState.BOUND
    may_send: bool = True
    is_paced: bool = False
    is_suspended: bool = False
    pause: StandInPause = field(default_factory=StandInPause)

    def room(self) -> int:
        self.looks += 1
        return self.window - self.in_flight


def choice_of(binds: list[StandIn]) -> Choice:
    choice = Choice(cast("list[PoolBind]", binds))
    choice.refresh()
    return choice


def freest(choice: Choice) -> StandIn:
    return cast("StandIn", choice.freest())


def next_in_run(choice: Choice) -> StandIn | None:
    return cast("StandIn | None", choice.in_run())


def take(choice: Choice, count: int) -> "Counter[str]":
    """Give out parts that stay in flight."""
    taken: Counter[str] = Counter()
    for _ in range(count):
        bind: Any = choice.freest()
        if bind is None:
            break
        assert bind.in_flight < bind.window
        bind.in_flight += 1
        taken[bind.name] += 1
    return taken


def binds_of(count: int, window: int = 100) -> list[StandIn]:
    server = StandInServer("smpp1")
    return [StandIn(f"smpp1#{number}", server, window) for number in range(count)]


def test_sixty_four_binds_are_not_compared_for_every_part() -> None:
    binds = binds_of(64)
    assert sum(take(choice_of(binds), 6400).values()) == 6400
    assert sum(bind.looks for bind in binds) < 4 * 6400


@pytest.mark.parametrize("count", [4, 64])
def test_parts_are_spread_over_binds_that_are_alike(count: int) -> None:
    taken = take(choice_of(binds_of(count)), 60 * count).values()
    assert len(taken) == count
    assert max(taken) - min(taken) <= 16


def test_a_bind_with_much_less_room_is_left_out_until_the_others_have_as_little() -> None:
    binds = binds_of(64)
    binds[5].in_flight = 80
    choice = choice_of(binds)
    assert "smpp1#5" not in take(choice, 63 * 50)
    assert take(choice, 64 * 50)["smpp1#5"] == 20


def test_a_bind_that_fills_up_while_it_waits_for_its_turn_is_passed_over() -> None:
    binds = binds_of(64)
    choice = choice_of(binds)
    take(choice, 1)
    for bind in binds[1:60]:
        bind.in_flight = 100
    assert set(take(choice, 4)) <= {"smpp1#0", *(f"smpp1#{number}" for number in range(60, 64))}


def test_servers_with_many_binds_share_by_weight() -> None:
    light, heavy = StandInServer("light"), StandInServer("heavy", weight=3)
    binds = [StandIn(f"{server.name}#{number}", server) for server in (light, heavy) for number in range(16)]
    taken = take(choice_of(binds), 800)
    assert abs(sum(count for name, count in taken.items() if name.startswith("heavy")) - 600) <= 16


def test_a_run_goes_on_without_a_look_at_the_window_until_something_is_in_the_way() -> None:
    binds = binds_of(4)
    choice = choice_of(binds)
    assert next_in_run(choice) is None
    first = freest(choice)
    looks = first.looks
    assert next_in_run(choice) is first
    assert first.looks == looks
    hindrances: list[Callable[[], None]] = [
        lambda: setattr(first, "is_paced", True),
        lambda: setattr(first.pause, "is_on", True),
        lambda: setattr(first.server.pause, "is_on", True),
        lambda: setattr(first, "state", BindState.DRAINING),
    ]
    for hinder in hindrances:
        assert next_in_run(choice) is first
        hinder()
        assert next_in_run(choice) is None
        first.is_paced, first.pause.is_on, first.server.pause.is_on = False, False, False
        first.state = BindState.BOUND
    while next_in_run(choice) is not None:
        pass
    first.in_flight = 16
    assert freest(choice) is not first


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 2)), min_size=1, max_size=40),
    st.lists(st.integers(0, 39), max_size=40),
)
def test_every_place_is_given_out_once_whatever_ends_meanwhile(sizes: list[tuple[int, int]], ends: list[int]) -> None:
    servers = [StandInServer(str(number), weight=number + 1) for number in range(3)]
    binds = [StandIn(str(number), servers[of], window) for number, (window, of) in enumerate(sizes)]
    choice = choice_of(binds)
    for end in ends:
        take(choice, 7)
        bind = binds[end % len(binds)]
        bind.in_flight = max(0, bind.in_flight - 3)
    take(choice, 40 * 30)
    assert all(bind.in_flight == bind.window for bind in binds)
    assert choice.freest() is None
