"""What the gateway keeps and hands round: messages, parts, receipts, inbound messages, callbacks, and their states.

    NewMessage ──accept──► Message ──split──► Part (one submit_sm each) ──► SubmitResult
                              ▲                                                │
                              └────────── fold ◄── Receipt ◄──── SMSC ◄────────┘

Times are seconds since the epoch (UTC), as floats.
"""

from enum import StrEnum
from typing import Final

import msgspec


class State(StrEnum):
    """Where a message or a part is."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SUBMITTED = "submitted"
    ENROUTE = "enroute"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNDELIVERABLE = "undeliverable"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected."""
        return self in FINAL_STATES


FINAL_STATES: Final = frozenset(
    {
        State.DELIVERED,
        State.EXPIRED,
        State.DELETED,
        State.UNDELIVERABLE,
        State.REJECTED,
        State.UNKNOWN,
        State.FAILED,
    }
)

RANK: Final = {
    State.ACCEPTED: 0,
    State.SCHEDULED: 1,
    State.QUEUED: 2,
    State.SENDING: 3,
    State.IN_DOUBT: 4,
    State.SUBMITTED: 5,
    State.ENROUTE: 6,
    State.UNKNOWN: 7,
    State.FAILED: 8,
    State.EXPIRED: 8,
    State.DELETED: 8,
    State.UNDELIVERABLE: 8,
    State.REJECTED: 8,
    State.DELIVERED: 9,
}
"""Precedence: a report never moves a part to a state of lower rank (a late ENROUTE does not undo DELIVERED)."""


class Coding(StrEnum):
    """How a sender wants its text coded."""

    AUTO = "auto"
    GSM = "gsm"
    LATIN_1 = "latin1"
    UCS2 = "ucs2"
    BINARY = "binary"


class NewMessage(msgspec.Struct, kw_only=True, frozen=True):
    """A message as a door hands it over: checked for form, not yet stored."""

    account: str
    recipient: str
    """Digits with country code, or a short code; no plus sign."""
    sender: str
    text: str = ""
    data: bytes | None = None
    """The octets of a binary message; None where the message is text."""
    udh: bytes = b""
    """User data header of the sender's own, with its length octet."""
    coding: Coding = Coding.AUTO
    data_coding: int | None = None
    """The sender's own data_coding; None lets `coding` and the uplink decide."""
    message_class: int | None = None
    protocol_id: int = 0
    """How the handset is to treat it: 3GPP TS 23.040 §9.2.3.9."""
    tlvs: tuple[tuple[int, bytes], ...] = ()
    wants_receipt: bool = True
    """Whether the SMSC is asked for a delivery receipt."""
    wants_intermediate: bool = False
    """Whether it is also asked for notifications on the way."""
    default_alphabet: str = ""
    """What data_coding 0 means to the sender of octets; empty: what it means to the uplink."""
    origin: str = ""
    """What the door it came through must know to report on it; means nothing to anybody else."""
    callback_url: str = ""
    """Where to report; empty: nowhere."""
    callback_method: str = ""
    """HTTP method of the callback where the sender may choose; empty: the dialect's own."""
    client_reference: str = ""
    group: str = ""
    """What it was sent together with: a batch, found again by this name."""
    dialect: str = "native"
    """Whose words the callback speaks: 'native' or the name of a provider."""
    validity_seconds: int | None = None
    scheduled_at: float | None = None
    priority: int = 0
    via: str = ""
    """The uplink it is to take; empty: as the routes say."""
    is_free: bool = False
    """Whether its account pays nothing for it, because it pays for something else instead: the intake's to know."""
    secret: bool = False
    """Whether its text must not be read where it is kept: sealed from its acceptance on, erased when it is final."""
    service: str = ""
    """What kind of traffic it is, in its sender's words: 'transactional', 'promotional', a provider's product."""


