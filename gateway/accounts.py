"""Who is calling: from an API key or a provider's credentials to the account.

Keys are kept as keyed hashes and looked up by them, so that neither a table in memory nor the time a look-up takes says
anything about a key. The hashing key of those in the config is made at start and never leaves the process.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.config import AccountConfig, Secret
from gateway.errors import Unauthorized

_UNKNOWN: Final = "unknown or wrong credentials"
_MOCEAN: Final = "mocean"
_SMPP: Final = "smpp"


@dataclass(slots=True, frozen=True)
class Account:
    """Somebody who sends."""

    name: str
    roles: frozenset[str]
    default_sender: str = ""
    callback_url: str = ""

    def may(self, role: str, /) -> bool:
        """Whether its keys may do that: 'send', 'read', 'admin'."""
        return role in self.roles


@dataclass(slots=True, frozen=True)
class ExtraKey:
    """A key that is not in the config."""

    account: str
    roles: frozenset[str]


class Accounts:
    """The accounts by what they identify themselves with."""

    def __init__(self, accounts: Mapping[str, AccountConfig]) -> None:
        self._hash_key = secrets.token_bytes(32)
        self._by_name: dict[str, Account] = {}
        self._by_hash: dict[bytes, Account] = {}
        self._provider_secrets: dict[bytes, tuple[Account, bytes]] = {}
        self._extra_keys: Callable[[str], ExtraKey | None] = _no_key
        self.replace(accounts)

    def replace(self, accounts: Mapping[str, AccountConfig]) -> None:
        """Know these from now on, and no others."""
        self._by_name, self._by_hash, self._provider_secrets = {}, {}, {}
        for name, config in accounts.items():
            self._add(name, config)

    def set_extra_keys(self, find: Callable[[str], ExtraKey | None]) -> None:
        """Have keys looked up elsewhere, too, that the config does not have."""
        self._extra_keys = find

    def _add(self, name: str, config: AccountConfig) -> None:
        account = Account(name, frozenset(config.roles), config.default_sender, config.callback_url)
        self._by_name[name] = account
        for key in config.api_keys:
            self._by_hash[self._hash("native", key.reveal())] = account
        if config.mocean is not None:
            pair = (account, self._hash("secret", config.mocean.secret.reveal()))
            self._provider_secrets[self._hash(_MOCEAN, config.mocean.key)] = pair
            if config.mocean.token:
                self._by_hash[self._hash(_MOCEAN + " token", config.mocean.token.reveal())] = account
        if config.mobtexting is not None:
            self._by_hash[self._hash("mobtexting token", config.mobtexting.token.reveal())] = account
        if config.checkmobi is not None:
            self._by_hash[self._hash("checkmobi token", config.checkmobi.key.reveal())] = account
        if config.lanck is not None:
            pair = (account, self._hash("secret", config.lanck.password.reveal()))
            self._provider_secrets[self._hash("lanck", config.lanck.user)] = pair
        if config.smpp is not None:
            pair = (account, self._hash("secret", config.smpp.password.reveal()))
            self._provider_secrets[self._hash(_SMPP, config.smpp.system_id)] = pair

    def get(self, name: str) -> Account | None:
        """An account by its name."""
        return self._by_name.get(name)

    def by_api_key(self, key: str) -> Account:
        """The owner of a key of the native API.

        Raises:
            Unauthorized: nobody has it.
        """
        account = self._by_hash.get(self._hash("native", key))
        if account is not None:
            return account
        extra = self._extra_keys(key)
        owner = self._by_name.get(extra.account) if extra is not None else None
        if extra is None or owner is None:
            raise Unauthorized(_UNKNOWN)
        return replace(owner, roles=extra.roles)

    def by_provider(self, dialect: str, key: str, secret: str) -> Account:
        """The owner of a dialect's key and secret.

        Raises:
            Unauthorized: nobody has them.
        """
        account, expected = self._provider_secrets.get(self._hash(dialect, key), (None, b""))
        is_right = hmac.compare_digest(expected, self._hash("secret", secret))
        if account is None or not is_right:
            raise Unauthorized(_UNKNOWN)
        return account

    def by_system_id(self, system_id: str, password: str) -> Account:
        """The owner of an SMPP customer's system_id and password.

        Raises:
            Unauthorized: nobody has them.
        """
        return self.by_provider(_SMPP, system_id, password)

    def by_provider_token(self, dialect: str, token: str) -> Account:
        """The owner of a dialect's token.

        Raises:
            Unauthorized: nobody has it.
        """
        return self._owner(self._hash(dialect + " token", token))

    def _owner(self, digest: bytes) -> Account:
        account = self._by_hash.get(digest)
        if account is None:
            raise Unauthorized(_UNKNOWN)
        return account

    def _hash(self, purpose: str, text: str) -> bytes:
        # surrogatepass: whatever text an HTTP header was decoded to is a wrong key, not a fault.
        message = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")
        # Keyed BLAKE2: unlike HMAC it is computed without giving up the interpreter's lock, which costs far more than
        # the hash itself where a thread waits for it.
        return hashlib.blake2b(message, key=self._hash_key).digest()


def _no_key(_text: str) -> ExtraKey | None:
    return None


def dialect_keys(accounts: Mapping[str, AccountConfig]) -> dict[tuple[str, str], Secret]:
    """What signs the callbacks to an account's app, by account and dialect."""
    return {
        (name, "checkmobi"): config.checkmobi.signature_key
        for name, config in accounts.items()
        if config.checkmobi is not None
    }


def request_rates(accounts: Mapping[str, AccountConfig]) -> dict[tuple[str, str], float]:
    """Requests a second that an account's app may make of a dialect."""
    found: dict[tuple[str, str], float] = {}
    for name, config in accounts.items():
        if config.lanck is not None:
            found[name, "lanck"] = config.lanck.requests_per_second
        if config.mobtexting is not None:
            found[name, "mobtexting"] = config.mobtexting.queries_per_minute / 60
    return found
