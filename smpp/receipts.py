"""What was sent, and the receipts that come back for it, over whichever connection.

A `ReceiptDesk` is shared by all connections to one SMSC group. It keeps what is outstanding within bounds, holds a
receipt that comes before its response, and hands each receipt to its `Submission`.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from smpp.constants import EsmClass, MessageState, RegisteredDelivery
from smpp.correlator import Correlator, Counters, Match, MessageTracker, ReceiptParts
from smpp.errors import SmppError, StateError
from smpp.log import log
from smpp.session import ResponseReceived
from smpp.sms import Receipt, decode_text, parse_receipt, split_udh
from smpp.status import CommandStatus
from smpp.wire import tlv
from smpp.wire.pdu import DataSm, DeliverSm, Request, Response, SubmitSm

_KEPT_PER_SUBMISSION = 16
"""Receipts that one submission keeps; a peer that repeats itself cannot fill memory."""


CARRIERS: Final = (DeliverSm, DataSm)
"""What an SMSC brings messages and receipts in. A tuple: to make a union for each takes longer than to ask."""

_TO_ONE: Final = (SubmitSm, DataSm)
"""What is submitted to one destination."""

_TAKEN: Final = CommandStatus.ESME_ROK
_EXPIRE_EVERY_SECONDS = 1.0


class Submission(msgspec.Struct, eq=False):
    """One part that the SMSC accepted.

    Attributes:
        message_id: the SMSC's id, or "" where it gave none.
        destination: where it went, as the PDU says.
        response: the whole response.
        bind: which connection carried it.
        receipts: everything reported so far, oldest first; a peer that repeats itself does not fill memory.
        final: the first receipt that is final.
        surplus: how many more came than are kept.
        doubts: how often it was sent before and its response lost (`PoolConfig.resend_in_doubt`): so many copies of it
            may have been delivered besides.
    """

    message_id: str
    destination: str
    response: Response
    bind: str
    # Tuples: a part that waits is one object to the garbage collector, not three.
    receipts: tuple[Receipt, ...] = ()
    final: Receipt | None = None
    surplus: int = 0
    doubts: int = 0
    _waiters: tuple["asyncio.Future[Receipt]", ...] = ()

    async def receipt(self, timeout: float | None = None) -> Receipt:
        """Wait for the final receipt.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: it did not come in time; it may still come.
        """
        if self.final is not None:
            return self.final
        waiter: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiters += (waiter,)
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        finally:
            self._waiters = tuple(one for one in self._waiters if one is not waiter)

    def add(self, receipt: Receipt) -> None:
        """Take a receipt; the first final one ends the waiting."""
        if len(self.receipts) < _KEPT_PER_SUBMISSION:
            self.receipts += (receipt,)
        else:
            self.surplus += 1
        if receipt.is_final and self.final is None:
            self.final = receipt
            waiters, self._waiters = self._waiters, ()
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(receipt)


@dataclass(slots=True, frozen=True)
class SentMessage:
    """A message, and the parts it went out in."""

    parts: tuple[Submission, ...]
    receipt_parts: ReceiptParts = ReceiptParts.ALL
    """Which parts the SMSC was asked to report on."""

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The SMSC's id of each part."""
        return tuple(part.message_id for part in self.parts)

    @property
    def state(self) -> MessageState:
        """Of the message as a whole, by what was reported so far (`smpp.correlator.MessageTracker`)."""
        return self._track().state

    @property
    def is_final(self) -> bool:
        """Whether no receipt is waited for any more."""
        return self._track().is_final

    async def receipt(self, timeout: float | None = None) -> Receipt:
        """Wait until every part that was asked about has its final receipt.

        Returns:
            The receipt that tells the message's fate: the first part's that failed; without one, that of a part whose
            fate is unknown; else the last one.

        Raises:
            TimeoutError: not all came in time.
            StateError: no receipt was asked for.
        """
        if self.receipt_parts is ReceiptParts.NONE:
            raise StateError("no receipt was asked for: none is waited for")
        async with asyncio.timeout(timeout):
            for number in sorted(self._track().waits_for):
                await self.parts[number - 1].receipt()
        state = self._track().state
        known = [one for part in self.parts for one in (*part.receipts, part.final) if one is not None and one.is_final]
        telling = [one for one in known if _state_of(one) is state] or known
        return telling[-1] if state is MessageState.DELIVERED else telling[0]

    def _track(self) -> MessageTracker:
        tracker = MessageTracker(len(self.parts), receipt_parts=self.receipt_parts)
        for number, part in enumerate(self.parts, 1):
            tracker.accepted(number)
            for receipt in part.receipts:
                tracker.receipt(number, _state_of(receipt))
            if part.final is not None:
                tracker.receipt(number, _state_of(part.final))
        return tracker


