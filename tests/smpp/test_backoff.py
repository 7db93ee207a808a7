from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.backoff import Backoff


def test_without_jitter_it_doubles_up_to_the_maximum() -> None:
    backoff = Backoff(1, 10, jitter=0)
    assert [backoff.next() for _ in range(5)] == [2, 4, 8, 10, 10]
    assert backoff.failures == 5


def test_reset_begins_anew() -> None:
    backoff = Backoff(1, 60, jitter=0)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next() == 2


@given(
    minimum=st.floats(0.01, 10),
    span=st.floats(0, 100),
    factor=st.floats(1, 5),
    jitter=st.floats(0, 1),
    seed=st.integers(0, 99),
    count=st.integers(1, 50),
)
def test_every_wait_is_between_minimum_and_maximum(
    minimum: float, span: float, factor: float, jitter: float, seed: int, count: int
) -> None:
    backoff = Backoff(minimum, minimum + span, factor=factor, jitter=jitter, random=Random(seed).random)
    for _ in range(count):
        assert minimum - 1e-9 <= backoff.next() <= minimum + span + 1e-9


@given(seed=st.integers(0, 99), count=st.integers(1, 30), refused_minimum=st.floats(0, 200))
def test_after_a_refusal_it_waits_at_least_the_minimum_for_that(seed: int, count: int, refused_minimum: float) -> None:
    backoff = Backoff(0.1, 60, refused_minimum=refused_minimum, random=Random(seed).random)
    for _ in range(count):
        wait = backoff.next(refused=True)
        assert refused_minimum - 1e-9 <= wait <= max(60, 2 * refused_minimum) + 1e-9


def test_binds_that_were_cut_together_spread() -> None:
    waits = [Backoff(1, 60, random=Random(seed).random).next() for seed in range(64)]
    assert max(waits) - min(waits) > 0.9
    waits = [Backoff(1, 10, refused_minimum=20, random=Random(seed).random).next(refused=True) for seed in range(64)]
    assert max(waits) - min(waits) > 15


def test_the_given_generator_decides() -> None:
    one, other = (Backoff(random=Random(3).random) for _ in range(2))
    assert [one.next() for _ in range(5)] == [other.next() for _ in range(5)]


def test_each_has_a_generator_of_its_own() -> None:
    assert [Backoff().next() for _ in range(5)] != [Backoff().next() for _ in range(5)]


def test_it_grows_for_ever_without_overflow() -> None:
    backoff = Backoff(1, 60, factor=1e300, jitter=0)
    assert [backoff.next() for _ in range(3)] == [60, 60, 60]


@pytest.mark.parametrize(
    "settings",
    [
        {"minimum": 0},
        {"minimum": 5, "maximum": 4},
        {"maximum": float("inf")},
        {"factor": 0.5},
        {"jitter": 1.5},
        {"refused_minimum": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="back-off"):
        Backoff(**settings)  # type: ignore[arg-type]


def test_its_repr_says_where_it_is() -> None:
    backoff = Backoff(1, 60)
    backoff.next()
    assert repr(backoff) == "<Backoff 1-60 s, 1 failures>"
