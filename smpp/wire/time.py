"""Absolute and relative times. SMPP v3.4 §7.1.

``YYMMDDhhmmsstnnp``: t tenths of a second; nn quarter hours from UTC; p "+" ahead of UTC, "-" behind it, "R" a period.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from smpp.errors import DecodeError, EncodeError
from smpp.status import CommandStatus

_TIME_LENGTH = 16
_REPORT_LENGTH = 12
_QUARTER_HOUR = timedelta(minutes=15)
_MAX_QUARTER_HOURS = 48
_LAST_YEAR_OF_2000S = 37  # Appendix C: 38-99 are 19xx, 00-37 are 20xx.


@dataclass(frozen=True, slots=True)
class RelativePeriod:
    """A span from the SMSC's present. §7.1.1.2. Years and months have no fixed length, so they stay as they are."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0

    def after(self, start: datetime) -> datetime:
        """The moment this period after `start`; a day that the month lacks becomes its last day."""
        month_index = start.month - 1 + self.months
        year, month = start.year + self.years + month_index // 12, month_index % 12 + 1
        first = start.replace(year=year, month=month, day=1)
        next_month = first.replace(year=year + month // 12, month=month % 12 + 1)
        day = min(start.day, (next_month - first).days)
        return first.replace(day=day) + timedelta(
            days=self.days, hours=self.hours, minutes=self.minutes, seconds=self.seconds
        )


def parse_time(text: str) -> datetime | RelativePeriod | None:
    """Read a time field.

    Returns:
        None for the empty field, an aware datetime for an absolute time, a period for a relative one; a naive
        datetime for the 12 characters of an SMSC's report, whose zone only the SMSC knows.

    Raises:
        DecodeError: it is none of these.
    """
    if not text:
        return None
    if len(text) < _REPORT_LENGTH or not (text.isascii() and text[:_REPORT_LENGTH].isdigit()):
        raise _invalid(text)
    numbers = [int(text[i : i + 2]) for i in range(0, _REPORT_LENGTH, 2)]
    if len(text) == _REPORT_LENGTH:
        return _moment(text, numbers)
    if len(text) != _TIME_LENGTH or not text[12:15].isdigit() or text[15] not in "+-R":
        raise _invalid(text)
    tenths, quarters, sign = int(text[12]), int(text[13:15]), text[15]
    if sign == "R":
        return _period(text, numbers, tenths, quarters)
    if quarters > _MAX_QUARTER_HOURS:
        raise _invalid(text)
    offset = quarters * _QUARTER_HOUR
    zone = timezone(offset if sign == "+" else -offset) if quarters else UTC
    return _moment(text, numbers).replace(microsecond=tenths * 100_000, tzinfo=zone)


def check_time(text: str, command_status: int, *, report: bool = False) -> None:
    """Refuse what is not a time.

    Args:
        text: contents of a time field, without the NUL.
        command_status: status of the error.
        report: whether the 12 characters of an SMSC's report are allowed.

    Raises:
        DecodeError: with that status.
    """
    try:
        parsed = parse_time(text)
    except DecodeError as error:
        raise DecodeError(str(error), command_status) from None
    if not report and parsed is not None and len(text) != _TIME_LENGTH:
        raise DecodeError(f"{text!r} is no absolute or relative time", command_status)


@lru_cache(maxsize=1024)
def is_time(text: str, report: bool = False) -> bool:
    """Whether a time field may hold this text. Remembers: one validity_period is sent many times over."""
    try:
        check_time(text, CommandStatus.ESME_RINVEXPIRY, report=report)
    except DecodeError:
        return False
    return True


def format_absolute(moment: datetime) -> str:
    """Write an aware datetime, rounded down to tenths.

    Zones beyond twelve hours or between quarter hours are written as UTC.

    Raises:
        EncodeError: the datetime is naive, or its year cannot be told by two digits.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise EncodeError(f"time {moment!r} has no zone")
    quarters, rest = divmod(abs(offset), _QUARTER_HOUR)
    if rest or quarters > _MAX_QUARTER_HOURS:
        moment, quarters, offset = moment.astimezone(UTC), 0, timedelta(0)
    if not 1938 <= moment.year <= 2037:
        raise EncodeError(f"year {moment.year} cannot be written with two digits (1938 to 2037)")
    sign = "-" if offset < timedelta(0) else "+"
    return f"{moment:%y%m%d%H%M%S}{moment.microsecond // 100_000}{quarters:02d}{sign}"


def format_relative(period: RelativePeriod | timedelta | float) -> str:
    """Write a period; a timedelta or a number of seconds becomes days, hours, minutes and seconds, rounded up.

    Raises:
        EncodeError: negative, or too long for two digits a part (99 days for a timedelta become months of 30 days).
    """
    if not isinstance(period, RelativePeriod):
        period = _period_of(period if isinstance(period, timedelta) else timedelta(seconds=period))
    parts = (period.years, period.months, period.days, period.hours, period.minutes, period.seconds)
    if not all(0 <= part <= 99 for part in parts):
        raise EncodeError(f"{period!r} does not fit two digits a part")
    return "".join(f"{part:02d}" for part in parts) + "000R"


def _period_of(span: timedelta) -> RelativePeriod:
    if span < timedelta(0):
        raise EncodeError(f"a period cannot be negative: {span}")
    seconds = span.days * 86_400 + span.seconds + (span.microseconds > 0)
    days, seconds = divmod(seconds, 86_400)
    months = 0
    if days > 31:  # Some SMSCs read the field as a calendar does and refuse day 32.
        months, days = divmod(days, 30)
    return RelativePeriod(0, months, days, seconds // 3600, seconds // 60 % 60, seconds % 60)


def _moment(text: str, numbers: list[int]) -> datetime:
    year, month, day, hour, minute, second = numbers
    century = 2000 if year <= _LAST_YEAR_OF_2000S else 1900
    try:
        return datetime(century + year, month, day, hour, minute, second)
    except ValueError:
        raise _invalid(text) from None


def _period(text: str, numbers: list[int], tenths: int, quarters: int) -> RelativePeriod:
    # §7.1.1.2: tenths and offset are 0 in a period; the other parts are only limited by their two digits.
    if tenths or quarters:
        raise _invalid(text)
    return RelativePeriod(*numbers)


def _invalid(text: str) -> DecodeError:
    return DecodeError(f"{text!r} is no absolute or relative time", CommandStatus.ESME_RINVEXPIRY)