def _state_of(receipt: Receipt) -> MessageState:
    """What a receipt says; a final one whose state we do not know leaves the part's fate unknown."""
    state = receipt.state
    if receipt.is_final:
        return state if state is not None and state.is_final else MessageState.UNKNOWN
    return MessageState.ENROUTE if state is None or state.is_final else state


def sent_message(outcomes: Sequence[Submission | BaseException], receipt_parts: ReceiptParts) -> SentMessage:
    """A message by what became of its parts.

    Raises:
        SmppError: the first error among them, with all outcomes as its `parts`.
    """
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            if isinstance(outcome, SmppError):
                outcome.parts = tuple(outcomes)
            raise outcome
    return SentMessage(tuple(one for one in outcomes if isinstance(one, Submission)), receipt_parts)


def ask_for_receipts(messages: Sequence[SubmitSm], receipt_parts: ReceiptParts) -> list[SubmitSm]:
    """The parts of a message, asking for a receipt of the first or the last one alone, where that is wanted.

    Args:
        messages: all parts, each asking for a receipt as it should if it does.
        receipt_parts: which of them keep it.
    """
    if receipt_parts is ReceiptParts.ALL:
        return list(messages)
    asks = {ReceiptParts.FIRST: 0, ReceiptParts.LAST: len(messages) - 1}.get(receipt_parts)
    return [
        one if number == asks else msgspec.structs.replace(one, registered_delivery=int(RegisteredDelivery.NONE))
        for number, one in enumerate(messages)
    ]


def receipt_of(message: Request, default_alphabet: str = "gsm") -> Receipt | None:
    """The receipt that a deliver_sm or data_sm carries, or None where it is a message."""
    if not isinstance(message, CARRIERS):
        return None
    return parse_receipt(
        message.short_message if isinstance(message, DeliverSm) else b"",
        esm_class=message.esm_class,
        data_coding=message.data_coding,
        tlvs=dict(reversed(message.tlvs)) if message.tlvs else None,
        default_alphabet=default_alphabet,
    )


def payload_of(message: DeliverSm | DataSm | SubmitSm) -> bytes:
    """The octets of a message's text: its short_message, or else its message_payload. §5.3.2.32."""
    octets = b"" if isinstance(message, DataSm) else message.short_message
    return octets or message.tlvs.get(tlv.message_payload) or b""


def text_of(message: DeliverSm | DataSm | SubmitSm, default_alphabet: str = "gsm") -> str:
    """A message's text, without its user data header; never raises, whatever the octets are.

    Args:
        message: any PDU that carries text.
        default_alphabet: what data_coding 0 means at this peer.
    """
    octets = payload_of(message)
    udh, body = split_udh(octets) if message.esm_class & EsmClass.UDHI else (None, octets)
    return decode_text(body, message.data_coding, default_alphabet, udh=udh)


