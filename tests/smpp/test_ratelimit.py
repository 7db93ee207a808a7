from collections.abc import Callable
from itertools import pairwise
from math import inf, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smpp.ratelimit import Pacer, TokenBucket

RATES = st.one_of(st.integers(1, 60), st.sampled_from([200, 0.5, 2.5]))


def fastest_span(departures: list[float], count: int) -> float:
    """The shortest time from any departure to the one `count` later."""
    return min((later - first for first, later in zip(departures, departures[count:], strict=False)), default=inf)


def drive(
    pacer: Pacer,
    seconds: float,
    lateness: Callable[[], float],
    *,
    start: float = 100.0,
    stall: float = 0.0,
    seed: int = 1,
) -> list[float]:
    """A dispatcher that always has something to send: when it has to wait, it wakes up late."""
    random = Random(seed)
    now, departures, next_stall = start, [], start + 1
    while now < start + seconds:
        wait = pacer.try_take(now)
        if wait:
            now += wait + lateness()
        else:
            departures.append(now)
            now += 2e-6
        if stall and now > next_stall:
            now += stall
            next_stall = now + random.expovariate(0.5)
    return departures


@given(
    per_second=RATES,
    burst=st.integers(1, 3),
    steps=st.lists(st.one_of(st.floats(0, 0.05), st.floats(0, 3), st.just(0.0)), min_size=1, max_size=300),
    eager=st.booleans(),
)
def test_no_sliding_second_exceeds_the_limit_whatever_the_clock_does(
    per_second: float, burst: int, steps: list[float], eager: bool
) -> None:
    pacer = Pacer(per_second, burst)
    now, departures = 0.0, []
    for step in steps:
        now += step
        for _ in range(10):
            wait = pacer.try_take(now)
            if wait:
                now += wait if eager else 0.0
                break
            departures.append(now)
    count = -int(-per_second // 1)
    assert fastest_span(departures, count) >= max(1.0, count / per_second)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_a_clock_that_goes_back_never_lets_more_through(moments: list[float]) -> None:
    pacer = Pacer(3)
    departures = [now for now in moments if not pacer.try_take(now)]
    assert departures == sorted(departures)
    assert fastest_span(departures, 3) >= 1


@given(per_second=st.sampled_from([1, 7, 50, 1000]), idle=st.floats(1, 1e6), burst=st.integers(1, 3))
def test_idle_time_gives_no_more_credit_than_the_burst(per_second: int, idle: float, burst: int) -> None:
    pacer = Pacer(per_second, burst)
    assert pacer.try_take(0.0) == 0.0
    taken = 0
    while not pacer.try_take(1 + idle):
        taken += 1
    assert taken == min(burst, per_second)


@pytest.mark.parametrize("per_second", [1, 50, 5000])
@pytest.mark.parametrize("late", [0.0, 0.001, 0.002])
def test_the_average_is_within_one_percent_though_timers_fire_late(per_second: int, late: float) -> None:
    random = Random(7)
    departures = drive(Pacer(per_second), 12.0, lambda: random.uniform(0, 2 * late))
    average = (len(departures) - 1) / (departures[-1] - departures[0])
    assert 0.99 <= average / per_second <= 1.0
    assert fastest_span(departures, per_second) >= 1.0


@pytest.mark.parametrize("per_second", [50, 2000])
def test_stalls_of_the_loop_are_made_up_for_within_the_limit(per_second: int) -> None:
    random = Random(3)
    departures = drive(Pacer(per_second), 20.0, lambda: random.uniform(0, 0.002), stall=0.03)
    average = (len(departures) - 1) / (departures[-1] - departures[0])
    assert 0.99 <= average / per_second <= 1.0
    assert fastest_span(departures, per_second) >= 1.0


def test_parts_leave_one_by_one() -> None:
    departures = drive(Pacer(50), 5.0, lambda: 0.0)
    assert min(later - one for one, later in pairwise(departures)) > 0.02


def test_lateness_beyond_the_limit_is_not_made_up_for() -> None:
    pacer = Pacer(100, catch_up_seconds=0.03)
    pacer.try_take(0.0)
    assert pacer.try_take(0.0) > 0
    taken = 0
    while not pacer.try_take(0.9):
        taken += 1
    assert taken == 3


def test_many_callers_share_one_limit() -> None:
    pacer = Pacer(20)
    random = Random(5)
    wakes = dict.fromkeys(range(100), 0.0)
    departures: list[float] = []
    while len(departures) < 100:
        caller = min(wakes, key=wakes.__getitem__)
        now = wakes[caller]
        wait = pacer.try_take(now)
        if not wait:
            departures.append(now)
        wakes[caller] = now + wait + random.uniform(0, 0.002)
    assert fastest_span(departures, 20) >= 1.0
    assert 0.99 <= 99 / (departures[-1] - departures[0]) / 20 <= 1.0


def test_a_wait_ends_when_it_said() -> None:
    pacer = Pacer(3)
    now = 1000.1
    for _ in range(100):
        wait = pacer.try_take(now)
        if wait:
            assert pacer.delay(now + wait) == 0.0
            now += wait


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 0.5)), min_size=1, max_size=60))
def test_the_rate_can_change_while_running(changes: list[tuple[int, float]]) -> None:
    pacer = Pacer(10)
    now = 0.0
    departures: list[tuple[float, int]] = []
    for rate, seconds in changes:
        pacer.per_second = rate
        end = now + seconds
        while now < end:
            wait = pacer.try_take(now)
            if not wait:
                departures.append((now, rate))
            now += wait or 0.001
    for index, (now, rate) in enumerate(departures):
        within = [one for one, _ in departures[: index + 1] if one > now - 1]
        assert len(within) <= rate


