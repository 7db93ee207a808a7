"""Ids sort by time, hold a key, and cannot be guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.ids import ID_LENGTH, Ids, key_at, key_of

NOW = 1_800_000_000.0


@given(st.lists(st.floats(min_value=NOW, max_value=NOW + 1e9), min_size=2, max_size=50))
def test_ids_grow_with_time_and_within_a_moment(times: list[float]) -> None:
    ids = Ids()
    made = [ids.new(now) for now in sorted(times)]
    assert made == sorted(made)
    assert len(set(map(key_of, made))) == len(made)
    assert {len(one) for one in made} == {ID_LENGTH}


def test_ids_grow_though_the_clock_is_set_back() -> None:
    ids = Ids()
    assert ids.new(NOW) < ids.new(NOW - 1000) < ids.new(NOW - 2000)


def test_a_key_tells_the_moment() -> None:
    assert key_at(NOW) <= key_of(Ids().new(NOW)) < key_at(NOW + 0.002)


def test_keys_fit_the_rows_of_parts() -> None:
    assert (key_at(3_800_000_000.0) << 8 | 255) < 1 << 63


def test_the_same_key_has_another_tail() -> None:
    assert Ids().new(NOW) != Ids().new(NOW)


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 23, "0" * 25, "U" * 24, "0" * 10 + "é" + "0" * 13, "0" * 10 + "l" * 14]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        key_of(text)
