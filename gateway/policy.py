"""What a message must be to be accepted, whichever door it came through."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.config import AccountConfig
from gateway.errors import InvalidMessage
from gateway.models import DELIVERY_SCHEME, Coding, NewMessage
from gateway.networks import Network, check_url
from smpp.sms.coding import Alphabet, scheme_of

RECIPIENT: Final = re.compile(r"[0-9]{3,20}", re.ASCII)
SENDER_NUMBER: Final = re.compile(r"\+?[0-9]{3,20}", re.ASCII)
SENDER_NAME: Final = re.compile(r"[\x20-\x7e]{1,11}", re.ASCII)

TEXT_LIMIT: Final = 255 * 153
"""Characters: what 255 parts, the most that a concatenation header counts, can carry in the best case."""
DATA_LIMIT: Final = 255 * 134
UDH_LIMIT: Final = 140
PART_OCTETS: Final = 140
PART_SEPTETS: Final = 160
SMPP: Final = "smpp"
"""The dialect of those who bind to us."""
VALIDITY_LIMIT_SECONDS: Final = 7 * 86_400
SCHEDULE_LIMIT_SECONDS: Final = 365 * 86_400
TLV_LIMIT: Final = 64
TLV_OCTETS_LIMIT: Final = 4_096
REFERENCE_LIMIT: Final = 255

_PUNCTUATION: Final = str.maketrans("", "", " -().\u00a0")


class Policy:
    """The rules, with those of each account."""

    def __init__(self, accounts: Mapping[str, AccountConfig], exempt_networks: Sequence[Network] = ()) -> None:
        self._accounts = accounts
        self._exempt_networks = exempt_networks
        self._senders = {name: frozenset(account.senders) for name, account in accounts.items()}
        self._own_urls = {name: account.callback_url for name, account in accounts.items()}

    def check(self, message: NewMessage, now: float) -> NewMessage:
        """The message as it will be kept: its recipient in plain digits, the account's defaults filled in.

        Raises:
            InvalidMessage: it cannot be accepted; code and field say why.
        """
        account = self._accounts.get(message.account)
        if account is None:
            raise InvalidMessage("unknown_account", "the account is not known", "account")
        changes: dict[str, str] = {}
        recipient = _plain_number(message.recipient)
        if recipient != message.recipient:
            changes["recipient"] = recipient
        if not message.sender and account.default_sender:
            changes["sender"] = account.default_sender
        if not message.callback_url and account.callback_url and message.dialect != SMPP:
            changes["callback_url"] = account.callback_url
        if changes:
            message = msgspec.structs.replace(message, **changes)
        self._check_addresses(message)
        _check_content(message)
        _check_options(message, now)
        if message.callback_url and not self._is_own_url(message):
            check_url(message.callback_url, self._exempt_networks)
        return message

    def _is_own_url(self, message: NewMessage) -> bool:
        """Whether the operator allowed the address, or it is no address but the account's own binds."""
        if message.dialect == SMPP:
            return message.callback_url == DELIVERY_SCHEME + message.account
        return message.callback_url == self._own_urls[message.account]

    def _check_addresses(self, message: NewMessage) -> None:
        if not RECIPIENT.fullmatch(message.recipient):
            raise InvalidMessage(
                "invalid_recipient", "the recipient must be a number of 3 to 20 digits with country code", "recipient"
            )
        if not message.sender:
            raise InvalidMessage("missing_sender", "the message names no sender and the account has none", "sender")
        if not SENDER_NUMBER.fullmatch(message.sender) and not SENDER_NAME.fullmatch(message.sender):
            raise InvalidMessage(
                "invalid_sender",
                "the sender must be a number of 3 to 20 digits or a name of 1 to 11 characters",
                "sender",
            )
        allowed = self._senders[message.account]
        if allowed and message.sender not in allowed and message.sender.removeprefix("+") not in allowed:
            raise InvalidMessage("sender_not_allowed", "the account may not use this sender", "sender")


def _plain_number(number: str) -> str:
    """A recipient without what people write into numbers: +, 00, blanks, dashes, brackets."""
    if number.isdecimal() and not number.startswith("00"):
        return number
    plain = number.translate(_PUNCTUATION)
    if plain.startswith("+"):
        return plain[1:]
    return plain[2:] if plain.startswith("00") else plain


def _check_content(message: NewMessage) -> None:
    if message.data is None:
        _check_text(message)
    else:
        _check_data(message)
    if message.udh:
        _check_udh(message)


