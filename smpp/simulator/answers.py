"""Answers as a script wants them: late, broken, twice, of the wrong type, or none at all."""

from collections.abc import Callable
from random import Random
from typing import Final

from smpp.constants import CommandId
from smpp.server import ServerSession
from smpp.simulator.agenda import Agenda
from smpp.simulator.outcome import Outcome
from smpp.simulator.script import draw
from smpp.status import CommandStatus
from smpp.wire import encode
from smpp.wire.pdu import CancelSmResp, DataSmResp, GenericNack, Response

_BAD_LENGTH: Final = 8
"""A command_length shorter than a header."""


class Answerer:
    """Writes answers.

    Args:
        agenda: for those that come late.
        random: for how late.
        freeze: stops a connection for some seconds.
    """

    def __init__(self, agenda: Agenda, random: Random, freeze: Callable[[ServerSession, float], None]) -> None:
        self._agenda = agenda
        self._random = random
        self._freeze = freeze

    def delay(self, outcome: Outcome) -> float:
        """How many seconds an answer of this outcome takes."""
        return draw(outcome.delay, self._random) if outcome.delay else 0.0

    def answer(
        self, session: ServerSession, response: Response, sequence_number: int, outcome: Outcome, delay: float
    ) -> None:
        """Answer as the outcome says, so many seconds from now."""
        if delay:
            self._agenda.after(delay, self._answer_now, session, response, sequence_number, outcome)
        elif outcome.is_plain:
            session.connection.respond(response, sequence_number, outcome.command_status)
        else:
            self._answer_now(session, response, sequence_number, outcome)

    def _answer_now(self, session: ServerSession, response: Response, sequence_number: int, outcome: Outcome) -> None:
        connection = session.connection
        if connection.session.is_closed:
            return
        if outcome.disconnect == "before":
            session.close("the script disconnects before the answer")
            return
        self._write(session, response, sequence_number, outcome)
        if outcome.disconnect == "after":
            session.close("the script disconnects after the answer")
        elif outcome.freeze:
            # The answer leaves at the end of this turn; then the link stands still.
            self._agenda.after(0.0, self._freeze, session, outcome.freeze)

    def _write(self, session: ServerSession, response: Response, sequence_number: int, outcome: Outcome) -> None:
        connection, status = session.connection, outcome.command_status
        match outcome.answer:
            case "normal":
                connection.respond(response, sequence_number, status)
            case "duplicate":
                connection.respond(response, sequence_number, status)
                _write_raw(session, encode(response, sequence_number, status), answers=False)
            case "none":
                _write_raw(session, b"")
            case "malformed":
                _write_raw(session, malformed(response, sequence_number, status))
            case "bad_length":
                octets = encode(response, sequence_number, status)
                _write_raw(session, _BAD_LENGTH.to_bytes(4, "big") + octets[4:])
            case "wrong_type":
                _write_raw(session, encode(_other_type(response), sequence_number, status))
            case "nack":
                status = status or CommandStatus.ESME_RSYSERR
                _write_raw(session, encode(GenericNack(), sequence_number, status))


def malformed(response: Response, sequence_number: int, command_status: int) -> bytes:
    """The response with a message_id that no NUL ends: the frame is good, the body cannot be read."""
    octets = encode(response, sequence_number, command_status)
    body = b"X" * 70
    return (16 + len(body)).to_bytes(4, "big") + octets[4:16] + body


def _other_type(response: Response) -> Response:
    """Some response of another command that carries a message_id too, where that can be."""
    if response.command_id == CommandId.DATA_SM_RESP:
        return CancelSmResp()
    return DataSmResp(getattr(response, "message_id", None))


def _write_raw(session: ServerSession, octets: bytes, *, answers: bool = True) -> None:
    session.connection.act(lambda state, _: state.send_raw(octets, answers=answers))
