"""When two spellings of a message id, or of an address, may mean the same one. Pure functions.

submit_sm_resp and receipt name a message by an opaque text, but SMSCs exist that write it in hexadecimal in one of them
and in decimal in the other, with or without leading zeros, in either case. Ids are stored as they came; what is
compared is a key:

    response id ──► exactly one key, to index by
    receipt id  ──► the keys to look under, the likeliest first

Two ids may be the same where the response's key is among the receipt's.
"""

import re
from enum import StrEnum
from typing import Final

MAX_HEXADECIMAL_DIGITS: Final = 16
"""Longer ids are texts that happen to look like numbers (UUIDs without dashes, say): never converted."""

MAX_DECIMAL_DIGITS: Final = 20
"""As many as 2**64 has."""

TRAILING_DIGITS: Final = 8
"""How many of the last digits must be equal: country codes, trunk and routing prefixes come and go on the way."""

SHORTEST_NUMBER: Final = 6
"""An address with fewer digits is a short code: it agrees with nothing but itself."""

_HEXADECIMAL: Final = re.compile(f"[0-9a-f]{{1,{MAX_HEXADECIMAL_DIGITS}}}")
_DECIMAL: Final = re.compile(f"[0-9]{{1,{MAX_DECIMAL_DIGITS}}}")
_PUNCTUATION: Final = dict.fromkeys(map(ord, "+ ().-"))


class IdRule(StrEnum):
    """How the ids of an SMSC group's responses and receipts compare. The values are those of a config."""

    AS_IS = "as_is"
    """The same text, blanks around it aside."""
    RESPONSE_HEX_RECEIPT_DECIMAL = "response_hex_receipt_decimal"
    RESPONSE_DECIMAL_RECEIPT_HEX = "response_decimal_receipt_hex"
    AUTO = "auto"
    """Any of the three, also with other leading zeros or case; only where the addresses agree as well."""


class Side(StrEnum):
    """Where an id was read."""

    RESPONSE = "response"
    RECEIPT = "receipt"


def canonical_ids(rule: IdRule | str, message_id: str, side: Side | str) -> tuple[str, ...]:
    """The keys that a message id is found by.

    An id that is no number of the base it should have is compared as text: equal ids stay equal under every rule.

    Args:
        rule: of the group the id belongs to.
        message_id: as it stands in the PDU.
        side: where it stands.

    Returns:
        For a response its one key. For a receipt one key, or up to three under `AUTO`. Nothing for an empty id.
    """
    if side == Side.RESPONSE:
        key = response_key(rule, message_id)
        return (key,) if key else ()
    return tuple(key for _, key in receipt_keys(rule, message_id))


def response_key(rule: IdRule | str, message_id: str) -> str:
    """The key to index a response's id by; empty for an empty id."""
    if rule == IdRule.AS_IS:
        return message_id.strip()
    return _fold(message_id)


def receipt_keys(rule: IdRule | str, message_id: str) -> tuple[tuple[IdRule, str], ...]:
    """The keys a receipt's id may be indexed by, each with the rule that says so; no key comes twice."""
    if rule == IdRule.AS_IS:
        key = message_id.strip()
        return ((IdRule.AS_IS, key),) if key else ()
    folded = _fold(message_id)
    if not folded:
        return ()
    if rule == IdRule.RESPONSE_HEX_RECEIPT_DECIMAL:
        return ((IdRule.RESPONSE_HEX_RECEIPT_DECIMAL, _decimal_as_hexadecimal(folded) or folded),)
    if rule == IdRule.RESPONSE_DECIMAL_RECEIPT_HEX:
        return ((IdRule.RESPONSE_DECIMAL_RECEIPT_HEX, _hexadecimal_as_decimal(folded) or folded),)
    if rule != IdRule.AUTO:
        raise ValueError(f"{rule!r} is no rule for message ids: one of {', '.join(IdRule)}")
    keys = [(IdRule.AS_IS, folded)]
    converted = _decimal_as_hexadecimal(folded)
    if converted and converted != folded:
        keys.append((IdRule.RESPONSE_HEX_RECEIPT_DECIMAL, converted))
    converted = _hexadecimal_as_decimal(folded)
    if converted and converted != folded:
        keys.append((IdRule.RESPONSE_DECIMAL_RECEIPT_HEX, converted))
    return tuple(keys)


def addresses_agree(one: str, other: str) -> bool:
    """Whether two addresses may be the same subscriber.

    Numbers: the last `TRAILING_DIGITS` digits are equal, or all of the shorter one where it has fewer (down to
    `SHORTEST_NUMBER`; short codes must be equal). A plus sign, leading zeros and punctuation do not count. Alphanumeric
    addresses are the same text. An empty address agrees with nothing.
    """
    if one == other:
        return bool(one)
    first, second = _digits(one), _digits(other)
    if not first or not second:
        return False
    length = min(len(first), len(second), TRAILING_DIGITS)
    if length < SHORTEST_NUMBER:
        return first == second
    return first[-length:] == second[-length:]


def _fold(message_id: str) -> str:
    """Without blanks, leading zeros and capitals; the very same object where there are none, which saves its copy."""
    text = message_id.strip()
    if not text:
        return ""
    folded = text.lower().lstrip("0") or "0"
    return text if folded == text else folded


def _decimal_as_hexadecimal(key: str) -> str:
    if not _DECIMAL.fullmatch(key):
        return ""
    converted = format(int(key), "x")
    return converted if len(converted) <= MAX_HEXADECIMAL_DIGITS else ""


def _hexadecimal_as_decimal(key: str) -> str:
    return str(int(key, 16)) if _HEXADECIMAL.fullmatch(key) else ""


def _digits(address: str) -> str:
    """The digits of a number without leading zeros; empty for what is no number."""
    if address.isascii() and address.isdigit():
        return address.lstrip("0")
    plain = address.translate(_PUNCTUATION)
    return plain.lstrip("0") if plain.isascii() and plain.isdigit() else ""
