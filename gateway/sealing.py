"""What must not be read where it is kept: texts that carry one-time codes, the codes' fingerprints, apps' secrets.

    NewMessage(secret) ──intake──► sealed text ──store, lanes──► opened while it is split ──► sealed parts ──store──►
    opened as it is written to the socket
    a document with a secret ──► sealed record ──store──► opened as it is read

Sealed is AES-256-GCM with the gateway's own key, bound to the message (and part) or record it belongs to: who copies
the database has nothing, and nothing can be moved from one row to another. What is sealed names its key, so that what
was sealed with another that is still known is opened, and found when it is to be sealed anew.
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
from gateway.secretkey import NAME_OCTETS, SecretKey

replace = msgspec.structs.replace
M = TypeVar("M", bound=NewMessage)

_MARK: Final = b"\x01"
"""Begins what is sealed: JSON does not."""
_NONCE_OCTETS: Final = 12
_HEAD_OCTETS: Final = len(_MARK) + NAME_OCTETS
IN_CLEAR: Final = ""
"""In place of a key's name: it is not sealed."""


class SealBroken(Unsupported):
    """What was sealed cannot be opened: with another key, or it was tampered with."""


class Sealer:
    """Seals and opens with the gateway's own key."""

    def __init__(self, key: SecretKey) -> None:
        self._ciphers = {bytes.fromhex(one.name): AESGCM(one.derive("sealing")) for one in key.all}
        self._head = _MARK + bytes.fromhex(key.name)
        self._cipher = self._ciphers[bytes.fromhex(key.name)]
        self._marks = [one.derive("fingerprints") for one in key.all]
        self.key_name = key.name
        """Of the key that seals."""

    # --- octets and text ---

    def seal(self, clear: bytes, owner: str) -> bytes:
        """Make octets unreadable; only with the same `owner` are they opened."""
        nonce = os.urandom(_NONCE_OCTETS)
        return self._head + nonce + self._cipher.encrypt(nonce, clear, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """The octets again.

        Raises:
            SealBroken: they are not what was sealed for this owner.
        """
        cipher = self._ciphers.get(sealed[len(_MARK) : _HEAD_OCTETS]) if sealed[:1] == _MARK else None
        if cipher is not None:
            clear = _opened(cipher, sealed[_HEAD_OCTETS:], owner)
            if clear is not None:
                return clear
        # What was sealed before there were names of keys does not say with which.
        for cipher in self._ciphers.values():
            clear = _opened(cipher, sealed, owner)
            if clear is not None:
                return clear
        raise SealBroken(f"what was sealed for {owner} cannot be opened with this key")

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
        return _digest(self._marks[0], parts)

    def matches(self, fingerprint: str, *parts: str) -> bool:
        """Whether it is theirs, made with any key that is known; takes as long when it is not."""
        compared = [hmac.compare_digest(fingerprint, _digest(mark, parts)) for mark in self._marks]
        return any(compared)

    # --- documents ---

    def seal_value(self, clear: bytes, name: Sequence[str]) -> bytes:
        """A document that nobody may read but under its own name: kind, account, key."""
        return self.seal(clear, _owner_of(name))

    def open_value(self, value: bytes, name: Sequence[str]) -> bytes:
        """The document in clear; one that was kept in clear is as it is.

        Raises:
            SealBroken: the key is another, or the document is another's.
        """
        return self.open(value, _owner_of(name)) if value[:1] == _MARK else value

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


def sealed_with(value: bytes) -> str:
    """The name of the key that a document is sealed with; IN_CLEAR where it is not."""
    return value[len(_MARK) : _HEAD_OCTETS].hex() if value[:1] == _MARK else IN_CLEAR


def _owner_of(name: Sequence[str]) -> str:
    # As lists, no two names read the same.
    return msgspec.json.encode(name).decode()


def _opened(cipher: AESGCM, sealed: bytes, owner: str) -> bytes | None:
    try:
        return cipher.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], owner.encode())
    except (InvalidTag, ValueError):
        return None


def _digest(key: bytes, parts: Sequence[str]) -> str:
    # Lengths in front: no two lists of parts read the same.
    joined = b"".join(len(octets).to_bytes(4, "big") + octets for octets in (part.encode() for part in parts))
    return hmac.digest(key, joined, hashlib.sha256).hex()