def _check_text(message: NewMessage) -> None:
    if message.coding is Coding.BINARY:
        raise InvalidMessage("missing_data", "a binary message needs data, not text", "data")
    if not message.text:
        raise InvalidMessage("missing_text", "the message has no text", "text")
    if len(message.text) > TEXT_LIMIT:
        raise InvalidMessage("text_too_long", f"the text has more than {TEXT_LIMIT} characters", "text")
    if not message.text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in message.text):
        raise InvalidMessage("invalid_text", "the text has half a surrogate pair in it", "text")
    if message.coding is Coding.LATIN_1 and not _is_latin1(message.text):
        raise InvalidMessage("invalid_text", "the text has characters that Latin-1 lacks", "text")


def _is_latin1(text: str) -> bool:
    return text.isascii() or max(text) <= "\xff"


def _check_data(message: NewMessage) -> None:
    data = message.data or b""
    if message.text:
        raise InvalidMessage("text_and_data", "a message has either text or data", "data")
    if not data and not message.udh:
        raise InvalidMessage("missing_data", "the message has no data", "data")
    if len(data) > DATA_LIMIT:
        raise InvalidMessage("data_too_long", f"the data has more than {DATA_LIMIT} octets", "data")
    if message.udh and not _fits_one_part(message, data):
        raise InvalidMessage(
            "data_too_long",
            f"data with a header of its own must fit into {PART_OCTETS} octets together with it",
            "data",
        )


def _fits_one_part(message: NewMessage, data: bytes) -> bool:
    if len(message.udh) + len(data) <= PART_OCTETS:
        return True
    if message.data_coding is None or message.coding is Coding.BINARY:
        return False
    # One septet an octet: whether data_coding 0 means that here is for the uplink to say.
    is_gsm = scheme_of(message.data_coding).alphabet is Alphabet.GSM
    return is_gsm and -(-len(message.udh) * 8 // 7) + len(data) <= PART_SEPTETS


def _check_udh(message: NewMessage) -> None:
    """A user data header says its own length, and so does each element in it. 3GPP TS 23.040 §9.2.3.24."""
    udh = message.udh
    if len(udh) > UDH_LIMIT or udh[0] != len(udh) - 1:
        raise InvalidMessage("invalid_udh", "the header's first octet must be the number of those that follow", "udh")
    at = 1
    while at < len(udh):
        if at + 1 >= len(udh) or at + 2 + udh[at + 1] > len(udh):
            raise InvalidMessage("invalid_udh", "an element of the header is longer than the header", "udh")
        at += 2 + udh[at + 1]


def _check_options(message: NewMessage, now: float) -> None:
    if message.data_coding is not None and not 0 <= message.data_coding <= 255:
        raise InvalidMessage("invalid_data_coding", "data_coding is a number from 0 to 255", "data_coding")
    if message.message_class is not None and not 0 <= message.message_class <= 3:
        raise InvalidMessage("invalid_message_class", "the message class is a number from 0 to 3", "message_class")
    if message.validity_seconds is not None and not 1 <= message.validity_seconds <= VALIDITY_LIMIT_SECONDS:
        raise InvalidMessage(
            "invalid_validity", f"the validity is 1 to {VALIDITY_LIMIT_SECONDS} seconds", "validity_seconds"
        )
    if message.scheduled_at is not None and not message.scheduled_at <= now + SCHEDULE_LIMIT_SECONDS:
        raise InvalidMessage("invalid_schedule", "a message cannot be scheduled more than a year ahead", "scheduled_at")
    if not 0 <= message.priority <= 3:
        raise InvalidMessage("invalid_priority", "the priority is a number from 0 to 3", "priority")
    if len(message.client_reference) > REFERENCE_LIMIT:
        raise InvalidMessage(
            "client_reference_too_long", f"the reference has more than {REFERENCE_LIMIT} characters", "client_reference"
        )
    _check_tlvs(message)


def _check_tlvs(message: NewMessage) -> None:
    if len(message.tlvs) > TLV_LIMIT:
        raise InvalidMessage("too_many_tlvs", f"a message has at most {TLV_LIMIT} TLVs", "tlvs")
    if sum(len(value) for _, value in message.tlvs) > TLV_OCTETS_LIMIT:
        raise InvalidMessage("tlvs_too_long", f"all TLVs together have at most {TLV_OCTETS_LIMIT} octets", "tlvs")
    for tag, _ in message.tlvs:
        if not 0 <= tag <= 0xFFFF:
            raise InvalidMessage("invalid_tlv", "a tag is a number from 0 to 65535", "tlvs")
