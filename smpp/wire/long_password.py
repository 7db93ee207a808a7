"""Binds with a password that is longer than the specification allows, for the SMSCs that issue such."""

from typing import Final

import msgspec

from smpp.constants import HEADER_LENGTH
from smpp.errors import EncodeError
from smpp.wire.codec import encode
from smpp.wire.pdu import Bind

MAX_PASSWORD_OCTETS: Final = 64
"""Without its NUL. The specification allows 8. §5.2.2"""


def encode_long(message: Bind, sequence_number: int) -> bytes:
    """A bind whatever its password's length.

    Raises:
        EncodeError: a field that cannot be, or a password beyond `MAX_PASSWORD_OCTETS`; the text does not show it.
    """
    password = message.password
    if len(password) > MAX_PASSWORD_OCTETS or not password.isascii() or "\0" in password:
        raise EncodeError(
            f"{message.command_name}.password is not ASCII text of at most {MAX_PASSWORD_OCTETS} characters"
        )
    octets = encode(msgspec.structs.replace(message, password=""), sequence_number)
    at = octets.index(b"\0", HEADER_LENGTH) + 1
    return (len(octets) + len(password)).to_bytes(4, "big") + octets[4:at] + password.encode("ascii") + octets[at:]
