"""Buckets of accounts: shared by binds, kept while they mean something, and no longer."""

from collections import Counter

import pytest

from smpp.server.buckets import MANY_BUCKETS, Buckets
from smpp.server.config import Grant

SLOW = Grant(requests_per_second=1, burst=10)


@pytest.fixture
def binds() -> Counter[str]:
    return Counter()


@pytest.fixture
def buckets(binds: Counter[str]) -> Buckets:
    return Buckets(lambda account: binds[account])


def test_binds_of_an_account_share_a_bucket_and_a_new_one_does_not_begin_full(buckets: Buckets) -> None:
    first = buckets.of("shop", SLOW, 0.0)
    assert first is not None
    assert first.try_take(0.0, 10) == 0.0
    assert buckets.of("shop", SLOW, 1.0) is first
    assert buckets.of("other", SLOW, 1.0) is not first


def test_account_without_a_limit_has_no_bucket(buckets: Buckets) -> None:
    buckets.of("shop", SLOW, 0.0)
    assert buckets.of("shop", Grant(), 0.0) is None
    assert len(buckets) == 0


def test_buckets_that_are_full_again_are_forgotten_when_there_are_many(buckets: Buckets, binds: Counter[str]) -> None:
    for number in range(MANY_BUCKETS):
        bucket = buckets.of(f"account-{number}", SLOW, 0.0)
        assert bucket is not None
        bucket.try_take(0.0, 10 if number < 3 else 1)
    binds["account-7"] = 1
    buckets.of("one more", SLOW, 5.0)
    # Three that have not filled up, one that is bound, and the new one.
    assert len(buckets) == 5
    spent = buckets.of("account-0", SLOW, 5.0)
    assert spent is not None
    assert spent.try_take(5.0, 6) > 0


def test_new_limit_takes_effect_with_the_next_bind(buckets: Buckets) -> None:
    bucket = buckets.of("shop", SLOW, 0.0)
    buckets.of("shop", Grant(requests_per_second=100, burst=20), 0.0)
    assert bucket is not None
    assert (bucket.per_second, bucket.burst) == (100, 20)
