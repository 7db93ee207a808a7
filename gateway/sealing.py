"""What must not be read where it is kept: texts that carry one-time codes, and the codes' fingerprints.

    NewMessage(secret) ──intake──► sealed text ──store, lanes──► opened while it is split ──► sealed parts ──store──►
    opened as it is written to the socket

Sealed is AES-256-GCM with the gateway's own key, bound to the message (and part) it belongs to: who copies the database
has nothing, and nothing can be moved from one row to another.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Unsupported
from gateway.models import Message, NewMessage, Part, PartBody
from gateway.secretkey import SecretKey

replace = msgspec.structs.replace
M = TypeVar("M", bound=NewMessage)

_NONCE_OCTETS: Final = 12


class SealBroken(Unsupported):
    """What was sealed cannot be opened: with another key, or it was tampered with."""


class Sealer:
    """Seals and opens with the gateway's own key."""

    def __init__(self, key: SecretKey) -> None:
        self._cipher = AESGCM(key.derive("sealing"))
        self._mark = key.derive("fingerprints")

    # --- octets and text ---

    def seal(self, clear: bytes, owner: str) -> bytes:
        """Make octets unreadable; only with the same `owner` are they opened."""
        nonce = os.urandom(_NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, clear, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """The octets again.

        Raises:
            SealBroken: they are not what was sealed for this owner.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], owner.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"what was sealed for {owner} cannot be opened with this key") from None

    def seal_text(self, clear: str, owner: str) -> str:
        """The same as text."""
        return b64encode(self.seal(clear.encode(), owner)).decode()

    def open_text(self, sealed: str, owner: str) -> str:
        """The text again.

        Raises:
            SealBroken: it is not what was sealed for this owner.
        """
        try:
            octets = b64decode(sealed, validate=True)
        except ValueError:
            octets = b""
        return self.open(octets, owner).decode()

    # --- fingerprints ---

    def fingerprint(self, *parts: str) -> str:
        """A keyed digest: equal for equal parts, and telling nothing of them."""
        return _digest(self._mark, parts)

    def matches(self, fingerprint: str, *parts: str) -> bool:
        """Whether it is theirs; takes as long when it is not."""
        return hmac.compare_digest(fingerprint, self.fingerprint(*parts))

    # --- messages ---

    def seal_message(self, message: M, message_id: str) -> M:
        """A message whose text is sealed."""
        return replace(message, text=self.seal_text(message.text, message_id))

    def open_message(self, message: Message) -> Message:
        """With its text in clear, to be split and forgotten.

        Raises:
            SealBroken: the key is another, or it was erased.
        """
        return replace(message, text=self.open_text(message.text, message.id))

    def seal_bodies(self, message_id: str, bodies: Sequence[PartBody]) -> list[PartBody]:
        """Parts as they may be kept."""
        return [
            replace(body, short_message=self.seal(body.short_message, f"{message_id}/{number}"))
            for number, body in enumerate(bodies, 1)
        ]

    def open_part(self, part: Part) -> Part:
        """As it goes over the wire.

        Raises:
            SealBroken: the key is another, or it was erased.
        """
        clear = self.open(part.body.short_message, f"{part.message_id}/{part.number}")
        return replace(part, body=replace(part.body, short_message=clear))


def _digest(key: bytes, parts: Sequence[str]) -> str:
    # Lengths in front: no two lists of parts read the same.
    joined = b"".join(len(octets).to_bytes(4, "big") + octets for octets in (part.encode() for part in parts))
    return hmac.digest(key, joined, hashlib.sha256).hex()
