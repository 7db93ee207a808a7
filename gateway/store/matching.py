"""Which part a receipt is about: ids compared through the group's rule, and addresses that must agree.

Responses and receipts name a message by an id, but some SMSCs write it in hexadecimal in one and in decimal in the
other, with or without leading zeros. Ids are kept as they came; `look_up_key` is the form they are indexed by, and
`receipt_forms` says under which keys a receipt's part may be found.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

IdRule = Literal["as_is", "response_hex_receipt_decimal", "response_decimal_receipt_hex", "auto"]

TRAILING_DIGITS: Final = 8
"""How many of the last digits must be equal: prefixes come and go between us, the SMSC and the handset."""

ENOUGH_VOTES: Final = 10
"""`auto` stops counting once it has seen a rule work this often."""

_HEX_DIGITS: Final = frozenset("0123456789abcdef")
_DECIMAL_DIGITS: Final = frozenset("0123456789")
_AUTO_ORDER: Final[tuple[IdRule, ...]] = ("as_is", "response_hex_receipt_decimal", "response_decimal_receipt_hex")


def look_up_key(smsc_message_id: str) -> str:
    """The form an id is indexed by: without spaces and leading zeros, in lower case."""
    return smsc_message_id.strip().lower().lstrip("0") or "0"


def receipt_forms(rule: IdRule, receipt_id: str, votes: Mapping[str, int]) -> list[tuple[IdRule, str]]:
    """The keys under which the response of a receipt may be indexed, the likeliest first, each with its rule."""
    if rule != "auto":
        return [(rule, key) for key in _receipt_key(rule, receipt_id)]
    order = sorted(_AUTO_ORDER, key=lambda one: -votes.get(one, 0))
    return [(one, key) for one in order for key in _receipt_key(one, receipt_id)]


def response_forms(rule: IdRule, response_id: str) -> list[str]:
    """The keys under which receipts of a response may be parked."""
    rules = _AUTO_ORDER if rule == "auto" else (rule,)
    return list(dict.fromkeys(key for one in rules for key in _response_key(one, response_id)))


def ids_match(rule: IdRule, response_id: str, receipt_id: str) -> bool:
    """Whether equal keys mean equal ids: only `as_is` wants more, namely the very same text."""
    return rule != "as_is" or response_id.strip() == receipt_id.strip()


def _receipt_key(rule: IdRule, receipt_id: str) -> Iterable[str]:
    key = look_up_key(receipt_id)
    if rule == "as_is":
        return (key,)
    return _hexadecimal(key) if rule == "response_hex_receipt_decimal" else _decimal(key)


def _response_key(rule: IdRule, response_id: str) -> Iterable[str]:
    key = look_up_key(response_id)
    if rule == "as_is":
        return (key,)
    return _decimal(key) if rule == "response_hex_receipt_decimal" else _hexadecimal(key)


def _hexadecimal(key: str) -> tuple[str, ...]:
    """A decimal id in hexadecimal; none where it is no number of at most 64 bits."""
    if len(key) > 20 or not _DECIMAL_DIGITS.issuperset(key):
        return ()
    return (format(int(key), "x"),)


def _decimal(key: str) -> tuple[str, ...]:
    if len(key) > 16 or not _HEX_DIGITS.issuperset(key):
        return ()
    return (str(int(key, 16)),)


def addresses_agree(one: str, other: str) -> bool:
    """Whether two ways to write a number mean the same handset: the last digits are equal, +, 00 and prefixes aside."""
    first, second = _digits(one), _digits(other)
    if not first or not second:
        return bool(one) and one.strip().lower() == other.strip().lower()
    length = min(len(first), len(second))
    if length < TRAILING_DIGITS:
        # Too short to tell by its end: short codes are equal or not, but a national prefix may be missing.
        return first == second or (length > 5 and first[-length:] == second[-length:])
    return first[-TRAILING_DIGITS:] == second[-TRAILING_DIGITS:]


def _digits(address: str) -> str:
    text = address.strip()
    if text.isascii() and text.isdigit():
        return text.lstrip("0")
    plain = text.removeprefix("+").replace(" ", "").replace("-", "")
    return plain.lstrip("0") if plain.isascii() and plain.isdigit() else ""


def may_be_about(rule: IdRule, receipt_addresses: Sequence[str], recipient: str) -> bool:
    """Whether a receipt's addresses allow it to be about a message to `recipient`.

    Args:
        rule: `auto` wants an address that agrees; the others take a receipt that names none.
        receipt_addresses: the handset's as the receipt has it, then the other one: some SMSCs do not swap them.
        recipient: of the message.
    """
    named = [address for address in receipt_addresses if address]
    if not receipt_addresses[0]:
        return rule != "auto"
    if addresses_agree(receipt_addresses[0], recipient):
        return True
    return rule != "auto" and any(addresses_agree(address, recipient) for address in named[1:])
