"""When a provider is left alone, with a clock that is a number."""

from gateway.uplinks.breaker import Breaker
from smpp.backoff import Backoff


def breaker(failures: int = 3) -> Breaker:
    return Breaker(failures, Backoff(10.0, 40.0, jitter=0.0))


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    one = breaker()

    assert [one.failed(0.0) for _ in range(3)] == [False, False, True]
    assert one.is_open(19.9)
    assert one.room(19.9, 5) == 0
    assert one.wait(5.0) == 15.0


def test_a_success_between_starts_the_count_anew() -> None:
    one = breaker()
    one.failed(0.0)
    one.failed(0.0)
    one.succeeded()

    assert not one.failed(0.0)
    assert one.room(0.0, 5) == 5


def test_half_open_lets_one_through_at_a_time() -> None:
    one = breaker(1)
    one.failed(0.0)

    assert one.room(20.0, 5) == 1
    one.began()
    assert one.room(20.0, 5) == 0
    one.ended()
    assert one.room(20.0, 5) == 1


def test_a_failed_trial_opens_it_for_longer() -> None:
    one = breaker(1)
    one.failed(0.0)
    one.failed(20.0)

    assert one.is_open(59.9)
    assert not one.is_open(60.0)


def test_a_trial_that_succeeds_closes_it() -> None:
    one = breaker(1)
    one.failed(0.0)
    one.succeeded()

    assert one.is_closed
    assert one.room(0.0, 5) == 5


def test_what_was_under_way_does_not_lengthen_the_pause() -> None:
    one = breaker(1)
    one.failed(0.0)
    one.failed(1.0)

    assert not one.is_open(20.0)
