"""MOBtexting's envelopes: `status` is the number 200 for some calls and "OK" for others; lists come in pages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from gateway.models import Message, State
from gateway.providers.base import CONTENT_REASONS, WebAnswer
from gateway.providers.json_bodies import JSON, encode
from gateway.providers.mobtexting import spec

PER_PAGE: Final = 15
STATUSES_PER_PAGE: Final = 100
AWAITING: Final = "AWAITING-DLR"
TIMEOUT: Final = "TIMEOUT-DLR"

WORD_BY_STATE: Final[Mapping[State, str]] = {
    State.ACCEPTED: AWAITING,
    State.SCHEDULED: "SCHEDULED",
    State.QUEUED: AWAITING,
    State.SENDING: AWAITING,
    State.IN_DOUBT: AWAITING,
    State.SUBMITTED: AWAITING,
    State.ENROUTE: AWAITING,
    State.DELIVERED: "DELIVRD",
    State.EXPIRED: "EXPIRED",
    State.DELETED: "FAILED",
    State.UNDELIVERABLE: "UNDELIV",
    State.UNKNOWN: TIMEOUT,
    State.REJECTED: "REJECTED",
    State.FAILED: "FAILED",
}

SERVER_ERROR: Final = "405"

DLR_BY_REASON: Final[Mapping[str, str]] = {
    "invalid_recipient": "404",
    "sender_not_allowed": "454",
    "sender_blocked": "451",
    "recipient_opted_out": "456",
    "recipient_blocked": "450",
    "recipient_dnd": "408",
    "rate_limited": "463",
    "quota_exceeded": "463",
    "insufficient_balance": "401",
    "duplicate": "460",
    "no_route": "459",
    "outside_hours": "457",
    "unsupported": "791",
    "recipient_not_allowed": "455",
    "no_price": "459",
    "unknown_account": "402",
    "no_secret_key": "403",
    "invalid_callback_url": "406",
    **dict.fromkeys(CONTENT_REASONS, SERVER_ERROR),
    "missing_sender": "454",
    "invalid_sender": "454",
    "invalid_schedule": "792",
    "text_too_long": "403",
}
"""Why the gateway refuses a message → the row of the table of delivery statuses."""

DLR_BY_SMPP_STATUS: Final[Mapping[str, str]] = {
    "ESME_RINVDSTADR": "404",
    "ESME_RINVSRCADR": "454",
    "ESME_RTHROTTLED": "463",
    "ESME_RMSGQFUL": "463",
    "ESME_RINVSCHED": "792",
    "ESME_RINVEXPIRY": "021",
    "ESME_RINVSERTYP": "791",
}

_WORDS: Final = frozenset(row.word for row in spec.DLR_STATUSES.values())


def done(data: object, message: str = "OK", *, status: object = "OK", **more: object) -> WebAnswer:
    """A request that was carried out."""
    content = {"status": status, "code": 200, "message": message, **more, "data": data}
    return WebAnswer(status=200, content_type=JSON, body=encode(content))


def plain(content: Mapping[str, object], http_status: int = 200) -> WebAnswer:
    """An answer without the envelope."""
    return WebAnswer(status=http_status, content_type=JSON, body=encode(content))


def refused(
    http_status: int,
    message: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    *,
    retry_after: float = 0.0,
) -> WebAnswer:
    """A request that was not."""
    content: dict[str, object] = {"status": "error", "code": http_status, "message": message or _text(http_status)}
    if errors:
        content["errors"] = errors
    headers = (("Retry-After", str(max(1, round(retry_after)))),) if retry_after else ()
    return WebAnswer(status=http_status, content_type=JSON, body=encode(content), headers=headers)


def _text(http_status: int) -> str:
    if http_status == 401:
        return "Unauthenticated."
    name, text = spec.HTTP_STATUSES.get(str(http_status)) or spec.HTTP_STATUSES["5xx"]
    return text or name


def page(
    items: Sequence[object],
    total: int,
    *,
    number: int,
    path: str,
    query: str = "",
    per_page: int = PER_PAGE,
    message: str = "OK",
) -> WebAnswer:
    """One page of a list.

    Args:
        number: which, from 1.
        path: of the list, for the links to its other pages.
        query: what else they are asked by, with an ampersand at its end.
    """
    last = max(1, -(-total // per_page))
    first_item = (number - 1) * per_page + 1

    def link(to: int) -> str | None:
        return f"{path}?{query}page={to}" if 1 <= to <= last else None

    numbers = [{"url": link(at), "label": str(at), "active": at == number} for at in _shown_pages(number, last)]
    meta = {
        "current_page": number,
        "from": first_item if items else None,
        "last_page": last,
        "links": [
            {"url": link(number - 1), "label": "&laquo; Previous", "active": False},
            *numbers,
            {"url": link(number + 1), "label": "Next &raquo;", "active": False},
        ],
        "path": path,
        "per_page": per_page,
        "to": first_item + len(items) - 1 if items else None,
        "total": total,
    }
    links = {"first": link(1), "last": link(last), "prev": link(number - 1), "next": link(number + 1)}
    return done(items, message, links=links, meta=meta)


def _shown_pages(number: int, last: int) -> Sequence[int]:
    return sorted({1, last, *range(max(1, number - 3), min(last, number + 3) + 1)})


# Times.


def local_time(seconds: float, zone: str) -> str:
    """As SMS have it: YYYY-MM-DD HH:MM:SS in the account's zone."""
    return _local_second(int(seconds // 1), zone)


@lru_cache(maxsize=1_024)
def _local_second(second: int, zone: str) -> str:
    # Answers and reports of a busy app are of the same few seconds.
    return datetime.fromtimestamp(second, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(seconds: float) -> str:
    """As things have it: ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# Delivery statuses.


def word_of(message: Message) -> str:
    """What became of a message, in the words of the table.

    A word that a receipt had already stays as it is: an operator of this provider's kind says more than the seven
    letters of the standard.
    """
    word = WORD_BY_STATE[message.state]
    if not message.state.is_final or message.state is State.DELIVERED:
        return word
    error = message.error.strip()
    if error in _WORDS:
        return error
    if error.isascii() and error.isdigit() and error.zfill(3) in spec.DLR_STATUSES and int(error):
        return spec.DLR_STATUSES[error.zfill(3)].word
    for name, code in DLR_BY_SMPP_STATUS.items():
        if name in error:
            return spec.DLR_STATUSES[code].word
    return word


def word_of_refusal(reason: str) -> str:
    """Why a receiver is not sent to."""
    return spec.DLR_STATUSES[DLR_BY_REASON.get(reason, SERVER_ERROR)].word
