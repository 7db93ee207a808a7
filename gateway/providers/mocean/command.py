"""/send-message: a list of commands. Those that send SMS are ours; a list with any other is the provider's."""

from typing import Final

import msgspec

from gateway.errors import InvalidMessage
from gateway.models import Message, NewMessage
from gateway.providers.base import WebAnswer
from gateway.providers.mocean import spec
from gateway.providers.mocean.asked import Asked
from gateway.providers.mocean.request import Refused, settled_coding
from gateway.providers.numbers import SenderMalformed, SenderTooLong, recipient_digits, sender_address
from smpp.sms import gsm0338

MISSING_COMMAND: Final = 12
BAD_COMMAND: Final = 13
MAX_COMMANDS: Final = 100

STATUS_BY_REASON: Final = {
    "invalid_recipient": 11,
    "no_route": 11,
    "no_price": 3,
    "insufficient_balance": 2,
    "recipient_not_allowed": 4,
    "recipient_blocked": 5,
    "recipient_opted_out": 5,
    "unknown_account": 1,
    "no_secret_key": 10,
}
"""Why the gateway refuses a message; a reason that has no row is an invalid request."""


class Contact(msgspec.Struct, frozen=True):
    """Whom a command is from or to."""

    id: str
    type: str = "phone_num"


class Content(msgspec.Struct, frozen=True):
    """What it says."""

    type: str = "text"
    text: str = ""


class Command(msgspec.Struct, frozen=True):
    """One item of mocean-command."""

    action: str
    from_: Contact | None = msgspec.field(default=None, name="from")
    to: Contact | None = None
    content: Content | None = None


_decode: Final = msgspec.json.Decoder(list[Command]).decode


async def execute(asked: Asked) -> WebAnswer:
    """Send what is SMS, or pass the whole on."""
    caller = asked.caller("send")
    written = asked.required("command", MISSING_COMMAND)
    try:
        commands = _decode(written)
    except msgspec.DecodeError:
        raise Refused(BAD_COMMAND) from None
    if not commands:
        raise Refused(MISSING_COMMAND)
    if len(commands) > MAX_COMMANDS:
        raise Refused(BAD_COMMAND)
    if any(command.action != "send-sms" for command in commands):
        return await asked.passed(caller.name)
    messages = [_message(command, caller.name) for command in commands]
    outcomes = await asked.services.intake.accept(messages)
    accepted = [one for one in outcomes if isinstance(one, Message)]
    if not accepted:
        raise Refused(_status_of(outcomes[0]))
    sent = [
        {
            "action": "send-sms",
            "message_ids": [outcome.id],
            "mc_position": str(at),
            "total_message_segments": str(_segments(outcome.text)),
        }
        for at, outcome in enumerate(outcomes)
        if isinstance(outcome, Message)
    ]
    return asked.success({"status": spec.OK, "session_uuid": accepted[0].id, "messages": sent})


def _status_of(outcome: Message | InvalidMessage) -> int:
    return STATUS_BY_REASON.get(outcome.code, 9) if isinstance(outcome, InvalidMessage) else 14


def _message(command: Command, account: str) -> NewMessage:
    if command.from_ is None or command.to is None or command.content is None:
        raise Refused(MISSING_COMMAND)
    text = command.content.text
    if command.content.type != "text" or not text or "\0" in text:
        raise Refused(BAD_COMMAND)
    number = recipient_digits(command.to.id)
    if number is None:
        raise Refused(6)
    try:
        sender = sender_address(command.from_.id)
    except (SenderTooLong, SenderMalformed):
        raise Refused(BAD_COMMAND) from None
    return NewMessage(
        account=account, recipient=number, sender=sender, text=text, coding=settled_coding(text), dialect=spec.NAME
    )


def _segments(text: str) -> int:
    if gsm0338.can_encode(text):
        units, whole, part = gsm0338.septet_count(text), 160, 153
    else:
        units, whole, part = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if units <= whole else -(-units // part)
