"""Absolute and relative times, both ways. §7.1."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.errors import DecodeError, EncodeError
from smpp.status import CommandStatus
from smpp.wire.time import (
    RelativePeriod,
    check_time,
    format_absolute,
    format_relative,
    is_time,
    parse_time,
)
from tests.smpp.wire.strategies import absolute_times, periods, relative_times, report_times
from tests.vectors.load import reference


def zone(hours: float) -> tzinfo:
    return timezone(timedelta(hours=hours))


# Absolute


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("260722153000508+", datetime(2026, 7, 22, 13, 30, 0, 500_000, UTC)),
        ("990101000000048-", datetime(1999, 1, 1, 12, 0, tzinfo=UTC)),
        ("260722153000020-", datetime(2026, 7, 22, 20, 30, tzinfo=UTC)),  # UTC-05:00 is 20 quarter hours behind
        ("260722153000000+", datetime(2026, 7, 22, 15, 30, tzinfo=UTC)),
        ("260722153000000-", datetime(2026, 7, 22, 15, 30, tzinfo=UTC)),
        ("260722153000022+", datetime(2026, 7, 22, 10, 0, tzinfo=UTC)),  # India, UTC+05:30
        ("370101000000000+", datetime(2037, 1, 1, tzinfo=UTC)),  # Appendix C: 00-37 are 20xx
        ("380101000000000+", datetime(1938, 1, 1, tzinfo=UTC)),  # ... and 38-99 are 19xx
        ("240229120000000+", datetime(2024, 2, 29, 12, tzinfo=UTC)),
    ],
)
def test_absolute_time_is_a_moment(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 7, 22, 15, 30, 0, 500_000, zone(2)), "260722153000508+"),
        (datetime(2026, 7, 22, 15, 30, 0, 599_999, UTC), "260722153000500+"),  # t is one digit, rounded down
        (datetime(2026, 7, 22, 15, 30, 0, 950_000, UTC), "260722153000900+"),  # never "10"
        (datetime(1999, 1, 1, tzinfo=zone(-12)), "990101000000048-"),
        (datetime(2026, 7, 22, 15, 30, tzinfo=zone(-5)), "260722153000020-"),
        (datetime(2026, 7, 22, 15, 30, tzinfo=zone(5.5)), "260722153000022+"),
        (datetime(2026, 7, 22, 15, 30, tzinfo=zone(14)), "260722013000000+"),  # beyond 12 hours: as UTC
        (datetime(2026, 7, 22, 15, 30, tzinfo=zone(0.1)), "260722152400000+"),  # between quarter hours: as UTC
    ],
)
def test_moment_is_written_as_an_absolute_time(moment: datetime, text: str) -> None:
    assert format_absolute(moment) == text


def test_moment_without_zone_cannot_be_written() -> None:
    with pytest.raises(EncodeError, match=r"time datetime.datetime\(2026, 7, 22, 0, 0\) has no zone"):
        format_absolute(datetime(2026, 7, 22))


@pytest.mark.parametrize("year", [1937, 2038])
def test_year_that_two_digits_cannot_tell_is_refused(year: int) -> None:
    with pytest.raises(EncodeError, match=f"year {year} cannot be written with two digits"):
        format_absolute(datetime(year, 7, 1, tzinfo=UTC))


@given(st.datetimes(datetime(1938, 1, 3), datetime(2037, 12, 29)), st.integers(-4 * 14, 4 * 14))
def test_moment_comes_back_to_the_tenth(naive: datetime, quarters: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    expected = moment.replace(microsecond=moment.microsecond // 100_000 * 100_000)
    assert parse_time(format_absolute(moment)) == expected


# Relative


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("020610233429000R", RelativePeriod(2, 6, 10, 23, 34, 29)),
        ("000000010000000R", RelativePeriod(hours=1)),
        ("000002000000000R", RelativePeriod(days=2)),
        ("000000000000000R", RelativePeriod()),
        ("999999999999000R", RelativePeriod(99, 99, 99, 99, 99, 99)),
    ],
)
def test_relative_time_is_a_period(text: str, period: RelativePeriod) -> None:
    assert parse_time(text) == period
    assert format_relative(period) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "000000000000000R"),
        (3600, "000000010000000R"),
        (0.2, "000000000001000R"),  # rounded up: a period of 0 seconds would expire at once
        (timedelta(days=2), "000002000000000R"),
        (timedelta(days=31), "000031000000000R"),
        (timedelta(days=45), "000115000000000R"),  # months of 30 days beyond a month
        (timedelta(days=1, hours=23, minutes=59, seconds=59), "000001235959000R"),
    ],
)
def test_span_is_written_as_a_relative_time(span: timedelta | float, text: str) -> None:
    assert format_relative(span) == text


@pytest.mark.parametrize("span", [timedelta(seconds=-1), -1, RelativePeriod(days=100), RelativePeriod(hours=-1)])
def test_span_that_two_digits_cannot_tell_is_refused(span: timedelta | float | RelativePeriod) -> None:
    with pytest.raises(EncodeError):
        format_relative(span)


@given(periods)
def test_span_comes_back_and_is_never_shortened(span: timedelta) -> None:
    period = parse_time(format_relative(span))
    assert isinstance(period, RelativePeriod)
    days = period.years * 365 + period.months * 30 + period.days
    written = timedelta(days=days, hours=period.hours, minutes=period.minutes, seconds=period.seconds)
    assert timedelta(0) <= written - span < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (RelativePeriod(months=1), datetime(2026, 1, 31), datetime(2026, 2, 28)),
        (RelativePeriod(years=1), datetime(2024, 2, 29), datetime(2025, 2, 28)),
        (RelativePeriod(months=1), datetime(2026, 12, 15), datetime(2027, 1, 15)),
        (RelativePeriod(years=2, months=11), datetime(2026, 12, 1), datetime(2029, 11, 1)),
        (RelativePeriod(months=1, days=1, hours=25), datetime(2026, 1, 31), datetime(2026, 3, 2, 1)),
        (RelativePeriod(), datetime(2026, 12, 31, 23, 59), datetime(2026, 12, 31, 23, 59)),
    ],
)
def test_period_ends_where_a_calendar_says(period: RelativePeriod, start: datetime, end: datetime) -> None:
    assert period.after(start) == end


# What an SMSC reports, and what is no time


def test_no_time_is_none() -> None:
    assert parse_time("") is None


def test_twelve_characters_of_a_report_have_no_zone() -> None:
    moment = parse_time("260722153000")
    assert moment == datetime(2026, 7, 22, 15, 30)
    assert isinstance(moment, datetime)
    assert moment.tzinfo is None


@pytest.mark.parametrize(
    "text",
    [
        "1", "26072215300", "2607221530000", "260722153000000", "260722153000000+0",  # lengths between
        "261322153000000+", "260700153000000+", "260732153000000+", "260230120000000+", "250229120000000+",
        "260722243000000+", "260722156000000+", "260722153060000+",
        "260722153000049+", "260722153000076-",  # quarter hours, not hours: 48 is the limit
        "260722153000000Z", "260722153000000r", "                ", "26-07-22T15:30:0",
        "000000010000100R", "000000010000001R",  # a period has neither tenths nor zone
        "²60722153000000+", "260722153000０00+", "+60722153000000+", "260722153000 00+",
    ],
)  # fmt: skip
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(DecodeError, match="is no absolute or relative time"):
        parse_time(text)
    assert not is_time(text)
    assert not is_time(text, report=True)


def test_status_of_the_error_is_the_callers() -> None:
    with pytest.raises(DecodeError) as error:
        check_time("soon", CommandStatus.ESME_RINVSCHED)
    assert error.value.command_status == CommandStatus.ESME_RINVSCHED


def test_report_is_a_time_only_where_reports_are() -> None:
    assert is_time("260722153000", report=True)
    assert not is_time("260722153000")


@given(st.one_of(absolute_times, relative_times))
def test_every_written_time_is_a_time(text: str) -> None:
    assert len(text) == 16
    assert is_time(text)


@given(report_times)
def test_every_report_is_a_time_of_a_report(text: str) -> None:
    assert is_time(text, report=True)


@given(st.one_of(st.text(max_size=18), st.from_regex(r"[0-9]{12}([0-9]{3}[+R-])?", fullmatch=True)))
def test_any_text_is_a_time_or_a_decode_error(text: str) -> None:
    try:
        parsed = parse_time(text)
    except DecodeError:
        return
    assert parsed is None or isinstance(parsed, datetime | RelativePeriod)


# The specification's own examples


@pytest.mark.parametrize("text", reference("time_format")["examples"])
def test_examples_of_the_table_are_times(text: str) -> None:
    assert is_time(text)
    assert len(text) == reference("time_format")["length"]
