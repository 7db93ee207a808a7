"""Balances, usage and idempotency keys in dictionaries."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.errors import KeyTaken
from gateway.models import Message
from gateway.store.money import Admission, Books, Claimed, Entry, EntryKind, Refund, admit, limited_periods

replace = msgspec.structs.replace


class MoneyTables:
    """What accounts have, and the keys of their requests."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], tuple[Claimed, float]] = {}
        self._balances: dict[str, int] = {}
        self._used: dict[tuple[str, str], int] = {}
        self._entries: list[Entry] = []

    def admit(self, admission: Admission) -> Mapping[str, str]:
        """Charge and count; why some messages are not to be kept.

        Raises:
            KeyTaken: the claim's key is.
        """
        claim = admission.claim
        if claim is not None and (found := self.find_claim(claim.account, claim.key, claim.at)) is not None:
            raise KeyTaken(found.fingerprint, found.answer)
        books = Books(dict(self._balances), {key: self._used.get(key, 0) for key in limited_periods([admission])})
        refused = admit(admission, books)
        answer = claim.answer(refused) if claim is not None else b""
        self._write(books)
        if claim is not None and len(refused) < len(admission.messages):
            self._claims[claim.account, claim.key] = Claimed(claim.fingerprint, answer), claim.expires_at
        return refused

    def find_claim(self, account: str, key: str, now: float) -> Claimed | None:
        """What a key was used for."""
        claimed, expires_at = self._claims.get((account, key), (None, 0.0))
        return claimed if expires_at > now else None

    def drop_claims(self, now: float) -> int:
        """Forget keys whose time is over."""
        old = [key for key, (_, expires_at) in self._claims.items() if expires_at <= now]
        for key in old:
            del self._claims[key]
        return len(old)

    def refund(self, refunds: Sequence[Refund]) -> None:
        """Give accounts back what messages that have ended did not cost."""
        self._book([(one.account, EntryKind.REFUND, one.at, one.amount) for one in refunds])

    def recharge(self, old: int, message: Message) -> None:
        """Charge the difference where a message was written anew and costs another price."""
        if old != message.price:
            self._book([(message.account, EntryKind.CHARGE, message.updated_at, old - message.price)])

    def _book(self, changes: Collection[tuple[str, EntryKind, float, int]]) -> None:
        books = Books(dict(self._balances))
        for account, kind, at, amount in changes:
            books.book(account, kind, at, amount)
        self._write(books)

    def _write(self, books: Books) -> None:
        self._balances.update(books.balances)
        self._used.update(books.used)
        for entry in books.entries():
            key = (entry.account, entry.kind, entry.at)
            n = next((n for n, one in enumerate(self._entries) if (one.account, one.kind, one.at) == key), None)
            if n is None:
                self._entries.append(replace(entry, n=len(self._entries) + 1))
            else:
                old = self._entries[n]
                amount, count = old.amount + entry.amount, old.count + entry.count
                self._entries[n] = replace(old, amount=amount, count=count, balance=entry.balance)

    def book(self, entry: Entry) -> Entry:
        """Add a single line; one whose reference is known is not added again."""
        for one in self._entries:
            if entry.reference and (one.account, one.reference) == (entry.account, entry.reference):
                return one
        after = self._balances[entry.account] = self.balance(entry.account) + entry.amount
        self._entries.append(replace(entry, balance=after, n=len(self._entries) + 1))
        return self._entries[-1]

    def balance(self, account: str) -> int:
        """What an account has."""
        return self._balances.get(account, 0)

    def entries(self, account: str, limit: int, before: int) -> list[Entry]:
        """Newest first."""
        found = [one for one in self._entries if one.account == account and (not before or one.n < before)]
        return found[::-1][:limit]

    def usage(self, account: str) -> dict[str, int]:
        """By period."""
        return {period: parts for (name, period), parts in self._used.items() if name == account}
