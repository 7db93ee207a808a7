"""Hours of the day at a place: whether it is such an hour now, and when the next one begins.

``08:00-21:00`` ends before 21:00; ``21:00-06:00`` goes over midnight and belongs to the day on which it began; 24:00 is
the end of a day. Time comes in as seconds since the epoch.
"""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SPAN: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")
_MINUTES_A_DAY: Final = 1_440
_DAYS_AHEAD: Final = 9


def zone(name: str) -> ZoneInfo:
    """A time zone by its name: ``Asia/Kolkata``.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        # The zones' names are those of files: what leads elsewhere, or to a folder, fails in its own way.
        raise ValueError(f"no time zone is called {name!r}") from None


class Hours:
    """A span of each day, on some days of the week.

    Args:
        span: ``HH:MM-HH:MM``; empty: all day.
        days: names of DAYS; empty: every day.
        time_zone: whose hours they are.

    Raises:
        ValueError: the span is not one, or the zone is not known.
    """

    __slots__ = ("_begin", "_days", "_end", "_minute", "_result", "_zone", "span", "time_zone")

    def __init__(self, span: str = "", days: Collection[str] = (), time_zone: str = "UTC") -> None:
        self.span, self.time_zone = span, time_zone
        self._begin, self._end = _minutes(span)
        self._days = frozenset(DAYS.index(day) for day in days) or frozenset(range(7))
        self._zone = zone(time_zone)
        self._minute = -1
        self._result = False

    def contains(self, now: float) -> bool:
        """Whether it is such an hour; asked again within a minute it costs nothing."""
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._result = minute, self._looks_so(minute * 60)
        return self._result

    def _looks_so(self, now: float) -> bool:
        local = datetime.fromtimestamp(now, self._zone)
        at = local.hour * 60 + local.minute
        today, yesterday = local.weekday(), (local.weekday() - 1) % 7
        if self._begin < self._end:
            return today in self._days and self._begin <= at < self._end
        return (today in self._days and at >= self._begin) or (yesterday in self._days and at < self._end)

    def next_opening(self, now: float) -> float:
        """`now` where it is such an hour, else the moment at which the next one begins."""
        if self.contains(now):
            return now
        today = datetime.fromtimestamp(now, self._zone).date()
        for ahead in range(_DAYS_AHEAD):
            day = today + timedelta(days=ahead)
            begins = self._moment(day)
            if day.weekday() in self._days and begins > now:
                return begins
        raise AssertionError("every week has such an hour")

    def _moment(self, day: date) -> float:
        hour, minute = divmod(self._begin, 60)
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone)
        # An hour that is skipped in spring is the one after it: there and back again says which.
        return local.astimezone(UTC).timestamp()

    def __str__(self) -> str:
        names = "" if len(self._days) == 7 else " " + ",".join(DAYS[day] for day in sorted(self._days))
        return f"{self.span or 'all day'}{names} {self.time_zone}"


def _minutes(span: str) -> tuple[int, int]:
    if not span:
        return 0, _MINUTES_A_DAY
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"{span!r} is no span of hours such as 08:00-21:00")
    numbers = [int(group) for group in found.groups() if group is not None]
    begin, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if begin == end:
        raise ValueError(f"{span!r} begins when it ends")
    return begin, end
