"""One-time codes: how they are made, read and compared. Nothing here keeps one."""

import re
import secrets
from typing import Final

from gateway.sealing import Sealer

LENGTHS: Final = range(3, 11)
"""Digits of a code made here."""
OWN_CODE: Final = re.compile(r"[!-~]{3,32}")
"""A code of the caller's own."""

_BETWEEN: Final = str.maketrans("", "", " -\u00a0\u2009\u200b\t\r\n")
_OTHER_DIGITS: Final = re.compile(r"\d")


def make_code(length: int) -> str:
    """A code of so many digits, each as likely as any other."""
    return f"{secrets.randbelow(10**length):0{length}d}"


def as_typed(code: str) -> str:
    """A code as it was meant: without blanks and dashes, and with the digits that everybody has."""
    plain = code.translate(_BETWEEN)
    return plain if plain.isascii() else _OTHER_DIGITS.sub(lambda found: str(int(found.group())), plain)


def fingerprint(sealer: Sealer, account: str, verification_id: str, code: str) -> str:
    """What is kept of a code: useless without the key, and for any other verification."""
    return sealer.fingerprint("one-time code", account, verification_id, code)


def is_right(sealer: Sealer, kept: str, account: str, verification_id: str, code: str) -> bool:
    """Whether a code is the one of which this is kept."""
    return sealer.matches(kept, "one-time code", account, verification_id, as_typed(code))