class ReceiptDesk:
    """Joins receipts with submissions for all connections of one SMSC group.

    Args:
        correlator: how ids are compared, how much is kept and for how long.
        default_alphabet: what data_coding 0 means in this group's receipts.

    Attributes:
        is_used: whether anything is submitted for which this desk gets receipts. Where a program sends in a way of its
            own (`Slot.submit`) and takes receipts with a handler of its own, nothing is kept here.
    """

    def __init__(
        self, correlator: "Correlator[Submission, Receipt] | None" = None, *, default_alphabet: str = "gsm"
    ) -> None:
        self.correlator: Correlator[Submission, Receipt] = correlator or Correlator()
        self._default_alphabet = default_alphabet
        self._expire_at = 0.0
        self.is_used = False

    def accepted(self, message: Request, response: Response, bind: str, now: float) -> Submission:
        """An SMSC accepted a part: from now on its receipts are expected, if it asked for any.

        Args:
            message: what was submitted.
            response: the SMSC's answer to it.
            bind: which connection carried it.
            now: the loop's time.
        """
        destination = message.destination_addr if isinstance(message, _TO_ONE) else ""
        message_id: str = getattr(response, "message_id", None) or ""
        submission = Submission(message_id, destination, response, bind)
        asks: int = getattr(message, "registered_delivery", 0)
        if message_id and asks:
            self.submitted(submission, now)
        return submission

    def submitted(self, submission: Submission, now: float) -> None:
        """Expect receipts for a part; those that came early are given at once."""
        self.is_used = True
        if now >= self._expire_at:
            self._expire(now)
        for match in self.correlator.submitted(submission.message_id, submission.destination, submission, now):
            match.context.add(match.receipt)

    def receive(self, message: DeliverSm | DataSm, receipt: Receipt) -> CommandStatus:
        """Take a receipt.

        Returns:
            The status to answer with: OK also for one that is held until its response comes. Where as many are held
            as there is room for, one more is answered with ESME_RX_T_APPN, so that the SMSC keeps it and comes again
            (`Counters.turned_away`).
        """
        now = asyncio.get_running_loop().time()
        if now >= self._expire_at:
            self._expire(now)
        if not receipt.id:
            log.warning("receipt without an id", source=message.source_addr)  # its text may hold a one-time code
            return CommandStatus.ESME_ROK
        has_room = self.correlator.has_room
        match = self.correlator.receipt(
            receipt.id,
            message.source_addr,  # Addresses are swapped in a receipt: its source is the handset.
            receipt,
            now,
            receipt.is_final,
            message.destination_addr,
            has_room,
        )
        if match is not None:
            match.context.add(receipt)
        elif not has_room:
            return CommandStatus.ESME_RX_T_APPN
        return _TAKEN

    def take(self, message: DeliverSm | DataSm, receipt: Receipt) -> CommandStatus | Awaitable[CommandStatus]:
        """What a link calls for a receipt that no handler takes; a desk that decides later returns an awaitable."""
        return self.receive(message, receipt)

    def has_place(self, message: DeliverSm | DataSm, receipt: Receipt) -> bool:
        """Whether a receipt that a handler takes would find its part, or could be kept until the response comes.

        Where not, it is turned away before the handler gets it: a part would never hear of it, however well the handler
        keeps it.
        """
        if not self.is_used or self.correlator.has_room or not receipt.id:
            return True
        now = asyncio.get_running_loop().time()
        if now >= self._expire_at:
            self._expire(now)
        if self.correlator.has_room or self.correlator.knows(receipt.id, message.source_addr, message.destination_addr):
            return True
        self.correlator.counters.turned_away += 1
        return False

    def receive_taken(self, message: DeliverSm | DataSm, receipt: Receipt) -> CommandStatus:
        """As `receive`, for a receipt that a handler has taken."""
        return self.receive(message, receipt) if self.is_used else CommandStatus.ESME_ROK

    @property
    def counters(self) -> Counters:
        """What became of receipts so far."""
        return self.correlator.counters

    def _expire(self, now: float) -> None:
        # To ask for the next deadline with every part would cost as much as to keep the part.
        self._expire_at = now + _EXPIRE_EVERY_SECONDS
        if self.correlator.next_timer() <= now:
            for ended in self.correlator.expire(now):
                if isinstance(ended, Match):
                    ended.context.add(ended.receipt)
                else:
                    log.info("given up", ended=type(ended).__name__, id=ended.message_id, reason=ended.reason.value)


class SubmissionEnd(msgspec.Struct, eq=False):
    """Where the answer to one part goes (smpp.owner.Completion).

    Receipts are expected from that moment on, not from when whoever waits gets their turn: the first one often comes in
    the same octets. They are also where nobody waits any more.
    """

    future: "asyncio.Future[Submission | ResponseReceived]"
    """Gets the submission, or an answer that is a refusal."""
    desk: ReceiptDesk
    message: Request
    bind: str = ""
    """Which connection carries it."""

    def done(self) -> bool:
        """The desk always waits."""
        return False

    def cancelled(self) -> bool:
        """Whether nobody wants the part to leave any more."""
        return self.future.cancelled()

    def set_result(self, answer: ResponseReceived, /) -> None:
        """The SMSC answered."""
        future = self.future
        outcome: Submission | ResponseReceived = answer
        if not answer.command_status:
            try:
                outcome = self.desk.accepted(self.message, answer.message, self.bind, future.get_loop().time())
            except Exception as error:
                self.set_exception(error)
                return
        if not future.done():
            future.set_result(outcome)

    def set_exception(self, error: BaseException, /) -> None:
        """It will not answer."""
        if not self.future.done():
            self.future.set_exception(error)
