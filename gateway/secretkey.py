"""The gateway's own key: API keys are kept as hashes made with it, what must be read back is encrypted with it.

It comes from `node.secret_key`; a node with a database of its own makes one at first start and keeps it beside that.
Beside the one that is used there may be others that are only known, earlier ones or the next: what was made with them
is still understood, which is how a key is replaced while nodes run.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.config import Config
from gateway.errors import ConfigError

SUFFIX: Final = ".key"
_MODE: Final = 0o600
_OCTETS: Final = 32
NAME_OCTETS: Final = 4


class SecretKey:
    """A key that never shows itself; every purpose has one of its own, derived from it.

    Args:
        key: makes whatever is made from now on.
        others: understand what was made with them.
    """

    __slots__ = ("_key", "others")

    def __init__(self, key: bytes, others: Sequence[bytes] = ()) -> None:
        self._key = key
        self.others: tuple[SecretKey, ...] = tuple(
            SecretKey(other) for other in dict.fromkeys(others) if other and other != key
        )
        """Those that are only known."""

    @property
    def all(self) -> "tuple[SecretKey, ...]":
        """Itself and the others."""
        return (self, *self.others)

    @property
    def name(self) -> str:
        """Eight hexadecimal digits that tell keys apart and say nothing of them."""
        return self.derive("name")[:NAME_OCTETS].hex()

    def derive(self, purpose: str) -> bytes:
        """32 octets for one purpose."""
        return hmac.digest(self._key, b"gateway " + purpose.encode(), hashlib.sha256)

    def digest(self, purpose: str, text: str) -> str:
        """A keyed hash, in hex: equal texts of one purpose have equal ones."""
        # surrogatepass: whatever text a header was decoded to is a wrong key, not a fault.
        message = text.encode("utf-8", "surrogatepass")
        return hmac.digest(self.derive(purpose), message, hashlib.sha256).hex()

    def __repr__(self) -> str:
        return "SecretKey(…)"


def open_secret_key(config: Config) -> SecretKey | None:
    """The key of this config; None where several nodes share a database and `node.secret_key` is not set.

    Raises:
        ConfigError: its file can be neither read nor made.
    """
    node = config.node
    others = [other.reveal().encode() for other in node.other_secret_keys]
    scheme, _, path = config.store.url.partition(":")
    file = Path(path + SUFFIX) if scheme == "sqlite" else None
    try:
        if node.secret_key:
            # The one made at first start, before there was one in the config.
            made = _read(file) if file is not None else b""
            return SecretKey(node.secret_key.reveal().encode(), [*others, made])
        if scheme == "memory":
            return SecretKey(secrets.token_bytes(_OCTETS), others)
        if file is None:
            return None
        return SecretKey(_read(file) or _make(file), others)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(str(file), "(file)", None, f"a file that can be read and written ({reason})") from None


def _read(file: Path) -> bytes:
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return b""
    except ValueError:
        key = b""
    if len(key) < _OCTETS:
        # Made anew, it would make every stored key worthless without a word.
        raise ConfigError(str(file), "(file)", None, f"{_OCTETS} octets in hexadecimal digits")
    return key


def _make(file: Path) -> bytes:
    key = secrets.token_bytes(_OCTETS)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        os.write(descriptor, key.hex().encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(file)
    return key