class Message(NewMessage, kw_only=True, frozen=True):
    """A message that was accepted, as the store has it."""

    id: str
    node: str
    created_at: float
    updated_at: float
    state: State = State.ACCEPTED
    error: str = ""
    """Why it is not delivered, for people: a status name, a receipt's error, our own reason."""
    uplink: str = ""
    part_count: int = 0
    in_doubt: bool = False
    """Whether any attempt of any part is or was in doubt: it may have reached the recipient twice."""
    price: int = 0
    """What its account was charged when it was accepted: millionths of the currency, for all its parts."""
    refunded: int = 0
    """How much of that was given back."""


class PartBody(msgspec.Struct, kw_only=True, frozen=True):
    """One part as an uplink's split made it: what short_message and its companions will hold."""

    short_message: bytes
    """With the UDH in front where there is one."""
    data_coding: int
    has_udh: bool = False


class Part(msgspec.Struct, kw_only=True, frozen=True):
    """One submit_sm of a message."""

    message_id: str
    number: int
    """1..part_count."""
    body: PartBody
    state: State = State.QUEUED
    attempt: int = 0
    node: str = ""
    uplink: str = ""
    group: str = ""
    bind: str = ""
    smsc_message_id: str = ""
    error: str = ""
    updated_at: float = 0.0
    reference: int = 0
    """The concatenation reference its message was split with: the same for every part and every attempt."""


class Outcome(StrEnum):
    """What became of one attempt to submit a part."""

    ACCEPTED = "accepted"
    THROTTLED = "throttled"
    """0x58 or 0x14: send the same part again, first in the queue."""
    RETRY = "retry"
    """A passing fault: send again later, perhaps elsewhere."""
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    """Surely never left."""
    IN_DOUBT = "in_doubt"
    """It left and no response came."""


class SubmitResult(msgspec.Struct, frozen=True):
    """The end of one attempt."""

    outcome: Outcome
    smsc_message_id: str = ""
    error: str = ""
    """Status name or reason, for people."""
    command_status: int = 0
    retry_after: float = 0.0
    """Seconds to wait where the outcome is THROTTLED or RETRY."""


class Receipt(msgspec.Struct, kw_only=True, frozen=True):
    """A delivery receipt as an uplink read it from the wire."""

    group: str
    """The SMSC group: message ids are unique within it, whatever bind or server they come over."""
    smsc_message_id: str
    state: State
    recipient: str = ""
    """The handset's address as the receipt has it; empty where it has none."""
    sender: str = ""
    error: str = ""
    """The network's error code as text."""
    done_at: float | None = None
    received_at: float = 0.0
    uplink: str = ""
    bind: str = ""
    raw: str = ""
    """The receipt as it was written, for the timeline; without what it repeats of the message."""


class Inbound(msgspec.Struct, kw_only=True, frozen=True):
    """A message from a handset."""

    id: str
    account: str
    """Whose it is; empty where no rule claims the number."""
    sender: str
    recipient: str
    text: str
    data: bytes = b""
    """The octets as they came, without the UDH."""
    udh: bytes = b""
    data_coding: int = 0
    uplink: str = ""
    bind: str = ""
    received_at: float = 0.0
    part_count: int = 1
    """How many parts it came in."""
    missing_parts: int = 0
    """How many of them did not come in time."""


class Event(msgspec.Struct, kw_only=True, frozen=True):
    """One line of a message's timeline."""

    message_id: str
    at: float
    state: State
    part: int = 0
    """0: the message as a whole."""
    attempt: int = 0
    node: str = ""
    bind: str = ""
    detail: str = ""


DELIVERY_SCHEME: Final = "smpp://"
"""Begins the `url` of a callback that goes out over an account's binds; its name follows."""

SERVICES: Final = "services"
"""The `dialect` of messages that a service of ours sends: their ends are noted, whether or not they owe a callback."""


class Callback(msgspec.Struct, kw_only=True, frozen=True):
    """An HTTP request, or a deliver_sm, that is owed to somebody until it is acknowledged."""

    id: str
    account: str
    url: str
    method: str = "POST"
    content_type: str = "application/json"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    message_id: str = ""
    dialect: str = "native"
    created_at: float = 0.0
    due_at: float = 0.0
    tries: int = 0
    last_error: str = ""
    failed: bool = False
    """Given up: kept, and replayable."""
