"""The work of the SMSC: takes messages, answers, lets them come to their end, reports.

How it works: everything a submit causes happens in one synchronous call, with no task and no timer of its own; what
comes later goes to the agenda. With no rule and no receipt asked for, that is about 4 µs a message.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from time import time
from typing import Final

from smpp.constants import MessageState, RegisteredDelivery
from smpp.log import log
from smpp.server import ServerSession
from smpp.session import RequestReceived
from smpp.simulator.agenda import Agenda
from smpp.simulator.answers import Answerer
from smpp.simulator.book import Address, Book, IdMaker, StoredMessage, Submit
from smpp.simulator.delivery import Delivery, PostOffice
from smpp.simulator.forms import RECEIPT_FORMS, excerpt, receipt_pdu
from smpp.simulator.operations import deadlines
from smpp.simulator.outcome import NORMAL, Arrival, Director, Outcome, text_octets
from smpp.simulator.record import LogEntry
from smpp.simulator.script import Script, draw, parse_state, parse_status
from smpp.status import CommandStatus
from smpp.wire.pdu import DataSm, DataSmResp, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp
from smpp.wire.types import DistributionList, SmeAddress, UnsuccessSme

_RECEIPT_BITS: Final = 0x03
_UNREADABLE_ANSWERS: Final = frozenset({"none", "malformed", "bad_length", "wrong_type"})
_LATE: Final = 0.05
"""Seconds by which an ENROUTE follows the final receipt where a rule says `out_of_order`."""

SubmitHook = Callable[[Arrival], Outcome | None]


class Exchange:
    """Takes submit_sm, submit_multi and data_sm.

    Args:
        script: what to do.
        book: where accepted messages are kept.
        post: sends receipts.
        record: gets an entry for each message.
        on_submit: decides before the rules do; None leaves it to them.
    """

    def __init__(
        self,
        script: Script,
        *,
        book: Book,
        post: PostOffice,
        agenda: Agenda,
        answerer: Answerer,
        random: Random,
        counters: Counter[str],
        record: Callable[[LogEntry], None],
        on_submit: SubmitHook | None,
        default_alphabet: str,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._book = book
        self._post = post
        self._agenda = agenda
        self._answerer = answerer
        self._random = random
        self._counters = counters
        self._record = record
        self._on_submit = on_submit
        self._default_alphabet = default_alphabet
        self._ids = IdMaker(script.ids, random)
        self.use(script)

    def use(self, script: Script) -> None:
        """Do what this script says from now on; ids go on as they were."""
        self._script = script
        self._director = Director(script, self._random)
        states = script.receipts.states
        self._states = [parse_state(name) for name in states]
        self._weights = list(states.values())
        self._only_state = self._states[0] if len(self._states) == 1 else None
        self._form = RECEIPT_FORMS[script.receipts.form]
        self._decides = self._director.has_rules or self._on_submit is not None
        self._window = script.link.window
        self._window_outcome = Outcome(command_status=parse_status(script.link.window_status))

    @property
    def director(self) -> Director:
        """Finds rules, for binds too."""
        return self._director

    # Messages

    def submit(self, server: int, session: ServerSession, event: RequestReceived, now: float) -> None:
        """Take a message, and answer it."""
        message = event.message
        if isinstance(message, SubmitMulti):
            self._submit_multi(server, session, event, message, now)
            return
        assert isinstance(message, SubmitSm | DataSm)  # noqa: S101 - nothing else is handed here
        outcome = self._outcome(server, session, message, message.destination_addr, now)
        delay = self._answerer.delay(outcome)
        message_id = ""
        if not outcome.command_status:
            message_id, receipt_id = self._ids.next()
            destination = (message.dest_addr_ton, message.dest_addr_npi, message.destination_addr)
            delay = self._accept(message_id, receipt_id, destination, server, session, message, outcome, delay, now)
        self._note(server, session, event, message, message_id, outcome, now)
        response_type = SubmitSmResp if type(message) is SubmitSm else DataSmResp
        response = response_type(message_id) if message_id else response_type()
        self._answerer.answer(session, response, event.sequence_number, outcome, delay)

    def _submit_multi(
        self, server: int, session: ServerSession, event: RequestReceived, message: SubmitMulti, now: float
    ) -> None:
        refused: list[UnsuccessSme] = []
        accepted: list[tuple[Address, Outcome]] = []
        first: Outcome | None = None
        for destination in self._destinations(message, refused):
            outcome = self._outcome(server, session, message, destination[2], now)
            first = first or outcome
            if outcome.command_status:
                refused.append(UnsuccessSme(*destination, outcome.command_status))
            else:
                accepted.append((destination, outcome))
        outcome = _with_status(first or NORMAL, 0)
        if not accepted:
            outcome = _with_status(outcome, refused[0].error_status_code if refused else _NO_DESTINATIONS)
        message_id, delay = "", self._answerer.delay(outcome)
        if accepted:
            message_id, receipt_id = self._ids.next()
            stored: list[StoredMessage] = []
            for destination, own in accepted:
                delay = self._accept(
                    message_id, receipt_id, destination, server, session, message, own, delay, now, stored
                )
            stored[0].siblings = tuple(stored[1:])
            self._book.add(stored[0])
        self._note(server, session, event, message, message_id, outcome, now)
        response = SubmitMultiResp(message_id, tuple(refused)) if message_id else SubmitMultiResp()
        self._answerer.answer(session, response, event.sequence_number, outcome, delay)

    def _destinations(self, message: SubmitMulti, refused: list[UnsuccessSme]) -> list[Address]:
        """Everyone a submit_multi is for, distribution lists opened."""
        destinations: list[Address] = []
        for destination in message.dest_addresses:
            if isinstance(destination, SmeAddress):
                destinations.append(
                    (destination.dest_addr_ton, destination.dest_addr_npi, destination.destination_addr)
                )
            elif isinstance(destination, DistributionList):
                numbers = self._script.distribution_lists.get(destination.dl_name)
                if numbers is None:
                    refused.append(UnsuccessSme(0, 0, destination.dl_name[:20], CommandStatus.ESME_RINVDLNAME))
                else:
                    destinations.extend((1, 1, number) for number in numbers)
        return destinations

    def _outcome(self, server: int, session: ServerSession, message: Submit, destination: str, now: float) -> Outcome:
        if self._window and session.connection.session.answering > self._window:
            return self._window_outcome
        outcome = NORMAL
        if self._decides:
            arrival = Arrival(
                server, session.name, session.system_id, message, destination, now, self._default_alphabet
            )
            outcome = self._ask(arrival) or self._director.outcome(arrival)
        if not outcome.command_status and message.registered_delivery and self._post.is_full:
            # Refused rather than accepted without its receipt.
            return _with_status(outcome, CommandStatus.ESME_RMSGQFUL)
        return outcome

    def _ask(self, arrival: Arrival) -> Outcome | None:
        """What the caller's own function says."""
        if self._on_submit is None:
            return None
        try:
            return self._on_submit(arrival)
        except Exception:
            log.exception("on_submit failed", bind=arrival.bind)
            return _FAILED

    def _note(
        self,
        server: int,
        session: ServerSession,
        event: RequestReceived,
        message: Submit,
        message_id: str,
        outcome: Outcome,
        now: float,
    ) -> None:
        self._counters["submitted"] += 1
        self._counters["accepted" if message_id else "refused"] += 1
        status = None if outcome.answer in _UNREADABLE_ANSWERS or outcome.disconnect == "before" else 0
        if status is not None:
            status = outcome.command_status
        self._record(
            LogEntry(
                now,
                server,
                session.name,
                session.system_id,
                event.sequence_number,
                event.octets,
                message,
                message_id,
                status,
            )
        )

    def _accept(
        self,
        message_id: str,
        receipt_id: str,
        destination: Address,
        server: int,
        session: ServerSession,
        message: Submit,
        outcome: Outcome,
        delay: float,
        now: float,
        together: list[StoredMessage] | None = None,
    ) -> float:
        """Keep a message and plan its end; returns how many seconds its answer takes."""
        receipts = self._script.receipts
        form = RECEIPT_FORMS[outcome.receipt_form] if outcome.receipt_form else self._form
        wait = draw(receipts.delay if outcome.receipt_delay is None else outcome.receipt_delay, self._random)
        if outcome.receipt == "before_response":
            final_at, delay = now, max(delay, receipts.lead)
        else:
            final_at = now + delay + wait
        stored = StoredMessage(
            message_id=message_id,
            receipt_id=receipt_id,
            system_id=session.system_id,
            server=server,
            session=session,
            message=message,
            source=(message.source_addr_ton, message.source_addr_npi, message.source_addr),
            destination=destination,
            text=text_octets(message),
            data_coding=message.data_coding,
            esm_class=message.esm_class,
            registered_delivery=message.registered_delivery if outcome.receipt != "none" else 0,
            accepted_at=now,
            accepted_on=time(),
            final_at=final_at,
            final_state=outcome.receipt_state or self._only_state or self._draw_state(),
            error=outcome.error,
            word=outcome.receipt_word,
            form=form,
            is_duplicated=outcome.receipt == "duplicate",
            is_out_of_order=outcome.receipt == "out_of_order",
        )
        deadlines(stored, final_at - now)
        if together is None:
            self._book.add(stored)
        else:
            together.append(stored)
        if stored.registered_delivery:
            self.plan(stored)
        return delay

    def _draw_state(self) -> MessageState:
        return self._random.choices(self._states, self._weights)[0]

    # Their end

    def plan(self, stored: StoredMessage) -> None:
        """Report on a message when its time comes, if it asks for that; what was planned before is void. §5.2.17."""
        self._post.pending -= stored.planned
        stored.planned = 0
        asked, state = stored.registered_delivery, stored.final_state
        if asked & RegisteredDelivery.INTERMEDIATE_NOTIFICATION and not stored.version:
            self._post.pending += 1
            stored.planned += 1
            half = (stored.accepted_at + stored.final_at) / 2
            self._agenda.at(half, self._notify, stored, stored.version)
        if _wants_receipt(asked, state):
            self._post.pending += 1
            stored.planned += 1
            self._agenda.at(stored.final_at, self._report, stored, stored.version)

    def _report(self, stored: StoredMessage, version: int) -> None:
        if stored.version != version:
            return
        stored.planned -= 1
        self._send(stored, stored.final_state)
        if stored.is_duplicated:
            self._post.pending += 1
            self._send(stored, stored.final_state)
        if stored.is_out_of_order:
            self._post.pending += 1
            self._agenda.after(_LATE, self._send, stored, MessageState.ENROUTE)

    def _notify(self, stored: StoredMessage, version: int) -> None:
        if stored.version != version:
            return
        stored.planned -= 1
        self._send(stored, MessageState.ENROUTE, is_intermediate=True)

    def _send(self, stored: StoredMessage, state: MessageState, *, is_intermediate: bool = False) -> None:
        pdu = receipt_pdu(
            stored.form,
            message_id=stored.receipt_id,
            state=state,
            error=stored.error,
            submitted_at=stored.accepted_on,
            done_at=time(),
            original=excerpt(stored.text, stored.esm_class, stored.data_coding, self._default_alphabet),
            source=stored.destination,
            destination=stored.source,
            is_intermediate=is_intermediate,
            word=stored.word if state is stored.final_state else "",
        )
        self._post.post(
            Delivery(
                self._post,
                "notification" if is_intermediate else "receipt",
                pdu,
                stored.system_id,
                message_id=stored.message_id,
                state=state,
                origin=stored.session,
                origin_server=stored.server,
            )
        )


_NO_DESTINATIONS: Final = CommandStatus.ESME_RINVNUMDESTS
_FAILED: Final = Outcome(command_status=int(CommandStatus.ESME_RSYSERR))


def _wants_receipt(registered_delivery: int, state: MessageState) -> bool:
    asked = registered_delivery & _RECEIPT_BITS
    if asked == RegisteredDelivery.RECEIPT:
        return True
    if asked == RegisteredDelivery.RECEIPT_ON_FAILURE:
        return state is not MessageState.DELIVERED
    return asked == RegisteredDelivery.RECEIPT_ON_SUCCESS and state is MessageState.DELIVERED


def _with_status(outcome: Outcome, command_status: int) -> Outcome:
    if outcome.command_status == command_status:
        return outcome
    return Outcome(
        command_status=int(command_status),
        delay=outcome.delay,
        answer=outcome.answer,
        disconnect=outcome.disconnect,
        freeze=outcome.freeze,
    )
