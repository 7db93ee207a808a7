"""Addresses as people write them: phone numbers down to digits, senders either digits or a short name."""

import re
from typing import Final

MIN_RECIPIENT_DIGITS: Final = 3
"""The shortest short codes."""
MAX_RECIPIENT_DIGITS: Final = 15
"""ITU-T E.164: country code, area and subscriber number together."""
MAX_NUMERIC_SENDER: Final = 16
MAX_NAME_SENDER: Final = 11
"""3GPP TS 23.040 §9.1.2.5: eleven 7-bit characters fill an address field."""

_PLAIN: Final = re.compile(r"[0-9]{3,15}")
# Behind a plus sign stands a country code, and none begins with 0.
_WRITTEN: Final = re.compile(r"(\+[1-9]|[0-9])[0-9 \-]*")
_PUNCTUATION: Final = re.compile(r"[+ \-]")
_NAME: Final = re.compile(r"[\x20-\x7e]+")


def recipient_digits(written: str) -> str | None:
    """The digits of a recipient's number; None where it is not one.

    A plus sign, spaces, dashes and the international prefix 00 are left out.
    """
    if _PLAIN.fullmatch(written) and written[:2] != "00":
        return written
    stripped = written.strip(" ")
    if not _WRITTEN.fullmatch(stripped):
        return None
    digits = _PUNCTUATION.sub("", stripped)
    if stripped[0] != "+":
        digits = without_international_prefix(digits)
    return digits if MIN_RECIPIENT_DIGITS <= len(digits) <= MAX_RECIPIENT_DIGITS else None


def without_international_prefix(digits: str) -> str:
    """A number without the 00 that dials abroad."""
    return digits[2:] if digits.startswith("00") else digits


class SenderTooLong(ValueError):
    """More digits or characters than a handset can show."""


class SenderMalformed(ValueError):
    """Empty, or characters that no sender may hold."""


def sender_address(written: str) -> str:
    """A sender as it goes out: digits, or a name of at most eleven printable ASCII characters.

    Raises:
        SenderTooLong, SenderMalformed: it cannot be one.
    """
    sender = written.strip(" ")
    if _WRITTEN.fullmatch(sender):
        digits = _PUNCTUATION.sub("", sender)
        if sender[0] != "+":
            digits = without_international_prefix(digits)
        if len(digits) > MAX_NUMERIC_SENDER:
            raise SenderTooLong(f"a number has at most {MAX_NUMERIC_SENDER} digits")
        if not digits:
            raise SenderMalformed("empty")
        return digits
    if len(sender) > MAX_NAME_SENDER:
        raise SenderTooLong(f"a name has at most {MAX_NAME_SENDER} characters")
    if not _NAME.fullmatch(sender):
        raise SenderMalformed("letters, digits and ASCII punctuation only" if sender else "empty")
    return sender
