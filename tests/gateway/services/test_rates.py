"""A provider's limit holds for each account by itself."""

from gateway.services.rates import RateLimits
from gateway.shares import Share


def test_the_thirty_first_in_a_second_waits() -> None:
    now = 1_000.0
    rates = RateLimits(clock=lambda: now)
    assert [rates.take("shop", "lanck", 30, 30) for _ in range(30)] == [0.0] * 30
    assert 0 < rates.take("shop", "lanck", 30, 30) <= 1 / 30
    assert rates.take("other", "lanck", 30, 30) == 0.0
    now += 0.04
    assert rates.take("shop", "lanck", 30, 30) == 0.0


def test_the_config_may_say_otherwise() -> None:
    rates = RateLimits({("shop", "lanck"): 0.0, ("slow", "lanck"): 1.0}, clock=lambda: 1_000.0)
    assert [rates.take("shop", "lanck", 30, 30) for _ in range(100)] == [0.0] * 100
    assert [bool(rates.take("slow", "lanck", 1, 1)) for _ in range(2)] == [False, True]


def test_a_node_counts_by_its_share_of_a_limit() -> None:
    asked: list[str] = []

    def share_of(limit: str) -> Share:
        asked.append(limit)
        return Share(0.5)

    rates = RateLimits({("free", "lanck"): 0.0}, share_of=share_of, clock=lambda: 1_000.0)
    assert [bool(rates.take("shop", "lanck", 10.0, 4)) for _ in range(3)] == [False, False, True]
    assert not rates.take("free", "lanck", 10.0, 4)
    assert asked == ["lanck requests of shop"]
