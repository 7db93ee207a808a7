"""Accounts: those of the config, and those added while the gateway runs, which the store keeps.

What is added is the same table as `[account.NAME]`, without secrets: those stay in the config, and keys are made by
`KeyRing`.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol, get_type_hints

import msgspec

from gateway.config import AccountConfig, Config, Secret
from gateway.errors import ConfigError, NotThere, OperatorError
from gateway.keys import KeyRing
from gateway.providers.ports import Balance
from gateway.reload import with_accounts
from gateway.settings import decode
from gateway.store import Record, Store

KIND: Final = "account"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Ledger(Protocol):
    """Knows what accounts have, and takes what they pay in."""

    async def balance(self, account: str) -> Balance:
        """What is left."""

    async def top_up(self, account: str, amount: Decimal, *, reference: str = "", note: str = "") -> object:
        """Add to it, or take from it, where negative; what is booked twice under one reference is booked once."""


class AccountStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the operator sees it."""

    name: str
    source: str
    """Where it is declared: config or store."""
    roles: tuple[str, ...]
    """Of its keys in the config."""
    config_keys: int
    stored_keys: int
    default_sender: str
    senders: tuple[str, ...]
    numbers: tuple[str, ...]
    doors: tuple[str, ...]
    """How it can come in: native, smpp, and the providers' dialects it has credentials for."""


class AccountDesk:
    """The accounts.

    Args:
        config: the settings in force.
        changed: called when the store has other accounts than before.
    """

    def __init__(
        self,
        store: Store,
        config: Callable[[], Config],
        keys: KeyRing,
        ledger: Ledger,
        changed: Callable[[], Awaitable[object]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._config = config
        self._keys = keys
        self._ledger = ledger
        self._changed = changed
        self._clock = clock
        self._stored: frozenset[str] = frozenset()

    def statuses(self) -> list[AccountStatus]:
        """Every account."""
        return [self.status(name) for name in sorted(self._config().account)]

    def status(self, name: str) -> AccountStatus:
        """One account.

        Raises:
            NotThere: there is none.
        """
        account = self._config().account.get(name)
        if account is None:
            raise NotThere(f"there is no account {name}")
        doors = [door for door in ("mocean", "mobtexting", "lanck", "checkmobi", "smpp") if getattr(account, door)]
        stored = len(self._keys.keys(name))
        return AccountStatus(
            name=name,
            source="store" if name in self._stored else "config",
            roles=account.roles,
            config_keys=len(account.api_keys),
            stored_keys=stored,
            default_sender=account.default_sender,
            senders=account.senders,
            numbers=account.numbers,
            doors=tuple((["native"] if stored or account.api_keys else []) + doors),
        )

    async def add(self, name: str, table: Mapping[str, Any]) -> AccountStatus:
        """Keep a new account.

        Args:
            table: what `[account.NAME]` would say.

        Raises:
            OperatorError: there is one of that name, or it is none.
            ConfigError: the table cannot be.
        """
        if not _NAME.fullmatch(name):
            raise OperatorError("a name has 1 to 64 of the characters A-Z a-z 0-9 _ -")
        if name in self._config().account:
            raise OperatorError(f"there is an account {name} already")
        secret = [key for key in table if _is_secret(key)]
        if secret:
            raise OperatorError(f"secrets are not kept in the store: {', '.join(secret)} can be set in the config only")
        # Before it is kept: together with the others it must fit, too.
        with_accounts(self._config(), {name: read_account(name, table)})
        now = self._clock()
        record = Record(
            kind=KIND, account="", key=name, value=msgspec.json.encode(table), created_at=now, updated_at=now
        )
        if not (await self._store.put_records([record]))[0]:
            raise OperatorError(f"there is an account {name} already")
        await self._changed()
        return self.status(name)

    async def remove(self, name: str) -> None:
        """Forget an account that was added, and its keys; its messages stay.

        Raises:
            NotThere: there is none in the store.
        """
        if not await self._store.drop_records(KIND, "", [name]):
            raise NotThere(f"there is no account {name} in the store; those of the config are changed there")
        for key in self._keys.keys(name):
            await self._keys.revoke(name, key.id)
        await self._changed()

    async def credit(self, name: str, amount: Decimal, *, reference: str = "", note: str = "") -> Balance:
        """Add to what an account may spend, or take from it; what is left then.

        Args:
            reference: a payment's: what is booked twice under one is booked once.

        Raises:
            NotThere: there is no such account.
            OperatorError: it is no amount to be booked.
        """
        self.status(name)
        try:
            await self._ledger.top_up(name, amount, reference=reference, note=note)
        except ValueError as error:
            raise OperatorError(str(error)) from None
        return await self._ledger.balance(name)

    async def load(self, problems: list[ConfigError]) -> dict[str, AccountConfig]:
        """The accounts that the store has.

        Args:
            problems: gets what is wrong with accounts that cannot be any more and are left out.

        Raises:
            StoreError: the store cannot be read.
        """
        found = await load_accounts(self._store, problems)
        self._stored = frozenset(found)
        return found


async def load_accounts(store: Store, problems: list[ConfigError]) -> dict[str, AccountConfig]:
    """The accounts that a store has.

    Args:
        problems: gets what is wrong with accounts that cannot be any more and are left out.

    Raises:
        StoreError: the store cannot be read.
    """
    found: dict[str, AccountConfig] = {}
    after = ""
    while records := await store.records(KIND, after_key=after, limit=1_000):
        for record in records:
            try:
                found[record.key] = read_account(record.key, msgspec.json.decode(record.value))
            except ConfigError as error:
                problems.append(error)
        after = records[-1].key
    return found


def read_account(name: str, table: Mapping[str, Any]) -> AccountConfig:
    """An account's settings of their table.

    Raises:
        ConfigError: they cannot be.
    """
    return decode(AccountConfig, dict(table), file="(store)", key=f"account.{name}")


def _is_secret(key: str) -> bool:
    hint = get_type_hints(AccountConfig).get(key)
    return hint is not None and (hint is Secret or Secret in getattr(hint, "__args__", ()) or _is_group(hint))


def _is_group(hint: Any) -> bool:
    """Tables of an account hold the credentials of a door."""
    return any(isinstance(one, type) and issubclass(one, msgspec.Struct) for one in getattr(hint, "__args__", (hint,)))
