"""How fast a counter grew."""

from smpp.pool.rate import RateMeter


def test_rate_is_the_average_of_the_last_seconds() -> None:
    meter = RateMeter()
    for second in range(20):
        meter.sample(float(second), 10 * min(second, 15))
    assert meter.per_second == 10 * 1 / 5
    assert RateMeter().per_second == 0.0


def test_first_look_says_nothing_of_what_was_before() -> None:
    meter = RateMeter()
    meter.sample(1.0, 1000)
    assert meter.per_second == 0.0
    meter.sample(3.0, 1010)
    assert meter.per_second == 5.0
