"""Which part a receipt is about: ids compared through the group's rule, and addresses that must agree.

How ids are spelt and converted is `smpp.correlator.ids`; here it is put into the forms that a store asks for. Ids are
kept as they came; `look_up_key` is the form they are indexed by, and `receipt_forms` says under which keys a receipt's
part may be found.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

from smpp.correlator import ids

IdRule = Literal["as_is", "response_hex_receipt_decimal", "response_decimal_receipt_hex", "auto"]

ENOUGH_VOTES: Final = 10
"""`auto` stops counting once it has seen a rule work this often."""


@lru_cache(16_384)
def look_up_key(smsc_message_id: str) -> str:
    """The form an id is indexed by: without spaces and leading zeros, in lower case; empty for a blank one."""
    return ids.response_key("auto", _plain(smsc_message_id))


def _plain(smsc_message_id: str) -> str:
    """Without leading zeros, and blanks between them: what is made of it is not made shorter still the next time."""
    text = smsc_message_id.strip()
    while (shorter := text.lstrip("0").lstrip()) != text:
        if not shorter:
            return "0"
        text = shorter
    return text


def receipt_forms(rule: IdRule, receipt_id: str, votes: Mapping[str, int]) -> list[tuple[IdRule, str]]:
    """The keys under which the response of a receipt may be indexed, the likeliest first, each with its rule."""
    if rule == "as_is":
        # The index knows one form only: whether the text is the very same is for `ids_match` to say.
        key = look_up_key(receipt_id)
        return [(rule, key)] if key else []
    forms: list[tuple[IdRule, str]] = [(one.value, key) for one, key in ids.receipt_keys(rule, _plain(receipt_id))]
    return sorted(forms, key=lambda form: -votes.get(form[0], 0)) if rule == "auto" else forms


def response_forms(rule: IdRule, response_id: str) -> list[str]:
    """The keys under which receipts of a response may be parked."""
    key = look_up_key(response_id)
    if rule == "as_is":
        return [key] if key else []
    # Any receipt's id is this one in its own base or in another: those that would look where it is indexed.
    spellings = [one for _, one in ids.receipt_keys("auto", key)]
    return [one for one in spellings if key in (form for _, form in ids.receipt_keys(rule, one))]


def ids_match(rule: IdRule, response_id: str, receipt_id: str) -> bool:
    """Whether equal keys mean equal ids: only `as_is` wants more, namely the very same text."""
    return rule != "as_is" or response_id.strip() == receipt_id.strip()


def addresses_agree(one: str, other: str) -> bool:
    """Whether two ways to write a number mean the same handset; names are the same in any case."""
    return ids.addresses_agree(one.strip().lower(), other.strip().lower())


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
