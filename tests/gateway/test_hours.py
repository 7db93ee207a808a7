"""Hours of the day at a place."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hours import Hours, zone


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        (Hours("08:00-21:00"), "2027-01-15T08:00", True),
        (Hours("08:00-21:00"), "2027-01-15T20:59:59", True),
        (Hours("08:00-21:00"), "2027-01-15T21:00", False),
        (Hours("08:00-24:00"), "2027-01-15T23:59", True),
        (Hours("08:00-21:00", (), "Asia/Kolkata"), "2027-01-15T02:30", True),
        (Hours("08:00-21:00", (), "Asia/Kolkata"), "2027-01-15T15:30", False),
        # 2027-01-15 is a Friday.
        (Hours("22:00-06:00", ("fri",)), "2027-01-16T05:59", True),
        (Hours("22:00-06:00", ("fri",)), "2027-01-15T05:59", False),
        (Hours("22:00-06:00", ("fri",)), "2027-01-15T22:00", True),
        (Hours("", ("fri",)), "2027-01-15T00:00", True),
        (Hours("", ("fri",)), "2027-01-16T00:00", False),
        (Hours(), "2027-01-16T00:00", True),
    ],
)
def test_hours_are_those_of_their_place(hours: Hours, moment: str, is_open: bool) -> None:
    assert hours.contains(at(moment)) is is_open
    assert hours.contains(at(moment)) is is_open


@pytest.mark.parametrize(
    ("hours", "moment", "opens"),
    [
        (Hours("08:00-21:00"), "2027-01-15T10:00", "2027-01-15T10:00"),
        (Hours("08:00-21:00"), "2027-01-15T21:00", "2027-01-16T08:00"),
        (Hours("08:00-21:00"), "2027-01-15T07:00", "2027-01-15T08:00"),
        (Hours("08:00-21:00", ("mon",)), "2027-01-15T10:00", "2027-01-18T08:00"),
        (Hours("08:00-21:00", (), "Asia/Kolkata"), "2027-01-15T20:00", "2027-01-16T02:30"),
        # The night in which clocks go forward in London: there is no 01:30, which is 02:30 by then.
        (Hours("01:30-05:00", (), "Europe/London"), "2027-03-28T00:00", "2027-03-28T01:30"),
    ],
)
def test_the_next_opening_is_found(hours: Hours, moment: str, opens: str) -> None:
    assert hours.next_opening(at(moment)) == at(opens)


@given(
    st.integers(0, 4_000_000_000),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sets(st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))),
    st.sampled_from(["UTC", "Asia/Kolkata", "Europe/London", "America/Sao_Paulo", "Pacific/Apia"]),
)
def test_an_opening_is_open(now: int, begin: int, end: int, days: set[str], place: str) -> None:
    if begin == end:
        return
    span = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    hours = Hours(span, days, place)
    opens = hours.next_opening(now)
    assert opens >= now
    # A zone that skips a day or an hour may skip the opening with it.
    assert hours.contains(opens) or place in ("Pacific/Apia", "Europe/London", "America/Sao_Paulo")


@pytest.mark.parametrize("span", ["8-9", "08:00", "08:00-25:00", "24:00-25:00", "08:60-09:00", "09:00-09:00", " "])
def test_what_is_no_span_is_refused(span: str) -> None:
    with pytest.raises(ValueError, match=r"span|begins when"):
        Hours(span)


@pytest.mark.parametrize("name", ["Mars", "", "../etc/passwd", "/etc/passwd", "Asia", "a\0b"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone(name)
