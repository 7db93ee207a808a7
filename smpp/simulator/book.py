"""What the simulated SMSC knows of the messages it accepted, and the ids it gives them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec

from smpp.constants import MessageState
from smpp.simulator.forms import RECEIPT_FORMS, ReceiptForm
from smpp.simulator.script import Ids
from smpp.wire.pdu import DataSm, SubmitMulti, SubmitSm

Submit = SubmitSm | SubmitMulti | DataSm
Address = tuple[int, int, str]
"""TON, NPI and number."""

_SURPLUS: Final = 1.1
"""Old messages are dropped a tenth of the book at a time: one by one would walk over the gaps they leave."""


class StoredMessage(msgspec.Struct, kw_only=True, gc=False):
    """One message to one destination."""

    message_id: str
    receipt_id: str
    """The id as receipts write it."""
    system_id: str
    server: int
    session: Any
    """The bind it came over, as long as it lives."""
    message: Submit
    source: Address
    destination: Address
    text: bytes
    """Its octets: short_message or message_payload; what replace_sm put there."""
    data_coding: int
    esm_class: int
    registered_delivery: int
    accepted_at: float
    """On the loop's clock."""
    accepted_on: float
    """Seconds since 1970."""
    final_at: float
    final_state: MessageState
    expires_at: float = float("inf")
    error: str = "000"
    word: str = ""
    """What `stat` of its final receipt says; "": the state's own word."""
    form: ReceiptForm = RECEIPT_FORMS["standard"]
    is_duplicated: bool = False
    is_out_of_order: bool = False
    version: int = 0
    """Goes up with each change; what was planned for an older one is void."""
    planned: int = 0
    """Reports on the agenda for this version."""
    siblings: "tuple[StoredMessage, ...]" = ()
    """The other destinations of a submit_multi: they share the id."""

    def state(self, now: float) -> MessageState:
        """Where it is now."""
        return self.final_state if now >= self.final_at else MessageState.ENROUTE

    @property
    def service_type(self) -> str:
        """As it was submitted with."""
        return self.message.service_type

    def all(self) -> "Iterator[StoredMessage]":
        """It and its siblings."""
        yield self
        yield from self.siblings


class Book(Mapping[str, StoredMessage]):
    """Messages by id, the newest `limit` of them.

    Args:
        limit: how many to keep.
    """

    def __init__(self, limit: int) -> None:
        self._messages: dict[str, StoredMessage] = {}
        self._limit = limit
        self._full_at = max(limit + 1, int(limit * _SURPLUS))

    def __getitem__(self, message_id: str) -> StoredMessage:
        return self._messages[message_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: StoredMessage) -> None:
        """Keep a message; the oldest go when there are too many."""
        messages = self._messages
        messages[message.message_id] = message
        if len(messages) >= self._full_at:
            for message_id in list(islice(messages, len(messages) - self._limit)):
                del messages[message_id]

    def find(self, message_id: str, source: Address) -> StoredMessage | None:
        """The message of this id, if it came from this source. §4.8.1: "must match that of the original"."""
        message = self._messages.get(message_id)
        if message is None and message_id:
            # Ids in hex or padded come back in another case, or without their zeros.
            message = self._messages.get(message_id.lower())
        if message is None or message.source[2] != source[2]:
            return None
        return message

    def waiting_between(
        self, source: Address, destination: Address, service_type: str, now: float
    ) -> list[StoredMessage]:
        """Messages that are not final yet, for a cancel_sm that names no id. §4.9.1."""
        return [
            one
            for message in self._messages.values()
            for one in message.all()
            if one.final_at > now
            and one.source[2] == source[2]
            and one.destination[2] == destination[2]
            and one.service_type == service_type
        ]


class IdMaker:
    """Makes message ids, each with the form that receipts write.

    Args:
        ids: how they look.
        random: for UUIDs.
    """

    def __init__(self, ids: Ids, random: Random) -> None:
        self._ids = ids
        self._random = random
        self._next = ids.start

    def next(self) -> tuple[str, str]:
        """The next id: as responses write it, and as receipts do."""
        number, ids = self._next, self._ids
        self._next = number + 1
        if ids.format == "decimal":
            message_id = str(number)
        elif ids.format == "uuid":
            message_id = str(UUID(int=self._random.getrandbits(128), version=4))
        else:
            message_id = self._written(number, ids.format)
        if ids.receipt_format == "same":
            return message_id, message_id
        return message_id, self._written(number, ids.receipt_format)

    def _written(self, number: int, id_format: str) -> str:
        if id_format == "hex":
            return f"{number:x}"
        return f"{number:0{self._ids.width}d}" if id_format == "padded" else str(number)
