"""The library's logger: structlog's face, the standard library's plumbing.

A program that uses the library decides as usual what becomes of the logger named ``smpp``; unless it does, warnings go
to standard error and nothing else. A record's message is the event with its fields behind it; the fields are also
there one by one as ``record.event`` and ``record.fields``.
"""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, cast

import structlog

STANDARD_LOGGER: Final = logging.getLogger("smpp")


def _render(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> tuple[tuple[str], Mapping[str, Any]]:
    event = str(event_dict.pop("event", ""))
    exc_info = event_dict.pop("exc_info", None)
    fields = dict(event_dict)
    text = " ".join([event, *(f"{key}={value!r}" for key, value in fields.items())])
    return (text,), {"exc_info": exc_info, "extra": {"event": event, "fields": fields}}


log: Final = cast(
    structlog.stdlib.BoundLogger,
    structlog.wrap_logger(
        STANDARD_LOGGER,
        processors=[structlog.stdlib.filter_by_level, _render],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    ),
)


def is_worth_a_line(count: int, in_full: int = 10) -> bool:
    """Whether something that happens for the `count`-th time is logged: the first few, then each power of two.

    What a peer can cause as often as it likes must not fill a disk.
    """
    return count <= in_full or not count & (count - 1)