def test_a_lower_rate_counts_what_left_before() -> None:
    pacer = Pacer(100)
    drive(pacer, 1.0, lambda: 0.0, start=0.0)
    pacer.per_second = 10
    assert pacer.delay(1.0) > 0.89


def test_a_departure_that_was_not_used_is_given_back() -> None:
    pacer = Pacer(10)
    pacer.try_take(0.0)
    pacer.take(1.0)
    pacer.give_back(1.0)
    assert pacer.try_take(1.0) == 0.0
    pacer.give_back(0.5)
    assert pacer.try_take(1.0) > 0


def test_giving_back_an_earlier_departure_keeps_the_later_ones_in_mind() -> None:
    pacer = Pacer(2, 2)
    for now in (0.0, 0.6):
        pacer.try_take(now)
    pacer.give_back(0.0)
    assert pacer.try_take(1.2) == 0.0
    assert pacer.delay(1.2) == pytest.approx(0.404)


@pytest.mark.parametrize("per_second", [0, 100])
def test_nothing_leaves_while_held(per_second: float) -> None:
    pacer = Pacer(per_second, 2)
    pacer.try_take(0.0)
    pacer.hold(5.0)
    pacer.hold(4.0)
    assert pacer.try_take(1.0) == 4.0
    assert pacer.try_take(5.0) == 0.0


def test_the_time_held_gives_no_credit() -> None:
    pacer = Pacer(100, 2)
    pacer.try_take(0.0)
    pacer.hold(5.0)
    pacer.delay(1.0)
    assert pacer.try_take(5.0) == 0.0
    assert pacer.try_take(5.0) > 0


def test_no_limit_means_no_wait() -> None:
    pacer = Pacer()
    assert repr(pacer) == "<Pacer unlimited>"
    assert not any(pacer.try_take(0.0) for _ in range(1000))
    pacer.per_second = 1
    assert pacer.try_take(0.0) == 0.0
    assert pacer.try_take(0.5) > 0
    pacer.per_second = 0
    assert pacer.try_take(0.5) == 0.0


def test_the_burst_can_change() -> None:
    pacer = Pacer(10)
    pacer.burst = 2
    assert pacer.burst == 2
    assert [pacer.try_take(0.0) > 0 for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("kind", [Pacer, TokenBucket])
@pytest.mark.parametrize("per_second", [-1, nan, inf])
def test_a_rate_that_cannot_be_is_refused(kind: type[Pacer | TokenBucket], per_second: float) -> None:
    with pytest.raises(ValueError, match="a rate is 0"):
        kind(per_second)


@pytest.mark.parametrize("kind", [Pacer, TokenBucket])
def test_a_burst_of_nothing_is_refused(kind: type[Pacer | TokenBucket]) -> None:
    with pytest.raises(ValueError, match="a burst is at least 1"):
        kind(1, 0)
    with pytest.raises(ValueError, match="a burst is at least 1"):
        kind(1).burst = 0


def test_a_negative_guard_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        Pacer(1, guard_seconds=-1)


def test_their_reprs_say_the_limit() -> None:
    assert repr(Pacer(50)) == "<Pacer 50/s, burst 1>"
    assert Pacer().unlimited
    assert not Pacer(1).unlimited
    assert repr(TokenBucket(50, 10)) == "<TokenBucket 50/s, 10.0 of 10>"
    assert repr(TokenBucket()) == "<TokenBucket unlimited>"


@given(
    per_second=st.floats(0.1, 1000),
    burst=st.integers(1, 20),
    takes=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 20)), max_size=100),
)
@settings(deadline=None)
def test_a_bucket_never_gives_more_than_burst_and_rate(
    per_second: float, burst: int, takes: list[tuple[float, int]]
) -> None:
    bucket = TokenBucket(per_second, burst)
    now, taken = 0.0, 0
    for step, count in takes:
        now += step
        if count <= burst and not bucket.try_take(now, count):
            taken += count
        assert taken <= burst + now * per_second + 1e-6 * (1 + per_second)


@given(per_second=st.floats(0.1, 1000), count=st.integers(1, 10))
def test_a_bucket_says_how_long_to_wait(per_second: float, count: int) -> None:
    bucket = TokenBucket(per_second, 10)
    assert bucket.try_take(5.0, 10) == 0.0
    wait = bucket.try_take(5.0, count)
    assert wait == pytest.approx(count / per_second)
    assert bucket.try_take(5.0 + wait * 0.9, count) > 0
    assert bucket.try_take(5.0 + wait, count) == 0.0


def test_a_long_message_is_taken_whole_or_not_at_all() -> None:
    bucket = TokenBucket(10, 5)
    assert bucket.try_take(0.0, 3) == 0.0
    assert bucket.try_take(0.0, 3) == pytest.approx(0.1)
    assert bucket.try_take(0.0, 2) == 0.0


def test_more_than_the_bucket_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="6 tokens from a bucket that holds 5"):
        TokenBucket(10, 5).try_take(0.0, 6)


def test_tokens_can_be_given_back_up_to_the_brim() -> None:
    bucket = TokenBucket(10, 5)
    bucket.try_take(0.0, 5)
    bucket.give_back(9)
    assert bucket.try_take(0.0, 5) == 0.0


def test_a_bucket_can_change_while_running() -> None:
    bucket = TokenBucket(10, 5)
    bucket.burst = 2
    bucket.per_second = 1
    assert (bucket.burst, bucket.per_second) == (2, 1)
    bucket.try_take(0.0, 2)
    assert bucket.try_take(0.0) == 1.0
    bucket.per_second = 0
    assert bucket.unlimited
    assert bucket.try_take(0.0, 100) == 0.0
