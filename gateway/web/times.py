"""Moments as callers write them: RFC 3339 with its offset, or a local time and the name of its zone."""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.web.errors import ApiError

_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)

EXPECTED: Final = "expected a time such as 2030-01-31T18:30:00+05:30"


def read_moment(written: str, field: str) -> float:
    """Seconds since the epoch of an RFC 3339 time.

    Raises:
        ApiError: it is none, or has no offset.
    """
    moment = _parse(written, field)
    if moment.tzinfo is None:
        raise ApiError(400, "invalid_time", f"{EXPECTED}; the offset (or Z) is missing", field)
    return _seconds(moment, field)


def read_send_at(written: str, zone: str | None) -> float:
    """The same, or a local time where a zone is named.

    Raises:
        ApiError: it is no time, its zone is not known, or it has neither zone nor offset, or both.
    """
    moment = _parse(written, "send_at")
    if zone is None:
        if moment.tzinfo is None:
            raise ApiError(400, "invalid_time", f"{EXPECTED}; or add time_zone to a local time", "send_at")
        return _seconds(moment, "send_at")
    if moment.tzinfo is not None:
        raise ApiError(400, "conflicting_fields", "a time with an offset needs no time_zone", "time_zone")
    local = moment.replace(tzinfo=_zone(zone))
    # When clocks go forward, an hour of local time is missing; a time in it comes back as another.
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != moment:
        raise ApiError(400, "invalid_time", f"there is no such time of that day in {zone}", "send_at")
    return _seconds(local, "send_at")


def _parse(written: str, field: str) -> datetime:
    if _MOMENT.fullmatch(written):
        try:
            return datetime.fromisoformat(written.upper())
        except ValueError:
            pass
    raise ApiError(400, "invalid_time", EXPECTED, field)


def _zone(name: str) -> ZoneInfo:
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        pass
    raise ApiError(400, "invalid_time_zone", "expected the name of a time zone such as Asia/Kolkata", "time_zone")


def _seconds(moment: datetime, field: str) -> float:
    try:
        return moment.timestamp()
    except (OverflowError, ValueError):
        raise ApiError(400, "invalid_time", "that time is out of reach", field) from None
