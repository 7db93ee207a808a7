"""query_sm, cancel_sm and replace_sm, answered from the book; validity and scheduled delivery. SMPP v3.4 §4.8-4.10."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time

import msgspec

from smpp.constants import MessageState
from smpp.errors import DecodeError
from smpp.simulator.book import Book, StoredMessage
from smpp.status import CommandStatus as Status
from smpp.wire import tlv
from smpp.wire.pdu import (
    CancelSm,
    CancelSmResp,
    DataSm,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    Response,
)
from smpp.wire.time import RelativePeriod, format_absolute, parse_time

Answered = tuple[Response, int]


def deadlines(stored: StoredMessage, seconds: float) -> None:
    """Let a message wait for schedule_delivery_time, and end with validity_period.

    Args:
        stored: a message just accepted or replaced.
        seconds: how long its delivery takes.
    """
    message = stored.message
    if isinstance(message, DataSm):
        # §5.3.2.9: qos_time_to_live takes the place of validity_period.
        _plan(stored, seconds, "", message.tlvs.get(tlv.qos_time_to_live))
    elif message.schedule_delivery_time or message.validity_period:
        _plan(stored, seconds, message.schedule_delivery_time, _seconds_until(message.validity_period))


def _plan(stored: StoredMessage, seconds: float, schedule: str, life: float | None) -> None:
    start = max(0.0, _seconds_until(schedule) or 0.0)
    stored.final_at = stored.accepted_at + start + seconds
    if life is None:
        return
    stored.expires_at = stored.accepted_at + max(0.0, life)
    if stored.final_at > stored.expires_at:
        stored.final_at, stored.final_state = stored.expires_at, MessageState.EXPIRED


def _seconds_until(text: str) -> float | None:
    """How far away a time is; None where there is none."""
    try:
        moment = parse_time(text)
    except DecodeError:
        return None  # the session refuses these; a lenient one lets them mean nothing
    if moment is None:
        return None
    now = datetime.now(UTC)
    if isinstance(moment, RelativePeriod):
        moment = moment.after(now)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - now) / timedelta(seconds=1)


class Operations:
    """What may be done with a message after it was accepted.

    Args:
        book: the messages.
        replan: called with a message whose end has changed, when `version` has gone up.
    """

    def __init__(self, book: Book, replan: Callable[[StoredMessage], None]) -> None:
        self._book = book
        self._replan = replan

    def query(self, request: QuerySm, now: float) -> Answered:
        """§4.8."""
        source = (request.source_addr_ton, request.source_addr_npi, request.source_addr)
        stored = self._book.find(request.message_id, source)
        if stored is None:
            return QuerySmResp(), Status.ESME_RQUERYFAIL
        state = stored.state(now)
        final_date = ""
        if state.is_final:
            final_date = format_absolute(datetime.fromtimestamp(time() - (now - stored.final_at), UTC))
        error = int(stored.error) & 0xFF if state.is_final and stored.error.isdigit() else 0
        return QuerySmResp(stored.message_id, final_date, state, error), 0

    def cancel(self, request: CancelSm, now: float) -> Answered:
        """§4.9: one message by its id, or all between two addresses that are not final yet."""
        source = (request.source_addr_ton, request.source_addr_npi, request.source_addr)
        destination = (request.dest_addr_ton, request.dest_addr_npi, request.destination_addr)
        if request.message_id:
            stored = self._book.find(request.message_id, source)
            if stored is None:
                return CancelSmResp(), Status.ESME_RINVMSGID
            waiting = [one for one in stored.all() if one.final_at > now]
        else:
            waiting = self._book.waiting_between(source, destination, request.service_type, now)
        if not waiting:
            return CancelSmResp(), Status.ESME_RCANCELFAIL
        for one in waiting:
            one.final_state, one.final_at = MessageState.DELETED, now
            self._change(one)
        return CancelSmResp(), 0

    def replace(self, request: ReplaceSm, now: float) -> Answered:
        """§4.10: another text, and what else is not NULL."""
        source = (request.source_addr_ton, request.source_addr_npi, request.source_addr)
        stored = self._book.find(request.message_id, source)
        if stored is None:
            return ReplaceSmResp(), Status.ESME_RINVMSGID
        if stored.final_at <= now:
            return ReplaceSmResp(), Status.ESME_RREPLACEFAIL
        stored.text = request.short_message or request.tlvs.raw(tlv.message_payload.tag) or b""
        stored.registered_delivery = request.registered_delivery
        message = stored.message
        if not isinstance(message, DataSm) and (request.schedule_delivery_time or request.validity_period):
            left = stored.final_at - now
            stored.message = msgspec.structs.replace(
                message,
                schedule_delivery_time=request.schedule_delivery_time or message.schedule_delivery_time,
                validity_period=request.validity_period or message.validity_period,
            )
            stored.accepted_at = now
            deadlines(stored, left)
        self._change(stored)
        return ReplaceSmResp(), 0

    def _change(self, stored: StoredMessage) -> None:
        stored.version += 1
        self._replan(stored)
