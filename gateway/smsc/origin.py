"""What is kept of a customer's request, so that its receipts look as the customer expects them."""

from typing import Final

import msgspec

from smpp.constants import RegisteredDelivery

Address = tuple[int, int, str]
"""TON, NPI and address, as the customer wrote them."""

_FINAL_MASK: Final = 0x03
_ACKNOWLEDGEMENTS: Final = int(RegisteredDelivery.SME_DELIVERY_ACK | RegisteredDelivery.SME_USER_ACK)
_KNOWN: Final = _FINAL_MASK | _ACKNOWLEDGEMENTS | int(RegisteredDelivery.INTERMEDIATE_NOTIFICATION)


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The customer's side of a message."""

    source: Address
    destination: Address
    registered_delivery: int = 0
    message_id: str = ""
    """The id that a submit_multi was answered with, where it is not the message's own."""
    user_message_reference: int | None = None

    @property
    def wants_success(self) -> bool:
        """Whether a receipt is owed for a message that was delivered."""
        return self.registered_delivery & _FINAL_MASK in (
            RegisteredDelivery.RECEIPT,
            RegisteredDelivery.RECEIPT_ON_SUCCESS,
        )

    @property
    def wants_failure(self) -> bool:
        """... that was not."""
        return self.registered_delivery & _FINAL_MASK in (
            RegisteredDelivery.RECEIPT,
            RegisteredDelivery.RECEIPT_ON_FAILURE,
        )

    @property
    def wants_intermediate(self) -> bool:
        """Whether a notification is owed for a message on its way."""
        return bool(self.registered_delivery & RegisteredDelivery.INTERMEDIATE_NOTIFICATION)

    @property
    def wants_anything(self) -> bool:
        """Whether it is of any interest what becomes of the message."""
        return self.wants_success or self.wants_failure or self.wants_intermediate


def can_register(registered_delivery: int) -> bool:
    """Whether we can give what a registered_delivery asks for; acknowledgements of the handset's user we cannot."""
    return not registered_delivery & ~_KNOWN and not registered_delivery & _ACKNOWLEDGEMENTS


_decoder: Final = msgspec.json.Decoder(Origin)


def write_origin(origin: Origin) -> str:
    """As a message keeps it."""
    return msgspec.json.encode(origin).decode()


def read_origin(text: str) -> Origin:
    """What `write_origin` wrote."""
    return _decoder.decode(text)
