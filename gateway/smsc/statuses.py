"""What an SMPP customer is answered: one table for refusals, one for the states of messages."""

from typing import Final

from gateway.errors import InvalidMessage, StoreError, StoreFull
from gateway.models import State
from smpp.constants import MessageState
from smpp.status import CommandStatus as Status

REFUSALS: Final = {
    "invalid_recipient": Status.ESME_RINVDSTADR,
    "recipient_blocked": Status.ESME_RINVDSTADR,
    "recipient_not_allowed": Status.ESME_RINVDSTADR,
    "recipient_opted_out": Status.ESME_RINVDSTADR,
    "outside_hours": Status.ESME_RINVSCHED,
    "no_route": Status.ESME_RINVDSTADR,
    "missing_sender": Status.ESME_RINVSRCADR,
    "invalid_sender": Status.ESME_RINVSRCADR,
    "sender_not_allowed": Status.ESME_RINVSRCADR,
    "sender_blocked": Status.ESME_RINVSRCADR,
    "missing_text": Status.ESME_RINVMSGLEN,
    "missing_data": Status.ESME_RINVMSGLEN,
    "text_too_long": Status.ESME_RINVMSGLEN,
    "data_too_long": Status.ESME_RINVMSGLEN,
    "invalid_text": Status.ESME_RSUBMITFAIL,
    "text_and_data": Status.ESME_RSUBMITFAIL,
    "invalid_udh": Status.ESME_RINVESMCLASS,
    "invalid_message_class": Status.ESME_RINVDCS,
    "invalid_data_coding": Status.ESME_RINVDCS,
    "invalid_validity": Status.ESME_RINVEXPIRY,
    "invalid_schedule": Status.ESME_RINVSCHED,
    "invalid_priority": Status.ESME_RINVPRTFLG,
    "client_reference_too_long": Status.ESME_RINVPARLEN,
    "invalid_client_reference": Status.ESME_RINVOPTPARAMVAL,
    "too_many_tlvs": Status.ESME_RINVOPTPARSTREAM,
    "tlvs_too_long": Status.ESME_RINVPARLEN,
    "invalid_tlv": Status.ESME_RINVOPTPARAMVAL,
    "invalid_callback_url": Status.ESME_RSYSERR,
    "unknown_account": Status.ESME_RSYSERR,
    "insufficient_balance": Status.ESME_RSUBMITFAIL,
    "duplicate": Status.ESME_RSUBMITFAIL,
    "unsupported": Status.ESME_RINVESMCLASS,
    "rate_limited": Status.ESME_RTHROTTLED,
}
"""By the code of an `InvalidMessage`."""

_BY_FIELD: Final = {"recipient": Status.ESME_RINVDSTADR, "sender": Status.ESME_RINVSRCADR}

STATES: Final = {
    State.ACCEPTED: MessageState.ENROUTE,
    State.SCHEDULED: MessageState.ENROUTE,
    State.QUEUED: MessageState.ENROUTE,
    State.SENDING: MessageState.ENROUTE,
    State.IN_DOUBT: MessageState.ENROUTE,
    State.SUBMITTED: MessageState.ENROUTE,
    State.ENROUTE: MessageState.ENROUTE,
    State.DELIVERED: MessageState.DELIVERED,
    State.EXPIRED: MessageState.EXPIRED,
    State.DELETED: MessageState.DELETED,
    State.UNDELIVERABLE: MessageState.UNDELIVERABLE,
    State.REJECTED: MessageState.REJECTED,
    State.UNKNOWN: MessageState.UNKNOWN,
    State.FAILED: MessageState.UNDELIVERABLE,
}
"""Our states in the words of v3.4, which has none for a message that waits here."""


def refusal_status(error: InvalidMessage) -> Status:
    """What a message that cannot be accepted is answered with."""
    return REFUSALS.get(error.code) or _BY_FIELD.get(error.field, Status.ESME_RSUBMITFAIL)


def store_status(error: StoreError) -> Status:
    """What a request is answered with that the store cannot keep now."""
    return Status.ESME_RMSGQFUL if isinstance(error, StoreFull) else Status.ESME_RSYSERR
